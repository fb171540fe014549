//! Physical lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::error::ImportError;

/// For each byte offset, the line of the first byte at or after it that is no line break, from 1. A
/// line ends with LF, CR LF or CR.
pub(super) fn lines_at(path: &Path, offsets: &BTreeSet<u64>) -> Result<BTreeMap<u64, u64>, ImportError> {
    let file = File::open(path).map_err(ImportError::io(path))?;
    let mut lines = BTreeMap::new();
    let mut offsets = offsets.iter().copied().peekable();
    let (mut line, mut before) = (1u64, 0u8);
    for (at, byte) in (0u64..).zip(BufReader::with_capacity(1 << 16, file).bytes()) {
        let byte = byte.map_err(ImportError::io(path))?;
        // A line break counts when the byte after it is seen: CR LF is one.
        if before == b'\n' || (before == b'\r' && byte != b'\n') {
            line += 1;
        }
        before = byte;
        if byte != b'\n' && byte != b'\r' {
            while let Some(offset) = offsets.next_if(|offset| *offset <= at) {
                lines.insert(offset, line);
            }
        }
        if offsets.peek().is_none() {
            break;
        }
    }
    lines.extend(offsets.map(|offset| (offset, line)));
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_of_every_kind() {
        let file = tempfile::NamedTempFile::new().unwrap();
        //                        0  1 2 3  4 5 6  7  8
        std::fs::write(&file, b"a\nb\r\nc\r\n\ndd\re").unwrap();
        let offsets = BTreeSet::from([0, 1, 2, 3, 5, 8, 9, 11, 12, 99]);
        let lines = lines_at(file.path(), &offsets).unwrap();
        let expected = [(0, 1), (1, 2), (2, 2), (3, 3), (5, 3), (8, 5), (9, 5), (11, 6), (12, 6), (99, 6)];
        assert_eq!(lines, BTreeMap::from(expected));
    }
}
