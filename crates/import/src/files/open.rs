//! Opening files.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use crate::compressed;
use crate::error::ImportError;

/// Opens a text file.
pub(crate) fn open_text(path: &Path) -> Result<File, ImportError> {
    let mut file = open(path)?;
    let mut start = Vec::new();
    let read = (&mut file).take(compressed::MAGIC_BYTES as u64).read_to_end(&mut start);
    read.and_then(|_| file.rewind()).map_err(ImportError::io(path))?;
    match compressed::by_content(path, &start) {
        Some(error) => Err(error),
        None => Ok(file),
    }
}

/// Opens a regular file that is not empty.
pub(super) fn open(path: &Path) -> Result<File, ImportError> {
    // Before opening: to open a pipe may wait for ever.
    let metadata = std::fs::metadata(path).map_err(ImportError::io(path))?;
    if !metadata.is_file() {
        return Err(ImportError::NotAFile { path: path.to_owned() });
    }
    if metadata.len() == 0 {
        return Err(ImportError::Empty { path: path.to_owned() });
    }
    File::open(path).map_err(ImportError::io(path))
}
