//! What the readers of all formats share: how a file is read, and the rows as they stand in it.

use std::fs::File;
use std::path::Path;

use crate::cell::Cell;
use crate::error::IngestError;
use crate::reason::RejectReason;

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowFormat<'a> {
    /// JSON lines, an array of objects, an object with such an array under `data`, or one object.
    Json,
    /// Cells between delimiters.
    Csv {
        /// What stands between cells.
        delimiter: u8,
        /// Names of the columns, of a file without a header.
        header: Option<&'a [&'a str]>,
    },
    /// Parquet.
    Parquet,
    /// A fixed number of lines a row, one field a line.
    Text { fields: &'a [&'a str] },
}

/// A row as it stands in the file.
#[derive(Debug)]
pub(crate) struct RawRow {
    /// The physical line where it starts, from 1.
    pub(crate) line: Option<u64>,
    pub(crate) fields: Result<Cell, RejectReason>,
}

/// Takes rows, one after the other.
pub(crate) type RowSink<'a> = dyn FnMut(RawRow) -> Result<(), IngestError> + 'a;

/// Opens a regular file that is not empty.
pub(super) fn open(path: &Path) -> Result<File, IngestError> {
    // Before opening: to open a pipe may wait for ever.
    let metadata = std::fs::metadata(path).map_err(IngestError::io(path))?;
    if !metadata.is_file() {
        return Err(IngestError::NotAFile { path: path.to_owned() });
    }
    if metadata.len() == 0 {
        return Err(IngestError::Empty { path: path.to_owned() });
    }
    File::open(path).map_err(IngestError::io(path))
}
