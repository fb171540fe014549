//! One threshold on held-out rows, against the rows' own best and against random routing.

use plimsoll_core::records::TransferRow;
use plimsoll_fit::{Curve, CurvePoint, Fit};
use plimsoll_router::thresholds::{Achieved, Estimate};
use plimsoll_router::{Risk, Target};

use super::held_out::HeldOut;

/// A target, as it was fitted on the pool and as it went.
#[derive(Debug)]
pub(super) struct TargetResult<'a> {
    pub(super) fit: &'a Fit,
    /// On the held-out rows; `None` without a threshold.
    pub(super) achieved: Option<Achieved>,
    /// The held-out rows' own best for the same target.
    pub(super) own: Option<&'a CurvePoint>,
    /// The pool's curve, which made the promise.
    pub(super) curve: &'a Curve,
    pub(super) held_out: &'a HeldOut,
}

/// The candidate that would have been best, had the held-out labels been known.
pub(super) fn own_point<'a>(curve: &'a Curve, target: &Target) -> Option<&'a CurvePoint> {
    match target {
        Target::RoutingRatio { value } => curve.points().get(curve.nearest(*value)),
        Target::Accuracy { value } => curve.first_reaching(*value),
        Target::Cost { usd_per_1k_questions } => curve.best_within(*usd_per_1k_questions),
        _ => {
            let (risk, alpha, _) = target.risk()?;
            curve.points().iter().find(|point| point.risk(risk).is_some_and(|risk| risk <= alpha))
        }
    }
}

impl TargetResult<'_> {
    /// The row, on top of what the whole split shares.
    pub(super) fn row(self, of_split: TransferRow) -> TransferRow {
        let target = &self.fit.target;
        let row = TransferRow {
            target_kind: target.kind().to_owned(),
            target_value: target.value(),
            target_delta: target.risk().map(|(_, _, delta)| delta),
            status: self.fit.status.name().to_owned(),
            threshold: self.fit.threshold.map(plimsoll_router::Threshold::get),
            oracle_accuracy: self.own.and_then(|point| point.accuracy),
            ..of_split
        };
        match (self.achieved, self.fit.threshold) {
            (Some(achieved), Some(threshold)) => self.with_achieved(row, &achieved, self.curve.at(threshold)),
            _ => row,
        }
    }

    fn with_achieved(&self, row: TransferRow, achieved: &Achieved, promised: &CurvePoint) -> TransferRow {
        let ratio = achieved.routing_ratio;
        let baselines = &self.held_out.baselines;
        let value = |estimate: Option<Estimate>| estimate.map(|estimate| estimate.value);
        TransferRow {
            predicted_routing_ratio: Some(promised.routing_ratio),
            achieved_routing_ratio: Some(ratio.value),
            achieved_routing_ratio_low: ratio.low,
            achieved_routing_ratio_high: ratio.high,
            predicted_accuracy: promised.accuracy,
            accuracy: value(achieved.accuracy),
            accuracy_low: achieved.accuracy.and_then(|accuracy| accuracy.low),
            accuracy_high: achieved.accuracy.and_then(|accuracy| accuracy.high),
            random_accuracy: baselines.random(ratio.value),
            upper_bound_accuracy: baselines.oracle(ratio.value),
            selective_error: value(achieved.selective_error),
            joint_error: Some(achieved.joint_error.value),
            regret: value(achieved.regret),
            usd_per_1k_questions: value(achieved.usd_per_1k_questions),
            violated: self.violated(achieved),
            ..row
        }
    }

    /// Whether the risk on the held-out rows exceeds its bound; nothing kept violates nothing.
    fn violated(&self, achieved: &Achieved) -> Option<bool> {
        let (risk, alpha, _) = self.fit.target.risk()?;
        let observed = match risk {
            Risk::SelectiveError => achieved.selective_error.map_or(0.0, |risk| risk.value),
            Risk::JointError => achieved.joint_error.value,
            Risk::Regret => achieved.regret?.value,
        };
        Some(observed > alpha)
    }
}
