//! Rows of a file, whatever its format: each is a [`Cell`], or a reason why it cannot be read.

mod csv;
mod json;
mod labels;
mod lines;
mod pages;
mod parquet;
mod raw;
mod text;

use std::path::Path;

pub(crate) use labels::labels;
pub(crate) use raw::{RawRow, RowFormat};

use crate::error::IngestError;
use raw::RowSink;

/// Hands every row of a file to `take`.
pub(crate) fn each_row(
    path: &Path,
    format: RowFormat<'_>,
    take: &mut RowSink<'_>,
) -> Result<(), IngestError> {
    match format {
        RowFormat::Json => json::each_row(path, take),
        RowFormat::Csv { delimiter, header } => csv::each_row(path, delimiter, header, take),
        RowFormat::Parquet => parquet::each_row(path, take),
        RowFormat::Text { fields } => text::each_row(path, fields, take),
    }
}
