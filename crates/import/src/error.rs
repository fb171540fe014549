//! What can go wrong, with file, line and row.

use std::any::Any;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use parquet::errors::ParquetError;
use plimsoll_store::StoreError;

use crate::problem::{RowError, TextProblem, summary};

/// Why scores could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A pattern that is none.
    #[error("`{pattern}` is not a file pattern")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Cause.
        #[source]
        source: glob::PatternError,
    },
    /// A pattern that matches nothing.
    #[error("no file matches `{pattern}`")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// A folder without a file.
    #[error("there is no file below `{}`; names that start with `.` or `_` do not count", path.display())]
    EmptyFolder {
        /// Path of the folder.
        path: PathBuf,
    },
    /// A folder below another that is somewhere else.
    #[error("`{}` is a link to a folder, which is not followed; name the files by a pattern", path.display())]
    LinkedFolder {
        /// The link.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot read `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Cause.
        #[source]
        source: io::Error,
    },
    /// A pipe or a device, or a folder where a file is due; files are read twice, so that only regular files will do.
    #[error("`{}` is not a regular file", path.display())]
    NotAFile {
        /// What it is called.
        path: PathBuf,
    },
    /// No format goes by this extension.
    #[error("`{}`: the format is not clear from the name; known are .csv .tsv .txt, .jsonl .ndjson .json, .parquet", path.display())]
    UnknownExtension {
        /// Path of the file.
        path: PathBuf,
    },
    /// A compressed file.
    #[error("`{}` is compressed ({format}); unpack it first: {how}", path.display())]
    Compressed {
        /// Path of the file.
        path: PathBuf,
        /// How it is compressed.
        format: &'static str,
        /// The command that unpacks it.
        how: &'static str,
    },
    /// Files of two formats in one table.
    #[error("`{}` and `{}` are of different formats; one table takes one", first.display(), path.display())]
    MixedFormats {
        /// The first file.
        first: PathBuf,
        /// The one that differs.
        path: PathBuf,
    },
    /// No file at all.
    #[error("no file was given to read")]
    NoFiles,
    /// A delimiter that cannot separate cells.
    #[error(
        "the delimiter {delimiter:?} cannot separate cells; it must be one ASCII character other than a quote or a line break"
    )]
    Delimiter {
        /// The delimiter.
        delimiter: char,
    },
    /// A file without a byte, or without a header where one is due.
    #[error("`{}` is empty", path.display())]
    Empty {
        /// Path of the file.
        path: PathBuf,
    },
    /// Nothing but headers.
    #[error("no data rows in {}", list(paths.iter().map(|path| path.display())))]
    NoDataRows {
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// A line of a text file that cannot be read.
    #[error("`{}` line {line}{}: {problem}", path.display(), data_row(*row))]
    Text {
        /// Path of the file.
        path: PathBuf,
        /// The physical line where the row starts, from 1.
        line: u64,
        /// The data row, from 1; `None` in a header.
        row: Option<u64>,
        /// What is wrong there.
        problem: TextProblem,
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
    /// A file of lm-evaluation-harness whose name has no task.
    #[error("`{}` is not named samples_TASK_DATE.jsonl, as lm-eval --log_samples names its files: of which task is it?", path.display())]
    NoTask {
        /// The file.
        path: PathBuf,
    },
    /// Two models' answers to different questions.
    #[error(
        "question {doc_id} of `{task}` is another question for the LLM: the files are of different versions of the task"
    )]
    OtherQuestion {
        /// The task.
        task: String,
        /// Its number in the task.
        doc_id: u64,
    },
    /// A file of RouteLLM without a column that was asked for.
    #[error("`{}` has no column `{column}`{}; the columns are {}", path.display(), meant(nearest.as_deref()), list(known))]
    ForeignColumn {
        /// The file.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// The one that was probably meant.
        nearest: Option<String>,
        /// The columns there are.
        known: Vec<String>,
    },
    /// Responses of RouteLLM without a router's win rates.
    #[error(
        "`{}` has no column of win rates: add one for each router, `responses[\"mf\"] = \
         controller.batch_calculate_win_rate(responses[\"prompt\"], \"mf\")`, or name the columns (--router)",
        path.display()
    )]
    NoWinRates {
        /// The file.
        path: PathBuf,
    },
    /// A column of grades or win rates with texts.
    #[error("`{}`: a column of grades or win rates holds text that is no number, true or false", path.display())]
    NotNumbers {
        /// The file.
        path: PathBuf,
    },
    /// A model that no row is of.
    #[error("no row is of the model `{model}`; there are {}", list(known))]
    UnknownModel {
        /// Its name.
        model: String,
        /// The models there are.
        known: Vec<String>,
    },
    /// Routing data of LLMRouter without a confidence.
    #[error(
        "routing data has grades and no confidence: give the scores of a hybrid router with --routing, which `llmrouter infer \
         --router hybrid_llm --route-only --output-format jsonl` writes"
    )]
    NoRouterScores,
    /// A table in memory whose batches cannot be had or are not what its schema says.
    #[error("cannot read the rows of `{name}`")]
    InMemory {
        /// What the table is called.
        name: String,
        /// Cause.
        #[source]
        source: ArrowError,
    },
    /// A Parquet file whose data cannot be decoded.
    #[error("cannot decode `{}`", path.display())]
    Decode {
        /// Path of the file.
        path: PathBuf,
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
    /// A column name that occurs twice.
    #[error("`{}` has two columns named `{column}`", path.display())]
    RepeatedColumn {
        /// Path of the file.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// A column named like one that every table has anyway.
    #[error("`{}` has a column `{column}`, a name that is kept for the location of a row", path.display())]
    ReservedColumn {
        /// Path of the file.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// Files of one table with different columns.
    #[error("`{}` has no column `{column}`, which `{}` has; files of one table have the same columns", path.display(), other.display())]
    OtherColumns {
        /// The file that lacks it.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// A file that has it.
        other: PathBuf,
    },
    /// A folder whose name would be a column, but is no text.
    #[error("`{}`: the name of the folder `{folder}`, `%` escapes decoded, is no UTF-8 text, so that no column can be made of it", path.display())]
    PartitionText {
        /// Path of the file.
        path: PathBuf,
        /// The folder, as far as it is text.
        folder: String,
    },
    /// A path that says twice what a column is.
    #[error("`{}` lies in two folders `{column}=..`", path.display())]
    RepeatedPartition {
        /// Path of the file.
        path: PathBuf,
        /// Name of the column.
        column: String,
    },
    /// Files of one table whose paths name different columns.
    #[error("`{}` lies in no folder `{column}=..`, as `{}` does; files of one table lie in the same partitions", path.display(), other.display())]
    OtherPartitions {
        /// The file that does not.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// A file that does.
        other: PathBuf,
    },
    /// A file that says otherwise than its path.
    #[error("`{}` data row {row}: column `{column}` is {found}, but the folders of the path say {partition}; rename the column or the folder", path.display())]
    PartitionDiffers {
        /// Path of the file.
        path: PathBuf,
        /// The data row, from 1.
        row: u64,
        /// Name of the column.
        column: String,
        /// What stands in the file.
        found: String,
        /// What stands in the path.
        partition: String,
    },
    /// Parquet files of one table with a column of different types.
    #[error("column `{column}` is {found} in `{}` and {before} in the files before", path.display())]
    OtherType {
        /// Path of the file.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// Its type here.
        found: DataType,
        /// Its type before.
        before: DataType,
    },
    /// A file that was not the same the second time.
    #[error("`{}` changed while it was read", path.display())]
    Changed {
        /// Path of the file.
        path: PathBuf,
    },
    /// A query too long to be meant.
    #[error("the query is longer than {limit} bytes")]
    QueryTooLong {
        /// Maximum that is read.
        limit: usize,
    },
    /// A statement that writes, defines or sets something.
    #[error("only a query (SELECT) is allowed here")]
    NotAQuery {
        /// What it is instead.
        #[source]
        source: SqlError,
    },
    /// The query cannot be understood or run.
    #[error("the query failed; its tables are {}", list(tables))]
    Query {
        /// The tables that it may name.
        tables: Vec<String>,
        /// Why.
        #[source]
        source: SqlError,
    },
    /// The query needs more memory than it may have.
    #[error("the query needs more than {} MiB of memory", limit_bytes >> 20)]
    Memory {
        /// What it may have, in bytes.
        limit_bytes: usize,
        /// Which part of it asked for more.
        #[source]
        source: SqlError,
    },
    /// The query engine gave up in a way it should not.
    #[error("the query engine failed on this query: {message}")]
    Engine {
        /// What it said last.
        message: String,
    },
    /// The system gives no thread or runtime.
    #[error("cannot start the query engine")]
    Start {
        /// Cause.
        #[source]
        source: io::Error,
    },
    /// Two columns of the result with one name.
    #[error("the result of the query has two columns named `{column}`; rename or drop one")]
    RepeatedResult {
        /// The name.
        column: String,
    },
    /// A column that must be there.
    #[error("there is no column `{column}`{}; the columns are {}", meant(nearest.as_deref()), list(known))]
    MissingColumn {
        /// Name of the column.
        column: &'static str,
        /// The columns there are.
        known: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// A column of a query's result that means nothing here.
    #[error("the query gives a column `{column}`, which means nothing here{}; known are {}", meant(*nearest), list(known))]
    UnknownColumn {
        /// Name of the column.
        column: String,
        /// The columns that mean something.
        known: Vec<&'static str>,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A column of a type that cannot hold what it should.
    #[error("column `{column}` is of type {found}, but {wanted} is needed; use CAST in the query")]
    ColumnType {
        /// Name of the column.
        column: &'static str,
        /// Its type.
        found: DataType,
        /// What it should be.
        wanted: &'static str,
    },
    /// Rows that cannot be used.
    #[error("{}", summary(problems, *total))]
    Rows {
        /// The first ones, in order.
        problems: Vec<RowError>,
        /// How many there are.
        total: u64,
    },
    /// The rows do not fit the `scores` table, which they passed as.
    #[error("the rows do not fit the `scores` table")]
    Batch {
        /// Cause.
        #[source]
        source: ArrowError,
    },
    /// Whoever takes the rows failed.
    #[error("the rows could not be passed on")]
    Sink {
        /// Cause.
        #[source]
        source: StoreError,
    },
}

/// What the query engine says. Its own chain of causes repeats itself; this is its text, once.
#[derive(Debug)]
pub struct SqlError(Box<DataFusionError>);

impl SqlError {
    pub(crate) fn new(error: DataFusionError) -> Self {
        Self(Box::new(error))
    }

    /// Whether the query itself is at fault, whatever the files hold: it cannot be read, or does not
    /// fit the columns.
    pub fn is_in_query(&self) -> bool {
        matches!(
            self.0.find_root(),
            DataFusionError::SQL(..)
                | DataFusionError::Plan(_)
                | DataFusionError::SchemaError(..)
                | DataFusionError::NotImplemented(_)
                | DataFusionError::Diagnostic(..)
                | DataFusionError::Collection(_)
        )
    }

    /// Whether a query wanted more memory than it may have.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        matches!(self.0.find_root(), DataFusionError::ResourcesExhausted(_))
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every table is in the one schema that there is; its name would only puzzle.
        formatter.write_str(&self.0.strip_backtrace().replace("datafusion.public.", ""))
    }
}

impl std::error::Error for SqlError {}

impl ImportError {
    /// For `map_err`: the file system refused.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// For `map_err`: the batches of a table in memory cannot be had.
    pub(crate) fn in_memory(name: &str) -> impl Fn(ArrowError) -> Self {
        move |source| Self::InMemory { name: name.to_owned(), source }
    }

    /// For `map_err`: the data of a Parquet file cannot be decoded.
    pub(crate) fn decode(path: &Path) -> impl FnOnce(ArrowError) -> Self {
        let path = path.to_owned();
        move |source| Self::Decode { path, source }
    }
}

fn data_row(row: Option<u64>) -> String {
    row.map_or_else(String::new, |row| format!(" (data row {row})"))
}

fn list(names: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(" (is `{nearest}` meant?)"))
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned()
}
