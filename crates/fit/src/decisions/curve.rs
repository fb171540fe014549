//! The routing curve of a log.

use plimsoll_router::{Confidence, Route, Threshold};

use super::LoggedRow;
use crate::curve::{RATIO_ROUNDING, midpoint, nearest};

/// A point of a log's routing curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoggedPoint {
    /// The candidate threshold.
    pub threshold: Threshold,
    /// Share of questions deferred, missing confidences included.
    pub routing_ratio: f64,
    /// P(SLM wrong | kept); `None` if no kept answer of the log is labelled at or above the threshold.
    pub selective_error: Option<f64>,
    /// Overall accuracy; `None` where a side that has questions has no label.
    pub accuracy: Option<f64>,
}

/// Weighted labels of one route.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Labels {
    all: f64,
    right: f64,
}

impl Labels {
    pub(super) fn add(&mut self, label: Option<(bool, f64)>, times: f64) {
        if let Some((correct, weight)) = label {
            self.all += weight * times;
            self.right += if correct { weight * times } else { 0.0 };
        }
    }

    fn merge(&mut self, other: Self) {
        self.all += other.all;
        self.right += other.right;
    }

    /// Self-normalised share of right answers.
    fn accuracy(self) -> Option<f64> {
        (self.all > 0.0).then(|| self.right / self.all)
    }
}

/// A log split by a threshold: rows, with the labels that say something about each side.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Split {
    pub(super) kept_rows: f64,
    pub(super) deferred_rows: f64,
    /// Of the SLM, at or above the threshold.
    pub(super) kept: Labels,
    /// Of the LLM, below it and where the confidence is missing.
    pub(super) deferred: Labels,
}

impl Split {
    pub(super) fn routing_ratio(&self) -> f64 {
        self.deferred_rows / (self.kept_rows + self.deferred_rows).max(1.0)
    }

    pub(super) fn selective_error(&self) -> Option<f64> {
        self.kept.accuracy().map(|accuracy| 1.0 - accuracy)
    }

    pub(super) fn joint_error(&self) -> Option<f64> {
        if self.kept_rows == 0.0 {
            Some(0.0)
        } else {
            Some((1.0 - self.routing_ratio()) * self.selective_error()?)
        }
    }

    pub(super) fn accuracy(&self) -> Option<f64> {
        let ratio = self.routing_ratio();
        let side = |rows: f64, labels: Labels| if rows == 0.0 { Some(0.0) } else { labels.accuracy() };
        let (kept, deferred) = (side(self.kept_rows, self.kept)?, side(self.deferred_rows, self.deferred)?);
        Some((1.0 - ratio) * kept + ratio * deferred)
    }
}

/// One point per candidate threshold, ascending by threshold and ratio.
#[derive(Debug, Clone)]
pub struct LoggedCurve {
    confidences: Vec<Confidence>,
    missing: u64,
    points: Vec<LoggedPoint>,
}

impl LoggedCurve {
    /// The curve of a log. Has at least one point, keep-all.
    pub fn new(rows: &[LoggedRow]) -> Self {
        let mut scored: Vec<(Confidence, &LoggedRow)> =
            rows.iter().filter_map(|row| Some((row.confidence?, row))).collect();
        scored.sort_by(|a, b| a.0.get().total_cmp(&b.0.get()));
        let ties: Vec<&[(Confidence, &LoggedRow)]> = scored.chunk_by(|a, b| a.0 == b.0).collect();
        // Sums of each side by themselves: a difference would leave the rounding of what was taken away.
        let mut kept = vec![Split::default()];
        for tied in ties.iter().rev() {
            let mut split = kept[kept.len() - 1];
            tied.iter().for_each(|(_, row)| split.add_kept(row, 1.0));
            kept.push(split);
        }
        let mut split = Split::default();
        // A missing confidence is deferred at every threshold.
        rows.iter().filter(|row| row.confidence.is_none()).for_each(|row| split.add_deferred(row, 1.0));
        let mut points = Vec::with_capacity(kept.len());
        for (index, kept) in kept.iter().rev().enumerate() {
            if let Some(below) = index.checked_sub(1) {
                ties[below].iter().for_each(|(_, row)| split.add_deferred(row, 1.0));
            }
            (split.kept_rows, split.kept) = (kept.kept_rows, kept.kept);
            points.push(LoggedPoint::new(threshold_above(&ties, index), &split));
        }
        let missing = (rows.len() - scored.len()) as u64;
        Self { confidences: scored.into_iter().map(|(confidence, _)| confidence).collect(), missing, points }
    }

    /// One point per candidate; never empty.
    pub fn points(&self) -> &[LoggedPoint] {
        &self.points
    }

    /// The confidences of the log, ascending.
    pub(super) fn confidences(&self) -> &[Confidence] {
        &self.confidences
    }

    /// Rows without a confidence.
    pub(super) const fn missing(&self) -> u64 {
        self.missing
    }

    pub(super) fn keep_all(&self) -> &LoggedPoint {
        &self.points[0]
    }

    pub(super) fn defer_all(&self) -> &LoggedPoint {
        &self.points[self.points.len() - 1]
    }

    /// Half the share that one row stands for: a ratio that is missed by less is missed because rows are whole.
    pub(super) fn resolution(&self) -> f64 {
        0.5 / (self.confidences.len() as f64 + self.missing as f64).max(1.0) + RATIO_ROUNDING
    }

    /// The point whose ratio is nearest; the lower one on a tie.
    pub(super) fn nearest(&self, ratio: f64) -> &LoggedPoint {
        &self.points[nearest(&self.points, ratio, |point| point.routing_ratio)]
    }

    /// The point with the smallest ratio whose accuracy is at least `accuracy`.
    pub(super) fn first_reaching(&self, accuracy: f64) -> Option<&LoggedPoint> {
        let reaches = |value: f64| value >= accuracy - RATIO_ROUNDING;
        self.points.iter().find(|point| point.accuracy.is_some_and(reaches))
    }

    /// The points nearest to the ratios 0, 0.01, .., 1.
    pub(super) fn grid(&self) -> impl Iterator<Item = &LoggedPoint> {
        (0..=100u32).map(|step| self.nearest(f64::from(step) / 100.0))
    }
}

impl LoggedPoint {
    fn new(threshold: Threshold, split: &Split) -> Self {
        Self {
            threshold,
            routing_ratio: split.routing_ratio(),
            selective_error: split.selective_error(),
            accuracy: split.accuracy(),
        }
    }
}

impl Split {
    /// Counts all that another split counts.
    pub(super) fn merge(&mut self, other: &Self) {
        self.kept_rows += other.kept_rows;
        self.deferred_rows += other.deferred_rows;
        self.kept.merge(other.kept);
        self.deferred.merge(other.deferred);
    }

    /// Counts a row on the kept side.
    pub(super) fn add_kept(&mut self, row: &LoggedRow, times: f64) {
        self.kept_rows += times;
        self.kept.add(row.label(Route::Slm), times);
    }

    /// Counts a row on the deferred side.
    pub(super) fn add_deferred(&mut self, row: &LoggedRow, times: f64) {
        self.deferred_rows += times;
        self.deferred.add(row.label(Route::Llm), times);
    }
}

/// The threshold that defers the first `deferred` of the distinct confidences.
fn threshold_above(ties: &[&[(Confidence, &LoggedRow)]], deferred: usize) -> Threshold {
    let confidence = |index: usize| ties.get(index).and_then(|tied| tied.first()).map(|(first, _)| *first);
    match (deferred.checked_sub(1).and_then(confidence), confidence(deferred)) {
        (None, _) => Threshold::KEEP_ALL,
        (Some(below), Some(above)) => midpoint(below, above),
        (Some(_), None) => Threshold::DEFER_ALL,
    }
}
