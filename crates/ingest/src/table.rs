//! The rows of one table of the user's own, as they stand in it.

use std::path::Path;

use crate::cell::Cell;
use crate::error::IngestError;
use crate::limits::SOURCE_ROWS;
use crate::reason::RejectReason;
use crate::rows;
use crate::source::format_of;

/// A row of a table.
#[derive(Debug)]
pub struct TableRow {
    /// The physical line where it starts, from 1; `None` in Parquet.
    pub line: Option<u64>,
    /// Its fields, or why they cannot be read.
    pub fields: Result<Cell, RejectReason>,
}

/// Reads a table by its extension: CSV or TSV with a header, JSON lines, a JSON array, or Parquet.
///
/// # Errors
/// [`IngestError`] for a file that cannot be read, is damaged, empty, or of another format.
pub fn read_table(path: &Path) -> Result<Vec<TableRow>, IngestError> {
    let mut table = Vec::new();
    rows::each_row(path, format_of(path)?, &mut |raw| {
        if table.len() as u64 >= SOURCE_ROWS {
            return Err(IngestError::TooManyRows { path: path.to_owned(), limit: SOURCE_ROWS });
        }
        table.push(TableRow { line: raw.line, fields: raw.fields });
        Ok(())
    })?;
    Ok(table)
}
