//! The tables: one file each, and one line in [`TABLES`].

use crate::table::Table;

pub mod alignment;
pub mod calibration;
pub mod confidences;
pub mod curve_areas;
pub mod curves;
pub mod datasets;
pub mod generations;
pub mod hidden_states;
pub mod labels;
pub mod map_metrics;
pub mod other_slm;
pub mod questions;
pub mod scores;
pub mod transfer;
pub mod transfer_curves;

/// Every table, by name.
pub static TABLES: &[&Table] = &[
    &alignment::TABLE,
    &calibration::TABLE,
    &confidences::TABLE,
    &curve_areas::TABLE,
    &curves::TABLE,
    &datasets::TABLE,
    &generations::TABLE,
    &hidden_states::TABLE,
    &labels::TABLE,
    &map_metrics::TABLE,
    &other_slm::TABLE,
    &questions::TABLE,
    &scores::TABLE,
    &transfer::TABLE,
    &transfer_curves::TABLE,
];

#[cfg(test)]
mod tests;
