//! What thresholds achieve on a sample, with bootstrap intervals, each threshold held fixed.

use std::collections::HashMap;

use plimsoll_core::Seed;
use plimsoll_router::Threshold;
use plimsoll_router::thresholds::{Achieved, Estimate};

use crate::bootstrap::{Bootstrap, Replicates};
use crate::sample::{SampleRow, WeightedSample};
use crate::sums::{RoutingSplit, Sums};

/// Figures per threshold in a replicate, in this order.
const FIGURES: usize = 6;

/// How intervals are computed.
#[derive(Debug, Clone, Copy)]
pub struct Resampling {
    /// Replicates; 0 = no intervals.
    pub replicates: u32,
    /// Seed of the replicates.
    pub seed: Seed,
}

/// What each threshold achieves on a sample; thresholds in any order.
pub fn achieved(sample: &WeightedSample, thresholds: &[Threshold], resampling: Resampling) -> Vec<Achieved> {
    let splits = sample.splits(thresholds);
    let replicates = replicates(sample, thresholds, resampling);
    splits
        .iter()
        .enumerate()
        .map(|(index, split)| {
            let estimate = |figure: usize| -> Option<Estimate> {
                let value = figures(split)[figure]?;
                Some(match &replicates {
                    Some(replicates) => replicates.estimate(value, index * FIGURES + figure),
                    None => Estimate::new(value),
                })
            };
            let or_zero = |estimate: Option<Estimate>| estimate.unwrap_or(Estimate::new(0.0));
            let mut achieved = Achieved::new(or_zero(estimate(0)), or_zero(estimate(3)));
            achieved.accuracy = estimate(1);
            achieved.selective_error = estimate(2);
            achieved.regret = estimate(4);
            achieved.usd_per_1k_questions = estimate(5).filter(|_| sample.has_costs);
            achieved
        })
        .collect()
}

fn figures(split: &RoutingSplit) -> [Option<f64>; FIGURES] {
    [
        split.routing_ratio(),
        split.accuracy(),
        split.selective_error(),
        split.joint_error(),
        split.regret(),
        split.usd_per_1k_questions(),
    ]
}

fn replicates(
    sample: &WeightedSample,
    thresholds: &[Threshold],
    resampling: Resampling,
) -> Option<Replicates> {
    resample(sample, thresholds, resampling, |splits| {
        splits.iter().flat_map(figures).map(|figure| figure.unwrap_or(f64::NAN)).collect()
    })
}

/// Figures of resampled splits: `figures` sees, for each replicate, the split at each threshold, in
/// the order of `thresholds`, and gives the figures, NaN where undefined. `None` without replicates
/// or scored rows.
///
/// Scored rows are resampled by cluster; the missing ones, which are known for the whole pool, stay
/// as they are.
pub fn resample<F>(
    sample: &WeightedSample,
    thresholds: &[Threshold],
    resampling: Resampling,
    figures: F,
) -> Option<Replicates>
where
    F: Fn(&[RoutingSplit]) -> Vec<f64> + Sync,
{
    if resampling.replicates == 0 || sample.rows.is_empty() {
        return None;
    }
    let mut sorted: Vec<f64> = thresholds.iter().map(|threshold| threshold.get()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.dedup();
    let sorted_index: Vec<usize> =
        thresholds.iter().map(|threshold| sorted.partition_point(|other| *other < threshold.get())).collect();
    let states = States::new(sample, &sorted);
    let rows = sample.rows.iter().zip(&states.state_by_row).map(|(row, state)| (row.cluster, *state));
    let bootstrap = Bootstrap::new(rows, states.cell_and_sums.len(), sample.independent);
    let scored_rows = sample.scored().all;
    Some(bootstrap.replicates(resampling.replicates, &resampling.seed, |counts| {
        let cells = states.cells(counts, sorted.len() + 1);
        let splits = splits_from_cells(&cells, scored_rows, sample.missing);
        let in_order: Vec<RoutingSplit> = sorted_index.iter().map(|index| splits[*index]).collect();
        figures(&in_order)
    }))
}

/// Interchangeable rows: same interval of thresholds, same sums.
struct States {
    state_by_row: Vec<u32>,
    cell_and_sums: Vec<(usize, Sums)>,
}

impl States {
    /// Cell of a row = number of thresholds (ascending) that it is at or above.
    fn new(sample: &WeightedSample, thresholds: &[f64]) -> Self {
        let mut known: HashMap<(usize, [u64; 3], u8), u32> = HashMap::new();
        let mut cell_and_sums = Vec::new();
        let mut cell = 0;
        let state_by_row = sample
            .rows
            .iter()
            .map(|row| {
                while thresholds.get(cell).is_some_and(|threshold| *threshold <= row.confidence.get()) {
                    cell += 1;
                }
                *known.entry((cell, weight_and_cost_bits(row), grades(row))).or_insert_with(|| {
                    cell_and_sums.push((cell, row.sums()));
                    u32::try_from(cell_and_sums.len() - 1).unwrap_or(u32::MAX)
                })
            })
            .collect();
        Self { state_by_row, cell_and_sums }
    }

    /// Sums per cell of a replicate.
    fn cells(&self, counts: &[u64], cells: usize) -> Vec<Sums> {
        let mut sums = vec![Sums::default(); cells];
        for (count, (cell, one)) in counts.iter().zip(&self.cell_and_sums) {
            if *count > 0 {
                sums[*cell] += one.scaled(*count as f64);
            }
        }
        sums
    }
}

fn weight_and_cost_bits(row: &SampleRow) -> [u64; 3] {
    [row.weight, row.costs_usd.0, row.costs_usd.1].map(f64::to_bits)
}

fn grades(row: &SampleRow) -> u8 {
    row.outcomes.0 as u8 * 3 + row.outcomes.1 as u8
}

/// The split at each threshold: cells 0..=i are deferred at threshold i.
fn splits_from_cells(cells: &[Sums], scored_rows: f64, missing: Sums) -> Vec<RoutingSplit> {
    let mut total = Sums::default();
    for cell in cells {
        total += *cell;
    }
    let scale = if total.all > 0.0 { scored_rows / total.all } else { 0.0 };
    let mut kept = vec![Sums::default(); cells.len()];
    for index in (0..cells.len().saturating_sub(1)).rev() {
        kept[index] = kept[index + 1];
        kept[index] += cells[index + 1];
    }
    let mut below = Sums::default();
    cells
        .iter()
        .zip(kept)
        .map(|(cell, kept)| {
            below += *cell;
            let mut deferred = below.scaled(scale);
            deferred += missing;
            RoutingSplit { kept: kept.scaled(scale), deferred }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepared::{DatasetSelection, PreparedSeries};
    use crate::testing::{SyntheticScores, calibrated, table};

    #[test]
    fn intervals_hold_the_estimate_and_shrink_with_rows() {
        let width = |count: usize| {
            let mut rows = calibrated(count, 2, 3);
            rows[0] = SyntheticScores { confidence: None, ..rows[0].clone() };
            let table = table(&rows);
            let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
            let sample = WeightedSample::all(&prepared, &DatasetSelection::all(2));
            let thresholds = [Threshold::new(0.5).unwrap(), Threshold::KEEP_ALL, Threshold::DEFER_ALL];
            let resampling = Resampling { replicates: 500, seed: Seed::new(1) };
            let all = achieved(&sample, &thresholds, resampling);
            assert!(all[2].selective_error.is_none() && all[2].routing_ratio.value == 1.0);
            assert_eq!(all[1].routing_ratio.value, 1.0 / count as f64);
            for estimate in
                [Some(all[0].routing_ratio), all[0].accuracy, all[0].selective_error, all[0].regret]
            {
                let Estimate { value, low, high, .. } = estimate.unwrap();
                assert!(low.unwrap() <= value && value <= high.unwrap());
            }
            let accuracy = all[0].accuracy.unwrap();
            accuracy.high.unwrap() - accuracy.low.unwrap()
        };
        assert!(width(4000) < 0.4 * width(400));
    }

    #[test]
    fn replicates_of_cells_are_the_sums_of_rows() {
        let table = table(&calibrated(300, 3, 9));
        let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
        let sample = WeightedSample::all(&prepared, &DatasetSelection::all(3));
        let sorted = [0.0, 0.25, 0.5, 1.0];
        let states = States::new(&sample, &sorted);
        let mut counts = vec![0u64; states.cell_and_sums.len()];
        for state in &states.state_by_row {
            counts[*state as usize] += 1;
        }
        let splits = splits_from_cells(&states.cells(&counts, 5), sample.scored().all, sample.missing);
        for (threshold, split) in sorted.iter().zip(splits) {
            assert_eq!(split, sample.split(Threshold::new(*threshold).unwrap()));
        }
    }
}
