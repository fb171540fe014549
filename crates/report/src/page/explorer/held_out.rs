//! What transfer says: predicted and true on each held-out dataset, along the curve and of each operating point.

use std::collections::BTreeMap;

use plimsoll_core::records::{CurveRow, TransferCurveRow, TransferRow};
use plimsoll_router::Target;
use serde::Serialize;

use super::data::{Milli, milli};
use crate::statistics::{DATASET, ROUTING_RATIO, mean};
use crate::text::clean;
use crate::view::MethodView;

/// Grid points per unit of the ratio, by which rows of two tables are matched.
const GRID: f64 = 1e6;

/// A held-out dataset along the curve, one entry per point of the grid.
#[derive(Debug, Default, Serialize)]
pub(super) struct HeldOut {
    pub(super) name: String,
    pub(super) predicted: Vec<Milli>,
    pub(super) accuracy: Vec<Milli>,
    pub(super) own: Vec<Milli>,
    pub(super) predicted_ratio: Vec<Milli>,
    pub(super) ratio: Vec<Milli>,
}

/// A held-out dataset at one setting: accuracy predicted, true, and with its own threshold; share deferred, predicted
/// and true.
pub(super) type HeldOutPoint = [Milli; 5];

/// Numbers that the held-out curves of a method have.
pub(super) fn entries(method: &MethodView<'_>) -> usize {
    let rows = method.transfer_curves.iter().filter(|((by, _), _)| *by == DATASET);
    rows.map(|(_, rows)| rows.len() * 5).sum()
}

/// The held-out datasets by name alone.
pub(super) fn without_curves(datasets: &[&str]) -> Vec<HeldOut> {
    datasets.iter().map(|name| HeldOut { name: clean(name), ..HeldOut::default() }).collect()
}

/// The curves of every held-out dataset, by name, on the grid of `rows`.
pub(super) fn curves(method: &MethodView<'_>, rows: &[&CurveRow]) -> Vec<HeldOut> {
    let of_dataset = |name: &&str| {
        let Some(own) = method.transfer_curves.get(&(DATASET, *name)) else {
            return HeldOut { name: clean(name), ..HeldOut::default() };
        };
        held_out(name, own, rows)
    };
    crate::statistics::held_out_datasets(method).iter().map(of_dataset).collect()
}

fn held_out(name: &str, own: &[&TransferCurveRow], rows: &[&CurveRow]) -> HeldOut {
    // A share of the grid as a key; ratios lie in [0, 1].
    let key = |ratio: f64| (ratio * GRID).round().to_bits();
    let by_grid: BTreeMap<u64, &TransferCurveRow> =
        own.iter().map(|row| (key(row.grid_ratio), *row)).collect();
    let column = |of: fn(&TransferCurveRow) -> Option<f64>| -> Vec<Milli> {
        rows.iter().map(|row| milli(by_grid.get(&key(row.grid_ratio)).and_then(|row| of(row)))).collect()
    };
    HeldOut {
        name: clean(name),
        predicted: column(|row| row.predicted_accuracy),
        accuracy: column(|row| row.transferred_accuracy),
        own: column(|row| row.own_accuracy),
        predicted_ratio: column(|row| Some(row.predicted_routing_ratio)),
        ratio: column(|row| Some(row.achieved_routing_ratio)),
    }
}

/// What became of a target on each held-out dataset, as means over the repeats. Empty for a routing ratio, of which the
/// curves say it.
pub(super) fn of_point(method: &MethodView<'_>, target: &Target, datasets: &[&str]) -> Vec<HeldOutPoint> {
    if target.kind() == ROUTING_RATIO {
        return Vec::new();
    }
    let delta = target.risk().map(|(_, _, delta)| delta);
    let same = |row: &&&TransferRow| {
        row.by == DATASET
            && row.target_kind == target.kind()
            && row.target_value == target.value()
            && row.target_delta == delta
    };
    let rows: Vec<&TransferRow> = method.transfer.iter().filter(same).copied().collect();
    let of_dataset = |name: &&str| -> HeldOutPoint {
        let figures: [fn(&TransferRow) -> Option<f64>; 5] = [
            |row| row.predicted_accuracy,
            |row| row.accuracy,
            |row| row.oracle_accuracy,
            |row| row.predicted_routing_ratio,
            |row| row.achieved_routing_ratio,
        ];
        figures
            .map(|of| milli(mean(rows.iter().filter(|row| row.held_out == **name).filter_map(|row| of(row)))))
    };
    if rows.is_empty() { Vec::new() } else { datasets.iter().map(of_dataset).collect() }
}
