//! A text file for a CSV reader that knows no longest record and takes the end of the file for the end
//! of a quote: here a record may be forbidden to go on, and the end of the file is distinguished from an open quote.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file, then its mark on a line of its own. A record that holds the mark and more has an open quote.
#[derive(Debug)]
pub struct Marked {
    file: File,
    read: u64,
    tail: Cursor<Vec<u8>>,
    meter: Meter,
}

/// How far a [`Marked`] file has been read, and how far it may be.
#[derive(Debug, Clone)]
pub struct Meter(Arc<SharedCounts>);

#[derive(Debug)]
struct SharedCounts {
    /// Bytes that may be read until the record must have ended.
    left: AtomicU64,
    /// Length of the file, once its end was met.
    length: AtomicU64,
}

impl Marked {
    /// A file from where it stands; nothing is read until [`Meter::allow`].
    pub fn new(file: File, mark: &str) -> (Self, Meter) {
        let meter =
            Meter(Arc::new(SharedCounts { left: AtomicU64::new(0), length: AtomicU64::new(u64::MAX) }));
        let tail = Cursor::new(format!("\n{mark}\n").into_bytes());
        (Self { file, read: 0, tail, meter: meter.clone() }, meter)
    }
}

impl Meter {
    /// Allows so many bytes more, whatever was left.
    pub fn allow(&self, bytes: u64) {
        self.0.left.store(bytes, Ordering::Relaxed);
    }

    /// Whether all that was allowed has been read.
    pub fn is_spent(&self) -> bool {
        self.0.left.load(Ordering::Relaxed) == 0
    }

    /// Whether a record that ends before byte `end` lies in the file and not in the mark. One line break
    /// more than the file has may belong to its last record.
    pub fn holds(&self, end: u64) -> bool {
        end <= self.0.length.load(Ordering::Relaxed).saturating_add(1)
    }
}

impl Read for Marked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let counts = &self.meter.0;
        if counts.length.load(Ordering::Relaxed) != u64::MAX {
            return self.tail.read(buffer);
        }
        let left = counts.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        counts.left.store(left.saturating_sub(count as u64), Ordering::Relaxed);
        if count == 0 {
            counts.length.store(self.read, Ordering::Relaxed);
            return self.tail.read(buffer);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_follows_the_file_and_reading_stops_when_it_is_spent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "abc").unwrap();
        let (mut file, meter) = Marked::new(File::open(&path).unwrap(), "!");
        assert!(meter.is_spent() && file.read(&mut [0; 8]).is_err());
        meter.allow(100);
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "abc\n!\n");
        assert!(meter.holds(3) && meter.holds(4) && !meter.holds(5));
        let (mut file, meter) = Marked::new(File::open(&path).unwrap(), "!");
        meter.allow(2);
        let mut two = [0; 2];
        file.read_exact(&mut two).unwrap();
        assert!(meter.is_spent());
        assert_eq!(file.read(&mut two).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
