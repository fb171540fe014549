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

use plimsoll_core::Outcome;
use plimsoll_router::thresholds::DatasetGuarantee;
use plimsoll_router::{Confidence, Risk, Threshold};

use crate::prepared::{DatasetSelection, PreparedSeries};

/// A row with a confidence, as a risk sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossRow {
    /// Its confidence.
    pub confidence: Confidence,
    /// Index of its dataset.
    pub dataset: usize,
    /// Whether keeping the SLM's answer is a loss.
    pub is_loss: bool,
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

/// What can be promised about a new dataset, from the datasets of a selection. `None` with fewer than two of them.
/// Place and routing ratio of the threshold are left to be set.
pub fn dataset_guarantee(
    prepared: &PreparedSeries<'_>,
    selection: &DatasetSelection,
    risk: Risk,
    alpha: f64,
    delta: f64,
) -> Option<DatasetGuarantee> {
    let losses = DatasetLosses::new(prepared, selection, risk);
    ranked(losses.loosest_by_name(alpha), alpha, largest_rank(losses.k(), delta).max(1), delta)
}

/// The guarantee of the worst of K, whatever promise it makes. `None` with fewer than two datasets.
pub fn worst_of_k(
    prepared: &PreparedSeries<'_>,
    selection: &DatasetSelection,
    risk: Risk,
    alpha: f64,
    delta: f64,
) -> Option<DatasetGuarantee> {
    ranked(DatasetLosses::new(prepared, selection, risk).loosest_by_name(alpha), alpha, 1, delta)
}

/// The rows that a risk counts, of the datasets of a selection.
pub(crate) struct DatasetLosses<'a> {
    prepared: &'a PreparedSeries<'a>,
    selection: &'a DatasetSelection,
    risk: Risk,
    /// Rows of each dataset, those without a confidence among them.
    pub(crate) rows: Vec<u64>,
}

impl<'a> DatasetLosses<'a> {
    pub(crate) fn new(prepared: &'a PreparedSeries<'a>, selection: &'a DatasetSelection, risk: Risk) -> Self {
        let rows = vec![0u64; prepared.questions.datasets().len()];
        let mut losses = Self { prepared, selection, risk, rows };
        for row in prepared.scored(selection).map(|(_, row)| row).chain(prepared.missing(selection)) {
            losses.rows[prepared.dataset_index(row)] += u64::from(losses.counts(row));
        }
        losses
    }

    fn counts(&self, row: u32) -> bool {
        self.risk != Risk::Regret || self.prepared.outcomes(row).1 != Outcome::Ungraded
    }

    /// Rows with a confidence, from the most confident.
    pub(crate) fn descending(&self) -> impl Iterator<Item = LossRow> {
        let scored = self.prepared.scored_descending(self.selection).filter(|(_, row)| self.counts(*row));
        scored.map(|(confidence, row)| {
            let (slm, llm) = self.prepared.outcomes(row);
            let is_loss = slm != Outcome::Correct && (self.risk != Risk::Regret || llm == Outcome::Correct);
            LossRow { confidence, dataset: self.prepared.dataset_index(row), is_loss }
        })
    }

    /// Datasets that have rows.
    pub(crate) fn k(&self) -> u64 {
        self.rows.iter().filter(|rows| **rows > 0).count() as u64
    }

    /// The name of a dataset.
    pub(crate) fn id(&self, dataset: usize) -> &'a str {
        self.prepared.questions.datasets().get(dataset).map_or("", |dataset| dataset.id.as_str())
    }

    fn loosest_by_name(&self, alpha: f64) -> Vec<(Threshold, &'a str)> {
        let loosest = loosest_thresholds(self.descending(), &self.rows, self.risk, alpha);
        let of_pool = loosest.into_iter().enumerate().filter(|(dataset, _)| self.rows[*dataset] > 0);
        of_pool.map(|(dataset, threshold)| (threshold, self.id(dataset))).collect()
    }
}

/// The guarantee of the `rank`-th strictest threshold.
fn ranked(
    mut loosest: Vec<(Threshold, &str)>,
    alpha: f64,
    rank: u64,
    delta: f64,
) -> Option<DatasetGuarantee> {
    let k = loosest.len() as u64;
    if k < 2 {
        return None;
    }
    loosest.sort_by(|left, right| right.0.get().total_cmp(&left.0.get()).then(left.1.cmp(right.1)));
    let (threshold, id) = *usize::try_from(rank - 1).ok().and_then(|index| loosest.get(index))?;
    let mut guarantee = DatasetGuarantee::new(k, rank, alpha, threshold, id);
    guarantee.datasets_needed = datasets_needed(delta);
    Some(guarantee)
}

/// The largest j with j / (k + 1) <= delta.
fn largest_rank(k: u64, delta: f64) -> u64 {
    (1..=k).take_while(|j| *j as f64 <= delta * (k as f64 + 1.0) + 1e-9).last().unwrap_or(0)
}

/// For each dataset the loosest threshold such that it and every stricter one has an empirical risk of at most
/// alpha. `descending` are the rows with a confidence, from the most confident; `rows` is the number of rows of each
/// dataset that count, those without a confidence among them.
///
/// # Formula
/// Risk at a threshold: losses among the kept rows, over the kept rows (selective error) or over all rows (joint
/// error, regret). Nothing kept is no risk.
pub fn loosest_thresholds(
    descending: impl Iterator<Item = LossRow>,
    rows: &[u64],
    risk: Risk,
    alpha: f64,
) -> Vec<Threshold> {
    let mut walks: Vec<Walk> = rows.iter().map(|rows| Walk::new(*rows)).collect();
    for row in descending {
        if let Some(walk) = walks.get_mut(row.dataset) {
            walk.take(row, risk, alpha);
        }
    }
    walks.into_iter().map(|walk| walk.end(risk, alpha)).collect()
}

/// One dataset's walk from strict to loose.
struct Walk {
    rows: u64,
    kept: u64,
    losses: u64,
    /// The confidence of the rows that were taken last: they are kept together or not at all.
    tied: Option<Confidence>,
    loosest: Threshold,
    is_over: bool,
}

impl Walk {
    fn new(rows: u64) -> Self {
        Self { rows, kept: 0, losses: 0, tied: None, loosest: Threshold::DEFER_ALL, is_over: false }
    }

    fn take(&mut self, row: LossRow, risk: Risk, alpha: f64) {
        if self.tied != Some(row.confidence) {
            self.pass(risk, alpha);
            self.tied = Some(row.confidence);
        }
        self.kept += 1;
        self.losses += u64::from(row.is_loss);
    }

    /// Tests the threshold that keeps all rows taken so far.
    fn pass(&mut self, risk: Risk, alpha: f64) {
        let of = match risk {
            Risk::SelectiveError => self.kept,
            Risk::JointError | Risk::Regret => self.rows,
        };
        self.is_over = self.is_over || self.losses as f64 > alpha * of as f64;
        if let (false, Some(threshold)) =
            (self.is_over, self.tied.and_then(|tied| Threshold::new(tied.get()).ok()))
        {
            self.loosest = threshold;
        }
    }

    fn end(mut self, risk: Risk, alpha: f64) -> Threshold {
        self.pass(risk, alpha);
        if self.is_over { self.loosest } else { Threshold::KEEP_ALL }
    }
}

#[cfg(test)]
mod tests;
