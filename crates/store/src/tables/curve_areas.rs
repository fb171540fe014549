//! `curve_areas`: each routing curve in a few numbers.

use plimsoll_core::records::CurveAreaRow;

use crate::table::Table;

/// A row is a [`CurveAreaRow`].
pub const TABLE: Table = Table::new::<CurveAreaRow>("curve_areas", 1);
