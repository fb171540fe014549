//! What can be promised about a dataset that was never seen: guarantees whose unit is the dataset.
//!
//! A guarantee over the rows of a pool says nothing of other data: on unseen datasets it fails three times as
//! often as it says. Here the pool's K datasets and a new one are taken to be exchangeable ("drawn like these"),
//! and each dataset gives one number: the loosest threshold at which it, at that and every stricter threshold,
//! keeps the risk.
//!
//! # Formula
//! `lambda_k` = the loosest threshold such that it and every stricter one has an empirical risk of at most alpha
//! on dataset k. Of K sorted ones take the j-th strictest: for a new dataset, exchangeable with those,
//!
//! ```text
//! P(its risk there <= alpha) >= 1 - j / (K + 1)
//! ```
//!
//! since its own `lambda` is equally likely to fall in any of the K + 1 gaps. With j = 1, the worst of the K, no
//! promise above 1 - 1/(K + 1) can be made: 9 datasets are needed for 90 %, 19 for 95 %.

use plimsoll_router::{Confidence, Risk, Threshold};

/// One dataset's rows, as a risk sees them.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetLosses {
    /// Its id.
    pub id: String,
    /// Rows with a confidence: confidence, and whether keeping the answer is a loss.
    pub scored: Vec<(Confidence, bool)>,
    /// All rows that count, those without a confidence among them.
    pub rows: u64,
}

/// A guarantee for a new dataset that is exchangeable with those of the pool.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetGuarantee {
    /// Datasets.
    pub k: u64,
    /// Which of the sorted thresholds was taken, from the strictest: 1 = the worst of K.
    pub j: u64,
    /// The probability that a new dataset's risk is at most alpha: 1 - j / (k + 1).
    pub promise: f64,
    /// The threshold; [`Threshold::DEFER_ALL`] where a dataset bears no threshold at all.
    pub threshold: Threshold,
    /// The dataset whose threshold was taken.
    pub deciding_dataset: String,
}

/// The datasets that a promise of 1 - delta needs: the fewest K with 1 / (K + 1) <= delta.
///
/// ```
/// use plimsoll_fit::dataset_guarantee::datasets_needed;
/// assert_eq!((datasets_needed(0.1), datasets_needed(0.05), datasets_needed(0.01)), (9, 19, 99));
/// ```
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "delta is a probability above 0")]
pub fn datasets_needed(delta: f64) -> u64 {
    /// 1 / delta of a decimal fraction such as 0.1 may round to just above a whole number.
    const ROUNDING: f64 = 1e-9;
    ((1.0 / delta - ROUNDING).ceil() as u64).saturating_sub(1).max(1)
}

/// The guarantee with the largest j whose promise is at least 1 - delta; where there is none, that of the worst of
/// K with the promise that it has. `None` with fewer than two datasets.
pub fn dataset_guarantee(
    datasets: &[DatasetLosses],
    risk: Risk,
    alpha: f64,
    delta: f64,
) -> Option<DatasetGuarantee> {
    if datasets.len() < 2 {
        return None;
    }
    let k = datasets.len() as u64;
    let mut loosest: Vec<(Threshold, &str)> = datasets
        .iter()
        .map(|dataset| (loosest_threshold(dataset, risk, alpha), dataset.id.as_str()))
        .collect();
    loosest.sort_by(|left, right| right.0.get().total_cmp(&left.0.get()).then(left.1.cmp(right.1)));
    let j = largest_rank(k, delta).max(1);
    let (threshold, id) = *usize::try_from(j - 1).ok().and_then(|index| loosest.get(index))?;
    let promise = 1.0 - j as f64 / (k as f64 + 1.0);
    Some(DatasetGuarantee { k, j, promise, threshold, deciding_dataset: id.to_owned() })
}

/// The largest j with j / (k + 1) <= delta.
fn largest_rank(k: u64, delta: f64) -> u64 {
    (1..=k).take_while(|j| *j as f64 <= delta * (k as f64 + 1.0) + 1e-9).last().unwrap_or(0)
}

/// The loosest threshold such that it and every stricter one has an empirical risk of at most alpha.
///
/// # Formula
/// Risk at a threshold: losses among the kept rows, over the kept rows (selective error) or over all rows (joint
/// error, regret). Nothing kept is no risk.
pub fn loosest_threshold(dataset: &DatasetLosses, risk: Risk, alpha: f64) -> Threshold {
    let mut scored = dataset.scored.clone();
    scored.sort_unstable_by(|left, right| right.0.get().total_cmp(&left.0.get()));
    let (mut kept, mut losses, mut loosest) = (0u64, 0u64, Threshold::DEFER_ALL);
    for tied in scored.chunk_by(|left, right| left.0 == right.0) {
        kept += tied.len() as u64;
        losses += tied.iter().filter(|(_, loss)| *loss).count() as u64;
        let of = match risk {
            Risk::SelectiveError => kept,
            Risk::JointError | Risk::Regret => dataset.rows.max(kept),
        };
        if losses as f64 > alpha * of as f64 {
            return loosest;
        }
        let Some(threshold) = tied.first().and_then(|row| Threshold::new(row.0.get()).ok()) else { continue };
        loosest = threshold;
    }
    Threshold::KEEP_ALL
}

#[cfg(test)]
mod tests;
