//! CSV: the `csv` crate, with what it leaves open closed. It knows no longest row, and takes the end
//! of the file for the end of a quote; here both are errors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, SchemaRef};
use csv::{ErrorKind, StringRecord};
use plimsoll_files::{Marked, Meter};

use super::cells::{CellKind, Cells};
use super::chunk::{CELL_BYTES, CHUNK_BYTES, CHUNK_ROWS, FileChunk, FileChunks, FileLayout, ROW_BYTES};
use super::lines::lines_at;
use super::names::MAX_COLUMNS;
use crate::error::ImportError;
use crate::problem::TextProblem;
use crate::spec::FileSpec;

/// Bytes read at once.
const BUFFER_BYTES: usize = 256 << 10;
/// How often the byte that marks the end stands there.
const MARK_BYTES: usize = 16;

/// Names and types over all rows of all files.
pub(super) fn layout(spec: &FileSpec, text: &[&str]) -> Result<FileLayout, ImportError> {
    let (mut columns, mut rows) = (Vec::<(String, CellKind)>::new(), Vec::new());
    for path in &spec.paths {
        let mut records = ScoreRecords::open(spec, path, ROW_BYTES)?;
        let names = records.names.clone();
        super::names::check_names(path, &names)?;
        if columns.is_empty() {
            let kind = |name: &str| if text.contains(&name) { CellKind::Text } else { CellKind::Null };
            columns = names.iter().map(|name| (name.clone(), kind(name))).collect();
        } else {
            let first: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
            super::names::check_same_columns((&spec.paths[0], &first), (path, &names))?;
        }
        let indices: Vec<usize> =
            names.iter().filter_map(|name| columns.iter().position(|(known, _)| known == name)).collect();
        while records.advance()? {
            for (cell, indices) in records.record.iter().zip(&indices) {
                let kind = &mut columns[*indices].1;
                if *kind != CellKind::Text {
                    *kind = kind.join(CellKind::from_cell(cell));
                }
            }
        }
        rows.push(records.row);
    }
    let columns = columns.into_iter().map(|(name, kind)| (name, kind.data_type())).collect();
    Ok(FileLayout { columns, rows })
}

/// Columns of one file.
pub(super) fn scan(spec: &FileSpec, path: &Path, schema: &SchemaRef) -> Result<FileChunks, ImportError> {
    let records = ScoreRecords::open(spec, path, ROW_BYTES)?;
    let mut indices = Vec::new();
    for field in schema.fields() {
        let found = records.names.iter().position(|name| name == field.name());
        indices.push(found.ok_or_else(|| ImportError::Changed { path: path.to_owned() })?);
    }
    let types = schema.fields().iter().map(|field| field.data_type().clone()).collect();
    Ok(Box::new(CsvChunks { records, indices, types, done: false }))
}

/// The physical lines where data rows start.
pub(super) fn lines_of(
    spec: &FileSpec,
    path: &Path,
    rows: &BTreeSet<u64>,
) -> Result<BTreeMap<u64, u64>, ImportError> {
    let last = rows.last().copied().unwrap_or(0);
    let mut records = ScoreRecords::open(spec, path, ROW_BYTES)?;
    let mut starts = BTreeMap::new();
    while records.row < last && records.advance()? {
        if rows.contains(&records.row) {
            starts.insert(records.row, records.start());
        }
    }
    let lines = lines_at(path, &starts.values().copied().collect())?;
    Ok(starts.into_iter().filter_map(|(row, start)| Some((row, *lines.get(&start)?))).collect())
}

/// The data rows of a file, one at a time.
struct ScoreRecords {
    path: PathBuf,
    reader: csv::Reader<Marked>,
    meter: Meter,
    mark: String,
    row_bytes: u64,
    names: Vec<String>,
    record: StringRecord,
    /// Whether the record was read for its names only and is still to be handed out.
    pending: bool,
    /// Data rows handed out so far.
    row: u64,
}

impl ScoreRecords {
    fn open(spec: &FileSpec, path: &Path, row_bytes: u64) -> Result<Self, ImportError> {
        let file = super::open::open_text(path)?;
        let mark = if spec.delimiter == 4 { 5 } else { 4 };
        let mark = String::from_utf8_lossy(&[mark; MARK_BYTES]).into_owned();
        let (source, meter) = Marked::new(file, &mark);
        meter.allow(row_bytes);
        let reader = csv::ReaderBuilder::new()
            .delimiter(spec.delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(source);
        let mut records = Self {
            path: path.to_owned(),
            reader,
            meter,
            mark,
            row_bytes,
            names: Vec::new(),
            record: StringRecord::new(),
            pending: false,
            row: 0,
        };
        records.read_names(spec.header)?;
        Ok(records)
    }

    /// Takes the names from the header, or numbers the cells of the first row.
    fn read_names(&mut self, header: bool) -> Result<(), ImportError> {
        if !self.next_record()? {
            return Err(ImportError::Empty { path: self.path.clone() });
        }
        if self.record.len() > MAX_COLUMNS {
            return Err(self.problem(TextProblem::TooManyColumns { limit: MAX_COLUMNS }));
        }
        let numbered = |(number, name): (usize, &str)| {
            if header && !name.is_empty() { name.to_owned() } else { format!("column_{number}") }
        };
        self.names = (1..).zip(&self.record).map(numbered).collect();
        self.pending = !header;
        Ok(())
    }

    /// Goes to the next data row; false at the end.
    fn advance(&mut self) -> Result<bool, ImportError> {
        if !std::mem::take(&mut self.pending) && !self.next_record()? {
            return Ok(false);
        }
        self.row += 1;
        if self.record.len() == self.names.len() {
            Ok(true)
        } else {
            let (found, expected) = (self.record.len(), self.names.len());
            Err(self.problem(TextProblem::Ragged { found, expected }))
        }
    }

    fn next_record(&mut self) -> Result<bool, ImportError> {
        self.meter.allow(self.row_bytes);
        match self.reader.read_record(&mut self.record) {
            Ok(true) => self.check_end(),
            // The mark stands after the last row, so that the reader ends there and not before.
            Ok(false) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Whether the record is a row: what reaches beyond the end of the file is the mark, or an open
    /// quote with the mark inside.
    fn check_end(&self) -> Result<bool, ImportError> {
        if self.meter.holds(self.reader.position().byte()) {
            Ok(true)
        } else if self.record.len() == 1 && self.record[0] == self.mark {
            Ok(false)
        } else {
            Err(self.at(self.start(), Some(self.row + 1), TextProblem::UnclosedQuote))
        }
    }

    /// Byte offset where the record starts, or of line breaks before it.
    fn start(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::byte)
    }

    fn failed(&self, error: csv::Error) -> ImportError {
        let start = error.position().map_or(self.start(), csv::Position::byte);
        let row = Some(self.row + 1);
        match error.into_kind() {
            ErrorKind::Io(_) if self.meter.is_spent() => {
                self.at(start, row, TextProblem::TooLong { limit_bytes: self.row_bytes })
            }
            ErrorKind::Io(source) => ImportError::io(&self.path)(source),
            // The other kinds belong to serde and to a setting that is not used.
            _ => self.at(start, row, TextProblem::NotUtf8),
        }
    }

    fn problem(&self, problem: TextProblem) -> ImportError {
        self.at(self.start(), Some(self.row), problem)
    }

    fn at(&self, start: u64, row: Option<u64>, problem: TextProblem) -> ImportError {
        let row = row.filter(|_| !self.names.is_empty());
        match lines_at(&self.path, &BTreeSet::from([start])) {
            Ok(lines) => {
                let line = lines.into_values().next().unwrap_or(1);
                ImportError::Text { path: self.path.clone(), line, row, problem }
            }
            Err(error) => error,
        }
    }
}

/// The chunks of a file's rows.
struct CsvChunks {
    records: ScoreRecords,
    /// For each column of the chunk, its index in the record.
    indices: Vec<usize>,
    types: Vec<DataType>,
    done: bool,
}

impl CsvChunks {
    fn read(&mut self) -> Result<Option<FileChunk>, ImportError> {
        let mut columns: Vec<Cells> = self.types.iter().map(Cells::new).collect();
        let (mut rows, mut bytes) = (0, 0);
        while rows < CHUNK_ROWS && bytes < CHUNK_BYTES {
            if !self.records.advance()? {
                self.done = true;
                break;
            }
            let record = &self.records.record;
            for (column, indices) in columns.iter_mut().zip(&self.indices) {
                match record.get(*indices) {
                    None | Some("") => column.push_null(),
                    Some(cell) if column.push(cell) => {}
                    // The first pass found a type that takes every cell.
                    Some(_) => return Err(ImportError::Changed { path: self.records.path.clone() }),
                }
            }
            rows += 1;
            bytes += record.as_slice().len() + CELL_BYTES * columns.len();
        }
        let columns = columns.iter_mut().map(Cells::finish).collect();
        Ok((rows > 0).then_some(FileChunk { columns, rows }))
    }
}

impl Iterator for CsvChunks {
    type Item = Result<FileChunk, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let chunk = self.read();
        self.done |= chunk.is_err();
        chunk.transpose()
    }
}
