//! The alignment metrics: one file each, and one line in [`METRICS`].
//!
//! A metric sees [`ScoreLevel`]s: rows with equal values as counts of right and wrong answers. Ties are
//! therefore not an accident of the order of rows: where a metric needs an order, it takes the
//! expectation over all orders of tied rows.

mod aurc;
mod brier;
mod e_aurc;
mod ece;
mod prr;
mod roc_auc;

pub use aurc::{AURC, aurc, perfect_aurc};
pub use brier::{BRIER, brier};
pub use e_aurc::{E_AURC, e_aurc};
pub use ece::{ECE, ECE_BINS, ece, ece_bin};
pub use prr::{PRR, prr};
pub use roc_auc::{ROC_AUC, roc_auc};

/// Rows of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreLevel {
    /// Their confidence or probability, in [0, 1].
    pub value: f64,
    /// Number of right answers, at least 0.
    pub right: f64,
    /// Number of wrong answers, at least 0.
    pub wrong: f64,
}

impl ScoreLevel {
    /// Number of rows.
    pub fn rows(&self) -> f64 {
        self.right + self.wrong
    }
}

/// What a metric reads as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricInput {
    /// The raw confidence; only its order counts.
    Order,
    /// A probability of being right.
    Probability,
}

/// An alignment metric.
#[derive(Debug)]
pub struct Metric {
    /// Its column in `alignment`.
    pub id: &'static str,
    /// What it reads.
    pub input: MetricInput,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// The figure of levels in ascending order of value; `None` where it is undefined.
    pub compute: fn(&[ScoreLevel]) -> Option<f64>,
}

/// Every metric.
pub static METRICS: &[&Metric] = &[&ROC_AUC, &PRR, &AURC, &E_AURC, &BRIER, &ECE];

/// Numbers of right and wrong answers of all levels.
pub(crate) fn totals(levels: &[ScoreLevel]) -> (f64, f64) {
    levels.iter().fold((0.0, 0.0), |(right, wrong), level| (right + level.right, wrong + level.wrong))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Levels from rows (value, right), ascending.
    pub(crate) fn levels_from(rows: &[(f64, bool)]) -> Vec<ScoreLevel> {
        let mut rows = rows.to_vec();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows.chunk_by(|a, b| a.0 == b.0)
            .map(|tied| {
                let right = tied.iter().filter(|(_, right)| *right).count() as f64;
                ScoreLevel { value: tied[0].0, right, wrong: tied.len() as f64 - right }
            })
            .collect()
    }

    /// Rows of few distinct values, so that ties are common.
    pub(crate) fn rows() -> impl Strategy<Value = Vec<(f64, bool)>> {
        prop::collection::vec((0u8..=8, any::<bool>()), 1..40)
            .prop_map(|rows| rows.into_iter().map(|(value, right)| (f64::from(value) / 8.0, right)).collect())
    }

    /// Both sides add up to a few hundred terms of size 1.
    pub(crate) const ROUNDING: f64 = 1e-12;

    #[test]
    fn ids_are_unique_columns_and_nothing_makes_nothing() {
        let mut ids: Vec<&str> = METRICS.iter().map(|metric| metric.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), METRICS.len());
        for metric in METRICS {
            assert_eq!((metric.compute)(&[]), None, "{}", metric.id);
        }
    }

    proptest! {
        #[test]
        fn order_metrics_ignore_increasing_maps(rows in rows()) {
            let mapped: Vec<(f64, bool)> = rows.iter().map(|(value, right)| (value.powi(3) / 2.0, *right)).collect();
            for metric in METRICS.iter().filter(|metric| metric.input == MetricInput::Order) {
                let (a, b) = ((metric.compute)(&levels_from(&rows)), (metric.compute)(&levels_from(&mapped)));
                prop_assert_eq!(a, b, "{}", metric.id);
            }
        }

        #[test]
        fn twice_the_rows_keep_what_is_a_mean(rows in rows()) {
            let twice: Vec<ScoreLevel> = levels_from(&rows)
                .into_iter()
                .map(|level| ScoreLevel { right: 2.0 * level.right, wrong: 2.0 * level.wrong, ..level })
                .collect();
            for metric in [&ROC_AUC, &BRIER, &ECE] {
                let (a, b) = ((metric.compute)(&levels_from(&rows)), (metric.compute)(&twice));
                prop_assert_eq!(a.is_some(), b.is_some());
                prop_assert!((a.unwrap_or(0.0) - b.unwrap_or(0.0)).abs() < ROUNDING, "{}", metric.id);
            }
        }
    }
}
