//! Whether a published operating point still holds on newly labelled rows.
//!
//! A point claims a range for one figure: a routing ratio is what the file says it achieved, an accuracy at least the
//! target, each give or take a tolerance; a risk is at most alpha, without one. The claim
//!
//! - *holds* if the figure's interval lies within the range,
//! - *does not hold* if the interval lies beside it,
//! - is *left open by too few rows* otherwise.
//!
//! Intervals are exact (Clopper and Pearson), with probability delta / 2 of error on either side, so an answer that
//! is not "too few rows" is wrong with probability at most delta. Divide delta by the number of points that are
//! checked, and all answers together are. Two figures have intervals of another kind: a gap to the LLM is a
//! difference of two shares, each with half of delta, and a cost takes Student's t, which needs [`MIN_COSTS`] rows.

mod figure;

use plimsoll_core::Outcome;
use plimsoll_router::thresholds::{Estimate, OperatingPoint};
use plimsoll_router::{Confidence, Target, Threshold};

pub use self::figure::{Figure, MIN_COSTS};
use self::figure::{Measured, figures, measure};
use crate::tail::MAX_ROWS;

/// A labelled question. Rows are to be independent: one of each cluster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckedRow {
    /// The confidence; `None` = missing, which is deferred.
    pub confidence: Option<Confidence>,
    /// Grade of the SLM's answer, where an ungraded one counts as wrong; `None` = its label is not there yet.
    pub slm: Option<Outcome>,
    /// Grade of the LLM's answer, where an ungraded one leaves the figures that need the LLM; `None` = its label is not
    /// there yet.
    pub llm: Option<Outcome>,
    /// US dollars: SLM, LLM.
    pub costs_usd: Option<(f64, f64)>,
}

/// How points are checked.
#[derive(Debug, Clone, Copy)]
pub struct CheckSpec {
    /// Probability that an answer other than "too few rows" is wrong, in [0.001, 0.5] for costs.
    pub delta: f64,
    /// By how much a ratio, an accuracy or a gap may miss what was published; a cost by this share of the budget.
    pub tolerance: f64,
}

/// The answer for a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// The figure is within what is claimed.
    Holds,
    /// The rows do not say.
    TooFewRows,
    /// The figure is beside what is claimed.
    DoesNotHold,
}

/// A point on new rows.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PointCheck {
    /// The point's id.
    pub id: String,
    /// The answer.
    pub status: CheckStatus,
    /// What the claim is about.
    pub figure: Figure,
    /// The claimed range; null = open on this side.
    pub claimed_low: Option<f64>,
    /// Upper end of the claimed range.
    pub claimed_high: Option<f64>,
    /// The figure with the interval that the answer comes from; null where no row says anything about it.
    pub tested: Option<Estimate>,
    /// Rows that the figure is over: for a selective error those kept.
    pub rows_tested: u64,
    /// About how many rows would do if the figure stays as it is; null unless they are too few, and if no number would.
    pub rows_needed: Option<u64>,
    /// Rows that lack a label without which the figure is not known.
    pub unlabelled: u64,
    /// Share deferred, with its 95 % interval, as are the others.
    pub routing_ratio: Option<Estimate>,
    /// Overall accuracy.
    pub accuracy: Option<Estimate>,
    /// P(SLM wrong | kept).
    pub selective_error: Option<Estimate>,
    /// P(SLM wrong and kept).
    pub joint_error: Option<Estimate>,
    /// P(SLM wrong, LLM right, kept).
    pub regret: Option<Estimate>,
}

/// Checks a point on rows; `None` for a point without a threshold, which claims nothing.
pub fn check(point: &OperatingPoint, rows: &[CheckedRow], spec: CheckSpec) -> Option<PointCheck> {
    let threshold = point.threshold?;
    let claim = Claim::new(point, spec.tolerance)?;
    let measured = measure(claim.figure, rows, threshold);
    let interval = measured.interval(spec.delta);
    let status = match interval {
        // Where nothing is ever kept, no kept answer is wrong.
        None if threshold == Threshold::DEFER_ALL && claim.low.is_none() => CheckStatus::Holds,
        None => CheckStatus::TooFewRows,
        Some(interval) => claim.status(interval),
    };
    let needed = || rows_needed(&claim, &measured, rows.len() as u64, spec.delta);
    let [routing_ratio, accuracy, selective_error, joint_error, regret] = figures(rows, threshold);
    Some(PointCheck {
        id: point.id.clone(),
        status,
        figure: claim.figure,
        claimed_low: claim.low,
        claimed_high: claim.high,
        tested: measured
            .value()
            .map(Estimate::new)
            .zip(interval)
            .map(|(value, (low, high))| value.with_interval(low, high)),
        rows_tested: measured.rows(),
        rows_needed: (status == CheckStatus::TooFewRows).then(needed).flatten(),
        unlabelled: measured.unlabelled(),
        routing_ratio,
        accuracy,
        selective_error,
        joint_error,
        regret,
    })
}

/// What a point claims.
#[derive(Debug, Clone, Copy)]
struct Claim {
    figure: Figure,
    low: Option<f64>,
    high: Option<f64>,
}

impl Claim {
    /// `None` for a kind of target that claims nothing.
    fn new(point: &OperatingPoint, tolerance: f64) -> Option<Self> {
        let (low, high) = match point.target {
            Target::RoutingRatio { value } => {
                // What the file says was reached: ties and missing confidences may forbid the target itself.
                let ratio = point.achieved.map_or(value, |achieved| achieved.routing_ratio.value);
                (Some(ratio - tolerance), Some(ratio + tolerance))
            }
            Target::Accuracy { value } => (Some(value - tolerance), None),
            Target::LlmGap { value } => (None, Some(value + tolerance)),
            Target::Cost { usd_per_1k_questions } => (None, Some(usd_per_1k_questions * (1.0 + tolerance))),
            _ => (None, Some(point.target.risk()?.1)),
        };
        Some(Self { figure: Figure::of(&point.target)?, low, high })
    }

    fn status(&self, (low, high): (f64, f64)) -> CheckStatus {
        let (at_least, at_most) = (self.low.unwrap_or(f64::NEG_INFINITY), self.high.unwrap_or(f64::INFINITY));
        if low >= at_least && high <= at_most {
            CheckStatus::Holds
        } else if high < at_least || low > at_most {
            CheckStatus::DoesNotHold
        } else {
            CheckStatus::TooFewRows
        }
    }
}

/// Rows of the table with which the claim would be answered, were the figure what it is on these rows.
fn rows_needed(claim: &Claim, measured: &Measured, rows: u64, delta: f64) -> Option<u64> {
    let own = measured.rows();
    if own == 0 || measured.unlabelled() > 0 {
        return None;
    }
    let answered = |factor: f64| {
        measured
            .scaled(factor)
            .interval(delta)
            .is_some_and(|interval| claim.status(interval) != CheckStatus::TooFewRows)
    };
    let scaled = |rows_tested: u64| rows_tested as f64 / own as f64;
    let mut high = own.max(1);
    while !answered(scaled(high)) {
        high = high.checked_mul(2).filter(|high| *high <= MAX_ROWS)?;
    }
    let mut low = own;
    while high - low > 1 {
        let middle = low.midpoint(high);
        if answered(scaled(middle)) { high = middle } else { low = middle }
    }
    // Of `rows` rows, `own` enter the figure.
    Some(high.saturating_mul(rows).div_ceil(own))
}

#[cfg(test)]
mod tests;
