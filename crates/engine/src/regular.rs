//! Opening files that must be files: a pipe would wait for ever.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Opens a regular file for reading, and gives its size.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}
