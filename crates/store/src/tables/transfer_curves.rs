//! `transfer_curves`: routing curves predicted without the held-out data, and the true ones.

use plimsoll_core::records::TransferCurveRow;

use crate::table::Table;

/// A row is a [`TransferCurveRow`].
pub const TABLE: Table = Table::new::<TransferCurveRow>("transfer_curves", 1);
