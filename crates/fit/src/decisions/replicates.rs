//! What thresholds achieve on a log, with bootstrap intervals.

use std::collections::HashMap;

use plimsoll_core::Seed;
use plimsoll_router::Threshold;
use plimsoll_router::thresholds::{Achieved, Estimate};

use super::curve::Split;
use super::{LoggedCurve, LoggedRow};
use crate::bootstrap::{Bootstrap, Replicates};

/// Figures per threshold in a replicate: routing ratio, accuracy, selective error, joint error.
const FIGURES: usize = 4;

/// What each threshold achieves; thresholds in any order. Rows are resampled, each with its route and label.
pub(super) fn achieved(
    curve: &LoggedCurve,
    rows: &[LoggedRow],
    thresholds: &[Threshold],
    bootstrap: u32,
    seed: &Seed,
) -> Vec<Achieved> {
    if curve.confidences().is_empty() {
        return Vec::new();
    }
    let mut cuts: Vec<f64> = thresholds.iter().map(|threshold| threshold.get()).collect();
    cuts.sort_unstable_by(f64::total_cmp);
    cuts.dedup();
    let states = States::new(rows, &cuts);
    let index: Vec<usize> =
        thresholds.iter().map(|threshold| cuts.partition_point(|cut| *cut < threshold.get())).collect();
    let splits = states.splits(&states.counts, &cuts);
    let replicates = (bootstrap > 0).then(|| {
        let by_row = states.by_row.iter().zip(0u64..).map(|(state, row)| (row, *state));
        Bootstrap::new(by_row, states.rows.len(), true).replicates(bootstrap, seed, |counts| {
            let splits = states.splits(counts, &cuts);
            splits.iter().flat_map(figures).map(|figure| figure.unwrap_or(f64::NAN)).collect()
        })
    });
    index.into_iter().map(|cut| with_intervals(&splits[cut], cut, replicates.as_ref())).collect()
}

fn figures(split: &Split) -> [Option<f64>; FIGURES] {
    [Some(split.routing_ratio()), split.accuracy(), split.selective_error(), split.joint_error()]
}

fn with_intervals(split: &Split, cut: usize, replicates: Option<&Replicates>) -> Achieved {
    let values = figures(split);
    let estimate = |figure: usize| -> Option<Estimate> {
        let value = values[figure]?;
        Some(replicates.map_or_else(
            || Estimate::new(value),
            |replicates| replicates.estimate(value, cut * FIGURES + figure),
        ))
    };
    let or = |estimate: Option<Estimate>, value: f64| estimate.unwrap_or(Estimate::new(value));
    // Without a label on the kept side nothing bounds the joint error but 1.
    let mut achieved = Achieved::new(or(estimate(0), 0.0), or(estimate(3), 1.0));
    (achieved.accuracy, achieved.selective_error) = (estimate(1), estimate(2));
    achieved
}

/// Interchangeable rows: same interval of thresholds, same route, label and propensity.
struct States {
    by_row: Vec<u32>,
    /// One row of each state, with its interval: how many cuts it is at or above.
    rows: Vec<(usize, LoggedRow)>,
    counts: Vec<u64>,
}

impl States {
    fn new(rows: &[LoggedRow], cuts: &[f64]) -> Self {
        let mut known = HashMap::new();
        let mut states =
            Self { by_row: Vec::with_capacity(rows.len()), rows: Vec::new(), counts: Vec::new() };
        for row in rows {
            let cell =
                row.confidence.map_or(0, |confidence| cuts.partition_point(|cut| confidence.get() >= *cut));
            let key = (cell, row.confidence.is_none(), row.route, row.correct, row.propensity.to_bits());
            let next = states.rows.len();
            let state = *known.entry(key).or_insert(next);
            if state == next {
                states.rows.push((cell, *row));
                states.counts.push(0);
            }
            states.counts[state] += 1;
            // Rows are fewer than 2^32: a log that is read is far smaller.
            states.by_row.push(u32::try_from(state).unwrap_or(u32::MAX));
        }
        states
    }

    /// The split at each cut.
    fn splits(&self, counts: &[u64], cuts: &[f64]) -> Vec<Split> {
        let mut kept = vec![Split::default(); cuts.len() + 1];
        let mut deferred = kept.clone();
        for ((cell, row), count) in self.rows.iter().zip(counts) {
            kept[*cell].add_kept(row, *count as f64);
            deferred[*cell].add_deferred(row, *count as f64);
        }
        // A row of cell n is at or above the first n cuts: missing rows are in cell 0 and so below each.
        let mut above = Split::default();
        let mut splits = vec![Split::default(); cuts.len()];
        for cut in (0..cuts.len()).rev() {
            above.merge(&kept[cut + 1]);
            splits[cut] = above;
        }
        let mut below = Split::default();
        for (cut, split) in splits.iter_mut().enumerate() {
            below.merge(&deferred[cut]);
            (split.deferred_rows, split.deferred) = (below.deferred_rows, below.deferred);
        }
        splits
    }
}
