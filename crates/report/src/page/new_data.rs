//! What to expect on data that thresholds were not fitted on: ratios fixed, adapted and tracked; guarantees about new
//! datasets; what labels buy.

use plimsoll_core::records::TransferRow;

use crate::figures::Grid;
use crate::statistics::{DATASET, ROUTING_RATIO, mean};
use crate::text::{NONE, share};
use crate::view::{MethodView, PairView};

/// A figure of a row.
type Figure = fn(&TransferRow) -> Option<f64>;

fn held_out<'a>(method: &'a MethodView<'_>) -> impl Iterator<Item = &'a TransferRow> {
    method.transfer.iter().copied().filter(|row| row.by == DATASET)
}

fn mean_of<'a>(rows: impl Iterator<Item = &'a TransferRow>, figure: Figure) -> String {
    share(mean(rows.filter_map(figure)))
}

fn violated(violated: Option<bool>) -> Option<f64> {
    violated.map(|violated| f64::from(u8::from(violated)))
}

/// The mean distance from a routing ratio: fixed, adapted and tracked.
pub(crate) fn ratios(pair: &PairView<'_>) -> Option<Grid> {
    const FIGURES: [(&str, Figure); 8] = [
        ("fixed", |row| Some((row.achieved_routing_ratio? - row.target_value).abs())),
        ("adapted to 25", |row| row.adapted_ratio_error_25),
        ("to 50", |row| row.adapted_ratio_error_50),
        ("to 100", |row| row.adapted_ratio_error_100),
        ("to 500", |row| row.adapted_ratio_error_500),
        ("tracked for 100", |row| row.tracked_ratio_error_100),
        ("for 500", |row| row.tracked_ratio_error_500),
        ("for 1,000", |row| row.tracked_ratio_error_1000),
    ];
    let mut grid = Grid::new(&["method"]);
    grid.head.extend(FIGURES.iter().map(|(name, _)| (*name).to_owned()));
    for method in pair.methods.values() {
        let rows = || held_out(method).filter(|row| row.target_kind == ROUTING_RATIO);
        if rows().any(|row| row.tracked_ratio_error_500.is_some()) {
            let cells = FIGURES.iter().map(|(_, figure)| mean_of(rows(), *figure));
            grid.rows.push(std::iter::once(method.id.to_owned()).chain(cells).collect());
        }
    }
    (!grid.rows.is_empty()).then_some(grid)
}

/// Guarantees about new datasets beside those over rows: how often each was violated, and what it defers.
pub(crate) fn guarantees(pair: &PairView<'_>) -> Option<Grid> {
    let mut grid = Grid::new(&[
        "method",
        "guarantee",
        "over rows: violated",
        "over datasets",
        "promised",
        "violated",
        "deferred",
        "worst of K: violated",
        "deferred",
        "t bound: violated",
        "deferred",
    ]);
    for method in pair.methods.values() {
        let mut targets: Vec<(&str, f64, f64)> = Vec::new();
        for row in held_out(method) {
            let Some(delta) = row.target_delta else { continue };
            if !targets.contains(&(&row.target_kind, row.target_value, delta)) {
                targets.push((&row.target_kind, row.target_value, delta));
            }
        }
        for (kind, alpha, delta) in targets {
            let rows = || {
                let same = move |row: &&TransferRow| {
                    row.target_kind == kind && row.target_value == alpha && row.target_delta == Some(delta)
                };
                held_out(method).filter(same)
            };
            let kind_of = rows().find_map(|row| row.dataset_guarantee_kind.clone());
            grid.rows.push(vec![
                method.id.to_owned(),
                format!("{kind}={alpha}:{delta}"),
                mean_of(rows(), |row| violated(row.violated)),
                kind_of.unwrap_or_else(|| "not available: the pool has one dataset".to_owned()),
                mean_of(rows(), |row| row.dataset_guarantee_promise.map(|promise| 1.0 - promise)),
                mean_of(rows(), |row| violated(row.dataset_guarantee_violated)),
                mean_of(rows(), |row| row.dataset_guarantee_ratio),
                mean_of(rows(), |row| violated(row.worst_of_k_violated)),
                mean_of(rows(), |row| row.worst_of_k_ratio),
                mean_of(rows(), |row| violated(row.t_bound_violated)),
                mean_of(rows(), |row| row.t_bound_ratio),
            ]);
        }
    }
    (!grid.rows.is_empty()).then_some(grid)
}

/// How many labels buy what, for accuracies and gaps to the LLM.
pub(crate) fn labels(pair: &PairView<'_>) -> Option<Grid> {
    const FIGURES: [(&str, [Figure; 3]); 5] = [
        ("0", [|row| row.label_error_0, |row| row.cautious_reached_0, |row| row.cautious_ratio_0]),
        ("20", [|row| row.label_error_20, |row| row.cautious_reached_20, |row| row.cautious_ratio_20]),
        ("50", [|row| row.label_error_50, |row| row.cautious_reached_50, |row| row.cautious_ratio_50]),
        ("100", [|row| row.label_error_100, |row| row.cautious_reached_100, |row| row.cautious_ratio_100]),
        ("200", [|row| row.label_error_200, |row| row.cautious_reached_200, |row| row.cautious_ratio_200]),
    ];
    let mut grid =
        Grid::new(&["method", "target", "labels", "mean miss", "cautious choice: reached", "deferred"]);
    for method in pair.methods.values() {
        for kind in ["accuracy", "llm_gap"] {
            let rows = || held_out(method).filter(move |row| row.target_kind == kind);
            for (count, figures) in &FIGURES {
                let cells: Vec<String> = figures.iter().map(|figure| mean_of(rows(), *figure)).collect();
                if cells.iter().any(|cell| cell != NONE) {
                    let names = [method.id.to_owned(), kind.to_owned(), (*count).to_owned()];
                    grid.rows.push(names.into_iter().chain(cells).collect());
                }
            }
        }
    }
    (!grid.rows.is_empty()).then_some(grid)
}
