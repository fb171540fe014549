//! Candidate thresholds and the routing curve over them.
//!
//! Between two neighbouring distinct confidences every threshold decides alike, so there is one
//! candidate per gap a < b: the midpoint t with a < t <= b; plus keep-all (0) and hand-over-all
//! (the next double above 1). A curve drawn by rank would promise ratios that ties make
//! unreachable; this one holds what a threshold can do.

use plimsoll_router::{Confidence, Threshold};

use crate::sample::Sample;
use crate::sums::{Split, Sums};

/// Ratios that differ by less are equal: they differ by rounding.
pub const RATIO_ROUNDING: f64 = 1e-12;

/// A point of a routing curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// The candidate threshold.
    pub threshold: Threshold,
    /// Share of questions handed over, missing confidences included.
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

/// A routing curve: one point per candidate, ascending by threshold and ratio.
#[derive(Debug, Clone)]
pub struct Curve {
    points: Vec<CurvePoint>,
}

impl Curve {
    /// The curve of a sample. Has at least one point, keep-all; hand-over-all is a second one
    /// wherever there is a scored row.
    pub fn new(sample: &Sample) -> Self {
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
                None => Threshold::HAND_OVER_ALL,
            };
            points.push(point(threshold, below, Some(last), tied.len() as u64));
        }
        Self { points }
    }

    /// The points.
    pub fn points(&self) -> &[CurvePoint] {
        &self.points
    }

    /// The first point: everything that has a confidence is kept.
    pub fn keep_all(&self) -> &CurvePoint {
        &self.points[0]
    }

    /// Index of the point whose ratio is nearest to `ratio`; the lower one on a tie.
    pub fn nearest(&self, ratio: f64) -> usize {
        let above = self.points.partition_point(|point| point.routing_ratio < ratio);
        let Some(below) = above.checked_sub(1) else { return 0 };
        let Some(upper) = self.points.get(above) else { return below };
        let (up, down) = (upper.routing_ratio - ratio, ratio - self.points[below].routing_ratio);
        if up < down - RATIO_ROUNDING {
            above
        } else {
            // Several candidates can share a ratio if their rows weigh nothing; they never do.
            below
        }
    }

    /// Indices of the points nearest to the ratios 0, 0.01, .., 1.
    pub fn grid(&self) -> Vec<(f64, usize)> {
        (0..=100u32).map(|step| f64::from(step) / 100.0).map(|ratio| (ratio, self.nearest(ratio))).collect()
    }
}

/// The threshold between two confidences a < b: a < t <= b, halfway where a double lies between.
fn midpoint(a: Confidence, b: Confidence) -> Threshold {
    let middle = a.get() + (b.get() - a.get()) / 2.0;
    let inside = if middle > a.get() { middle } else { b.get() };
    Threshold::new(inside).unwrap_or(Threshold::HAND_OVER_ALL)
}

fn curve_point(split: Split, threshold: Threshold, below: Option<Confidence>, below_rows: u64) -> CurvePoint {
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_midpoint_lies_above_a_and_at_most_at_b() {
        let c = |value| Confidence::new(value).unwrap();
        let next = f64::from_bits(0.5f64.to_bits() + 1);
        for (a, b) in [(0.2, 0.4), (0.5, next), (0.0, f64::MIN_POSITIVE), (0.0, 5e-324)] {
            let t = midpoint(c(a), c(b)).get();
            assert!(a < t && t <= b, "{a} {t} {b}");
        }
    }

    proptest! {
        #[test]
        fn midpoints_separate(a in 0.0f64..=1.0, b in 0.0f64..=1.0) {
            prop_assume!(a < b);
            let t = midpoint(Confidence::new(a).unwrap(), Confidence::new(b).unwrap());
            prop_assert!(!t.keeps(Confidence::new(a).unwrap()) && t.keeps(Confidence::new(b).unwrap()));
        }
    }
}
