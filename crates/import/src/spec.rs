//! Which files, in which format.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::compressed;
use crate::error::ImportError;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
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
    /// [`ImportError::Compressed`] for that of a compressed file, [`ImportError::UnknownExtension`] for any
    /// other.
    pub fn from_path(path: &Path) -> Result<Self, ImportError> {
        match extension(path).as_str() {
            "csv" | "tsv" | "txt" => Ok(Self::Csv),
            "jsonl" | "ndjson" | "json" => Ok(Self::JsonLines),
            "parquet" => Ok(Self::Parquet),
            _ => Err(compressed::by_name(path)
                .unwrap_or_else(|| ImportError::UnknownExtension { path: path.to_owned() })),
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
    /// The folder below which folders named `COLUMN=VALUE` are columns; empty for all folders of the paths.
    pub root: PathBuf,
}

impl FileSpec {
    /// Format and delimiter by the files' extension (a tab for `.tsv`, else a comma), with a header.
    ///
    /// # Errors
    /// [`ImportError::NoFiles`], [`ImportError::MixedFormats`], or as [`Format::from_path`].
    pub fn new(paths: Vec<PathBuf>) -> Result<Self, ImportError> {
        let first = paths.first().ok_or(ImportError::NoFiles)?;
        let (format, delimiter) = (Format::from_path(first)?, default_delimiter(first));
        for path in &paths {
            if (Format::from_path(path)?, default_delimiter(path)) != (format, delimiter) {
                return Err(ImportError::MixedFormats { first: first.clone(), path: path.clone() });
            }
        }
        Ok(Self { paths, format, delimiter, header: true, root: PathBuf::new() })
    }

    /// Refuses what cannot be read whatever the files hold.
    pub(crate) fn check(&self) -> Result<(), ImportError> {
        if self.paths.is_empty() {
            return Err(ImportError::NoFiles);
        }
        let separates = self.delimiter.is_ascii() && !matches!(self.delimiter, b'"' | b'\n' | b'\r');
        if self.format == Format::Csv && !separates {
            return Err(ImportError::Delimiter { delimiter: char::from(self.delimiter) });
        }
        Ok(())
    }
}

/// The delimiter that goes by a CSV file's extension.
pub(crate) fn default_delimiter(path: &Path) -> u8 {
    if extension(path) == "tsv" { b'\t' } else { b',' }
}

/// What a file's name ends in, in lower case.
pub(crate) fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// The files that a pattern (`logs/*.csv`, `logs/**/x?.parquet`) names, sorted. A path that exists is
/// taken as it is, even if it looks like a pattern: a file, or a folder, which stands for all files below it
/// but for those whose name, or the name of a folder on the way, starts with `.` or `_` (what Spark and
/// others leave beside the data; a folder `_a=b` is data). Folders that a pattern matches are left out.
///
/// # Errors
/// [`ImportError::NoMatch`] or [`ImportError::EmptyFolder`] if there is none, [`ImportError::Pattern`] for a
/// bad pattern, [`ImportError::Io`] for a folder that cannot be read, [`ImportError::LinkedFolder`] for one
/// that is a link below another.
pub fn expand_paths(pattern: &str) -> Result<Vec<PathBuf>, ImportError> {
    let literal = PathBuf::from(pattern);
    if literal.is_dir() {
        return files_below(&literal);
    }
    if literal.exists() {
        return Ok(vec![literal]);
    }
    let bad = |source| ImportError::Pattern { pattern: pattern.to_owned(), source };
    let mut paths = Vec::new();
    for entry in glob::glob(pattern).map_err(bad)? {
        let path = entry.map_err(|error| {
            let path = error.path().to_owned();
            ImportError::Io { path, source: error.into() }
        })?;
        if !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(ImportError::NoMatch { pattern: pattern.to_owned() });
    }
    Ok(paths)
}

/// The files below a folder, sorted.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(ImportError::io(&folder))? {
            let entry = entry.map_err(ImportError::io(&folder))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(ImportError::io(&folder))?);
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            let beside = matches!(name.first(), Some(b'.' | b'_'));
            if !path.is_dir() {
                files.extend((!beside).then_some(path));
            } else if !beside || name.contains(&b'=') {
                // It may lead back here, or to rows that are read anyway.
                if kind.is_symlink() {
                    return Err(ImportError::LinkedFolder { path });
                }
                folders.push(path);
            }
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(ImportError::EmptyFolder { path: folder.to_owned() });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {

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
        for name in ["a", "a.xlsx", ".csv"] {
            let refused = Format::from_path(Path::new(name));
            assert!(matches!(refused, Err(ImportError::UnknownExtension { .. })), "{name}");
        }
    }

    #[test]
    fn one_format_a_table() {
        let spec = |names: &[&str]| FileSpec::new(names.iter().map(PathBuf::from).collect());
        assert_eq!(spec(&["a.tsv", "b.tsv"]).unwrap().delimiter, b'\t');
        assert!(matches!(spec(&["a.csv", "b.tsv"]), Err(ImportError::MixedFormats { .. })));
        assert!(matches!(spec(&["a.csv", "b.jsonl"]), Err(ImportError::MixedFormats { .. })));
        assert!(matches!(spec(&[]), Err(ImportError::NoFiles)));
        for delimiter in [b'"', b'\n', b'\r', 0xe4] {
            let spec = FileSpec { delimiter, ..spec(&["a.csv"]).unwrap() };
            assert!(matches!(spec.check(), Err(ImportError::Delimiter { .. })), "{delimiter}");
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
        assert!(matches!(expand("*.parquet"), Err(ImportError::NoMatch { .. })));
        assert!(matches!(expand("nope.csv"), Err(ImportError::NoMatch { .. })));
        assert!(matches!(expand("d.csv"), Err(ImportError::EmptyFolder { .. })));
        assert!(matches!(expand("a[.csv"), Err(ImportError::Pattern { .. })));
    }

    #[test]
    fn a_folder_is_the_files_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [
            "hive/b=2/x.csv",
            "hive/b=1/x.csv",
            "hive/_c=1/x.csv",
            "hive/_SUCCESS",
            "hive/_delta_log/x.csv",
            "hive/.hidden/x.csv",
            "hive/b=1/.x.csv.crc",
            "hive/notes",
        ] {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), "x").unwrap();
        }
        let found = expand_paths(at("hive").to_str().unwrap()).unwrap();
        let names = ["hive/_c=1/x.csv", "hive/b=1/x.csv", "hive/b=2/x.csv", "hive/notes"];
        assert_eq!(found, names.map(at));
        // What is no table is not passed over: it is named.
        assert!(
            matches!(FileSpec::new(found), Err(ImportError::UnknownExtension { path }) if path == at("hive/notes"))
        );
        #[cfg(unix)]
        for (to, link) in [("hive", "hive/b=1/again"), ("hive/b=2", "hive/z=2")] {
            std::os::unix::fs::symlink(at(to), at(link)).unwrap();
            let refused = expand_paths(at("hive").to_str().unwrap()).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("`{}` is a link", at(link).display())), "{refused}");
            fs::remove_file(at(link)).unwrap();
        }
    }
}
