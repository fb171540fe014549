//! Parquet to record batches; what this program cannot read is refused by name.

mod finite;

use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use serde::de::DeserializeOwned;

use plimsoll_files::FileError;

use crate::error::StoreError;
use crate::provenance::{self, Provenance};
use crate::table::Table;

const BATCH_ROWS: usize = 8 * 1024;

/// The record batches of a table's file.
#[derive(Debug)]
pub struct TableReader {
    table: &'static Table,
    path: PathBuf,
    provenance: Provenance,
    batches: ParquetRecordBatchReader,
}

impl TableReader {
    /// Where the table comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }
}

impl Iterator for TableReader {
    type Item = Result<RecordBatch, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batches = &mut self.batches;
        let batch = match guarded(&self.path, || batches.next()) {
            Ok(batch) => batch?,
            Err(damaged) => return Some(Err(damaged)),
        };
        Some(batch.map_err(|source| StoreError::Decode {
            table: self.table.name,
            path: self.path.clone(),
            source,
        }))
    }
}

/// Makes a panic of the Parquet reader, which some damage causes, an error of the file.
fn guarded<T>(path: &Path, read: impl FnOnce() -> T) -> Result<T, StoreError> {
    // What the reader left half done is not used again.
    panic::catch_unwind(AssertUnwindSafe(read)).map_err(|_| StoreError::Read {
        path: path.to_owned(),
        source: ParquetError::General("the file is damaged, and the reader gave up".to_owned()),
    })
}

/// Opens a file that [`crate::TableWriter`] wrote.
///
/// # Errors
/// [`StoreError::File`] or [`StoreError::Read`] for a missing or damaged file;
/// [`StoreError::OtherTable`], [`StoreError::OtherVersion`] or [`StoreError::OtherColumns`] for a
/// file that is not this table as this program knows it.
pub fn read_batches(path: &Path, table: &'static Table) -> Result<TableReader, StoreError> {
    open(path, table, None)
}

/// Opens a file for these columns alone, or for all.
fn open(path: &Path, table: &'static Table, columns: Option<&[&str]>) -> Result<TableReader, StoreError> {
    let file = File::open(path).map_err(FileError::new("open", path))?;
    let damaged = |source| StoreError::Read { path: path.to_owned(), source };
    // The Arrow schema that writers embed is read by code that panics on damage; Parquet's own says the same.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let opened = guarded(path, || ParquetRecordBatchReaderBuilder::try_new_with_options(file, options));
    let builder = opened?.map_err(damaged)?;
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let metadata = metadata.map(Vec::as_slice).unwrap_or_default();
    let found = provenance::find(metadata, provenance::TABLE_KEY);
    if found != Some(table.name) {
        let found = found.map(str::to_owned);
        return Err(StoreError::OtherTable { path: path.to_owned(), expected: table.name, found });
    }
    let version = provenance::find(metadata, provenance::SCHEMA_VERSION_KEY).unwrap_or_default();
    if version != table.version.to_string() {
        return Err(StoreError::OtherVersion {
            path: path.to_owned(),
            table: table.name,
            expected: table.version,
            found: version.to_owned(),
        });
    }
    if builder.schema().fields() != table.schema().fields() {
        return Err(StoreError::OtherColumns { path: path.to_owned(), table: table.name });
    }
    let provenance = Provenance::from_metadata(metadata);
    let mask = match columns {
        None => ProjectionMask::all(),
        Some(columns) => {
            let wanted = |index: &usize| columns.contains(&table.columns[*index].name);
            ProjectionMask::roots(builder.parquet_schema(), (0..table.columns.len()).filter(wanted))
        }
    };
    let builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
    let batches = guarded(path, || builder.build())?.map_err(damaged)?;
    Ok(TableReader { table, path: path.to_owned(), provenance, batches })
}

/// Reads a table whose columns are the serde fields of its rows. Finite numbers keep every bit; another one is missing
/// where its column may be empty. For tables that fit in memory.
///
/// # Errors
/// As [`read_batches`]; [`StoreError::Row`] names the column if a row is not of this type: a null where the row has none,
/// or a text that names no variant of an enum. [`StoreError::Decode`] if a column that may not be empty holds a number
/// that is not finite.
pub fn read_rows<T: DeserializeOwned>(path: &Path, table: &'static Table) -> Result<Vec<T>, StoreError> {
    rows(open(path, table, None)?, path)
}

/// [`read_rows`], of some columns alone: `T` has fields of these names, and no others are decoded.
///
/// # Errors
/// As [`read_rows`].
pub fn read_columns<T: DeserializeOwned>(
    path: &Path,
    table: &'static Table,
    columns: &[&str],
) -> Result<Vec<T>, StoreError> {
    rows(open(path, table, Some(columns))?, path)
}

fn rows<T: DeserializeOwned>(batches: TableReader, path: &Path) -> Result<Vec<T>, StoreError> {
    let table = batches.table;
    let mut rows = Vec::new();
    for batch in batches {
        let batch = finite::with_finite_floats(&batch?).map_err(|source| StoreError::Decode {
            table: table.name,
            path: path.to_owned(),
            source,
        })?;
        let read: Vec<T> = serde_arrow::from_record_batch(&batch).map_err(|source| StoreError::Row {
            table: table.name,
            path: path.to_owned(),
            source,
        })?;
        rows.extend(read);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
