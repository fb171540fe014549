//! JSON lines: one object a line. Each value is kept as its text until its column's type is known, so
//! that no digit of an id or a number is lost. `NaN` and `Infinity`, which Python's `json` writes, are
//! numbers as in CSV; what is wrong with them is said of the row that uses them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, SchemaRef};
use plimsoll_core::json::{LenientJson, is_non_finite};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::cells::{CellKind, Cells};
use super::chunk::{CELL_BYTES, CHUNK_BYTES, CHUNK_ROWS, FileChunk, FileChunks, FileLayout, ROW_BYTES};
use super::names::MAX_COLUMNS;
use crate::error::ImportError;
use crate::problem::TextProblem;
use crate::spec::FileSpec;

/// Names and types over all lines of all files; a key that a line lacks is empty there.
pub(super) fn layout(spec: &FileSpec, text: &[&str]) -> Result<FileLayout, ImportError> {
    let mut keys = KeyColumns::growing();
    let (mut kinds, mut rows) = (Vec::<CellKind>::new(), Vec::new());
    for path in &spec.paths {
        let mut lines = JsonLinesReader::open(path, ROW_BYTES)?;
        while lines.advance()? {
            lines.each_value(&mut keys, &mut |(column, key), value| {
                if is_non_finite(value) && text.contains(&key) {
                    return Err(format!("is {value}, which is no text; write null where it is missing"));
                }
                if kinds.len() <= column {
                    kinds.resize(column + 1, CellKind::Null);
                }
                let kind = &mut kinds[column];
                if *kind != CellKind::Text {
                    *kind = kind.join(kind_of(value));
                }
                Ok(())
            })?;
        }
        super::names::check_names(path, &keys.names)?;
        rows.push(lines.row);
    }
    let kind =
        |(name, kind): (&String, CellKind)| if text.contains(&name.as_str()) { CellKind::Text } else { kind };
    let columns =
        keys.names.iter().zip(kinds).map(|column| (column.0.clone(), kind(column).data_type())).collect();
    Ok(FileLayout { columns, rows })
}

/// Columns of one file.
pub(super) fn scan(path: &Path, schema: &SchemaRef) -> Result<FileChunks, ImportError> {
    let lines = JsonLinesReader::open(path, ROW_BYTES)?;
    let keys = KeyColumns::fixed(schema.fields().iter().map(|field| field.name().clone()).collect());
    let types = schema.fields().iter().map(|field| field.data_type().clone()).collect();
    Ok(Box::new(JsonChunks { lines, keys, types, done: false }))
}

/// The physical lines where data rows start.
pub(super) fn lines_of(path: &Path, rows: &BTreeSet<u64>) -> Result<BTreeMap<u64, u64>, ImportError> {
    let last = rows.last().copied().unwrap_or(0);
    let mut lines = JsonLinesReader::open(path, ROW_BYTES)?;
    let mut found = BTreeMap::new();
    while lines.row < last && lines.advance()? {
        if rows.contains(&lines.row) {
            found.insert(lines.row, lines.line);
        }
    }
    Ok(found)
}

/// The type of a value.
fn kind_of(value: &str) -> CellKind {
    match value.as_bytes().first() {
        Some(_) if is_non_finite(value) => CellKind::Number,
        Some(b'n') => CellKind::Null,
        Some(b't' | b'f') => CellKind::Boolean,
        Some(b'-' | b'0'..=b'9') if value.parse::<i64>().is_ok() => CellKind::Integer,
        // An integer beyond 64 bits stays text, or it would lose digits.
        Some(b'-' | b'0'..=b'9') if value.contains(['.', 'e', 'E']) => CellKind::Number,
        _ => CellKind::Text,
    }
}

/// The text of a value: of a string what it says, of anything else how it is written. `None` for a
/// string that is none (a lone surrogate).
fn text_of(value: &str) -> Option<Cow<'_, str>> {
    match value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        None => Some(Cow::Borrowed(value)),
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        Some(_) => serde_json::from_str(value).ok().map(Cow::Owned),
    }
}

/// The lines of a file that are not blank, one at a time.
struct JsonLinesReader {
    path: PathBuf,
    reader: BufReader<File>,
    row_bytes: u64,
    bytes: Vec<u8>,
    /// Data rows read so far.
    row: u64,
    /// Physical lines read so far.
    line: u64,
}

impl JsonLinesReader {
    fn open(path: &Path, row_bytes: u64) -> Result<Self, ImportError> {
        let reader = BufReader::with_capacity(1 << 18, super::open::open_text(path)?);
        Ok(Self { path: path.to_owned(), reader, row_bytes, bytes: Vec::new(), row: 0, line: 0 })
    }

    /// Goes to the next line that is not blank; false at the end.
    fn advance(&mut self) -> Result<bool, ImportError> {
        loop {
            self.bytes.clear();
            let mut bounded = (&mut self.reader).take(self.row_bytes + 1);
            let count = bounded.read_until(b'\n', &mut self.bytes).map_err(ImportError::io(&self.path))?;
            if count == 0 {
                return Ok(false);
            }
            self.line += 1;
            if count as u64 > self.row_bytes {
                self.row += 1;
                return Err(self.problem(TextProblem::TooLong { limit_bytes: self.row_bytes }));
            }
            if self.line == 1 && self.bytes.starts_with(b"\xef\xbb\xbf") {
                self.bytes.drain(..3);
            }
            if !self.bytes.trim_ascii().is_empty() {
                self.row += 1;
                return Ok(true);
            }
        }
    }

    /// Hands the values of the line to `take`, as they are written, with their columns and keys. `take`
    /// says what is wrong with a value that it cannot use.
    fn each_value(&self, keys: &mut KeyColumns, take: &mut ValueSink<'_>) -> Result<(), ImportError> {
        let text = str::from_utf8(&self.bytes).map_err(|_| self.problem(TextProblem::NotUtf8))?;
        if text.trim_start().starts_with('[') {
            return Err(self.problem(TextProblem::JsonArray));
        }
        keys.next = 0;
        keys.line += 1;
        let json = LenientJson::new(text);
        let mut deserializer = serde_json::Deserializer::from_str(json.masked());
        deserializer
            .deserialize_map(Values { keys, json: &json, take })
            .and_then(|()| deserializer.end())
            .map_err(|error| self.refused(text, &error))
    }

    fn refused(&self, text: &str, error: &serde_json::Error) -> ImportError {
        // The parser was given one line; its line number says nothing.
        let suffix = format!(" at line {} column {}", error.line(), error.column());
        let mut reason = error.to_string().replace(&suffix, "");
        if text.get(error.column().saturating_sub(1)..).is_some_and(starts_like_no_value) {
            reason.push_str(" (write null where a value is missing)");
        }
        self.problem(TextProblem::Json { reason, column: error.column() })
    }

    fn problem(&self, problem: TextProblem) -> ImportError {
        ImportError::Text { path: self.path.clone(), line: self.line, row: Some(self.row), problem }
    }
}

/// Whether a text goes on with what others write for a value that is missing (`None`, `NA`, `undefined`).
fn starts_like_no_value(text: &str) -> bool {
    text.trim_start().starts_with(['N', 'n', 'u', '<'])
}

/// Takes a value, as it is written, of a column and its key; what is wrong with it if it is of no use.
type ValueSink<'a> = dyn FnMut((usize, &str), &str) -> Result<(), String> + 'a;

/// The columns that keys stand for.
struct KeyColumns {
    names: Vec<String>,
    index: HashMap<String, usize>,
    /// Whether a new key is a new column; without, it is passed over.
    grows: bool,
    /// The last line in which each column was seen.
    seen: Vec<u64>,
    line: u64,
    /// The column that comes next if this line has the keys of the last one.
    next: usize,
}

impl KeyColumns {
    fn growing() -> Self {
        Self { grows: true, ..Self::fixed(Vec::new()) }
    }

    fn fixed(names: Vec<String>) -> Self {
        let index = names.iter().cloned().zip(0..).collect();
        let seen = vec![0; names.len()];
        Self { names, index, grows: false, seen, line: 0, next: 0 }
    }

    /// The column of a key, `None` if it is passed over.
    fn column(&mut self, key: &str) -> Result<Option<usize>, String> {
        let column = match self.names.get(self.next) {
            Some(name) if name == key => self.next,
            _ => match self.index.get(key) {
                Some(column) => *column,
                None if !self.grows => return Ok(None),
                None if self.names.len() == MAX_COLUMNS => {
                    return Err(format!("more than {MAX_COLUMNS} keys"));
                }
                None => self.add(key),
            },
        };
        self.next = column + 1;
        if std::mem::replace(&mut self.seen[column], self.line) == self.line {
            return Err(format!("key `{key}` stands twice"));
        }
        Ok(Some(column))
    }

    fn add(&mut self, key: &str) -> usize {
        let column = self.names.len();
        self.names.push(key.to_owned());
        self.index.insert(key.to_owned(), column);
        self.seen.push(0);
        column
    }
}

/// Visits the keys and values of a line.
struct Values<'a, 't> {
    keys: &'a mut KeyColumns,
    json: &'a LenientJson<'a>,
    take: &'a mut ValueSink<'t>,
}

impl<'de> Visitor<'de> for Values<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(column) = map.next_key_seed(KeySeed(self.keys))? {
            let Some(column) = column else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = self.json.as_written(map.next_value::<&RawValue>()?.get());
            let key = &self.keys.names[column];
            (self.take)((column, key), value)
                .map_err(|problem| A::Error::custom(format!("the value of `{key}` {problem}")))?;
        }
        Ok(())
    }
}

/// Reads a key as its column.
struct KeySeed<'a>(&'a mut KeyColumns);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
        self.0.column(key).map_err(E::custom)
    }
}

/// The chunks of a file's lines.
struct JsonChunks {
    lines: JsonLinesReader,
    keys: KeyColumns,
    types: Vec<DataType>,
    done: bool,
}

impl JsonChunks {
    fn read(&mut self) -> Result<Option<FileChunk>, ImportError> {
        let mut columns: Vec<Cells> = self.types.iter().map(Cells::new).collect();
        let (mut rows, mut bytes) = (0, 0);
        while rows < CHUNK_ROWS && bytes < CHUNK_BYTES {
            if !self.lines.advance()? {
                self.done = true;
                break;
            }
            self.lines.each_value(&mut self.keys, &mut |(column, _), value| {
                if value == "null" {
                    columns[column].push_null();
                    return Ok(());
                }
                let pushed = text_of(value).is_some_and(|text| columns[column].push(&text));
                if pushed { Ok(()) } else { Err("cannot be read".to_owned()) }
            })?;
            rows += 1;
            bytes += self.lines.bytes.len() + CELL_BYTES * columns.len();
            for column in columns.iter_mut().filter(|column| column.len() < rows) {
                column.push_null();
            }
        }
        let columns = columns.iter_mut().map(Cells::finish).collect();
        Ok((rows > 0).then_some(FileChunk { columns, rows }))
    }
}

impl Iterator for JsonChunks {
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
