//! `curves`: the points of each routing curve.

use plimsoll_core::records::CurveRow;

use crate::table::Table;

/// A row is a [`CurveRow`].
pub const TABLE: Table = Table::new::<CurveRow>("curves", 1);
