//! `other_slm`: thresholds applied to another SLM than the one that they were fitted for.

use plimsoll_core::records::OtherSlmRow;

use crate::table::Table;

/// A row is an [`OtherSlmRow`].
pub const TABLE: Table = Table::new::<OtherSlmRow>("other_slm", 1);
