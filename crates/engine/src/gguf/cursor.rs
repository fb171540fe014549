//! Reading a header forwards, never past its end and never more than there is.

use std::io::{self, Read};

/// Maximum size of a header, in bytes. Vocabularies of a quarter of a million tokens with their
/// merges take about 20 MB.
pub(super) const MAX_HEADER_BYTES: u64 = 128 << 20;

/// Why the next piece of a header could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// The file ends.
    #[error("{needed} bytes are needed at byte {at}, where {left} are left")]
    Cut {
        /// Where the piece begins.
        at: u64,
        /// Its bytes.
        needed: u64,
        /// Those that there are.
        left: u64,
    },
    /// The header goes on for too long.
    #[error("at byte {at} the header would grow past {MAX_HEADER_BYTES} bytes")]
    TooLong {
        /// Where the piece begins that is too much.
        at: u64,
    },
    /// A text that is none.
    #[error("the text at byte {at} is not UTF-8")]
    NotUtf8 {
        /// Where it begins.
        at: u64,
    },
    /// The file system refused.
    #[error("cannot read at byte {at}")]
    Io {
        /// Where.
        at: u64,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

/// A reader of a header.
#[derive(Debug)]
pub(super) struct Cursor<R> {
    reader: R,
    at: u64,
    length: u64,
}

impl<R: Read> Cursor<R> {
    /// At the start of a file of `length` bytes.
    pub(super) fn new(reader: R, length: u64) -> Self {
        Self { reader, at: 0, length }
    }

    /// How many bytes were read.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Checks that `count` pieces of at least `each` bytes can follow, before anything is allocated
    /// for them.
    pub(super) fn expect(&self, count: u64, each: u64) -> Result<(), CursorError> {
        let (at, left) = (self.at, self.length - self.at);
        let needed = count.saturating_mul(each);
        if needed > left {
            return Err(CursorError::Cut { at, needed, left });
        }
        if at + needed > MAX_HEADER_BYTES {
            return Err(CursorError::TooLong { at });
        }
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), CursorError> {
        let at = self.at;
        self.reader.read_exact(buffer).map_err(|source| CursorError::Io { at, source })?;
        self.at += buffer.len() as u64;
        Ok(())
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CursorError> {
        self.expect(1, N as u64)?;
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// The next four bytes as a number.
    pub(super) fn u32(&mut self) -> Result<u32, CursorError> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next eight bytes as a number.
    pub(super) fn u64(&mut self) -> Result<u64, CursorError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Appends the next `count` bytes to `text`.
    pub(super) fn append_text(&mut self, count: u64, text: &mut String) -> Result<(), CursorError> {
        self.expect(count, 1)?;
        let at = self.at;
        let count = usize::try_from(count).map_err(|_| CursorError::TooLong { at })?;
        let mut bytes = vec![0; count];
        self.fill(&mut bytes)?;
        let piece = std::str::from_utf8(&bytes).map_err(|_| CursorError::NotUtf8 { at })?;
        text.push_str(piece);
        Ok(())
    }

    /// The next text: its length in eight bytes, then its bytes.
    pub(super) fn text(&mut self) -> Result<String, CursorError> {
        let count = self.u64()?;
        let mut text = String::new();
        self.append_text(count, &mut text)?;
        Ok(text)
    }
}
