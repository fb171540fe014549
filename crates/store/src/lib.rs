//! # plimsoll-store
//!
//! One Arrow schema per table, Parquet in and out.
//!
//! A table is a [`Table`] in its own file under [`tables`] and one line in [`TABLES`]. Its columns are the fields of
//! its row, a [`TableRow`](plimsoll_core::schema::TableRow). Its file carries, as Parquet metadata, which table and schema version it
//! is and where it comes from ([`Provenance`]), so that a reader refuses by name what it cannot
//! read, and two runs of one plan write the same bytes: no clock, no host, fixed writer settings.
//!
//! | module | what it holds |
//! |---|---|
//! | [`table`] | what a table is: name, version, columns; its Arrow schema and its dump |
//! | [`tables`] | the tables |
//! | [`mod@write`] | rows or record batches to Parquet |
//! | [`read`] | Parquet to record batches or rows, schema checked |
//! | [`provenance`] | where a table comes from |
//! | [`error`] | what can go wrong, with the path |

pub mod error;
pub mod provenance;
pub mod read;
pub mod table;
pub mod tables;
pub mod write;

pub use error::StoreError;
pub use plimsoll_core::schema::Column;
pub use provenance::Provenance;
pub use read::{TableReader, read_batches, read_columns, read_rows};
pub use table::Table;
pub use tables::TABLES;
pub use write::{TableWriter, write_rows};
