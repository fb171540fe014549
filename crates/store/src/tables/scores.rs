//! `scores`: confidences joined to the labels that they speak of. This is the contract of `--scores`: whoever
//! made the scores, calibration starts from these columns.

use plimsoll_core::records::ScoreRow;

use crate::table::Table;

/// A row is a [`ScoreRow`].
pub const TABLE: Table = Table::new::<ScoreRow>("scores", 1);
