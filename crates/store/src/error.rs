//! What can go wrong with a table's file.

use std::path::PathBuf;

use arrow::error::ArrowError;
use parquet::errors::ParquetError;
use plimsoll_files::FileError;

/// Why a file could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The Parquet writer failed.
    #[error("cannot write table `{table}` to `{}`", path.display())]
    Write {
        /// Name of the table.
        table: &'static str,
        /// The file that was to be written; what was there before is untouched.
        path: PathBuf,
        /// Cause.
        #[source]
        source: ParquetError,
    },
    /// The file is no Parquet file, is truncated or is damaged.
    #[error("cannot read `{}` as Parquet", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: ParquetError,
    },
    /// A record batch of the file cannot be decoded.
    #[error("cannot decode table `{table}` in `{}`", path.display())]
    Decode {
        /// Name of the table.
        table: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: ArrowError,
    },
    /// A row of the file is not one of the table's: a text that names no known variant, for instance.
    #[error("cannot read the rows of table `{table}` in `{}`", path.display())]
    Row {
        /// Name of the table.
        table: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Which column, and why.
        #[source]
        source: serde_arrow::Error,
    },
    /// Rows do not fit the table's columns.
    #[error("rows do not fit the columns of table `{table}`, to be written to `{}`", path.display())]
    Rows {
        /// Name of the table.
        table: &'static str,
        /// The file that was to be written.
        path: PathBuf,
        /// Which column, and why.
        #[source]
        source: ArrowError,
    },
    /// A record batch has another schema than its table.
    #[error("a batch for table `{table}`, to be written to `{}`, has other columns than the table", path.display())]
    BatchSchema {
        /// Name of the table.
        table: &'static str,
        /// The file that was to be written.
        path: PathBuf,
    },
    /// The file was not written by Plimsoll, or holds another table.
    #[error("`{}` does not hold table `{expected}` but {}", path.display(), holds(found.as_deref()))]
    OtherTable {
        /// Path of the file.
        path: PathBuf,
        /// The table that was asked for.
        expected: &'static str,
        /// The table that it says it holds, if it says so.
        found: Option<String>,
    },
    /// The file was written with another version of the table's schema.
    #[error("`{}` holds version {found} of table `{table}`, this program reads version {expected}: {}", path.display(), advice(found, *expected))]
    OtherVersion {
        /// Path of the file.
        path: PathBuf,
        /// Name of the table.
        table: &'static str,
        /// The version that this program reads.
        expected: u32,
        /// The version in the file, as it stands there.
        found: String,
    },
    /// The file says that it holds the table in this version, but its columns differ.
    #[error("`{}` says that it holds table `{table}`, but its columns are not those of that table", path.display())]
    OtherColumns {
        /// Path of the file.
        path: PathBuf,
        /// Name of the table.
        table: &'static str,
    },
}

fn holds(found: Option<&str>) -> String {
    found.map_or_else(|| "a table that Plimsoll did not write".to_owned(), |table| format!("table `{table}`"))
}

fn advice(found: &str, expected: u32) -> &'static str {
    match found.parse::<u32>() {
        Ok(found) if found > expected => "update plimsoll",
        Ok(_) => "run the stage that writes it again",
        Err(_) => "the version is damaged; run the stage that writes it again",
    }
}
