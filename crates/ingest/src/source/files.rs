//! The files of a split, and how each is read.

use std::path::{Path, PathBuf};

use crate::dataset::Dataset;
use crate::error::IngestError;
use crate::rows::RowFormat;

/// The files of one split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SplitFiles {
    /// The split, by its one name.
    pub(crate) split: String,
    /// The files, in the order of their rows.
    pub(crate) files: Vec<PathBuf>,
}

/// How a dataset's file is read, by its extension.
pub(crate) fn format<'a>(dataset: &'a dyn Dataset, path: &Path) -> Result<RowFormat<'a>, IngestError> {
    by_extension(path, dataset.csv_header(), dataset.text_fields())
}

/// How a table with names of its own is read, by its extension.
pub(crate) fn format_of(path: &Path) -> Result<RowFormat<'static>, IngestError> {
    by_extension(path, None, None)
}

fn by_extension<'a>(
    path: &Path,
    header: Option<&'a [&'a str]>,
    text: Option<&'a [&'a str]>,
) -> Result<RowFormat<'a>, IngestError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match (extension.as_str(), text) {
        ("json" | "jsonl" | "ndjson", _) => Ok(RowFormat::Json),
        ("csv", _) => Ok(RowFormat::Csv { delimiter: b',', header }),
        ("tsv", _) => Ok(RowFormat::Csv { delimiter: b'\t', header }),
        ("parquet", _) => Ok(RowFormat::Parquet),
        ("txt", Some(fields)) => Ok(RowFormat::Text { fields }),
        _ => Err(IngestError::UnknownFormat { path: path.to_owned(), text: text.is_some() }),
    }
}
