//! What can go wrong with a source, with its path, row and line.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

/// Why a source could not be read. A row that cannot be read is no error but a [`RejectedRow`](crate::RejectedRow) row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// The file system refused.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Cause.
        #[source]
        source: io::Error,
    },
    /// A pipe or a device.
    #[error("`{}` is neither a regular file nor a folder", path.display())]
    NotAFile {
        /// What it is called.
        path: PathBuf,
    },
    /// A file without a row.
    #[error("`{}` is empty", path.display())]
    Empty {
        /// Path of the file.
        path: PathBuf,
    },
    /// No format goes by this extension.
    #[error("`{}`: the format is not clear from the name; known are .json .jsonl .ndjson, .csv .tsv, .parquet{}", path.display(), and_text(*text))]
    UnknownFormat {
        /// Path of the file.
        path: PathBuf,
        /// Whether this dataset also has a text form.
        text: bool,
    },
    /// A line or record that does not end.
    #[error("`{}` line {line}: longer than {limit_bytes} bytes", path.display())]
    TooLong {
        /// Path of the file.
        path: PathBuf,
        /// The line where it starts, from 1.
        line: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// A file that would have to be held in memory whole.
    #[error("`{}` is one JSON document of more than {limit_bytes} bytes; write it as JSON lines, one object a line", path.display())]
    DocumentTooLarge {
        /// Path of the file.
        path: PathBuf,
        /// The limit.
        limit_bytes: u64,
    },
    /// A JSON document that is none.
    #[error("`{}` line {line} column {column}: {message}", path.display())]
    Json {
        /// Path of the file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser said.
        message: String,
    },
    /// A JSON document that is not UTF-8.
    #[error("`{}` is not UTF-8 at byte {offset}", path.display())]
    NotUtf8 {
        /// Path of the file.
        path: PathBuf,
        /// The first byte that is none, from 0.
        offset: usize,
    },
    /// A quote that is never closed.
    #[error("`{}` line {line}: a quoted cell that starts here is never closed", path.display())]
    UnclosedQuote {
        /// Path of the file.
        path: PathBuf,
        /// The line where the record starts, from 1.
        line: u64,
    },
    /// Damaged, truncated or no Parquet at all.
    #[error("cannot read `{}` as Parquet", path.display())]
    Parquet {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: ParquetError,
    },
    /// A Parquet file whose data cannot be decoded.
    #[error("cannot decode `{}` after row {rows}", path.display())]
    Decode {
        /// Path of the file.
        path: PathBuf,
        /// Rows that could be read before.
        rows: u64,
        /// Cause.
        #[source]
        source: ArrowError,
    },
    /// Damage that the Parquet reader stumbled over.
    #[error("`{}` is damaged: {message}", path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// What the reader said last.
        message: String,
    },
    /// Pages that would fill the memory.
    #[error("`{}` column `{column}`, row group {row_group}: {what} {found}, more than the limit of {limit}", path.display())]
    Oversized {
        /// Path of the file.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// The row group, from 0.
        row_group: usize,
        /// Of what there is too much.
        what: &'static str,
        /// How much there is.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
    /// A compression whose output cannot be bounded beforehand.
    #[error("`{}` column `{column}` is compressed with {codec}, which cannot be bounded before it is unpacked; write it with zstd or snappy", path.display())]
    Codec {
        /// Path of the file.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// The compression.
        codec: &'static str,
    },
    /// More rows than a benchmark has.
    #[error("`{}` has more than {limit} rows", path.display())]
    TooManyRows {
        /// The file in which the limit was passed.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// More text than a benchmark has.
    #[error("`{}` row {row}: the questions read so far hold more than {limit_bytes} bytes of text", path.display())]
    TooMuchText {
        /// The file in which the limit was passed.
        path: PathBuf,
        /// The row, from 1.
        row: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// A file of another dataset, or of none.
    #[error("`{}` is no file of {dataset}: {found}; {}", path.display(), forms(needed))]
    WrongShape {
        /// Path of the file.
        path: PathBuf,
        /// The dataset whose adapter was asked to read it.
        dataset: String,
        /// What the first row has instead.
        found: String,
        /// The known forms, and of each which fields are missing.
        needed: Vec<MissingFields>,
    },
    /// No file of the split in the folder.
    #[error("`{}` has no file of split `{split}` of {dataset}; found: {}", path.display(), list(found))]
    NoSplit {
        /// Path of the folder.
        path: PathBuf,
        /// Id of the dataset.
        dataset: String,
        /// What was asked for.
        split: String,
        /// Splits that are there.
        found: Vec<String>,
    },
    /// Several splits in the folder, and none was asked for.
    #[error("`{}` holds several splits of {dataset} ({}); say which", path.display(), list(found))]
    SplitNotSaid {
        /// Path of the folder.
        path: PathBuf,
        /// Id of the dataset.
        dataset: String,
        /// Splits that are there.
        found: Vec<String>,
    },
    /// Several files that could be meant.
    #[error("`{}` has several files that could be split `{split}` of {dataset} ({}); name one", path.display(), list(found))]
    Ambiguous {
        /// Path of the folder.
        path: PathBuf,
        /// Id of the dataset.
        dataset: String,
        /// What was asked for.
        split: String,
        /// The files.
        found: Vec<String>,
    },
    /// A part of a split, whose rows cannot be numbered without the other parts.
    #[error("`{}` is one of {parts} parts of its split; give the folder instead", path.display())]
    OnePart {
        /// Path of the file.
        path: PathBuf,
        /// How many parts there are.
        parts: u32,
    },
    /// A split of which a part is absent.
    #[error("`{}` has {found} of the {parts} parts of split `{split}`", path.display())]
    MissingPart {
        /// Path of the folder.
        path: PathBuf,
        /// Name of the split.
        split: String,
        /// How many parts there are.
        found: usize,
        /// How many there should be.
        parts: u32,
    },
    /// Too much in a folder to look through.
    #[error("`{}` holds more than {limit} files and folders; name the file", path.display())]
    TooManyEntries {
        /// Path of the folder.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// A split name that cannot stand in an id.
    #[error("`{split}` is no name of a split")]
    SplitName {
        /// The name.
        split: String,
    },
    /// Labels that do not belong to the rows.
    #[error("`{}` has {found} labels, but `{}` has {expected} rows", labels.display(), path.display())]
    LabelCount {
        /// The data file.
        path: PathBuf,
        /// The label file.
        labels: PathBuf,
        /// Labels.
        found: u64,
        /// Rows.
        expected: u64,
    },
}

fn and_text(text: bool) -> &'static str {
    if text { ", .txt" } else { "" }
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

fn forms(needed: &[MissingFields]) -> String {
    let form = |form: &MissingFields| {
        if form.missing.is_empty() {
            format!("the {} form has them in another way", form.form)
        } else {
            format!("the {} form needs {}", form.form, form.missing.join(", "))
        }
    };
    needed.iter().map(form).collect::<Vec<_>>().join("; ")
}

impl IngestError {
    /// An error of the file system at a path.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// A known form of a dataset, and what a file lacks of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingFields {
    /// The form (`native`, `hub`).
    pub form: String,
    /// Fields that the first row lacks.
    pub missing: Vec<String>,
}
