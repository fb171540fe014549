//! Files of one table, whatever their format: what columns they have, and their rows as Arrow columns.
//!
//! Text formats are read twice: once for the types, over all rows, and once for the values. So no row
//! is a surprise after the first pass, and no type is a guess from the first rows.

mod cells;
mod chunk;
mod csv;
mod json_lines;
mod lines;
mod names;
mod open;
mod parquet;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::datatypes::SchemaRef;

pub(crate) use self::cells::CellKind;
pub(crate) use self::chunk::{FileChunk, FileChunks, FileLayout, ROW_BYTES};
pub(crate) use self::names::{FILE_COLUMN, ROW_COLUMN};
pub(crate) use self::open::open_text;

use crate::error::ImportError;
use crate::spec::{FileSpec, Format};

/// Finds names and types of the columns over all rows of all files. Columns named in `text` are text,
/// whatever their cells look like; Parquet columns have the type they have.
pub(crate) fn layout(spec: &FileSpec, text: &[&str]) -> Result<FileLayout, ImportError> {
    spec.check()?;
    match spec.format {
        Format::Csv => csv::layout(spec, text),
        Format::JsonLines => json_lines::layout(spec, text),
        Format::Parquet => parquet::layout(spec),
    }
}

/// Reads the columns of `schema` from one file of a table.
pub(crate) fn scan(spec: &FileSpec, path: &Path, schema: &SchemaRef) -> Result<FileChunks, ImportError> {
    match spec.format {
        Format::Csv => csv::scan(spec, path, schema),
        Format::JsonLines => json_lines::scan(path, schema),
        Format::Parquet => parquet::scan(path, schema),
    }
}

/// The physical lines where data rows start, as far as the file has lines. For messages: what cannot
/// be found is left out.
pub(crate) fn lines_of(spec: &FileSpec, path: &Path, rows: &BTreeSet<u64>) -> BTreeMap<u64, u64> {
    let lines = match spec.format {
        Format::Csv => csv::lines_of(spec, path, rows),
        Format::JsonLines => json_lines::lines_of(path, rows),
        Format::Parquet => Ok(BTreeMap::new()),
    };
    lines.unwrap_or_default()
}
