//! # plimsoll-ingest
//!
//! Benchmark files to questions, questions to a pool, questions to prompts.
//!
//! [`read_source`] reads one split of a dataset from a file or a folder. The datasets of the paper are
//! [`DATASETS`]; each reads its authors' form and the hub's Parquet form and gives the same questions
//! with the same ids from both. A user's own table is read through a column [`generic::Mapping`].
//! Whatever a row holds, it is a question or a refused row with a reason, and both are counted; a file
//! that is damaged, hostile or of another dataset is an error that names file and row.
//!
//! | module | what it holds |
//! |---|---|
//! | [`dataset`](mod@dataset) | what a dataset is: the trait |
//! | [`datasets`] | the fourteen of the paper, and the registry |
//! | [`generic`] | the user's own tables, by a mapping of columns |
//! | [`read`] | files to questions, with an account of every row |
//! | [`pool`] | sampling, roles, duplicates |
//! | [`prompts`] | questions to prompts |
//! | [`read_table`] | the rows of any table, as they stand in it |
//! | [`cell`], [`draft`], [`number`] | what adapters are made of |
//! | [`error`], [`reason`], [`limits`] | what can go wrong with a file or a row, and bounds on memory |
//!
//! Fetching from the hub is the `hub` crate's work; this one takes local paths only.

pub mod cell;
pub mod dataset;
pub mod datasets;
pub mod draft;
pub mod error;
pub mod generic;
pub mod limits;
mod normal;
pub mod number;
pub mod pool;
pub mod prompts;
pub mod read;
pub mod reason;
mod rows;
mod source;
mod table;

pub use dataset::Dataset;
pub use datasets::{DATASETS, dataset};
pub use error::IngestError;
pub use generic::{Generic, Mapping};
pub use normal::content_hash;
pub use read::{Ingested, read_files, read_source};
pub use reason::{RejectReason, RejectedRow};
pub use table::{TableRow, read_table};
