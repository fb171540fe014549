//! `transfer`: thresholds on data that they were not fitted on.

use plimsoll_core::records::TransferRow;

use crate::table::Table;

/// A row is a [`TransferRow`].
pub const TABLE: Table = Table::new::<TransferRow>("transfer", 3);
