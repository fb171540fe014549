//! The held-out rows of a split: everything about them that does not depend on a draw.

use plimsoll_core::Seed;
use plimsoll_core::records::{TransferCurveRow, TransferRow};
use plimsoll_fit::distance::ks_two_sample;
use plimsoll_fit::intervals::Resampling;
use plimsoll_fit::{Curve, DatasetSelection, FittedTargets, Prepared, Sample, achieved};
use plimsoll_router::Histogram;

use super::judged::{TargetResult, own_point};
use crate::curves::Baselines;

/// The held-out rows.
#[derive(Debug)]
pub(super) struct HeldOut {
    pub(super) sample: Sample,
    pub(super) curve: Curve,
    pub(super) baselines: Baselines,
    histogram: Histogram,
    /// Ratio, and accuracy at the own threshold for it.
    own_curve: Vec<(f64, Option<f64>)>,
    ks: Option<f64>,
}

impl HeldOut {
    /// `None` if a side has no rows of the series.
    pub(super) fn new(
        prepared: &Prepared<'_>,
        held_out: &DatasetSelection,
        pool: &DatasetSelection,
        bins: u32,
    ) -> Option<Self> {
        let sample = Sample::all(prepared, held_out);
        let pool_confidences: Vec<f64> =
            prepared.scored(pool).map(|(confidence, _)| confidence.get()).collect();
        let pool_rows = pool_confidences.len() + prepared.missing(pool).count();
        if sample.pool_rows() == 0.0 || pool_rows == 0 {
            return None;
        }
        let confidences: Vec<f64> = sample.rows.iter().map(|row| row.confidence.get()).collect();
        let mut histogram = Histogram::new(bins as usize);
        for row in &sample.rows {
            histogram.add(Some(row.confidence));
        }
        histogram.missing = prepared.missing(held_out).count() as u64;
        let curve = Curve::new(&sample);
        let points = curve.points();
        let own_curve =
            curve.grid().into_iter().map(|(ratio, index)| (ratio, points[index].accuracy)).collect();
        let ks = ks_two_sample(&confidences, &pool_confidences);
        Some(Self { baselines: Baselines::of(&sample), sample, curve, histogram, own_curve, ks })
    }

    /// What thresholds that were fitted on the pool side achieve here, one row per target.
    pub(super) fn judge(&self, fitted: &FittedTargets, bootstrap: u32, seed: &Seed) -> Vec<TransferRow> {
        let thresholds: Vec<_> = fitted.fits.iter().filter_map(|fit| fit.threshold).collect();
        let resampling = Resampling { replicates: bootstrap, seed: *seed };
        let mut figures = achieved(&self.sample, &thresholds, resampling).into_iter();
        let of_split = self.of_split(fitted);
        fitted
            .fits
            .iter()
            .map(|fit| {
                let achieved = fit.threshold.and_then(|_| figures.next());
                let own = own_point(&self.curve, &fit.target);
                TargetResult { fit, achieved, own, curve: &fitted.curve, held_out: self }
                    .row(of_split.clone())
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

    /// What all targets of a split and repeat share.
    fn of_split(&self, fitted: &FittedTargets) -> TransferRow {
        let pool = &fitted.curve;
        let transferred = |ratio: f64| {
            let threshold = pool.points()[pool.nearest(ratio)].threshold;
            self.curve.at(threshold).accuracy
        };
        TransferRow {
            rows: self.histogram.total(),
            missing: self.histogram.missing,
            curve_rmse: self.distance_of(transferred),
            random_curve_rmse: self.distance_of(|ratio| self.baselines.random(ratio)),
            ks: self.ks,
            psi: (fitted.draw.pool.scored() > 0 && self.histogram.scored() > 0)
                .then(|| self.histogram.psi(&fitted.draw.pool)),
            ..TransferRow::default()
        }
    }

    /// Root-mean-square distance of a curve from the own one, over the ratios 0, 0.01, .., 1.
    fn distance_of(&self, accuracy: impl Fn(f64) -> Option<f64>) -> Option<f64> {
        let mut sum = 0.0;
        for (ratio, own) in &self.own_curve {
            let distance = accuracy(*ratio)? - (*own)?;
            sum += distance * distance;
        }
        Some((sum / self.own_curve.len() as f64).sqrt())
    }
}
