//! Compressed files, which are refused with what to do. (Parquet compresses what it holds by itself.)

use std::path::Path;

use crate::error::ImportError;
use crate::spec::extension;

/// A way to compress a file.
struct Compression {
    name: &'static str,
    /// Endings of files' names.
    extensions: &'static [&'static str],
    /// The first bytes of such a file; none where they tell nothing.
    magic: &'static [u8],
    how: &'static str,
}

const COMPRESSIONS: &[Compression] = &[
    Compression {
        name: "gzip",
        extensions: &["gz", "gzip", "tgz"],
        magic: &[0x1f, 0x8b],
        how: "gunzip FILE",
    },
    Compression {
        name: "Zstandard",
        extensions: &["zst", "zstd"],
        magic: &[0x28, 0xb5, 0x2f, 0xfd],
        how: "zstd -d FILE",
    },
    Compression { name: "bzip2", extensions: &["bz2"], magic: b"BZh", how: "bunzip2 FILE" },
    Compression {
        name: "xz",
        extensions: &["xz", "lzma"],
        magic: &[0xfd, b'7', b'z', b'X', b'Z', 0],
        how: "unxz FILE",
    },
    Compression { name: "LZ4", extensions: &["lz4"], magic: &[0x04, 0x22, 0x4d, 0x18], how: "lz4 -d FILE" },
    Compression { name: "zip", extensions: &["zip"], magic: &[b'P', b'K', 3, 4], how: "unzip FILE" },
    Compression {
        name: "7-Zip",
        extensions: &["7z"],
        magic: &[b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c],
        how: "7z x FILE",
    },
    Compression { name: "Brotli", extensions: &["br"], magic: &[], how: "brotli -d FILE" },
    Compression { name: "Snappy", extensions: &["sz", "snappy"], magic: &[], how: "snunzip FILE" },
];

/// Maximum number of bytes that [`by_content`] looks at.
pub(crate) const MAGIC_BYTES: usize = 8;

/// What is wrong with a file of this name, if the name says that it is compressed.
pub(crate) fn by_name(path: &Path) -> Option<ImportError> {
    let extension = extension(path);
    let found = COMPRESSIONS.iter().find(|known| known.extensions.contains(&extension.as_str()))?;
    Some(refused(path, found))
}

/// What is wrong with a file that starts with these bytes, whatever its name, if they say that it is compressed.
/// No text starts so: but for bzip2, each has bytes that are no UTF-8 or that nobody prints.
pub(crate) fn by_content(path: &Path, start: &[u8]) -> Option<ImportError> {
    let is_text = |found: &Compression| found.magic.iter().all(u8::is_ascii_graphic);
    // `BZh` alone might be a header: a digit and the block's own mark follow it in a file of bzip2.
    let is_bzip2 = matches!(start, [_, _, _, b'1'..=b'9', b'1' | 0x17, ..]);
    let fits = |found: &&Compression| {
        !found.magic.is_empty() && start.starts_with(found.magic) && (!is_text(found) || is_bzip2)
    };
    COMPRESSIONS.iter().find(fits).map(|found| refused(path, found))
}

fn refused(path: &Path, found: &Compression) -> ImportError {
    ImportError::Compressed { path: path.to_owned(), format: found.name, how: found.how }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_so() {
        for (name, format) in [
            ("a.csv.gz", "gzip"),
            ("a.jsonl.GZ", "gzip"),
            ("a.json.zst", "Zstandard"),
            ("a.tsv.bz2", "bzip2"),
            ("a.ndjson.xz", "xz"),
            ("a.csv.zip", "zip"),
            ("a.txt.lz4", "LZ4"),
            ("a.csv.br", "Brotli"),
        ] {
            let said = by_name(Path::new(name)).unwrap().to_string();
            assert!(said.starts_with(&format!("`{name}` is compressed ({format}); unpack it")), "{said}");
        }
        for name in ["a.csv", "gz", ".gz", "a.gz.csv", "a"] {
            assert!(by_name(Path::new(name)).is_none(), "{name}");
        }
    }

    #[test]
    fn bytes_that_say_so() {
        let refusal = |bytes: &[u8]| by_content(Path::new("a.csv"), bytes).map(|error| error.to_string());
        for (bytes, format) in [
            (&b"\x1f\x8b\x08\0\0\0\0\0"[..], "gzip"),
            (b"\x1f\x8b", "gzip"),
            (b"\x28\xb5\x2f\xfd\x24", "Zstandard"),
            (b"BZh91AY&", "bzip2"),
            (b"\xfd7zXZ\0\0", "xz"),
            (b"PK\x03\x04\x14", "zip"),
            (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        ] {
            assert!(refusal(bytes).unwrap().contains(&format!("({format})")), "{bytes:?}");
        }
        for text in ["", "BZh,id\n", "BZh", "PK,id\n", "7z,id", "(question", "\u{feff}id,a", "\u{1f}x"] {
            assert_eq!(refusal(text.as_bytes()), None, "{text:?}");
        }
    }
}
