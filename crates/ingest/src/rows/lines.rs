//! Physical lines, of bounded length. A line ends with LF, CR LF or CR, also within one file.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::raw;
use crate::error::IngestError;

/// The mark that some editors put at the start of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of a file.
pub(super) struct LimitedLines {
    path: PathBuf,
    reader: BufReader<File>,
    limit: usize,
    /// The line, without its end.
    pub(super) bytes: Vec<u8>,
    /// Its number, from 1.
    pub(super) number: u64,
    /// Whether the last line ended with CR, so that an LF that follows belongs to it.
    after_cr: bool,
}

impl LimitedLines {
    /// Opens a file whose lines are at most `limit` bytes long.
    pub(super) fn open(path: &Path, limit: usize) -> Result<Self, IngestError> {
        let reader = BufReader::with_capacity(1 << 18, raw::open(path)?);
        Ok(Self { path: path.to_owned(), reader, limit, bytes: Vec::new(), number: 0, after_cr: false })
    }

    /// Goes to the next line; false at the end.
    pub(super) fn advance(&mut self) -> Result<bool, IngestError> {
        self.bytes.clear();
        let mut any = false;
        loop {
            let buffer = self.reader.fill_buf().map_err(IngestError::io(&self.path))?;
            if buffer.is_empty() {
                self.number += u64::from(any);
                return Ok(any);
            }
            if std::mem::take(&mut self.after_cr) && buffer[0] == b'\n' {
                self.reader.consume(1);
                continue;
            }
            any = true;
            let end = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &buffer[..end.unwrap_or(buffer.len())];
            if self.bytes.len() + part.len() > self.limit {
                let (path, limit_bytes) = (self.path.clone(), self.limit as u64);
                return Err(IngestError::TooLong { path, line: self.number + 1, limit_bytes });
            }
            self.bytes.extend_from_slice(part);
            let Some(end) = end else {
                let read = buffer.len();
                self.reader.consume(read);
                continue;
            };
            self.after_cr = buffer[end] == b'\r';
            self.reader.consume(end + 1);
            self.number += 1;
            if self.number == 1 && self.bytes.starts_with(BYTE_ORDER_MARK) {
                self.bytes.drain(..BYTE_ORDER_MARK.len());
            }
            return Ok(true);
        }
    }

    /// Goes to the next line that is not blank; false at the end.
    pub(super) fn advance_to_text(&mut self) -> Result<bool, IngestError> {
        while self.advance()? {
            if !without_mark(&self.bytes).trim_ascii().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A text without the mark at its start.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8], limit: usize) -> Result<Vec<(u64, String)>, IngestError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, bytes).unwrap();
        let (mut lines, mut found) = (LimitedLines::open(file.path(), limit)?, Vec::new());
        while lines.advance()? {
            found.push((lines.number, String::from_utf8_lossy(&lines.bytes).into_owned()));
        }
        Ok(found)
    }

    #[test]
    fn every_line_end_in_one_file() {
        let found = lines(b"\xef\xbb\xbfa\nb\r\nc\rd\r\r\n\ne", 9).unwrap();
        let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["a", "b", "c", "d", "", "", "e"]);
        assert_eq!(found.last().unwrap().0, 7);
    }

    #[test]
    fn a_line_that_does_not_end() {
        let error = lines(b"a\nbcdef", 4).unwrap_err();
        assert!(matches!(error, IngestError::TooLong { line: 2, limit_bytes: 4, .. }), "{error}");
        assert_eq!(lines(b"abcd\nefgh", 4).unwrap().len(), 2);
    }
}
