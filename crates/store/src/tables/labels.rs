//! `labels`: what each answer says, and whether that is right.

use plimsoll_core::records::LabelRow;

use crate::table::Table;

/// A row is a [`LabelRow`].
pub const TABLE: Table = Table::new::<LabelRow>("labels", 1);
