//! `map_metrics`: how well each map from confidence to probability does, out of fold.

use plimsoll_core::records::MapMetricRow;

use crate::table::Table;

/// A row is a [`MapMetricRow`].
pub const TABLE: Table = Table::new::<MapMetricRow>("map_metrics", 1);
