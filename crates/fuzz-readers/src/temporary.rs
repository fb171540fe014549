//! Bytes as a file, for readers that take a path.

use std::path::Path;

/// Calls `read` with the path of a file of this name that holds the bytes. The folder is deleted afterwards.
pub(crate) fn with_file(name: &str, bytes: &[u8], read: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a temporary file");
    read(&path);
}
