//! What the readers of all formats give: the layout of a table, and chunks of rows as Arrow columns.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use crate::error::ImportError;

/// Rows of one chunk.
pub(super) const CHUNK_ROWS: usize = 8 * 1024;
/// Bytes after which a chunk ends even if it has fewer rows.
pub(super) const CHUNK_BYTES: usize = 16 << 20;
/// What a cell costs beside its text.
pub(super) const CELL_BYTES: usize = 8;
/// Maximum size of a row of a text file.
pub(crate) const ROW_BYTES: u64 = 64 << 20;
/// Columns of some rows of one file.
#[derive(Debug)]
pub(crate) struct FileChunk {
    /// The columns that were asked for, in that order.
    pub(crate) columns: Vec<ArrayRef>,
    /// How many rows there are, also if no column was asked for.
    pub(crate) rows: usize,
}

/// The chunks of one file.
pub(crate) type FileChunks = Box<dyn Iterator<Item = Result<FileChunk, ImportError>> + Send>;

/// What the files of a table hold.
#[derive(Debug)]
pub(crate) struct FileLayout {
    /// Names and types of the columns.
    pub(crate) columns: Vec<(String, DataType)>,
    /// Data rows of each file.
    pub(crate) rows: Vec<u64>,
}
