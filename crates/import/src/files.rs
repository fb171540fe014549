//! Files of one table, whatever their format: what columns they have, and their rows as Arrow columns.
//!
//! Text formats are read twice: once for the types, over all rows, and once for the values. So no row
//! is a surprise after the first pass, and no type is a guess from the first rows.

mod cells;
mod csv;
mod json_lines;
mod lines;
mod parquet;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, SchemaRef};

pub(crate) use self::cells::Kind as CellKind;

use crate::compressed;
use crate::error::ImportError;
use crate::spec::{FileSpec, Format};

/// The column that every table has for the file of a row.
pub(crate) const FILE_COLUMN: &str = "_file";
/// The column that every table has for the data row in its file, from 1.
pub(crate) const ROW_COLUMN: &str = "_row";

/// Rows of one chunk.
const CHUNK_ROWS: usize = 8 * 1024;
/// Bytes after which a chunk ends even if it has fewer rows.
const CHUNK_BYTES: usize = 16 << 20;
/// What a cell costs beside its text.
const CELL_BYTES: usize = 8;
/// The longest row of a text file.
const ROW_BYTES: u64 = 64 << 20;
/// The most columns of a table.
const MAX_COLUMNS: usize = 10_000;

/// Columns of some rows of one file.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The columns that were asked for, in that order.
    pub(crate) columns: Vec<ArrayRef>,
    /// How many rows there are, also if no column was asked for.
    pub(crate) rows: usize,
}

/// The chunks of one file.
pub(crate) type Chunks = Box<dyn Iterator<Item = Result<Chunk, ImportError>> + Send>;

/// What the files of a table hold.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Names and types of the columns.
    pub(crate) columns: Vec<(String, DataType)>,
    /// Data rows of each file.
    pub(crate) rows: Vec<u64>,
}

/// Finds names and types of the columns over all rows of all files. Columns named in `text` are text,
/// whatever their cells look like; Parquet columns have the type they have.
pub(crate) fn layout(spec: &FileSpec, text: &[&str]) -> Result<Layout, ImportError> {
    spec.check()?;
    match spec.format {
        Format::Csv => csv::layout(spec, text),
        Format::JsonLines => json_lines::layout(spec, text),
        Format::Parquet => parquet::layout(spec),
    }
}

/// Reads the columns of `schema` from one file of a table.
pub(crate) fn scan(spec: &FileSpec, path: &Path, schema: &SchemaRef) -> Result<Chunks, ImportError> {
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

/// Opens a text file.
fn open_text(path: &Path) -> Result<File, ImportError> {
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
fn open(path: &Path) -> Result<File, ImportError> {
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

/// Refuses names that occur twice or that every table has anyway.
fn check_names(path: &Path, names: &[String]) -> Result<(), ImportError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name == FILE_COLUMN || name == ROW_COLUMN {
            return Err(ImportError::ReservedColumn { path: path.to_owned(), column: name.clone() });
        }
        if !seen.insert(name) {
            return Err(ImportError::RepeatedColumn { path: path.to_owned(), column: name.clone() });
        }
    }
    Ok(())
}

/// Refuses a file whose columns are not those of the first file; their order does not matter.
fn check_same_columns(first: (&PathBuf, &[String]), other: (&PathBuf, &[String])) -> Result<(), ImportError> {
    for ((path, names), (lacking, lacking_names)) in [(first, other), (other, first)] {
        if let Some(column) = names.iter().find(|name| !lacking_names.contains(name)) {
            return Err(ImportError::OtherColumns {
                path: lacking.clone(),
                column: column.clone(),
                other: path.clone(),
            });
        }
    }
    Ok(())
}
