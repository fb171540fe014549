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

/// How a file is read, by its extension.
pub(crate) fn format<'a>(dataset: &'a dyn Dataset, path: &Path) -> Result<RowFormat<'a>, IngestError> {
    let text = dataset.text_fields();
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match extension.as_str() {
        "json" | "jsonl" | "ndjson" => Ok(RowFormat::Json),
        "csv" => Ok(RowFormat::Csv { delimiter: b',', header: dataset.csv_header() }),
        "tsv" => Ok(RowFormat::Csv { delimiter: b'\t', header: dataset.csv_header() }),
        "parquet" => Ok(RowFormat::Parquet),
        "txt" if text.is_some() => Ok(RowFormat::Text { fields: text.unwrap_or_default() }),
        _ => Err(IngestError::UnknownFormat { path: path.to_owned(), text: text.is_some() }),
    }
}
