//! One method of one pair: draw, fit every target, evaluate it, and write its entry.

use plimsoll_core::{Outcome, Seed};
use plimsoll_router::thresholds::{
    Achieved, Conservative, DatasetGuarantee, Method, MethodRows, OperatingPoint, TieRule,
};
use plimsoll_router::{Confidence, PoolCdf, Risk, Target, Threshold, TieSeed};

use crate::curve::Curve;
use crate::dataset_guarantee::dataset_guarantee;
use crate::draw::{Draw, DrawOrder, DrawSpec};
use crate::drift_levels::drift_levels;
use crate::guarantee::TestSet;
use crate::intervals::{Resampling, achieved};
use crate::maps::{GradedConfidence, fit_isotonic, fit_maps};
use crate::points::{FitInputs, TargetFit, fit_target};
use crate::pool_cdf::selection_cdf;
use crate::prepared::{DatasetSelection, PreparedSeries};
use crate::sample::{SampleRow, WeightedSample};
use crate::t_bound::t_bound;
use crate::traffic::dataset_spread;

/// The scientific parameters of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct FitSpec {
    /// Equal-width bins over [0, 1].
    pub bins: u32,
    /// Share of the scored rows that is drawn.
    pub fraction: f64,
    /// Targets, one operating point each.
    pub targets: Vec<Target>,
    /// Bootstrap replicates for intervals; 0 = none.
    pub bootstrap: u32,
    /// Seed of the pipeline.
    pub seed: Seed,
}

impl FitSpec {
    /// The seed of everything random about a series. It depends on the SLM and the method alone:
    /// the same rows are drawn for every LLM.
    pub fn series_seed(&self, prepared: &PreparedSeries<'_>) -> Seed {
        let series = prepared.series;
        self.seed.derive("series").derive(series.slm.as_str()).derive(series.method.as_str())
    }
}

/// Thresholds of a selection, without intervals.
#[derive(Debug, Clone)]
pub struct FittedTargets {
    /// The calibration set.
    pub draw: Draw,
    /// Its rows.
    pub sample: WeightedSample,
    /// Its routing curve.
    pub curve: Curve,
    /// One per target.
    pub fits: Vec<TargetFit>,
}

/// What a method's confidence is, as a thresholds file states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodIdentity {
    /// In a sentence.
    pub definition: String,
    /// SHA-256 of the method with its parameters and version, in lower-case hexadecimal.
    pub variant_sha256: String,
    /// SHA-256 of its probe, if it has one.
    pub probe_sha256: Option<String>,
}

impl MethodIdentity {
    /// A method of which nothing but its id and its definition is known, as with imported scores.
    pub fn from_definition(id: &str, definition: impl Into<String>) -> Self {
        let definition = definition.into();
        let variant_sha256 = plimsoll_core::canonical::sha256_hex(format!("{id}\n{definition}").as_bytes());
        Self { definition, variant_sha256, probe_sha256: None }
    }
}

/// A method's entry in the thresholds file, with the draw behind it.
#[derive(Debug, Clone)]
pub struct FittedMethod {
    /// The calibration set.
    pub draw: Draw,
    /// The entry.
    pub method: Method,
}

/// Draws from a selection and fits every target. `order` must come from the same series, with
/// the bins of the spec.
pub fn fit_targets(
    prepared: &PreparedSeries<'_>,
    order: &DrawOrder,
    selection: &DatasetSelection,
    spec: &FitSpec,
    seed: &Seed,
) -> FittedTargets {
    let draw = draw_ordered(prepared, order, selection, spec, seed);
    let (sample, undrawn) = WeightedSample::drawn(prepared, selection, &draw);
    let curve = Curve::new(&sample);
    let tests = TestSet::new(prepared, &draw, &undrawn, &seed.derive("tests"));
    let inputs = FitInputs { sample: &sample, curve: &curve, tests: &tests };
    let fits = spec.targets.iter().map(|target| fit_target(inputs, *target)).collect();
    FittedTargets { draw, sample, curve, fits }
}

/// The draw of [`fit_method`], without the fit.
pub fn draw_series(prepared: &PreparedSeries<'_>, selection: &DatasetSelection, spec: &FitSpec) -> Draw {
    let seed = spec.series_seed(prepared);
    let order = DrawOrder::new(prepared, spec.bins, &seed.derive("order"));
    draw_ordered(prepared, &order, selection, spec, &seed)
}

fn draw_ordered(
    prepared: &PreparedSeries<'_>,
    order: &DrawOrder,
    selection: &DatasetSelection,
    spec: &FitSpec,
    seed: &Seed,
) -> Draw {
    let draw_spec = DrawSpec { fraction: spec.fraction, seed: seed.derive("start") };
    Draw::new(order, prepared, selection, draw_spec)
}

/// Fits a method on a selection of a series: its operating points with intervals, its maps, its
/// reference histogram and alarm levels. `identity` says what the confidence is.
pub fn fit_method(
    prepared: &PreparedSeries<'_>,
    selection: &DatasetSelection,
    spec: &FitSpec,
    identity: &MethodIdentity,
) -> FittedMethod {
    let seed = spec.series_seed(prepared);
    let order = DrawOrder::new(prepared, spec.bins, &seed.derive("order"));
    let fitted = fit_targets(prepared, &order, selection, spec, &seed);
    let resampling = Resampling { replicates: spec.bootstrap, seed: seed.derive("bootstrap") };
    let id = prepared.series.method.to_string();
    let rows = method_rows(prepared, selection, &fitted.draw);
    let (definition, variant) = (identity.definition.as_str(), identity.variant_sha256.as_str());
    let mut method = Method::new(id.as_str(), definition, variant, rows, fitted.draw.pool.clone());
    method.probe_sha256.clone_from(&identity.probe_sha256);
    method.drift = drift_levels(&fitted.draw.pool, &seed.derive("drift"));
    method.maps = fit_maps(&observations(&fitted.sample));
    method.tie_break = TieRule::new(TieSeed::new(seed.derive("ties").bits()));
    method.pool_cdf = selection_cdf(prepared, selection);
    method.llm_isotonic = fit_isotonic(&llm_observations(&fitted.sample)).ok();
    method.datasets = dataset_spread(prepared, selection, method.pool_cdf.as_ref(), method.tie_break.seed);
    method.operating_points = operating_points(&id, &fitted, resampling);
    for point in &mut method.operating_points {
        point.z = point
            .threshold
            .zip(method.pool_cdf.as_ref())
            .map(|(threshold, scale)| position(scale, threshold));
        let scale = method.pool_cdf.as_ref();
        let promised =
            |make: DatasetRule| guarantee_for_new_datasets(prepared, selection, point.target, scale, make);
        point.dataset_guarantee = promised(dataset_guarantee);
        // Where datasets enough promise 1 - delta without an assumption, none is made.
        let is_short = point.dataset_guarantee.as_ref().is_some_and(|found| found.k < found.datasets_needed);
        point.dataset_t_bound = if is_short { promised(t_bound) } else { None };
    }
    FittedMethod { draw: fitted.draw, method }
}

/// The graded answers of the LLM, for its map.
fn llm_observations(sample: &WeightedSample) -> Vec<GradedConfidence> {
    let graded = |row: &SampleRow| Some((row.outcomes.1.as_bool()?, row.confidence, row.weight));
    let graded = sample.rows.iter().filter_map(graded);
    graded.map(|(correct, confidence, weight)| GradedConfidence { confidence, correct, weight }).collect()
}

/// The position of a threshold on a scale: what it keeps lies at or above.
pub(crate) fn position(scale: &PoolCdf, threshold: Threshold) -> f64 {
    Confidence::new(threshold.get()).map_or(1.0, |confidence| scale.z(confidence, 0.0))
}

/// How a guarantee about new datasets is made: rows, datasets, risk, alpha, delta.
type DatasetRule = fn(&PreparedSeries<'_>, &DatasetSelection, Risk, f64, f64) -> Option<DatasetGuarantee>;

/// For a risk: what can be promised about a dataset that was never seen.
fn guarantee_for_new_datasets(
    prepared: &PreparedSeries<'_>,
    selection: &DatasetSelection,
    target: Target,
    scale: Option<&PoolCdf>,
    make: DatasetRule,
) -> Option<DatasetGuarantee> {
    let (risk, alpha, delta) = target.risk()?;
    let mut guarantee = make(prepared, selection, risk, alpha, delta)?;
    guarantee.z = scale.map(|scale| position(scale, guarantee.threshold));
    let rows = prepared.scored(selection).count() + prepared.missing(selection).count();
    let kept =
        prepared.scored(selection).filter(|(confidence, _)| guarantee.threshold.keeps(*confidence)).count();
    guarantee.routing_ratio = 1.0 - kept as f64 / rows.max(1) as f64;
    Some(guarantee)
}

/// The graded rows of a sample, for the maps.
pub fn observations(sample: &WeightedSample) -> Vec<GradedConfidence> {
    sample
        .rows
        .iter()
        .filter_map(|row| {
            let correct = row.outcomes.0.as_bool()?;
            Some(GradedConfidence { confidence: row.confidence, correct, weight: row.weight })
        })
        .collect()
}

fn method_rows(prepared: &PreparedSeries<'_>, selection: &DatasetSelection, draw: &Draw) -> MethodRows {
    let mut rows = MethodRows::default();
    let scored = prepared.scored_rows(selection).map(|scored| scored.outcomes);
    for (slm, llm) in scored.chain(prepared.missing(selection).map(|row| prepared.outcomes(row))) {
        rows.ungraded_slm += u64::from(slm == Outcome::Ungraded);
        rows.ungraded_llm += u64::from(llm == Outcome::Ungraded);
    }
    rows.pool = draw.pool.total();
    rows.scored = draw.pool.scored();
    rows.missing = draw.pool.missing;
    rows.drawn = draw.rows.len() as u64;
    rows.proportional = draw.proportional();
    rows
}

/// Puts intervals to the fits. All thresholds, and the grid from which the cautious twin of an
/// accuracy point is taken, share one bootstrap.
fn operating_points(method: &str, fitted: &FittedTargets, resampling: Resampling) -> Vec<OperatingPoint> {
    let mut thresholds: Vec<Threshold> = fitted.fits.iter().filter_map(|fit| fit.threshold).collect();
    let own = thresholds.len();
    if fitted.fits.iter().any(|fit| matches!(fit.target, Target::Accuracy { .. })) {
        let points = fitted.curve.points();
        thresholds.extend(fitted.curve.grid().into_iter().map(|(_, index)| points[index].threshold));
    }
    let all = achieved(&fitted.sample, &thresholds, resampling);
    let grid: Vec<(Threshold, Achieved)> =
        thresholds.iter().copied().zip(all.iter().copied()).skip(own).collect();
    let mut own = all.into_iter();
    fitted
        .fits
        .iter()
        .map(|fit| {
            let mut point = OperatingPoint::new(method, fit.target, fit.status);
            point.threshold = fit.threshold;
            point.achieved = fit.threshold.and_then(|_| own.next());
            point.tie_break = fit.tie_break;
            point.conservative = conservative(&fit.target, &grid);
            point.guarantee.clone_from(&fit.guarantee);
            point.infeasible.clone_from(&fit.infeasible);
            point.note.clone_from(&fit.note);
            point
        })
        .collect()
}

/// The smallest ratio of the grid whose lower 95 % limit reaches the accuracy.
pub(crate) fn conservative(target: &Target, grid: &[(Threshold, Achieved)]) -> Option<Conservative> {
    let Target::Accuracy { value } = target else { return None };
    let sure = |achieved: &Achieved| achieved.accuracy.and_then(|accuracy| accuracy.low) >= Some(*value);
    grid.iter()
        .find(|(_, achieved)| sure(achieved))
        .map(|(threshold, achieved)| Conservative::new(*threshold, *achieved))
}

#[cfg(test)]
mod tests;
