//! From a path and a split to the files to read, in order.

mod folder;
pub(crate) mod split;

use std::path::{Path, PathBuf};

use crate::dataset::Dataset;
use crate::error::IngestError;
use crate::rows::Format;
use split::Part;

/// The files of one split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// The split, by its one name.
    pub(crate) split: String,
    /// The files, in the order of their rows.
    pub(crate) files: Vec<PathBuf>,
}

/// Finds the files.
pub(crate) fn resolve(
    dataset: &dyn Dataset,
    path: &Path,
    asked: Option<&str>,
) -> Result<Source, IngestError> {
    let word = asked.map(|name| name.trim().to_lowercase());
    let asked = asked.map(split::canonical).transpose()?;
    let metadata = std::fs::metadata(path).map_err(IngestError::io(path))?;
    if metadata.is_dir() {
        return folder::resolve(dataset, path, (asked.as_deref(), word.as_deref()));
    }
    if !metadata.is_file() {
        return Err(IngestError::NotAFile { path: path.to_owned() });
    }
    format(dataset, path)?;
    let name = split::of_file(path);
    if let Some(Part { count, .. }) = name.part
        && count > 1
    {
        return Err(IngestError::OnePart { path: path.to_owned(), parts: count });
    }
    let split = asked.or(name.split).unwrap_or_else(|| split::ALL.to_owned());
    Ok(Source { split, files: vec![path.to_owned()] })
}

/// How a file is read, by its extension.
pub(crate) fn format<'a>(dataset: &'a dyn Dataset, path: &Path) -> Result<Format<'a>, IngestError> {
    let text = dataset.text_fields();
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match extension.as_str() {
        "json" | "jsonl" | "ndjson" => Ok(Format::Json),
        "csv" => Ok(Format::Csv { delimiter: b',', header: dataset.csv_header() }),
        "tsv" => Ok(Format::Csv { delimiter: b'\t', header: dataset.csv_header() }),
        "parquet" => Ok(Format::Parquet),
        "txt" if text.is_some() => Ok(Format::Text { fields: text.unwrap_or_default() }),
        _ => Err(IngestError::UnknownFormat { path: path.to_owned(), text: text.is_some() }),
    }
}

/// The label file that belongs to a data file, if it is there.
pub(crate) fn label_file(dataset: &dyn Dataset, path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_string_lossy();
    let beside = path.with_file_name(format!("{stem}{}", dataset.label_suffix()?));
    beside.is_file().then_some(beside)
}
