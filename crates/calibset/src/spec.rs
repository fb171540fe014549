//! Which files, in which format.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::CalibsetError;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Cells between delimiters, UTF-8, quotes doubled inside quotes. Empty lines are skipped.
    Csv,
    /// One JSON object a line, UTF-8. Blank lines are skipped.
    JsonLines,
    /// Parquet.
    Parquet,
}

impl Format {
    /// The format that goes by the file's extension, in any case: `.csv` `.tsv` `.txt`, `.jsonl`
    /// `.ndjson` `.json`, `.parquet`.
    ///
    /// # Errors
    /// [`CalibsetError::UnknownExtension`] for any other.
    pub fn from_path(path: &Path) -> Result<Self, CalibsetError> {
        match extension(path).as_str() {
            "csv" | "tsv" | "txt" => Ok(Self::Csv),
            "jsonl" | "ndjson" | "json" => Ok(Self::JsonLines),
            "parquet" => Ok(Self::Parquet),
            _ => Err(CalibsetError::UnknownExtension { path: path.to_owned() }),
        }
    }
}

/// The files of one table: all of one format, with the same columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSpec {
    /// The files, in the order in which their rows are read.
    pub paths: Vec<PathBuf>,
    /// Their format.
    pub format: Format,
    /// What separates the cells of a CSV file.
    pub delimiter: u8,
    /// Whether a CSV file starts with the names of its columns; without, they are `column_1`, `column_2`, ..
    pub header: bool,
}

impl FileSpec {
    /// Format and delimiter by the files' extension (a tab for `.tsv`, else a comma), with a header.
    ///
    /// # Errors
    /// [`CalibsetError::NoFiles`], [`CalibsetError::UnknownExtension`] or
    /// [`CalibsetError::MixedFormats`].
    pub fn new(paths: Vec<PathBuf>) -> Result<Self, CalibsetError> {
        let first = paths.first().ok_or(CalibsetError::NoFiles)?;
        let (format, delimiter) = (Format::from_path(first)?, default_delimiter(first));
        for path in &paths {
            if (Format::from_path(path)?, default_delimiter(path)) != (format, delimiter) {
                return Err(CalibsetError::MixedFormats { first: first.clone(), path: path.clone() });
            }
        }
        Ok(Self { paths, format, delimiter, header: true })
    }

    /// Refuses what cannot be read whatever the files hold.
    pub(crate) fn check(&self) -> Result<(), CalibsetError> {
        if self.paths.is_empty() {
            return Err(CalibsetError::NoFiles);
        }
        let separates = self.delimiter.is_ascii() && !matches!(self.delimiter, b'"' | b'\n' | b'\r');
        if self.format == Format::Csv && !separates {
            return Err(CalibsetError::Delimiter { delimiter: char::from(self.delimiter) });
        }
        Ok(())
    }
}

/// The delimiter that goes by a CSV file's extension.
pub(crate) fn default_delimiter(path: &Path) -> u8 {
    if extension(path) == "tsv" { b'\t' } else { b',' }
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// The files that a pattern (`logs/*.csv`, `logs/**/x?.parquet`) names, sorted. A path that exists is
/// taken as it is, even if it looks like a pattern; folders that a pattern matches are not files and
/// are left out.
///
/// # Errors
/// [`CalibsetError::NoMatch`] if there is none, [`CalibsetError::Pattern`] for a bad pattern,
/// [`CalibsetError::Io`] for a folder that cannot be read, [`CalibsetError::NotAFile`] for a folder.
pub fn expand_paths(pattern: &str) -> Result<Vec<PathBuf>, CalibsetError> {
    let literal = PathBuf::from(pattern);
    if literal.is_dir() {
        return Err(CalibsetError::NotAFile { path: literal });
    }
    if literal.exists() {
        return Ok(vec![literal]);
    }
    let bad = |source| CalibsetError::Pattern { pattern: pattern.to_owned(), source };
    let mut paths = Vec::new();
    for entry in glob::glob(pattern).map_err(bad)? {
        let path = entry.map_err(|error| {
            let path = error.path().to_owned();
            CalibsetError::Io { path, source: error.into() }
        })?;
        if !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(CalibsetError::NoMatch { pattern: pattern.to_owned() });
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn formats_by_extension() {
        for (name, format) in [
            ("a.csv", Format::Csv),
            ("a.TSV", Format::Csv),
            ("a.txt", Format::Csv),
            ("a.jsonl", Format::JsonLines),
            ("a.ndjson", Format::JsonLines),
            ("a.json", Format::JsonLines),
            ("a.b.parquet", Format::Parquet),
        ] {
            assert_eq!(Format::from_path(Path::new(name)).unwrap(), format, "{name}");
        }
        for name in ["a", "a.xlsx", ".csv", "a.csv.gz"] {
            let refused = Format::from_path(Path::new(name));
            assert!(matches!(refused, Err(CalibsetError::UnknownExtension { .. })), "{name}");
        }
    }

    #[test]
    fn one_format_a_table() {
        let spec = |names: &[&str]| FileSpec::new(names.iter().map(PathBuf::from).collect());
        assert_eq!(spec(&["a.tsv", "b.tsv"]).unwrap().delimiter, b'\t');
        assert!(matches!(spec(&["a.csv", "b.tsv"]), Err(CalibsetError::MixedFormats { .. })));
        assert!(matches!(spec(&["a.csv", "b.jsonl"]), Err(CalibsetError::MixedFormats { .. })));
        assert!(matches!(spec(&[]), Err(CalibsetError::NoFiles)));
        for delimiter in [b'"', b'\n', b'\r', 0xe4] {
            let spec = FileSpec { delimiter, ..spec(&["a.csv"]).unwrap() };
            assert!(matches!(spec.check(), Err(CalibsetError::Delimiter { .. })), "{delimiter}");
        }
    }

    #[test]
    fn patterns() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["b.csv", "a.csv", "c.txt", "[x].csv"] {
            fs::write(at(name), "x").unwrap();
        }
        fs::create_dir(at("d.csv")).unwrap();
        let expand = |name: &str| expand_paths(at(name).to_str().unwrap());
        assert_eq!(expand("*.csv").unwrap(), [at("[x].csv"), at("a.csv"), at("b.csv")]);
        assert_eq!(expand("[x].csv").unwrap(), [at("[x].csv")]);
        assert!(matches!(expand("*.parquet"), Err(CalibsetError::NoMatch { .. })));
        assert!(matches!(expand("nope.csv"), Err(CalibsetError::NoMatch { .. })));
        assert!(matches!(expand("d.csv"), Err(CalibsetError::NotAFile { .. })));
        assert!(matches!(expand("a[.csv"), Err(CalibsetError::Pattern { .. })));
    }
}
