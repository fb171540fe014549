//! Rows of a file, whatever its format: each is a [`Cell`], or a reason why it cannot be read.

mod csv;
mod json;
mod labels;
mod lines;
mod pages;
mod parquet;
mod text;

use std::fs::File;
use std::path::Path;

pub(crate) use labels::labels;

use crate::cell::Cell;
use crate::error::IngestError;
use crate::reason::RejectReason;

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format<'a> {
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
    Text {
        /// The fields.
        fields: &'a [&'a str],
    },
}

/// A row as it stands in the file.
#[derive(Debug)]
pub(crate) struct Raw {
    /// The physical line where it starts, from 1.
    pub(crate) line: Option<u64>,
    /// Its fields.
    pub(crate) fields: Result<Cell, RejectReason>,
}

/// Takes rows, one after the other.
pub(crate) type Take<'a> = dyn FnMut(Raw) -> Result<(), IngestError> + 'a;

/// Hands every row of a file to `take`.
pub(crate) fn each_row(path: &Path, format: Format<'_>, take: &mut Take<'_>) -> Result<(), IngestError> {
    match format {
        Format::Json => json::each_row(path, take),
        Format::Csv { delimiter, header } => csv::each_row(path, delimiter, header, take),
        Format::Parquet => parquet::each_row(path, take),
        Format::Text { fields } => text::each_row(path, fields, take),
    }
}

/// Opens a regular file that is not empty.
fn open(path: &Path) -> Result<File, IngestError> {
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
