//! JSON: one object a line, an array of objects, or an object that holds such an array under `data`.
//! Which one it is shows in the first lines, since the extension does not say it: `AQuA`'s `.json` files
//! are lines, `MultiArith`'s are an array, `CoQA`'s an object. `NaN` and `Infinity`, which Python's `json`
//! writes for an empty cell of a table, are nothing.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use plimsoll_core::json::with_nulls;
use serde_json::value::RawValue;

use super::lines::{LimitedLines, without_mark};
use super::raw::{self, RawRow, RowSink};
use crate::cell::{Cell, from_json};
use crate::error::IngestError;
use crate::limits::{DOCUMENT_BYTES, LINE_BYTES};
use crate::reason::RejectReason;

/// The field of a document that holds its rows.
const DATA: &str = "data";

/// Hands every row to `take`.
pub(super) fn each_row(path: &Path, take: &mut RowSink<'_>) -> Result<(), IngestError> {
    let mut lines = LimitedLines::open(path, LINE_BYTES)?;
    // A document may be longer than a line may: it says so by itself.
    if first_byte(path)? == Some(b'[') {
        return document(path, take);
    }
    if !lines.advance_to_text()? {
        return Err(IngestError::Empty { path: path.to_owned() });
    }
    let (number, first) = (lines.number, without_mark(&lines.bytes).to_owned());
    let second = lines.advance_to_text()?;
    match FileStart::from_line(&first) {
        FileStart::Data if !second => return document(path, take),
        FileStart::Open if !second || FileStart::from_line(&lines.bytes) == FileStart::Other => {
            return document(path, take);
        }
        FileStart::Data | FileStart::Object | FileStart::Open | FileStart::Other => {}
    }
    take(line(number, &first))?;
    drop(first);
    if second {
        take(line(lines.number, &lines.bytes))?;
        while lines.advance_to_text()? {
            take(line(lines.number, &lines.bytes))?;
        }
    }
    Ok(())
}

/// What a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileStart {
    Object,
    /// A whole object with a list under `data`.
    Data,
    /// An object that goes on in the next line.
    Open,
    Other,
}

impl FileStart {
    fn from_line(line: &[u8]) -> Self {
        let text = String::from_utf8_lossy(line.trim_ascii());
        if !text.starts_with('{') {
            return Self::Other;
        }
        match serde_json::from_str::<BTreeMap<String, &RawValue>>(&with_nulls(&text)) {
            Ok(fields) if fields.get(DATA).is_some_and(|data| data.get().starts_with('[')) => Self::Data,
            Ok(_) => Self::Object,
            Err(error) if error.is_eof() => Self::Open,
            Err(_) => Self::Other,
        }
    }
}

/// The first byte that is no white space.
fn first_byte(path: &Path) -> Result<Option<u8>, IngestError> {
    /// White space before the document that is passed over.
    const START_BYTES: u64 = 4096;
    let mut start = Vec::new();
    raw::open(path)?.take(START_BYTES).read_to_end(&mut start).map_err(IngestError::io(path))?;
    Ok(without_mark(&start).trim_ascii_start().first().copied())
}

/// The row of a line.
fn line(number: u64, bytes: &[u8]) -> RawRow {
    let fields = str::from_utf8(bytes).map_err(|_| RejectReason::NotUtf8).and_then(object);
    RawRow { line: Some(number), fields }
}

/// The object that a text is.
fn object(text: &str) -> Result<Cell, RejectReason> {
    let cell = from_json(&with_nulls(text)).map_err(|error| {
        // The parser was given one row; its line number says nothing.
        let suffix = format!(" at line {} column {}", error.line(), error.column());
        RejectReason::Json { message: error.to_string().replace(&suffix, ""), column: error.column() }
    })?;
    match cell {
        Cell::Struct(_) => Ok(cell),
        other => Err(RejectReason::NotAnObject { found: other.kind() }),
    }
}

/// The rows of a file that is one value.
fn document(path: &Path, take: &mut RowSink<'_>) -> Result<(), IngestError> {
    let too_large = || IngestError::DocumentTooLarge { path: path.to_owned(), limit_bytes: DOCUMENT_BYTES };
    let file = raw::open(path)?;
    if file.metadata().map_err(IngestError::io(path))?.len() > DOCUMENT_BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // A file may grow while it is read.
    file.take(DOCUMENT_BYTES + 1).read_to_end(&mut bytes).map_err(IngestError::io(path))?;
    if bytes.len() as u64 > DOCUMENT_BYTES {
        return Err(too_large());
    }
    let text = str::from_utf8(without_mark(&bytes)).map_err(|error| {
        let mark = bytes.len() - without_mark(&bytes).len();
        IngestError::NotUtf8 { path: path.to_owned(), offset: mark + error.valid_up_to() }
    })?;
    let text = &*with_nulls(text);
    let rows = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| damaged(path, &error))?
    } else {
        rows_of_object(path, text)?
    };
    if rows.is_empty() {
        return Err(IngestError::Empty { path: path.to_owned() });
    }
    rows.into_iter().try_for_each(|row| take(RawRow { line: None, fields: object(row.get()) }))
}

/// The rows that an object holds under `data`; without, the object itself.
fn rows_of_object<'a>(path: &Path, text: &'a str) -> Result<Vec<&'a RawValue>, IngestError> {
    let fields: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|error| damaged(path, &error))?;
    let whole = || serde_json::from_str(text).map(|row| vec![row]).map_err(|error| damaged(path, &error));
    match fields.get(DATA) {
        Some(data) if data.get().starts_with('[') => {
            serde_json::from_str(data.get()).map_err(|error| damaged(path, &error))
        }
        _ => whole(),
    }
}

fn damaged(path: &Path, error: &serde_json::Error) -> IngestError {
    let suffix = format!(" at line {} column {}", error.line(), error.column());
    let message = format!("not JSON: {}", error.to_string().replace(&suffix, ""));
    IngestError::Json { path: path.to_owned(), line: error.line(), column: error.column(), message }
}
