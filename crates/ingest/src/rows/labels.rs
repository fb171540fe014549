//! Label files: one label a line, for the rows of the data file beside it.

use std::path::Path;

use super::lines::LimitedLines;
use crate::error::IngestError;
use crate::limits::{LABEL_BYTES, SOURCE_ROWS};

/// The labels of a file, trimmed. Blank lines at the end are none; a blank line between is an empty label.
pub(crate) fn labels(path: &Path) -> Result<Vec<String>, IngestError> {
    let mut lines = LimitedLines::open(path, LABEL_BYTES)?;
    let mut labels = Vec::new();
    while lines.advance()? {
        if labels.len() as u64 >= SOURCE_ROWS {
            return Err(IngestError::TooManyRows { path: path.to_owned(), limit: SOURCE_ROWS });
        }
        labels.push(String::from_utf8_lossy(&lines.bytes).trim().to_owned());
    }
    while labels.last().is_some_and(String::is_empty) {
        labels.pop();
    }
    Ok(labels)
}
