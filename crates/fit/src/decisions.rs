//! A method fitted anew on a log of its own decisions, by inverse propensity.
//!
//! A log shows one answer a question: the SLM's where it was kept, the LLM's where it was deferred. Thresholds other
//! than the one in force are judged by the questions that went the other way by a coin, each weighted with
//! 1 / propensity, the probability with which its route was taken.
//!
//! # Formula
//! At a threshold t, over the rows of the log, with w = 1 / propensity and labels of the route that was taken alone:
//!
//! ```text
//! ratio(t)     = share of rows that are missing or below t                          every row has a confidence or none
//! error(t)     = sum w [SLM wrong] / sum w      over rows kept in the log, at or above t     (self-normalised)
//! accuracy(t)  = (1 - ratio) (1 - error) + ratio * sum w [LLM right] / sum w    over rows deferred in the log, below t
//! ```
//!
//! Self-normalised weights (Hajek) are slightly biased and far less noisy than sums over n. What needs both answers to
//! one question, a regret, cannot be known from such a log; costs are not in it. A bound on a risk is tested on a part
//! of the log that [`risk`] thins to a plain sample. Labels must be missing at random among the answers that were
//! shown: those of complaints alone say nothing about the rest.

use plimsoll_core::Seed;
use plimsoll_router::thresholds::{Achieved, LoggedLabels, Method, MethodRows, OperatingPoint, Status};
use plimsoll_router::{Confidence, Histogram, Route, Target, Threshold};
use thiserror::Error;

use crate::drift_levels::drift_levels;
use crate::guarantee::TestOutcome;
use crate::maps::{GradedConfidence, fit_isotonic, fit_maps};
use crate::method::{conservative, position};
use crate::pool_cdf::pool_cdf;

mod curve;
mod replicates;
pub mod risk;

pub use curve::{LoggedCurve, LoggedPoint};
use replicates::achieved;

/// A decision of a log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoggedRow {
    /// The SLM's confidence; `None` = missing, which is deferred.
    pub confidence: Option<Confidence>,
    /// The route that was taken.
    pub route: Route,
    /// The probability with which it was taken, in (0, 1].
    pub propensity: f64,
    /// Whether the answer of that route was right; `None` = not labelled.
    pub correct: Option<bool>,
}

impl LoggedRow {
    /// The probability with which the SLM's answer was kept.
    fn kept_propensity(&self) -> f64 {
        match self.route {
            Route::Slm => self.propensity,
            Route::Llm => 1.0 - self.propensity,
        }
    }

    /// The label of an answer by this route, with its weight.
    fn label(&self, route: Route) -> Option<(bool, f64)> {
        let correct = self.correct.filter(|_| self.route == route)?;
        Some((correct, 1.0 / self.propensity))
    }
}

/// Why a log cannot be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[non_exhaustive]
pub enum LogProblem {
    /// The other route could not have been taken.
    #[error(
        "a confidence, and a propensity of {propensity}: it must lie between 0 and 1, for where no coin is thrown no other threshold can be judged"
    )]
    NoExploration {
        /// Which row.
        index: usize,
        /// Its propensity.
        propensity: f64,
    },
    /// A missing confidence that was kept, or a propensity that none has.
    #[error("no confidence: it must be deferred, with a propensity of 1")]
    Missing {
        /// Which row.
        index: usize,
    },
    /// No label of one of the routes.
    #[error("no answer of the {route} is labelled")]
    NoLabels {
        /// `SLM` or `LLM`.
        route: &'static str,
    },
}

impl LogProblem {
    /// The row that it is about, if it is about one.
    pub const fn index(&self) -> Option<usize> {
        match self {
            Self::NoExploration { index, .. } | Self::Missing { index } => Some(*index),
            Self::NoLabels { .. } => None,
        }
    }
}

/// How a log is fitted.
#[derive(Debug, Clone, Copy)]
pub struct RefitSpec {
    /// Bins of the reference histogram, those of the file.
    pub bins: u32,
    /// Bootstrap replicates behind the 95 % intervals; 0 = none.
    pub bootstrap: u32,
    /// Seed of everything random.
    pub seed: Seed,
}

/// Checks that every decision of a log left room for the other route.
///
/// # Errors
/// The first row that did not, or that no answer of a route is labelled.
pub fn check_log(rows: &[LoggedRow]) -> Result<(), LogProblem> {
    for (index, row) in rows.iter().enumerate() {
        let propensity = row.propensity;
        if row.confidence.is_none() {
            if row.route != Route::Llm || propensity != 1.0 {
                return Err(LogProblem::Missing { index });
            }
        } else if !(propensity > 0.0 && propensity < 1.0) {
            return Err(LogProblem::NoExploration { index, propensity });
        }
    }
    for (route, name) in [(Route::Slm, "SLM"), (Route::Llm, "LLM")] {
        if !rows.iter().any(|row| row.label(route).is_some()) {
            return Err(LogProblem::NoLabels { route: name });
        }
    }
    Ok(())
}

/// The method with everything that a log can say put in place of what the pool said: operating points, reference,
/// scale, alarm levels, maps. Points of a regret or a cost stay as they were, with a note.
///
/// # Errors
/// As [`check_log`].
pub fn refitted(method: &Method, rows: &[LoggedRow], spec: RefitSpec) -> Result<Method, LogProblem> {
    check_log(rows)?;
    let curve = LoggedCurve::new(rows);
    let seed = spec.seed.derive("decisions").derive(&method.id);
    let mut refitted = method.clone();
    refitted.rows = method_rows(rows);
    refitted.reference = reference(rows, spec.bins);
    // Rows with a label have a confidence, and the curve sorted them.
    refitted.pool_cdf = pool_cdf(curve.confidences(), curve.missing()).ok().flatten();
    refitted.drift = drift_levels(&refitted.reference, &seed.derive("drift"));
    refitted.maps = fit_maps(&graded(rows, Route::Slm));
    refitted.llm_isotonic = fit_isotonic(&graded(rows, Route::Llm)).ok();
    let tests = risk::RiskTests::new(rows, &seed.derive("tests"));
    let fits: Vec<Fit> =
        method.operating_points.iter().map(|point| fit(point.target, &curve, &tests)).collect();
    let mut thresholds: Vec<Threshold> = fits.iter().filter_map(|fit| fit.threshold).collect();
    let own = thresholds.len();
    thresholds.extend(curve.grid().map(|point| point.threshold));
    let figures = achieved(&curve, rows, &thresholds, spec.bootstrap, &seed.derive("bootstrap"));
    let grid: Vec<(Threshold, Achieved)> =
        thresholds.iter().copied().zip(figures.iter().copied()).skip(own).collect();
    let mut own = figures.into_iter();
    let points = method.operating_points.iter().zip(fits);
    refitted.operating_points = points
        .map(|(point, fit)| {
            let figures = fit.threshold.and_then(|_| own.next());
            let mut made = fit.point(&method.id, point, figures);
            made.conservative = conservative(&point.target, &grid).or(made.conservative);
            if let Some(scale) = &refitted.pool_cdf {
                made.z = made.threshold.map(|threshold| position(scale, threshold));
                // A point that stays has its certificates' positions on the scale of the log too.
                for guarantee in made.dataset_guarantee.iter_mut().chain(&mut made.dataset_t_bound) {
                    guarantee.z = Some(position(scale, guarantee.threshold));
                }
            }
            made
        })
        .collect();
    Ok(refitted)
}

/// What is said of the labels of a log.
pub fn logged_labels(rows: &[LoggedRow]) -> LoggedLabels {
    let labelled = |route: Route| rows.iter().filter(|row| row.label(route).is_some()).count() as u64;
    let smallest = rows.iter().map(|row| row.propensity).fold(1.0, f64::min);
    LoggedLabels::new(labelled(Route::Slm), labelled(Route::Llm), smallest)
}

fn method_rows(rows: &[LoggedRow]) -> MethodRows {
    let count = |is: fn(&LoggedRow) -> bool| rows.iter().filter(|row| is(row)).count() as u64;
    let mut counted = MethodRows::default();
    counted.pool = rows.len() as u64;
    counted.missing = count(|row| row.confidence.is_none());
    counted.scored = counted.pool - counted.missing;
    counted.ungraded_slm = counted.pool - count(|row| row.label(Route::Slm).is_some());
    counted.ungraded_llm = counted.pool - count(|row| row.label(Route::Llm).is_some());
    counted.drawn = count(|row| row.confidence.is_some() && row.correct.is_some());
    counted.proportional = counted.drawn;
    counted
}

fn reference(rows: &[LoggedRow], bins: u32) -> Histogram {
    let mut histogram = Histogram::new(bins as usize);
    for row in rows {
        histogram.add(row.confidence);
    }
    histogram
}

/// The labelled answers of a route, weighted.
fn graded(rows: &[LoggedRow], route: Route) -> Vec<GradedConfidence> {
    let graded = |row: &LoggedRow| Some((row.confidence?, row.label(route)?));
    let graded = rows.iter().filter_map(graded);
    graded.map(|(confidence, (correct, weight))| GradedConfidence { confidence, correct, weight }).collect()
}

/// A point before its intervals.
struct Fit {
    status: Status,
    threshold: Option<Threshold>,
    note: Option<String>,
    outcome: Option<TestOutcome>,
    /// Nothing of the log enters: the point stays.
    stays: bool,
}

impl Fit {
    const fn new(status: Status, threshold: Option<Threshold>) -> Self {
        Self { status, threshold, note: None, outcome: None, stays: false }
    }

    fn noted(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// The operating point, in place of that of the pool.
    fn point(self, method: &str, before: &OperatingPoint, achieved: Option<Achieved>) -> OperatingPoint {
        if self.stays {
            let mut stays = before.clone();
            stays.note = self.note;
            return stays;
        }
        let mut point = OperatingPoint::new(method, before.target, self.status);
        (point.threshold, point.achieved, point.note) = (self.threshold, achieved, self.note);
        match self.outcome {
            Some(TestOutcome::Certified(_, guarantee)) => point.guarantee = Some(guarantee),
            Some(TestOutcome::Infeasible(infeasible)) => point.infeasible = Some(infeasible),
            None => {}
        }
        point
    }
}

/// Whether a log of decisions can show a target: a regret needs both answers to one question, and costs are not in it.
pub const fn log_shows(target: Target) -> bool {
    matches!(
        target,
        Target::RoutingRatio { .. }
            | Target::Accuracy { .. }
            | Target::LlmGap { .. }
            | Target::SelectiveError { .. }
            | Target::JointError { .. }
    )
}

fn fit(target: Target, curve: &LoggedCurve, tests: &risk::RiskTests) -> Fit {
    if !log_shows(target) {
        let stays = Fit { stays: true, ..Fit::new(Status::NotReached, None) };
        return stays
            .noted("not fitted anew: a log of decisions does not say it; as on the pool of the file that was in force");
    }
    match target {
        Target::RoutingRatio { value } => ratio_fit(curve, value),
        Target::Accuracy { value } => reaching(curve, value),
        Target::LlmGap { value } => match curve.defer_all().accuracy {
            Some(llm) => reaching(curve, llm - value),
            None => Fit::new(Status::NeedsLlm, None),
        },
        // The others that a log shows are risks.
        _ => certified(tests, target),
    }
}

fn ratio_fit(curve: &LoggedCurve, ratio: f64) -> Fit {
    let point = curve.nearest(ratio);
    let status = if (point.routing_ratio - ratio).abs() <= curve.resolution() {
        Status::Reached
    } else if ratio < curve.keep_all().routing_ratio {
        Status::MissingShare
    } else {
        Status::Tied
    };
    Fit::new(status, Some(point.threshold))
}

fn reaching(curve: &LoggedCurve, accuracy: f64) -> Fit {
    match curve.first_reaching(accuracy) {
        Some(point) => Fit::new(Status::Reached, Some(point.threshold)),
        None => {
            let best = curve.points().iter().filter_map(|point| point.accuracy).fold(0.0, f64::max);
            Fit::new(Status::NotReached, None)
                .noted(format!("the best that the log shows at any routing ratio is {best:.4}"))
        }
    }
}

fn certified(tests: &risk::RiskTests, target: Target) -> Fit {
    let Some((risk, alpha, delta)) = target.risk() else { return Fit::new(Status::NotReached, None) };
    let outcome = tests.test(risk, alpha, delta);
    let fit = match &outcome {
        TestOutcome::Certified(threshold, _) if *threshold == Threshold::DEFER_ALL => {
            Fit::new(Status::Reached, Some(*threshold))
                .noted("the bound holds only if every question is deferred")
        }
        TestOutcome::Certified(threshold, _) => Fit::new(Status::Reached, Some(*threshold)),
        TestOutcome::Infeasible(infeasible) => Fit::new(Status::Infeasible, None)
            .noted(format!("{} tested rows of the log do not show it", infeasible.rows_tested)),
    };
    Fit { outcome: Some(outcome), ..fit }
}

#[cfg(test)]
mod tests;
