//! `datasets`: where the questions come from, and what became of the rows.

use plimsoll_core::records::DatasetRow;

use crate::table::Table;

/// A row is a [`DatasetRow`].
pub const TABLE: Table = Table::new::<DatasetRow>("datasets", 1);
