//! From a path and a split to the files to read, in order.

mod files;
mod folder;
pub(crate) mod split;

use std::path::{Path, PathBuf};

use crate::dataset::Dataset;
use crate::error::IngestError;
use split::FilePart;

pub(crate) use files::{SplitFiles, format, format_of};

pub(crate) fn resolve(
    dataset: &dyn Dataset,
    path: &Path,
    asked: Option<&str>,
) -> Result<SplitFiles, IngestError> {
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
    let name = split::parse_file_name(path);
    if let Some(FilePart { count, .. }) = name.part
        && count > 1
    {
        return Err(IngestError::OnePart { path: path.to_owned(), parts: count });
    }
    let split = asked.or(name.split).unwrap_or_else(|| split::ALL.to_owned());
    Ok(SplitFiles { split, files: vec![path.to_owned()] })
}

/// The label file that belongs to a data file, if it is there.
pub(crate) fn label_file(dataset: &dyn Dataset, path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_string_lossy();
    let beside = path.with_file_name(format!("{stem}{}", dataset.label_suffix()?));
    beside.is_file().then_some(beside)
}
