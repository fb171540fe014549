//! Operating points: one threshold per target, or the reason why there is none.

use plimsoll_router::thresholds::{Guarantee, Infeasible, Status, TieBreak};
use plimsoll_router::{Target, Threshold};

use crate::curve::{Curve, RATIO_ROUNDING};
use crate::guarantee::{TestOutcome, TestSet};
use crate::sample::WeightedSample;

/// The outcome of fitting one target, before intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetFit {
    /// What the threshold is fitted for.
    pub target: Target,
    /// How it went.
    pub status: Status,
    /// The threshold, where the status has one.
    pub threshold: Option<Threshold>,
    /// For an unreachable ratio.
    pub tie_break: Option<TieBreak>,
    /// For a bounded risk.
    pub guarantee: Option<Guarantee>,
    /// For a risk that could not be bounded.
    pub infeasible: Option<Infeasible>,
    /// A remark for people.
    pub note: Option<String>,
}

impl TargetFit {
    fn new(target: Target, status: Status, threshold: Option<Threshold>) -> Self {
        Self { target, status, threshold, tie_break: None, guarantee: None, infeasible: None, note: None }
    }

    fn noted(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}

/// What targets are fitted on.
#[derive(Debug, Clone, Copy)]
pub struct FitInputs<'a> {
    /// The calibration sample.
    pub sample: &'a WeightedSample,
    /// The routing curve of the sample.
    pub curve: &'a Curve,
    /// Where risks are tested.
    pub tests: &'a TestSet,
}

/// Fits one target.
pub fn fit_target(inputs: FitInputs<'_>, target: Target) -> TargetFit {
    if inputs.sample.rows.is_empty() {
        return TargetFit::new(target, Status::NoRows, None)
            .noted("no row has a confidence: every question is deferred");
    }
    if target.needs_llm() && !inputs.sample.has_llm {
        return TargetFit::new(target, Status::NeedsLlm, None)
            .noted("no LLM answer is graded (column llm_correct); routing_ratio, selective_error and joint_error need none");
    }
    match target {
        Target::RoutingRatio { value } => fit_ratio(inputs, target, value),
        Target::Accuracy { value } => fit_accuracy(inputs.curve, target, value),
        Target::LlmGap { value } => fit_llm_gap(inputs.curve, target, value),
        Target::Cost { usd_per_1k_questions } => fit_cost(inputs, target, usd_per_1k_questions),
        _ => fit_risk(inputs.tests, target),
    }
}

fn fit_ratio(inputs: FitInputs<'_>, target: Target, ratio: f64) -> TargetFit {
    let (curve, sample) = (inputs.curve, inputs.sample);
    let nearest = curve.nearest(ratio);
    let point = &curve.points()[nearest];
    let distance = (point.routing_ratio - ratio).abs();
    if distance <= resolution(sample) {
        return TargetFit::new(target, Status::Reached, Some(point.threshold));
    }
    if ratio < curve.keep_all().routing_ratio {
        return TargetFit::new(target, Status::MissingShare, Some(point.threshold)).noted(format!(
            "{:.4} of the questions have no confidence and are always deferred",
            curve.keep_all().routing_ratio
        ));
    }
    let tie_break = tie_break(curve, ratio);
    TargetFit { tie_break, ..TargetFit::new(target, Status::Tied, Some(point.threshold)) }
}

/// Half the share that the heaviest row of the sample stands for: a target that is missed by less
/// is missed because rows are whole.
fn resolution(sample: &WeightedSample) -> f64 {
    let heaviest = sample.rows.iter().map(|row| row.weight).fold(0.0, f64::max);
    heaviest * sample.scale / sample.pool_rows() / 2.0 + RATIO_ROUNDING
}

/// The random tie-break between the two candidates around a ratio.
fn tie_break(curve: &Curve, ratio: f64) -> Option<TieBreak> {
    let points = curve.points();
    let above = points.partition_point(|point| point.routing_ratio <= ratio);
    let (low, high) = (points.get(above.checked_sub(1)?)?, points.get(above)?);
    let probability = (ratio - low.routing_ratio) / (high.routing_ratio - low.routing_ratio);
    Some(TieBreak::new(low.threshold, high.below?.get(), probability))
}

fn fit_accuracy(curve: &Curve, target: Target, accuracy: f64) -> TargetFit {
    match curve.first_reaching(accuracy) {
        Some(point) => TargetFit::new(target, Status::Reached, Some(point.threshold)),
        None => {
            let best = curve.points().iter().filter_map(|point| point.accuracy).fold(0.0, f64::max);
            TargetFit::new(target, Status::NotReached, None)
                .noted(format!("the best that this pair reaches at any routing ratio is {best:.4}"))
        }
    }
}

/// The smallest ratio at which the system is at most `gap` less accurate than the LLM alone, which deferring every
/// question reaches.
fn fit_llm_gap(curve: &Curve, target: Target, gap: f64) -> TargetFit {
    let llm = curve.defer_all().accuracy;
    let found = llm.and_then(|llm| curve.first_reaching(llm - gap));
    // Rows without a confidence are always deferred, so the last point is the LLM alone, whose gap is 0.
    let threshold = found.map_or(Threshold::DEFER_ALL, |point| point.threshold);
    TargetFit::new(target, Status::Reached, Some(threshold))
}

fn fit_cost(inputs: FitInputs<'_>, target: Target, budget: f64) -> TargetFit {
    if !inputs.sample.has_costs {
        return TargetFit::new(target, Status::NeedsCosts, None)
            .noted("slm_cost and llm_cost must be given for every row");
    }
    match inputs.curve.best_within(budget) {
        Some(point) => TargetFit::new(target, Status::Reached, Some(point.threshold)),
        None => TargetFit::new(target, Status::NotReached, None).noted(format!(
            "even keeping every answer costs {:.4} US dollars per 1,000 questions",
            inputs.curve.keep_all().usd_per_1k_questions
        )),
    }
}

fn fit_risk(tests: &TestSet, target: Target) -> TargetFit {
    let Some((risk, alpha, delta)) = target.risk() else {
        // A kind of target that is none of the above and bounds no risk: a test fits every kind that there is.
        return TargetFit::new(target, Status::NotReached, None)
            .noted(format!("this version does not fit targets of the kind {}", target.kind()));
    };
    match tests.test(risk, alpha, delta) {
        TestOutcome::Certified(threshold, guarantee) => {
            let fit = TargetFit::new(target, Status::Reached, Some(threshold));
            let fit = TargetFit { guarantee: Some(guarantee), ..fit };
            if threshold == Threshold::DEFER_ALL {
                fit.noted("the bound holds only if every question is deferred")
            } else {
                fit
            }
        }
        TestOutcome::Infeasible(infeasible) => {
            let note = infeasible_note(&infeasible, alpha);
            TargetFit { infeasible: Some(infeasible), ..TargetFit::new(target, Status::Infeasible, None) }
                .noted(note)
        }
    }
}

fn infeasible_note(infeasible: &Infeasible, alpha: f64) -> String {
    let tested = infeasible.rows_tested;
    match (infeasible.rows_tested_needed, infeasible.rows_pool_needed) {
        (Some(needed), Some(pool)) => {
            format!(
                "{tested} tested rows are too few: about {needed} would do (a pool of about {pool} rows at this fraction)"
            )
        }
        _ => format!(
            "even the most confident answers are wrong as often as {alpha} or more: no number of rows would do with this method"
        ),
    }
}

#[cfg(test)]
mod tests;
