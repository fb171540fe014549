//! Reads the lines of a file: once all of them, later single ones by their offset.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::ReplayError;

/// The longest line: an answer of a hundred thousand tokens with all that is known of them has a tenth.
pub(super) const MAX_LINE_BYTES: u64 = 64 << 20;
const BUFFER_BYTES: usize = 1 << 16;
/// The mark that some editors put at the start of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file whose lines are read.
#[derive(Debug)]
pub(super) struct LineReader {
    path: PathBuf,
    reader: BufReader<File>,
    /// The line last read, without its end.
    pub(super) bytes: Vec<u8>,
    /// Where it begins.
    pub(super) offset: u64,
    /// Its number, from 1.
    pub(super) number: u64,
    next: u64,
}

impl LineReader {
    pub(super) fn open(path: &Path) -> Result<Self, ReplayError> {
        let file = File::open(path).map_err(ReplayError::io("open", path))?;
        let reader = BufReader::with_capacity(BUFFER_BYTES, file);
        Ok(Self { path: path.to_owned(), reader, bytes: Vec::new(), offset: 0, number: 0, next: 0 })
    }

    /// Goes to the next line that is not blank, hashing what it reads; false at the end.
    pub(super) fn advance(&mut self, hasher: &mut Sha256) -> Result<bool, ReplayError> {
        loop {
            self.offset = self.next;
            self.number += 1;
            if !self.read(Some(hasher))? {
                return Ok(false);
            }
            if !self.bytes.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Reads the line that begins at a byte; false if there is none.
    pub(super) fn read_at(&mut self, offset: u64, number: u64) -> Result<bool, ReplayError> {
        // Relative: most questions come in the order of the file, and the buffer stays valid.
        let step = i64::try_from(i128::from(offset) - i128::from(self.next));
        let sought = match step {
            Ok(step) => self.reader.seek_relative(step),
            Err(_) => self.reader.seek(SeekFrom::Start(offset)).map(|_| ()),
        };
        sought.map_err(ReplayError::io("read", &self.path))?;
        (self.offset, self.number, self.next) = (offset, number, offset);
        self.read(None)
    }

    fn read(&mut self, hasher: Option<&mut Sha256>) -> Result<bool, ReplayError> {
        self.bytes.clear();
        let mut bounded = self.reader.by_ref().take(MAX_LINE_BYTES + 1);
        let count = bounded.read_until(b'\n', &mut self.bytes);
        let count = count.map_err(ReplayError::io("read", &self.path))? as u64;
        if count > MAX_LINE_BYTES {
            let path = self.path.clone();
            return Err(ReplayError::TooLong { path, line: self.number, max: MAX_LINE_BYTES });
        }
        self.next += count;
        if let Some(hasher) = hasher {
            hasher.update(&self.bytes);
        }
        let text = self.bytes.trim_ascii_end().len();
        self.bytes.truncate(text);
        if self.offset == 0 && self.bytes.starts_with(BYTE_ORDER_MARK) {
            self.bytes.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(count > 0)
    }
}
