//! A guarantee about a dataset that was never seen from few datasets: a prediction bound by Student's t.
//!
//! With K datasets no promise above 1 - 1/(K + 1) holds without an assumption. This one assumes that the risks of
//! datasets at a threshold, as arcsines of their roots, are near a normal distribution. It held on real outputs with four
//! to eight datasets, where the worst of K promises too little; it is no substitute for more datasets.
//!
//! # Formula
//! With `x_k = asin(sqrt(R_k))`, mean m and standard deviation s (K - 1 degrees of freedom):
//!
//! ```text
//! sin^2(min(m + t_(K-1, 1-delta) s sqrt(1 + 1/K), pi/2)) <= alpha
//! ```
//!
//! at the threshold and at every stricter one.

use std::f64::consts::FRAC_PI_2;

use plimsoll_router::thresholds::DatasetGuarantee;
use plimsoll_router::{Risk, Threshold};
use statrs::distribution::{ContinuousCDF as _, StudentsT};

use crate::dataset_guarantee::{DatasetLosses, LossRow, datasets_needed};
use crate::prepared::{DatasetSelection, PreparedSeries};

/// Of fewer datasets the spread is not known.
const MIN_DATASETS: u64 = 4;
/// Outside of these the quantile is not held to scipy.
const MIN_DELTA: f64 = 1e-3;
const MAX_DELTA: f64 = 0.5;

/// The bound for a new dataset, from the datasets of a selection. `None` with fewer than four of them, or a delta
/// outside of [0.001, 0.5]. Place and routing ratio of the threshold are left to be set.
pub fn t_bound(
    prepared: &PreparedSeries<'_>,
    selection: &DatasetSelection,
    risk: Risk,
    alpha: f64,
    delta: f64,
) -> Option<DatasetGuarantee> {
    let losses = DatasetLosses::new(prepared, selection, risk);
    if losses.k() < MIN_DATASETS {
        return None;
    }
    let descending: Vec<LossRow> = losses.descending().collect();
    let (threshold, worst) = loosest_bounded(&descending, &losses.rows, risk, alpha, delta)?;
    let mut guarantee = DatasetGuarantee::t(losses.k(), alpha, delta, threshold, losses.id(worst));
    guarantee.datasets_needed = datasets_needed(delta);
    Some(guarantee)
}

/// The upper quantile of Student's t, P(T > t) = delta, by statrs: within 1e-8 of scipy's for 3 to 998 degrees of freedom.
/// `None` without a degree of freedom, or for a delta outside of [0.001, 0.5].
///
/// ```
/// let t = plimsoll_fit::t_bound::t_quantile(3, 0.1).unwrap();
/// assert!((t - 1.637_744_353_696_2).abs() < 1e-8);
/// ```
pub fn t_quantile(degrees: u64, delta: f64) -> Option<f64> {
    if !(MIN_DELTA..=MAX_DELTA).contains(&delta) || degrees == 0 {
        return None;
    }
    let law = StudentsT::new(0.0, 1.0, degrees as f64).ok()?;
    Some(law.inverse_cdf(1.0 - delta))
}

/// The loosest threshold with the bound at it and every stricter one, and the dataset whose risk is largest there.
fn loosest_bounded(
    descending: &[LossRow],
    rows: &[u64],
    risk: Risk,
    alpha: f64,
    delta: f64,
) -> Option<(Threshold, usize)> {
    let k = rows.iter().filter(|rows| **rows > 0).count();
    if (k as u64) < MIN_DATASETS {
        return None;
    }
    let quantile = t_quantile(k as u64 - 1, delta)?;
    let mut counts = vec![(0u64, 0u64); rows.len()];
    let mut angles = vec![0.0; rows.len()];
    let present: Vec<usize> = (0..rows.len()).filter(|dataset| rows[*dataset] > 0).collect();
    let worst = |angles: &[f64]| {
        present.iter().copied().max_by(|a, b| angles[*a].total_cmp(&angles[*b])).unwrap_or_default()
    };
    let mut loosest = (Threshold::DEFER_ALL, worst(&angles));
    for tied in descending.chunk_by(|left, right| left.confidence == right.confidence) {
        for row in tied {
            let (kept, losses) = &mut counts[row.dataset];
            *kept += 1;
            *losses += u64::from(row.is_loss);
            let of = if risk == Risk::SelectiveError { *kept } else { rows[row.dataset] };
            angles[row.dataset] = (*losses as f64 / of as f64).sqrt().asin();
        }
        if upper_bound(&present, &angles, quantile) > alpha {
            return Some(loosest);
        }
        let threshold = tied.first().and_then(|row| Threshold::new(row.confidence.get()).ok());
        loosest = (threshold.unwrap_or(loosest.0), worst(&angles));
    }
    Some((Threshold::KEEP_ALL, worst(&angles)))
}

fn upper_bound(present: &[usize], angles: &[f64], quantile: f64) -> f64 {
    let k = present.len() as f64;
    let mean = present.iter().map(|dataset| angles[*dataset]).sum::<f64>() / k;
    let squares: f64 = present.iter().map(|dataset| (angles[*dataset] - mean).powi(2)).sum();
    let spread = (squares / (k - 1.0)).sqrt() * (1.0 + 1.0 / k).sqrt();
    (mean + quantile * spread).min(FRAC_PI_2).sin().powi(2)
}

#[cfg(test)]
mod tests {
    use plimsoll_core::Seed;
    use plimsoll_router::Confidence;

    use super::*;

    fn row(confidence: f64, dataset: usize, is_loss: bool) -> LossRow {
        LossRow { confidence: Confidence::new(confidence).unwrap(), dataset, is_loss }
    }

    fn sorted(mut rows: Vec<LossRow>) -> Vec<LossRow> {
        rows.sort_by(|left, right| right.confidence.get().total_cmp(&left.confidence.get()));
        rows
    }

    #[test]
    fn by_hand() {
        // Four datasets of ten rows; each has one loss at 0.5, so that their risks are 0.1 there and have no spread.
        let rows: Vec<LossRow> = (0..40u32)
            .map(|index| {
                let (dataset, place) = (index as usize % 4, index / 4);
                row(0.95 - 0.05 * f64::from(place), dataset, place == 9)
            })
            .collect();
        let at = |alpha| loosest_bounded(&rows, &[10; 4], Risk::JointError, alpha, 0.1).unwrap().0;
        assert_eq!(at(0.101), Threshold::KEEP_ALL);
        assert!((at(0.099).get() - 0.55).abs() < 1e-12, "{:?}", at(0.099));
        // One dataset with five losses of ten: m = asin(sqrt(.5)) / 4, s = asin(sqrt(.5)) / 2.
        let one: Vec<LossRow> = (0..10u32).map(|index| row(0.5, 0, index < 5)).collect();
        let angle = 0.5f64.sqrt().asin();
        let bound = (angle / 4.0 + 1.637_744_353_696_2 * angle / 2.0 * 1.25f64.sqrt()).sin().powi(2);
        let at = |alpha| loosest_bounded(&one, &[10; 4], Risk::JointError, alpha, 0.1).unwrap();
        assert_eq!(at(bound + 1e-7), (Threshold::KEEP_ALL, 0));
        assert_eq!(at(bound - 1e-7).0, Threshold::DEFER_ALL);
    }

    #[test]
    fn too_few_datasets_and_deltas_that_are_not_held_to_scipy_have_no_bound() {
        let rows = [row(0.5, 0, false)];
        let at = |rows_of: &[u64], delta| loosest_bounded(&rows, rows_of, Risk::JointError, 0.1, delta);
        assert!(at(&[9, 9, 9, 0], 0.1).is_none() && at(&[9; 4], 0.1).is_some());
        assert!(at(&[9; 4], 1e-4).is_none() && at(&[9; 4], 0.6).is_none());
    }

    /// Draws of K datasets and a new one, and three standard deviations of a share near 0.1 over so many.
    const DRAWS: u64 = 600;
    const NOISE: f64 = 0.037;

    #[test]
    fn a_new_dataset_breaks_it_as_rarely_as_promised_and_the_mean_of_datasets_does_not() {
        let (k, size, alpha, delta) = (6usize, 150u64, 0.1, 0.1);
        let (mut broken, mut mean_broken) = (0u32, 0u32);
        for draw in 0..DRAWS {
            let seed = Seed::new(78).derive_index(draw);
            let dataset = |index: usize| -> Vec<LossRow> {
                let seed = seed.derive_index(index as u64);
                let uniform = |key: u64| (seed.hash_key(key) >> 11) as f64 / 9_007_199_254_740_992.0;
                let tone = 0.5 + 2.5 * uniform(u64::MAX);
                let drawn = |at: u64| {
                    let quality = uniform(2 * at);
                    row(quality.powf(tone), index, uniform(2 * at + 1) > 0.35 + 0.6 * quality)
                };
                (0..size).map(drawn).collect()
            };
            let known = sorted((0..k).flat_map(dataset).collect());
            let new = dataset(k);
            let risk = |threshold: Threshold| {
                let losses = new.iter().filter(|row| row.is_loss && threshold.keeps(row.confidence)).count();
                losses as f64 / size as f64
            };
            let rows = vec![size; k];
            let (threshold, _) = loosest_bounded(&known, &rows, Risk::JointError, alpha, delta).unwrap();
            broken += u32::from(risk(threshold) > alpha);
            // A quantile of 0 bounds the mean of the datasets alone.
            let (threshold, _) = loosest_bounded(&known, &rows, Risk::JointError, alpha, 0.5).unwrap();
            mean_broken += u32::from(risk(threshold) > alpha);
        }
        let share = |count: u32| f64::from(count) / DRAWS as f64;
        assert!(share(broken) <= delta + NOISE, "{}", share(broken));
        assert!(share(mean_broken) > delta + NOISE, "{}", share(mean_broken));
    }
}
