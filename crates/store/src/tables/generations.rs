//! `generations`: answers and samples of models, with what was observed beside them.

use plimsoll_core::records::GenerationRow;

use crate::table::Table;

/// A row is a [`GenerationRow`].
pub const TABLE: Table = Table::new::<GenerationRow>("generations", 3);
