//! Text with a fixed number of lines a row, one field a line.

use std::path::Path;

use super::lines::{LimitedLines, without_mark};
use super::raw::{RawRow, RowSink};
use crate::cell::Cell;
use crate::error::IngestError;
use crate::limits::LINE_BYTES;
use crate::reason::RejectReason;

/// Hands every row to `take`. Blank lines after the last row are passed over; within rows they count.
pub(super) fn each_row(path: &Path, fields: &[&str], take: &mut RowSink<'_>) -> Result<(), IngestError> {
    let mut lines = LimitedLines::open(path, LINE_BYTES)?;
    let (mut row, mut start, mut any) = (Vec::<Vec<u8>>::new(), 1, false);
    while lines.advance()? {
        if row.is_empty() {
            start = lines.number;
        }
        row.push(without_mark(&lines.bytes).to_owned());
        if row.len() == fields.len() {
            any = true;
            take(RawRow { line: Some(start), fields: named(fields, &row) })?;
            row.clear();
        }
    }
    let found = row.len();
    if row.iter().any(|line| !line.trim_ascii().is_empty()) {
        any = true;
        let reason = RejectReason::Ragged { found, expected: fields.len(), what: "lines" };
        take(RawRow { line: Some(start), fields: Err(reason) })?;
    }
    if any { Ok(()) } else { Err(IngestError::Empty { path: path.to_owned() }) }
}

fn named(fields: &[&str], row: &[Vec<u8>]) -> Result<Cell, RejectReason> {
    let cell = |(name, line): (&&str, &Vec<u8>)| {
        let text = str::from_utf8(line).map_err(|_| RejectReason::NotUtf8)?;
        Ok(((*name).to_owned(), Cell::Text(text.to_owned())))
    };
    fields.iter().zip(row).map(cell).collect::<Result<_, _>>().map(Cell::Struct)
}
