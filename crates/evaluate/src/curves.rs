//! Routing curves with their baselines, and their areas.

mod areas;
mod baselines;

pub use areas::{area, call_for_performance, quality_over_cost};
pub use baselines::Baselines;

use plimsoll_core::records::{CostAxis, CurveAreaRow, CurveRow};
use plimsoll_fit::bootstrap::Replicates;
use plimsoll_fit::curve::CurvePoint;
use plimsoll_fit::intervals::{Resampling, resample};
use plimsoll_fit::sums::RoutingSplit;
use plimsoll_fit::{Curve, DatasetSelection, PreparedSeries, WeightedSample};
use plimsoll_router::Threshold;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::EvaluationSettings;
use crate::alignment::parts;

/// Curves of one series.
#[derive(Debug, Clone, Default)]
pub struct SeriesCurves {
    /// 101 points per dataset and for the pool.
    pub curves: Vec<CurveRow>,
    /// One row per dataset and for the pool.
    pub areas: Vec<CurveAreaRow>,
}

/// The routing curves of a series, over all rows of each dataset and of the pool.
///
/// The table has the candidates nearest to the ratios 0, 0.01, .., 1; areas use all candidates.
/// Their intervals come from replicates on that grid.
pub fn curves(prepared: &PreparedSeries<'_>, settings: &EvaluationSettings) -> SeriesCurves {
    let seed = settings.seed.derive("curves").derive(prepared.series.method.as_str());
    let by_part: Vec<(Vec<CurveRow>, CurveAreaRow)> = parts(prepared)
        .par_iter()
        .map(|(name, selection)| {
            let resampling = Resampling { replicates: settings.bootstrap, seed: seed.derive(name) };
            PartCurve::new(prepared, name, selection, resampling).rows()
        })
        .collect();
    let (curves, areas): (Vec<Vec<CurveRow>>, Vec<CurveAreaRow>) = by_part.into_iter().unzip();
    SeriesCurves { curves: curves.into_iter().flatten().collect(), areas }
}

/// A dataset or the pool.
struct PartCurve<'a> {
    prepared: &'a PreparedSeries<'a>,
    name: &'a str,
    sample: WeightedSample,
    curve: Curve,
    baselines: Baselines,
    /// Asked ratio and index of the nearest candidate.
    grid: Vec<(f64, usize)>,
    replicates: Option<Replicates>,
}

impl<'a> PartCurve<'a> {
    fn new(
        prepared: &'a PreparedSeries<'a>,
        name: &'a str,
        selection: &DatasetSelection,
        resampling: Resampling,
    ) -> Self {
        let sample = WeightedSample::all(prepared, selection);
        let curve = Curve::new(&sample);
        let grid = curve.grid();
        let thresholds: Vec<Threshold> =
            grid.iter().map(|(_, index)| curve.points()[*index].threshold).collect();
        let replicates = resample(&sample, &thresholds, resampling, figures);
        let baselines = Baselines::from_sample(&sample);
        Self { prepared, name, sample, curve, baselines, grid, replicates }
    }

    fn rows(&self) -> (Vec<CurveRow>, CurveAreaRow) {
        let rows = self.grid.iter().enumerate();
        let rows = rows
            .map(|(grid_index, (ratio, index))| self.row(grid_index, *ratio, &self.curve.points()[*index]));
        (rows.collect(), self.areas())
    }

    fn row(&self, grid_index: usize, grid_ratio: f64, point: &CurvePoint) -> CurveRow {
        let baselines = &self.baselines;
        let ratio = point.routing_ratio;
        let interval = point.accuracy.and(self.replicates.as_ref()).and_then(|all| all.interval(grid_index));
        let kept_accuracy = point.selective_error.map(|error| 1.0 - error);
        let series = self.prepared.series;
        let costs = self.sample.has_costs;
        CurveRow {
            slm: series.slm.to_string(),
            llm: series.llm.as_ref().map(ToString::to_string),
            method: series.method.to_string(),
            dataset: self.name.to_owned(),
            grid_ratio,
            routing_ratio: ratio,
            threshold: point.threshold.get(),
            accuracy: point.accuracy,
            accuracy_low: interval.map(|(low, _)| low),
            accuracy_high: interval.map(|(_, high)| high),
            random_accuracy: baselines.random(ratio),
            oracle_accuracy: baselines.oracle(ratio),
            always_slm_accuracy: baselines.slm,
            always_llm_accuracy: baselines.llm,
            pgr: point.accuracy.and_then(|accuracy| baselines.gap_recovered(accuracy)),
            kept_accuracy,
            relative_accuracy: kept_accuracy.zip(baselines.slm_all_rows).map(|(kept, all)| kept / all),
            usd_per_1k_questions: costs.then_some(point.usd_per_1k_questions),
            random_usd_per_1k_questions: baselines.random_usd_per_1k_questions(ratio).filter(|_| costs),
        }
    }

    fn areas(&self) -> CurveAreaRow {
        let baselines = &self.baselines;
        let points = self.accuracies();
        let area = area(&points);
        let apgr = area.and_then(|area| baselines.gap_recovered(area));
        let interval = apgr.and(self.replicates.as_ref()).and_then(|all| all.interval(self.grid.len()));
        let cpt = |share| baselines.gap().and_then(|_| call_for_performance(&points, share));
        let costs: Vec<(f64, f64)> = self.curve.points().iter().filter_map(cost_and_accuracy).collect();
        let (aiq, axis) = if self.sample.has_costs {
            (quality_over_cost(&costs), CostAxis::Usd)
        } else {
            (quality_over_cost(&self.on_the_curve()), CostAxis::RoutingRatio)
        };
        let series = self.prepared.series;
        CurveAreaRow {
            slm: series.slm.to_string(),
            llm: series.llm.as_ref().map(ToString::to_string),
            method: series.method.to_string(),
            dataset: self.name.to_owned(),
            area,
            random_area: baselines.random(0.5),
            oracle_area: baselines.oracle_area(),
            apgr,
            apgr_low: interval.map(|(low, _)| low),
            apgr_high: interval.map(|(_, high)| high),
            cpt_20: cpt(0.2),
            cpt_50: cpt(0.5),
            cpt_80: cpt(0.8),
            aiq,
            aiq_axis: aiq.map(|_| axis),
            ..baselines.row()
        }
    }

    fn on_the_curve(&self) -> Vec<(f64, f64)> {
        let points = self.curve.points().iter();
        points.filter_map(|point| Some((point.routing_ratio, point.accuracy?))).collect()
    }

    /// Routing ratio and accuracy of every candidate, after asking the SLM alone, which is what a
    /// ratio of 0 means even where missing confidences make it unreachable.
    fn accuracies(&self) -> Vec<(f64, f64)> {
        let alone = self.baselines.slm.map(|slm| (0.0, slm));
        alone.into_iter().chain(self.on_the_curve()).collect()
    }
}

fn cost_and_accuracy(point: &CurvePoint) -> Option<(f64, f64)> {
    Some((point.usd_per_1k_questions, point.accuracy?))
}

/// Of a replicate: the accuracy at each point of the grid, then the share of the gap that the area
/// recovers.
fn figures(splits: &[RoutingSplit]) -> Vec<f64> {
    let mut figures: Vec<f64> = splits.iter().map(|split| split.accuracy().unwrap_or(f64::NAN)).collect();
    let apgr = splits.first().and_then(|split| {
        let baselines = Baselines::from_split(split);
        let curve = splits.iter().filter_map(|split| Some((split.routing_ratio()?, split.accuracy()?)));
        let points: Vec<(f64, f64)> = baselines.slm.map(|slm| (0.0, slm)).into_iter().chain(curve).collect();
        area(&points).and_then(|area| baselines.gap_recovered(area))
    });
    figures.push(apgr.unwrap_or(f64::NAN));
    figures
}

#[cfg(test)]
mod tests;
