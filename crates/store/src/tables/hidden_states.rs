//! `hidden_states`: states of models at one layer and one position.

use plimsoll_core::records::HiddenStateRow;

use crate::table::Table;

/// A row is a [`HiddenStateRow`].
pub const TABLE: Table = Table::new::<HiddenStateRow>("hidden_states", 1);
