//! `calibration`: the drawn rows of each (SLM, LLM, method).

use plimsoll_core::records::CalibrationRow;

use crate::table::Table;

/// A row is a [`CalibrationRow`].
pub const TABLE: Table = Table::new::<CalibrationRow>("calibration", 1);
