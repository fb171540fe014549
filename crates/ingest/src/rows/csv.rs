//! CSV: the `csv` crate, with what it leaves open closed. It knows no longest record, and takes the end
//! of the file for the end of a quote; here both are errors.

use std::io;
use std::path::Path;

use csv::{ByteRecord, ErrorKind, Position};
use plimsoll_files::{Marked, Meter};

use super::raw::{self, RawRow, RowSink};
use crate::cell::Cell;
use crate::error::IngestError;
use crate::limits::LINE_BYTES;
use crate::reason::RejectReason;

/// The byte that no file should hold, repeated after its end: a record that has it holds an open quote.
const MARK: &str = "\u{4}\u{4}\u{4}\u{4}\u{4}\u{4}\u{4}\u{4}";

/// Hands every row to `take`. Without a `header` the first record is the header.
pub(super) fn each_row(
    path: &Path,
    delimiter: u8,
    header: Option<&[&str]>,
    take: &mut RowSink<'_>,
) -> Result<(), IngestError> {
    let mut records = CsvRecords::open(path, delimiter)?;
    let names: Vec<String> = match header {
        Some(names) => names.iter().map(|name| (*name).to_owned()).collect(),
        None => {
            if !records.advance(path)? {
                return Err(IngestError::Empty { path: path.to_owned() });
            }
            let name = |name: &[u8]| String::from_utf8_lossy(name).trim().to_owned();
            records.record.iter().map(name).collect()
        }
    };
    let mut any = false;
    while records.advance(path)? {
        any = true;
        take(RawRow { line: Some(records.line()), fields: named(&names, &records.record) })?;
    }
    if any { Ok(()) } else { Err(IngestError::Empty { path: path.to_owned() }) }
}

fn named(names: &[String], record: &ByteRecord) -> Result<Cell, RejectReason> {
    if record.len() != names.len() {
        return Err(RejectReason::Ragged { found: record.len(), expected: names.len(), what: "cells" });
    }
    let cell = |(name, cell): (&String, &[u8])| {
        let text = str::from_utf8(cell).map_err(|_| RejectReason::NotUtf8)?;
        Ok((name.clone(), Cell::Text(text.to_owned())))
    };
    names.iter().zip(record).map(cell).collect::<Result<_, _>>().map(Cell::Struct)
}

/// The records of a file.
struct CsvRecords {
    reader: csv::Reader<Marked>,
    meter: Meter,
    record: ByteRecord,
}

impl CsvRecords {
    fn open(path: &Path, delimiter: u8) -> Result<Self, IngestError> {
        let (source, meter) = Marked::new(raw::open(path)?, MARK);
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 18)
            .from_reader(source);
        Ok(Self { reader, meter, record: ByteRecord::new() })
    }

    /// Goes to the next record; false at the end.
    fn advance(&mut self, path: &Path) -> Result<bool, IngestError> {
        self.meter.allow(LINE_BYTES as u64);
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => Ok(false),
            Ok(true) => self.check_end(path),
            Err(error) => {
                let line = error.position().map_or_else(|| self.line(), Position::line);
                Err(self.failed(path, line, error))
            }
        }
    }

    /// Whether the record is a row: what reaches beyond the end of the file is the mark, or an open
    /// quote with the mark inside.
    fn check_end(&self, path: &Path) -> Result<bool, IngestError> {
        if self.meter.holds(self.reader.position().byte()) {
            Ok(true)
        } else if self.record.len() == 1 && self.record[0] == *MARK.as_bytes() {
            Ok(false)
        } else {
            Err(IngestError::UnclosedQuote { path: path.to_owned(), line: self.line() })
        }
    }

    /// The line where the record starts.
    fn line(&self) -> u64 {
        self.record.position().map_or(1, Position::line)
    }

    fn failed(&self, path: &Path, line: u64, error: csv::Error) -> IngestError {
        match error.into_kind() {
            ErrorKind::Io(_) if self.meter.is_spent() => {
                IngestError::TooLong { path: path.to_owned(), line, limit_bytes: LINE_BYTES as u64 }
            }
            ErrorKind::Io(source) => IngestError::io(path)(source),
            // The other kinds belong to serde, to text records and to settings that are not used.
            _ => IngestError::io(path)(io::ErrorKind::InvalidData.into()),
        }
    }
}
