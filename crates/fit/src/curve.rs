//! Candidate thresholds and the routing curve over them.
//!
//! Between two neighbouring distinct confidences every threshold decides alike, so there is one
//! candidate per gap a < b: the midpoint t with a < t <= b; plus keep-all (0) and defer-all
//! (the next double above 1). A curve drawn by rank would promise ratios that ties make
//! unreachable; this one holds what a threshold can do.

use plimsoll_router::{Confidence, Risk, Threshold};

use crate::sample::WeightedSample;
use crate::sums::{RoutingSplit, Sums};

/// Ratios that differ by less are equal: they differ by rounding.
pub const RATIO_ROUNDING: f64 = 1e-12;

/// A point of a routing curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// The candidate threshold.
    pub threshold: Threshold,
    /// Share of questions deferred, missing confidences included.
    pub routing_ratio: f64,
    /// Overall accuracy; `None` without graded LLM answers.
    pub accuracy: Option<f64>,
    /// P(SLM wrong | kept); `None` if nothing is kept.
    pub selective_error: Option<f64>,
    /// P(SLM wrong and kept).
    pub joint_error: f64,
    /// P(SLM wrong, LLM right, kept); `None` without graded LLM answers.
    pub regret: Option<f64>,
    /// Mean US dollars per 1,000 questions; zero without costs.
    pub usd_per_1k_questions: f64,
    /// The largest confidence below the threshold.
    pub below: Option<Confidence>,
    /// Unscaled weight and number of the rows with that confidence.
    pub below_rows: u64,
}

impl CurvePoint {
    /// The observed value of a risk; a risk of kept answers is 0 where nothing is kept. `None` for
    /// regret without graded LLM answers.
    pub fn risk(&self, risk: Risk) -> Option<f64> {
        match risk {
            Risk::SelectiveError => Some(self.selective_error.unwrap_or(0.0)),
            Risk::JointError => Some(self.joint_error),
            Risk::Regret => self.regret,
        }
    }
}

/// A routing curve: one point per candidate, ascending by threshold and ratio.
#[derive(Debug, Clone)]
pub struct Curve {
    points: Vec<CurvePoint>,
}

impl Curve {
    /// The curve of a sample. Has at least one point, keep-all; defer-all is a second one
    /// wherever there is a scored row.
    pub fn new(sample: &WeightedSample) -> Self {
        let mut points = Vec::new();
        let mut below = Sums::default();
        let point = |threshold, below: Sums, last: Option<Confidence>, rows| {
            curve_point(sample.split_below(below), threshold, last, rows)
        };
        points.push(point(Threshold::KEEP_ALL, below, None, 0));
        let mut ties = sample.rows.chunk_by(|a, b| a.confidence == b.confidence).peekable();
        while let Some(tied) = ties.next() {
            for row in tied {
                below += row.sums();
            }
            let last = tied[0].confidence;
            let threshold = match ties.peek() {
                Some(next) => midpoint(last, next[0].confidence),
                None => Threshold::DEFER_ALL,
            };
            points.push(point(threshold, below, Some(last), tied.len() as u64));
        }
        Self { points }
    }

    /// One point per candidate, ascending by threshold; never empty.
    pub fn points(&self) -> &[CurvePoint] {
        &self.points
    }

    /// The first point: everything that has a confidence is kept.
    pub fn keep_all(&self) -> &CurvePoint {
        &self.points[0]
    }

    /// The last point: every question is deferred, wherever there is a scored row.
    pub fn defer_all(&self) -> &CurvePoint {
        &self.points[self.points.len() - 1]
    }

    /// Index of the point whose ratio is nearest to `ratio`; the lower one on a tie.
    pub fn nearest(&self, ratio: f64) -> usize {
        nearest(&self.points, ratio, |point| point.routing_ratio)
    }

    /// The point that decides as any threshold does, a candidate or not.
    pub fn at(&self, threshold: Threshold) -> &CurvePoint {
        let deferred = |point: &CurvePoint| point.below.is_none_or(|below| !threshold.keeps(below));
        &self.points[self.points.partition_point(deferred).saturating_sub(1)]
    }

    /// The point with the smallest ratio whose accuracy is at least `accuracy`.
    pub fn first_reaching(&self, accuracy: f64) -> Option<&CurvePoint> {
        let reaches = |value: f64| value >= accuracy - RATIO_ROUNDING;
        self.points.iter().find(|point| point.accuracy.is_some_and(reaches))
    }

    /// The most accurate point within a budget, the cheapest of equals.
    pub fn best_within(&self, usd_per_1k_questions: f64) -> Option<&CurvePoint> {
        let affordable = self
            .points
            .iter()
            .filter(|point| point.usd_per_1k_questions <= usd_per_1k_questions + RATIO_ROUNDING);
        // Ascending by cost, so the first of several equally accurate points is the cheapest.
        affordable.fold(None, |best: Option<&CurvePoint>, point| match best {
            Some(best) if point.accuracy <= best.accuracy => Some(best),
            _ => Some(point),
        })
    }

    /// Indices of the points nearest to the ratios 0, 0.01, .., 1.
    pub fn grid(&self) -> Vec<(f64, usize)> {
        (0..=100u32).map(|step| f64::from(step) / 100.0).map(|ratio| (ratio, self.nearest(ratio))).collect()
    }
}

/// Index of the point whose ratio is nearest to `ratio`, the lower one on a tie, of points that ascend by ratio.
pub(crate) fn nearest<P>(points: &[P], ratio: f64, ratio_of: impl Fn(&P) -> f64) -> usize {
    let above = points.partition_point(|point| ratio_of(point) < ratio);
    let Some(below) = above.checked_sub(1) else { return 0 };
    let Some(upper) = points.get(above) else { return below };
    let (up, down) = (ratio_of(upper) - ratio, ratio - ratio_of(&points[below]));
    // Several candidates can share a ratio if their rows weigh nothing; they never do.
    if up < down - RATIO_ROUNDING { above } else { below }
}

/// The threshold between two confidences a < b: a < t <= b, halfway where a double lies between.
pub(crate) fn midpoint(a: Confidence, b: Confidence) -> Threshold {
    let middle = a.get() + (b.get() - a.get()) / 2.0;
    let inside = if middle > a.get() { middle } else { b.get() };
    Threshold::new(inside).unwrap_or(Threshold::DEFER_ALL)
}

fn curve_point(
    split: RoutingSplit,
    threshold: Threshold,
    below: Option<Confidence>,
    below_rows: u64,
) -> CurvePoint {
    CurvePoint {
        threshold,
        routing_ratio: split.routing_ratio().unwrap_or(0.0),
        accuracy: split.accuracy(),
        selective_error: split.selective_error(),
        joint_error: split.joint_error().unwrap_or(0.0),
        regret: split.regret(),
        usd_per_1k_questions: split.usd_per_1k_questions().unwrap_or(0.0),
        below,
        below_rows,
    }
}

#[cfg(test)]
mod tests;
