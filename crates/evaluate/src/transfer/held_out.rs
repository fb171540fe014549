//! The held-out rows of a split, and what thresholds fitted on the pool achieve on them: against the rows' own best
//! threshold and against random routing.

use plimsoll_core::Seed;
use plimsoll_core::records::{HoldOut, TransferCurveRow, TransferRow};
use plimsoll_fit::distance::ks_two_sample;
use plimsoll_fit::intervals::Resampling;
use plimsoll_fit::{
    Curve, CurvePoint, DatasetSelection, FitSpec, FittedTargets, PreparedSeries, TargetFit, WeightedSample,
    achieved,
};
use plimsoll_router::thresholds::{Achieved, Estimate};
use plimsoll_router::{Histogram, Risk, Target};

use super::labels::LabelledTraffic;
use super::new_dataset;
use super::new_traffic::NewTraffic;
use crate::curves::Baselines;

/// Everything about the held-out rows of a split that does not depend on a draw.
#[derive(Debug)]
pub(super) struct HeldOutRows {
    sample: WeightedSample,
    curve: Curve,
    baselines: Baselines,
    histogram: Histogram,
    /// Ratio, and accuracy at the own threshold for it.
    own_curve: Vec<(f64, Option<f64>)>,
    ks: Option<f64>,
    /// By target: a row with what does not depend on a draw, such as what adapting and tracking reach, and what is
    /// promised about a new dataset.
    by_target: Vec<(Target, TransferRow)>,
}

impl HeldOutRows {
    /// `None` if a side has no rows of the series.
    pub(super) fn new(
        prepared: &PreparedSeries<'_>,
        held_out: &DatasetSelection,
        pool: &DatasetSelection,
        by: HoldOut,
        spec: &FitSpec,
    ) -> Option<Self> {
        let sample = WeightedSample::all(prepared, held_out);
        let pool_confidences: Vec<f64> =
            prepared.scored(pool).map(|(confidence, _)| confidence.get()).collect();
        let pool_rows = pool_confidences.len() + prepared.missing(pool).count();
        if sample.pool_rows() == 0.0 || pool_rows == 0 {
            return None;
        }
        let confidences: Vec<f64> = sample.rows.iter().map(|row| row.confidence.get()).collect();
        let mut histogram = Histogram::new(spec.bins as usize);
        for row in &sample.rows {
            histogram.add(Some(row.confidence));
        }
        histogram.missing = prepared.missing(held_out).count() as u64;
        let curve = Curve::new(&sample);
        let points = curve.points();
        let own_curve =
            curve.grid().into_iter().map(|(ratio, index)| (ratio, points[index].accuracy)).collect();
        let ks = ks_two_sample(&confidences, &pool_confidences);
        let seed = spec.series_seed(prepared).derive("traffic");
        let traffic = NewTraffic::new(prepared, held_out, pool, &seed);
        let needs_labels =
            |target: &&Target| matches!(target, Target::Accuracy { .. } | Target::LlmGap { .. });
        let labelled = spec.targets.iter().find(needs_labels).and_then(|_| {
            LabelledTraffic::new(prepared, held_out, pool, &spec.series_seed(prepared).derive("labels"))
        });
        let of_target = |target: &Target| match (target, &traffic) {
            (Target::RoutingRatio { value }, Some(traffic)) => {
                Some(traffic.with_errors(TransferRow::default(), *value))
            }
            (Target::Accuracy { .. } | Target::LlmGap { .. }, _) => labelled.as_ref()?.row(target, &curve),
            // The promise is about one dataset.
            _ if by == HoldOut::Dataset => new_dataset::guarantees(prepared, pool, target, &curve),
            _ => None,
        };
        let by_target =
            spec.targets.iter().filter_map(|target| Some((*target, of_target(target)?))).collect();
        let baselines = Baselines::from_sample(&sample);
        Some(Self { sample, curve, baselines, histogram, own_curve, ks, by_target })
    }

    /// What thresholds that were fitted on the pool side achieve here, one row per target.
    pub(super) fn evaluate(&self, fitted: &FittedTargets, bootstrap: u32, seed: &Seed) -> Vec<TransferRow> {
        let thresholds: Vec<_> = fitted.fits.iter().filter_map(|fit| fit.threshold).collect();
        let resampling = Resampling { replicates: bootstrap, seed: *seed };
        let mut figures = achieved(&self.sample, &thresholds, resampling).into_iter();
        let shared = self.shared_row(fitted);
        fitted
            .fits
            .iter()
            .map(|fit| {
                let achieved = fit.threshold.and_then(|_| figures.next());
                let own = own_point(&self.curve, &fit.target);
                TargetResult { fit, achieved, own, curve: &fitted.curve, held_out: self }
                    .row(self.split_row(&fit.target, &shared))
            })
            .collect()
    }

    /// The curve that the pool predicts and the true one, over the ratios 0, 0.01, .., 1.
    pub(super) fn curves(&self, fitted: &FittedTargets) -> Vec<TransferCurveRow> {
        let pool = &fitted.curve;
        let point = |(ratio, own): &(f64, Option<f64>)| {
            let promised = &pool.points()[pool.nearest(*ratio)];
            let here = self.curve.at(promised.threshold);
            TransferCurveRow {
                grid_ratio: *ratio,
                threshold: promised.threshold.get(),
                predicted_routing_ratio: promised.routing_ratio,
                achieved_routing_ratio: here.routing_ratio,
                predicted_accuracy: promised.accuracy,
                transferred_accuracy: here.accuracy,
                own_accuracy: *own,
                random_accuracy: self.baselines.random(*ratio),
                ..TransferCurveRow::default()
            }
        };
        self.own_curve.iter().map(point).collect()
    }

    /// What does not depend on a draw, and what all targets of a split and repeat share.
    fn split_row(&self, target: &Target, shared: &TransferRow) -> TransferRow {
        let own = self.by_target.iter().find(|(of, _)| of == target).map(|(_, row)| row.clone());
        TransferRow {
            rows: shared.rows,
            missing: shared.missing,
            curve_rmse: shared.curve_rmse,
            random_curve_rmse: shared.random_curve_rmse,
            ks: shared.ks,
            psi: shared.psi,
            ..own.unwrap_or_default()
        }
    }

    /// What all targets of a split and repeat share.
    fn shared_row(&self, fitted: &FittedTargets) -> TransferRow {
        let pool = &fitted.curve;
        let transferred = |ratio: f64| {
            let threshold = pool.points()[pool.nearest(ratio)].threshold;
            self.curve.at(threshold).accuracy
        };
        TransferRow {
            rows: self.histogram.total(),
            missing: self.histogram.missing,
            curve_rmse: self.rms_distance(transferred),
            random_curve_rmse: self.rms_distance(|ratio| self.baselines.random(ratio)),
            ks: self.ks,
            psi: (fitted.draw.pool.scored() > 0 && self.histogram.scored() > 0)
                .then(|| self.histogram.psi(&fitted.draw.pool)),
            ..TransferRow::default()
        }
    }

    /// Root-mean-square distance of a curve from the own one, over the ratios 0, 0.01, .., 1.
    fn rms_distance(&self, accuracy: impl Fn(f64) -> Option<f64>) -> Option<f64> {
        let mut sum = 0.0;
        for (ratio, own) in &self.own_curve {
            let distance = accuracy(*ratio)? - (*own)?;
            sum += distance * distance;
        }
        Some((sum / self.own_curve.len() as f64).sqrt())
    }
}

/// The fit of one target on the pool, with what it achieves on the held-out rows.
#[derive(Debug)]
struct TargetResult<'a> {
    fit: &'a TargetFit,
    /// On the held-out rows; `None` without a threshold.
    achieved: Option<Achieved>,
    /// The held-out rows' own best for the same target.
    own: Option<&'a CurvePoint>,
    /// The pool's curve, which predicts what is achieved.
    curve: &'a Curve,
    held_out: &'a HeldOutRows,
}

/// The candidate that would have been best, had the held-out labels been known.
fn own_point<'a>(curve: &'a Curve, target: &Target) -> Option<&'a CurvePoint> {
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
    fn row(self, split_row: TransferRow) -> TransferRow {
        let target = &self.fit.target;
        let row = TransferRow {
            target_kind: target.kind().to_owned(),
            target_value: target.value(),
            target_delta: target.risk().map(|(_, _, delta)| delta),
            status: self.fit.status,
            threshold: self.fit.threshold.map(plimsoll_router::Threshold::get),
            oracle_accuracy: self.own.and_then(|point| point.accuracy),
            ..split_row
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
