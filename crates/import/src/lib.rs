//! # plimsoll-import
//!
//! Reads scores that others made, maps foreign files to Plimsoll's columns with SQL, and gives a
//! [`ScoreTable`](plimsoll_core::ScoreTable), which is what calibration starts from.
//!
//! ```no_run
//! use plimsoll_import::{expand_paths, import, FileSpec, Import};
//!
//! # fn main() -> Result<(), plimsoll_import::ImportError> {
//! let log = FileSpec::new(expand_paths("logs/*.csv")?)?;
//! let sql = "SELECT id AS question_id, dataset, 'p_true' AS method, p AS confidence,
//!                   grade = 'C' AS slm_correct, _file, _row
//!            FROM log";
//! let imported = import(&Import::new([("log".to_owned(), log)], sql), &(), None)?;
//! println!("{} rows", imported.rows);
//! # Ok(())
//! # }
//! ```
//!
//! What a user should know:
//!
//! - **Columns.** A query gives `question_id`, `dataset`, `method`, `confidence`, `slm_correct` and,
//!   where there are any, `domain`, `slm`, `llm`, `llm_correct`, `cluster_id`, `slm_cost`, `llm_cost`.
//!   Any other column is refused, so that a misspelt one cannot pass as absent.
//! - **Places.** Every table has the columns `_file` (as given) and `_row` (1-based data row of its
//!   file). A query that selects both gets errors with file, line and row; without them an error
//!   gives the row of the result.
//! - **Folders** named `COLUMN=VALUE`, as Hive, Spark and Polars write partitions, are columns of every row below
//!   them, `%20` and its like decoded; an empty value and `__HIVE_DEFAULT_PARTITION__` are null. They hold integers
//!   where every value is written as one, and text otherwise. A column that stands in the files, too, must say the
//!   same; files of one table lie in the same partitions. Only folders of the path or pattern as it is given count,
//!   not those above it. A folder in place of a file is all files below it, but for names that start with `.` or `_`.
//! - **Names keep their case**, quoted or not: a header `Category` is `Category` or `"Category"`,
//!   never `category`. Names with spaces or punctuation need quotes (`"Unnamed: 0"`). Functions and
//!   keywords go in any case.
//! - **Types** of CSV and JSON-lines columns are inferred over all rows of all files. A CSV integer
//!   counts as one only if it is written as one (`007`, `+7` and integers beyond 64 bits stay text), so
//!   that ids survive. In [`read_scores`] the id columns are text, whatever they look like.
//! - **A query reads.** Statements that write, define or set anything are refused, and so are functions
//!   that differ from run to run (`random`, `uuid`, `now`).
//!
//! | module | what it holds |
//! |---|---|
//! | [`spec`] | which files, in which format |
//! | [`mod@import`] | [`import()`] and [`read_scores`] |
//! | [`error`] | what can go wrong, with file, line and row |
//! | [`foreign`] | results of other programs as scores |
//! | [`problem`] | what can be wrong with a row |
//! | [`InMemoryScores`] | the same of record batches in memory |
//!
//! Inside: `files` reads one format each, `file_table` makes a SQL table of files, `session` is the one
//! place that makes a `DataFusion` context, `partitions` reads folders' names, `rows` turns a query's result into score rows.

pub mod error;
pub mod foreign;
pub mod import;
pub mod problem;
pub mod spec;

mod collector;
mod compressed;
mod file_table;
mod files;
mod in_memory;
mod nearest;
mod partitions;
mod rows;
mod score_batches;
mod score_hash;
mod series_files;
mod session;
mod sink;
#[cfg(test)]
mod tests;

pub use error::{ImportError, SqlError};
pub use import::{DEFAULT_MEMORY_BYTES, Import, import, read_scores};
pub use in_memory::{InMemoryScores, InMemorySummary};
pub use nearest::nearest;
pub use problem::{ImportProblem, RowError, TextProblem};
pub use series_files::{SeriesFiles, SeriesTable, find_series, folder_columns, read_series};
pub use sink::{ImportObserver, ImportSummary, ScoreSink};
pub use spec::{FileSpec, Format, expand_paths};
