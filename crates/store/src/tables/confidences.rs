//! `confidences`: what each method said of each answer, or why it said nothing.

use plimsoll_core::records::ConfidenceRow;

use crate::table::Table;

/// A row is a [`ConfidenceRow`].
pub const TABLE: Table = Table::new::<ConfidenceRow>("confidences", 2);
