//! Graded rows as levels, and levels resampled.

use plimsoll_fit::Bootstrap;
use plimsoll_fit::bootstrap::Replicates;
use plimsoll_fit::intervals::Resampling;

use crate::metrics::{Metric, ScoreLevel, ece_bin};

/// At most about this many levels are resampled. With more distinct values, neighbours share a
/// level; ties inside a thousandth of the rows move a metric by a millionth.
const RESAMPLED_LEVELS: usize = 1000;

/// A graded row with a value: a confidence or a probability.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GradedRow {
    pub(crate) value: f64,
    pub(crate) right: bool,
    pub(crate) cluster: u64,
}

/// Rows in ascending order of value.
#[derive(Debug, Clone)]
pub(crate) struct GradedRows {
    rows: Vec<GradedRow>,
    independent: bool,
}

impl GradedRows {
    /// `independent` promises that no two rows share a cluster.
    pub(crate) fn new(mut rows: Vec<GradedRow>, independent: bool) -> Self {
        if !rows.is_sorted_by(|a, b| a.value <= b.value) {
            rows.sort_unstable_by(|a, b| {
                a.value.total_cmp(&b.value).then(a.right.cmp(&b.right)).then(a.cluster.cmp(&b.cluster))
            });
        }
        Self { rows, independent }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// One level per distinct value.
    pub(crate) fn levels(&self) -> Vec<ScoreLevel> {
        self.rows.chunk_by(|a, b| a.value == b.value).map(level).collect()
    }

    /// Metrics of resampled rows; `None` without replicates or rows.
    pub(crate) fn replicates(&self, metrics: &[&Metric], resampling: Resampling) -> Option<Replicates> {
        if resampling.replicates == 0 || self.rows.is_empty() {
            return None;
        }
        let levels = self.resampled_levels();
        let values: Vec<f64> = levels.iter().map(|rows| mean(rows)).collect();
        let state = |level: usize, row: &GradedRow| {
            (row.cluster, u32::try_from(2 * level + usize::from(row.right)).unwrap_or(u32::MAX))
        };
        let rows =
            levels.iter().enumerate().flat_map(|(at, rows)| rows.iter().map(move |row| state(at, row)));
        let bootstrap = Bootstrap::new(rows, 2 * values.len(), self.independent);
        Some(bootstrap.replicates(resampling.replicates, &resampling.seed, |counts| {
            let filled =
                values.iter().zip(counts.chunks_exact(2)).filter(|(_, counts)| counts[0] + counts[1] > 0);
            let levels: Vec<ScoreLevel> = filled
                .map(|(value, counts)| ScoreLevel {
                    value: *value,
                    wrong: counts[0] as f64,
                    right: counts[1] as f64,
                })
                .collect();
            metrics.iter().map(|metric| (metric.compute)(&levels).unwrap_or(f64::NAN)).collect()
        }))
    }

    /// Runs of rows that are resampled as one level: ties stay together, calibration bins apart.
    fn resampled_levels(&self) -> Vec<&[GradedRow]> {
        let max_rows = self.rows.len().div_ceil(RESAMPLED_LEVELS);
        let mut levels = Vec::new();
        let (mut start, mut end) = (0, 0);
        for tied in self.rows.chunk_by(|a, b| a.value == b.value) {
            let apart = end > start && ece_bin(tied[0].value) != ece_bin(self.rows[start].value);
            if end > start && (apart || end - start + tied.len() > max_rows) {
                levels.push(&self.rows[start..end]);
                start = end;
            }
            end += tied.len();
        }
        levels.push(&self.rows[start..]);
        levels
    }
}

fn level(tied: &[GradedRow]) -> ScoreLevel {
    let right = tied.iter().filter(|row| row.right).count();
    ScoreLevel { value: tied[0].value, right: right as f64, wrong: (tied.len() - right) as f64 }
}

fn mean(rows: &[GradedRow]) -> f64 {
    rows.iter().map(|row| row.value).sum::<f64>() / rows.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{BRIER, ECE, METRICS, ROC_AUC};
    use plimsoll_core::Seed;
    use rand::Rng as _;

    fn synthetic(count: u64, distinct: u64) -> GradedRows {
        let mut rng = Seed::new(3).rng();
        let rows = (0..count)
            .map(|cluster| {
                let value = rng.random_range(0..distinct) as f64 / distinct as f64;
                GradedRow { value, right: rng.random::<f64>() < value, cluster }
            })
            .collect();
        GradedRows::new(rows, true)
    }

    #[test]
    fn few_values_are_resampled_as_they_are() {
        let rows = synthetic(5000, 40);
        assert_eq!(rows.resampled_levels().len(), rows.levels().len());
    }

    #[test]
    fn neighbours_that_share_a_level_hardly_move_a_metric() {
        let rows = synthetic(50_000, u64::MAX >> 12);
        let shared = rows.resampled_levels();
        assert!(shared.len() <= RESAMPLED_LEVELS + crate::metrics::ECE_BINS);
        assert_eq!(shared.iter().map(|level| level.len()).sum::<usize>(), rows.len());
        let coarse: Vec<ScoreLevel> =
            shared.iter().map(|rows| ScoreLevel { value: mean(rows), ..level(rows) }).collect();
        for metric in METRICS {
            /// A hundredth of the width of an interval with 50,000 rows.
            const COARSENESS: f64 = 1e-4;
            let (exact, coarse) = ((metric.compute)(&rows.levels()), (metric.compute)(&coarse));
            assert!((exact.unwrap() - coarse.unwrap()).abs() < COARSENESS, "{}", metric.id);
        }
    }

    #[test]
    fn intervals_hold_the_estimate() {
        let rows = synthetic(2000, 1 << 40);
        let resampling = Resampling { replicates: 400, seed: Seed::new(1) };
        let metrics = [&ROC_AUC, &BRIER, &ECE];
        let replicates = rows.replicates(&metrics, resampling).unwrap();
        for (index, metric) in metrics.iter().enumerate().take(2) {
            let value = (metric.compute)(&rows.levels()).unwrap();
            let (low, high) = replicates.interval(index).unwrap();
            assert!(low < value && value < high && high - low < 0.06, "{}", metric.id);
        }
        assert!(rows.replicates(&metrics, Resampling { replicates: 0, seed: Seed::new(1) }).is_none());
    }
}
