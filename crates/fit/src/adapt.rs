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

use plimsoll_router::thresholds::{Achieved, Estimate, Method, OperatingPoint, Status};
use plimsoll_router::{Confidence, PoolCdf, Target, Threshold};

use crate::traffic::TrafficLevels;

/// How many labelled questions the pool's curve is worth.
const LABELS_PRIOR: f64 = 20.0;

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

/// The operating points of a method for this traffic. Points that are not adapted are as they were, with a note.
pub fn adapted_points(method: &Method, traffic: &[TrafficRow]) -> Vec<OperatingPoint> {
    let Some(scale) = &method.pool_cdf else { return method.operating_points.clone() };
    let mut levels = TrafficLevels::from_pool(scale);
    for row in traffic {
        levels.add(row.confidence.map(|confidence| scale.z(confidence, row.u)));
    }
    let curve = ExpectedCurve::new(method, traffic);
    let adapted = |point: &OperatingPoint| match point.target {
        Target::RoutingRatio { value } => adapt_ratio(point, value, scale, &levels),
        Target::Accuracy { value } => {
            adapt_accuracy(point, curve.as_ref(), |curve| curve.first_reaching(value))
        }
        Target::LlmGap { value } => {
            adapt_accuracy(point, curve.as_ref(), |curve| curve.first_reaching(curve.llm_accuracy() - value))
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
    let ratio_of = |threshold: Threshold| {
        let position = Confidence::new(threshold.get()).map_or(1.0, |confidence| scale.z(confidence, 0.0));
        levels.ratio(position)
    };
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

fn adapt_accuracy(
    point: &OperatingPoint,
    curve: Option<&ExpectedCurve>,
    find: impl Fn(&ExpectedCurve) -> Option<ExpectedPoint>,
) -> OperatingPoint {
    let Some(curve) = curve else {
        return noted(point, "not adapted: the file has no maps of both models' correctness");
    };
    match (find(curve), point.achieved) {
        (Some(found), Some(pool)) => {
            let mut adapted = bare(point, Status::Reached);
            adapted.threshold = Some(found.threshold);
            adapted.z = point.z.map(|_| found.z);
            adapted.achieved = Some(expected(&pool, found.ratio, Some(found.accuracy)));
            adapted.note = Some(
                "adapted: ratio and accuracy are those expected on the traffic, other figures are the pool's"
                    .into(),
            );
            adapted
        }
        (Some(_), None) => noted(point, "not adapted: it has no threshold on the pool"),
        (None, _) => {
            let mut missed = bare(point, Status::NotReached);
            missed.note = Some(format!("the best that is expected on this traffic is {:.4}", curve.best()));
            missed
        }
    }
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

/// A threshold with what is expected of it on the traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ExpectedPoint {
    threshold: Threshold,
    z: f64,
    ratio: f64,
    accuracy: f64,
}

/// The expected routing curve on some traffic, from keeping all to deferring all.
struct ExpectedCurve(Vec<ExpectedPoint>);

/// Sums over rows: SLM and LLM correct, by the maps and by the labels.
#[derive(Debug, Clone, Copy, Default)]
struct Gains {
    by_maps: (f64, f64),
    by_labels: (f64, f64),
}

impl Gains {
    fn add(&mut self, method: &Method, row: &TrafficRow) -> Option<()> {
        // A missing confidence is deferred: what the SLM would have been worth does not matter, what the LLM is worth
        // there is not known by its map, so that its mean stands in.
        if let Some(confidence) = row.confidence {
            self.by_maps.0 += method.maps.isotonic.as_ref()?.apply(confidence)?;
            self.by_maps.1 += method.llm_isotonic.as_ref()?.apply(confidence)?;
        }
        if let Some((slm, llm)) = row.graded {
            self.by_labels.0 += f64::from(u8::from(slm));
            self.by_labels.1 += f64::from(u8::from(llm));
        }
        Some(())
    }
}

impl ExpectedCurve {
    /// `None` where the file lacks a map, or no row has a confidence.
    fn new(method: &Method, traffic: &[TrafficRow]) -> Option<Self> {
        let scale = method.pool_cdf.as_ref()?;
        let mut rows: Vec<&TrafficRow> = traffic.iter().collect();
        let value = |row: &TrafficRow| row.confidence.map_or(-1.0, Confidence::get);
        rows.sort_by(|left, right| value(left).total_cmp(&value(right)));
        let scored = rows.iter().filter(|row| row.confidence.is_some()).count();
        if scored == 0 {
            return None;
        }
        let labelled = rows.iter().filter(|row| row.graded.is_some()).count() as f64;
        let mut total = Gains::default();
        rows.iter().try_for_each(|row| total.add(method, row))?;
        let (mut below, mut points) = (Gains::default(), Vec::new());
        let mut deferred = 0usize;
        let missing = (rows.len() - scored) as f64;
        let mut push = |threshold: Threshold, below: &Gains, deferred: usize| {
            // The LLM's mean over scored rows stands in where no confidence is.
            let stand_in = missing * total.by_maps.1 / scored as f64;
            let by_maps =
                (total.by_maps.0 - below.by_maps.0 + below.by_maps.1 + stand_in) / rows.len() as f64;
            let by_labels = (total.by_labels.0 - below.by_labels.0 + below.by_labels.1) / labelled.max(1.0);
            let accuracy = (LABELS_PRIOR * by_maps + labelled * by_labels) / (LABELS_PRIOR + labelled);
            let z = Confidence::new(threshold.get()).map_or(1.0, |confidence| scale.z(confidence, 0.0));
            points.push(ExpectedPoint { threshold, z, ratio: deferred as f64 / rows.len() as f64, accuracy });
        };
        for tied in rows.chunk_by(|left, right| left.confidence == right.confidence) {
            if let Some(threshold) = tied.first().and_then(|row| Threshold::new(row.confidence?.get()).ok()) {
                let threshold = if deferred as f64 <= missing { Threshold::KEEP_ALL } else { threshold };
                push(threshold, &below, deferred);
            }
            for row in tied {
                below.add(method, row)?;
                deferred += 1;
            }
        }
        push(Threshold::DEFER_ALL, &below, rows.len());
        Some(Self(points))
    }

    /// The point with the smallest ratio whose expected accuracy is at least `accuracy`.
    fn first_reaching(&self, accuracy: f64) -> Option<ExpectedPoint> {
        self.0.iter().find(|point| point.accuracy >= accuracy - crate::curve::RATIO_ROUNDING).copied()
    }

    fn llm_accuracy(&self) -> f64 {
        self.0.last().map_or(0.0, |point| point.accuracy)
    }

    fn best(&self) -> f64 {
        self.0.iter().map(|point| point.accuracy).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests;
