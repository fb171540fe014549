//! Operating points for other traffic, from its confidences alone, or with a few labels.
//!
//! | target | without a label | with labels |
//! |---|---|---|
//! | routing ratio | the traffic's own level ([`TrafficLevels`]) | the same |
//! | accuracy, gap to the LLM | the curve that the maps of the pool predict for these confidences | that curve, shrunk to the traffic's own |
//! | cost | as fitted on the pool | as fitted on the pool |
//! | a risk | as fitted on the pool, whose guarantee says nothing of this traffic | the same |
//!
//! The covariate estimate is the mean over the traffic of P(SLM correct | c) where c is kept and of P(LLM correct | c)
//! where it is deferred, by the isotonic maps of the pool. It is right as far as a confidence means the same there. An
//! absolute accuracy is not known so: expect to miss it by seven points. A gap to the LLM is missed by one to two,
//! since difficulty hits both models.

use plimsoll_router::thresholds::{Achieved, Conservative, Estimate, Method, OperatingPoint, Status};
use plimsoll_router::{Confidence, PoolCdf, Target, Threshold};

use crate::method::position;
use crate::traffic::TrafficLevels;

mod expected;

pub use expected::{ExpectedCurve, ExpectedPoint, LABELS_PRIOR, PoolMaps};

/// Which threshold is chosen for an accuracy or a gap to the LLM.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice {
    /// That at which the estimate reaches the target.
    #[default]
    Expected,
    /// That at which the estimate reaches it with one standard deviation to spare.
    Cautious,
}

impl Choice {
    const fn deviations(self) -> f64 {
        match self {
            Self::Expected => 0.0,
            Self::Cautious => 1.0,
        }
    }
}

/// A question of the traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrafficRow {
    /// The SLM's confidence; `None` = missing.
    pub confidence: Option<Confidence>,
    /// The number in [0, 1) that breaks ties.
    pub u: f64,
    /// Whether the SLM and the LLM were right, where both were graded.
    pub graded: Option<(bool, bool)>,
}

/// The operating points of a method for this traffic. Points that are not adapted are as they were, with a note. Those of
/// an accuracy or a gap have the cautious choice as their conservative twin.
pub fn adapted_points(method: &Method, traffic: &[TrafficRow], choice: Choice) -> Vec<OperatingPoint> {
    let Some(scale) = &method.pool_cdf else { return method.operating_points.clone() };
    let mut levels = TrafficLevels::from_pool(scale);
    for row in traffic {
        levels.add(row.confidence.map(|confidence| scale.z(confidence, row.u)));
    }
    let maps = method.maps.isotonic.as_ref().zip(method.llm_isotonic.as_ref());
    let curve = maps.and_then(|(slm, llm)| ExpectedCurve::new(PoolMaps { slm, llm }, traffic));
    let adapted = |point: &OperatingPoint| match point.target {
        Target::RoutingRatio { value } => adapt_ratio(point, value, scale, &levels),
        Target::Accuracy { value } => adapt_accuracy(point, curve.as_ref(), scale, choice, |curve, sds| {
            curve.first_reaching(value, sds)
        }),
        Target::LlmGap { value } => {
            adapt_accuracy(point, curve.as_ref(), scale, choice, |curve, sds| curve.first_within(value, sds))
        }
        _ => noted(point, "not adapted: fitted on the pool, and what it promises is about the pool"),
    };
    method.operating_points.iter().map(adapted).collect()
}

fn noted(point: &OperatingPoint, note: &str) -> OperatingPoint {
    let mut point = point.clone();
    point.note = Some(point.note.map_or_else(|| note.to_owned(), |before| format!("{before}; {note}")));
    point
}

/// A point without what was found on the pool.
fn bare(point: &OperatingPoint, status: Status) -> OperatingPoint {
    let mut bare = point.clone();
    bare.status = status;
    (bare.threshold, bare.z, bare.achieved) = (None, None, None);
    (bare.tie_break, bare.conservative, bare.note) = (None, None, None);
    bare
}

/// The position on the scale where the traffic has the ratio, and the confidence nearest to it: of the two thresholds
/// around an atom the one whose ratio is nearer.
fn adapt_ratio(
    point: &OperatingPoint,
    ratio: f64,
    scale: &PoolCdf,
    levels: &TrafficLevels,
) -> OperatingPoint {
    let z = levels.level(ratio);
    let confidence = scale.confidence_at(z);
    let keeps = Threshold::new(confidence).unwrap_or(Threshold::KEEP_ALL);
    let defers = Threshold::new(confidence.next_up()).unwrap_or(Threshold::DEFER_ALL);
    let ratio_of = |threshold: Threshold| levels.ratio(position(scale, threshold));
    let distance = |threshold: Threshold| (ratio_of(threshold) - ratio).abs();
    let threshold = if distance(defers) < distance(keeps) { defers } else { keeps };
    let mut adapted = bare(point, Status::Reached);
    adapted.threshold = Some(threshold);
    adapted.z = Some(z);
    adapted.achieved = point.achieved.map(|pool| expected(&pool, ratio_of(threshold), None));
    adapted.note = Some(
        "adapted: the routing ratio is that expected on the traffic, other figures are the pool's".into(),
    );
    if adapted.achieved.is_none() {
        return noted(point, "not adapted: it has no threshold on the pool");
    }
    adapted
}

/// `find` is the search for the threshold with so many standard deviations to spare.
fn adapt_accuracy(
    point: &OperatingPoint,
    curve: Option<&ExpectedCurve>,
    scale: &PoolCdf,
    choice: Choice,
    find: impl Fn(&ExpectedCurve, f64) -> Option<ExpectedPoint>,
) -> OperatingPoint {
    let Some(curve) = curve else {
        return noted(point, "not adapted: the file has no maps of both models' correctness");
    };
    let Some(pool) = point.achieved else {
        return noted(point, "not adapted: it has no threshold on the pool");
    };
    let achieved = |found: &ExpectedPoint| expected(&pool, found.ratio, Some(found.accuracy));
    let Some(found) = find(curve, choice.deviations()) else {
        let mut missed = bare(point, Status::NotReached);
        missed.note = Some(format!("the best that is expected on this traffic is {:.4}", curve.best()));
        return missed;
    };
    let mut adapted = bare(point, Status::Reached);
    adapted.threshold = Some(found.threshold);
    adapted.z = point.z.map(|_| position(scale, found.threshold));
    adapted.achieved = Some(achieved(&found));
    let cautious = find(curve, Choice::Cautious.deviations());
    adapted.conservative = cautious.map(|found| Conservative::new(found.threshold, achieved(&found)));
    let spared = if choice == Choice::Cautious { " with one standard deviation to spare" } else { "" };
    adapted.note = Some(format!(
        "adapted{spared}: ratio and accuracy are those expected on the traffic, other figures are the pool's"
    ));
    adapted
}

/// Achieved figures with what is expected on the traffic in place of the pool's, without intervals.
fn expected(pool: &Achieved, ratio: f64, accuracy: Option<f64>) -> Achieved {
    let mut achieved = *pool;
    achieved.routing_ratio = Estimate::new(ratio);
    if let Some(accuracy) = accuracy {
        achieved.accuracy = Some(Estimate::new(accuracy));
    }
    achieved
}

#[cfg(test)]
mod tests;
