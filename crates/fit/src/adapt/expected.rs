//! The routing curve that is expected on some traffic: by the pool's maps, and by the traffic's own labels where there
//! are any.

use plimsoll_router::map::Isotonic;
use plimsoll_router::{Confidence, Threshold};

use super::TrafficRow;
use crate::curve::RATIO_ROUNDING;

/// How many labelled questions the pool's curve is worth.
pub const LABELS_PRIOR: f64 = 20.0;

/// The pool's maps from the SLM's confidence to P(SLM correct) and P(LLM correct).
#[derive(Debug, Clone, Copy)]
pub struct PoolMaps<'a> {
    /// Of the SLM.
    pub slm: &'a Isotonic,
    /// Of the LLM.
    pub llm: &'a Isotonic,
}

/// A threshold with what is expected of it on the traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpectedPoint {
    /// The threshold.
    pub threshold: Threshold,
    /// Share of the traffic that it defers.
    pub ratio: f64,
    /// Accuracy of the system.
    pub accuracy: f64,
    /// Standard deviation of the accuracy.
    ///
    /// # Formula
    /// sqrt(a (1 - a) / (m + n)): what is known is worth the pool's m = 20 questions and the n labelled ones.
    pub accuracy_sd: f64,
    /// Standard deviation of the gap to the LLM.
    ///
    /// # Formula
    /// sqrt((d - g^2) / (m + n)), with the gap g and the share d that is kept where one model is right and the other
    /// wrong.
    pub gap_sd: f64,
}

/// The expected routing curve on some traffic, from keeping all to deferring all.
///
/// # Formula
/// (m covariate + n own) / (m + n) at each threshold: the mean of the maps over the traffic, and that of the n labels.
#[derive(Debug, Clone)]
pub struct ExpectedCurve(Vec<ExpectedPoint>);

impl ExpectedCurve {
    /// `None` where a map has no value, or no row has a confidence.
    pub fn new(maps: PoolMaps<'_>, traffic: &[TrafficRow]) -> Option<Self> {
        let mut rows: Vec<&TrafficRow> = traffic.iter().collect();
        let value = |row: &TrafficRow| row.confidence.map_or(-1.0, Confidence::get);
        rows.sort_by(|left, right| value(left).total_cmp(&value(right)));
        let scored = rows.iter().filter(|row| row.confidence.is_some()).count();
        if scored == 0 {
            return None;
        }
        let mut total = Sums::default();
        rows.iter().try_for_each(|row| total.add(maps, row))?;
        let whole = Whole {
            total,
            rows: rows.len() as f64,
            scored: scored as f64,
            labelled: rows.iter().filter(|row| row.graded.is_some()).count() as f64,
        };
        let (mut below, mut points, mut deferred) = (Sums::default(), Vec::new(), 0usize);
        for tied in rows.chunk_by(|left, right| left.confidence == right.confidence) {
            if let Some(threshold) = tied.first().and_then(|row| Threshold::new(row.confidence?.get()).ok()) {
                let is_first = deferred == rows.len() - scored;
                let threshold = if is_first { Threshold::KEEP_ALL } else { threshold };
                points.push(whole.point(threshold, &below, deferred));
            }
            for row in tied {
                below.add(maps, row)?;
                deferred += 1;
            }
        }
        points.push(whole.point(Threshold::DEFER_ALL, &below, rows.len()));
        Some(Self(points))
    }

    /// The point with the smallest ratio whose expected accuracy, less so many standard deviations, is at least
    /// `accuracy`.
    pub fn first_reaching(&self, accuracy: f64, deviations: f64) -> Option<ExpectedPoint> {
        let sure = |point: &ExpectedPoint| point.accuracy - deviations * point.accuracy_sd;
        self.0.iter().find(|point| sure(point) >= accuracy - RATIO_ROUNDING).copied()
    }

    /// The point with the smallest ratio whose expected gap to the LLM, and so many standard deviations more, is at most
    /// `gap`. Deferring every question has none.
    pub fn first_within(&self, gap: f64, deviations: f64) -> Option<ExpectedPoint> {
        let llm = self.0.last()?.accuracy;
        let sure = |point: &ExpectedPoint| llm - point.accuracy + deviations * point.gap_sd;
        self.0.iter().find(|point| sure(point) <= gap + RATIO_ROUNDING).copied()
    }

    /// The largest expected accuracy.
    pub fn best(&self) -> f64 {
        self.0.iter().map(|point| point.accuracy).fold(0.0, f64::max)
    }
}

/// Sums over rows of what one source says: SLM correct, LLM correct, one of them alone correct.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    slm: f64,
    llm: f64,
    differ: f64,
}

impl Counts {
    fn add(&mut self, slm: f64, llm: f64) {
        self.slm += slm;
        self.llm += llm;
        self.differ += slm * (1.0 - llm) + llm * (1.0 - slm);
    }
}

/// Sums over rows by the maps and by the labels.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    maps: Counts,
    labels: Counts,
}

impl Sums {
    fn add(&mut self, maps: PoolMaps<'_>, row: &TrafficRow) -> Option<()> {
        // A missing confidence is deferred: what the SLM would have been worth does not matter, and the mean of the LLM's
        // map stands in for what the LLM is worth there.
        if let Some(confidence) = row.confidence {
            self.maps.add(maps.slm.apply(confidence)?, maps.llm.apply(confidence)?);
        }
        if let Some((slm, llm)) = row.graded {
            self.labels.add(f64::from(u8::from(slm)), f64::from(u8::from(llm)));
        }
        Some(())
    }
}

/// All rows of the traffic.
struct Whole {
    total: Sums,
    rows: f64,
    scored: f64,
    labelled: f64,
}

impl Whole {
    /// The point whose deferred rows have these sums.
    fn point(&self, threshold: Threshold, below: &Sums, deferred: usize) -> ExpectedPoint {
        let stand_in = (self.rows - self.scored) * self.total.maps.llm / self.scored;
        let of = |figure: fn(&Counts, &Counts) -> f64, stand_in: f64| {
            let maps = (figure(&self.total.maps, &below.maps) + stand_in) / self.rows;
            let labels = figure(&self.total.labels, &below.labels) / self.labelled.max(1.0);
            (LABELS_PRIOR * maps + self.labelled * labels) / (LABELS_PRIOR + self.labelled)
        };
        let accuracy = of(|total, below| total.slm - below.slm + below.llm, stand_in);
        let gap = of(|total, below| total.llm - below.llm - (total.slm - below.slm), 0.0);
        // Before the first scored row the labels below are those of rows that are always deferred.
        let differ = of(|total, below| total.differ - below.differ, 0.0);
        let known = LABELS_PRIOR + self.labelled;
        ExpectedPoint {
            threshold,
            ratio: deferred as f64 / self.rows,
            accuracy,
            accuracy_sd: (accuracy * (1.0 - accuracy)).max(0.0).sqrt() / known.sqrt(),
            gap_sd: (differ - gap * gap).max(0.0).sqrt() / known.sqrt(),
        }
    }
}
