//! `alignment`: how well each confidence ranks the correct answers first.

use plimsoll_core::records::AlignmentRow;

use crate::table::Table;

/// A row is a [`AlignmentRow`].
pub const TABLE: Table = Table::new::<AlignmentRow>("alignment", 1);
