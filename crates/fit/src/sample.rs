//! Rows to estimate from: a weighted draw, or a whole selection with weight one.

use plimsoll_core::Outcome;
use plimsoll_router::histogram::bin_of;
use plimsoll_router::{Confidence, Threshold};

use crate::draw::Draw;
use crate::prepared::{DatasetSelection, PreparedSeries, ScoredRow};
use crate::sums::{RoutingSplit, Sums};

/// A scored row of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleRow {
    /// The confidence that thresholds are compared with.
    pub confidence: Confidence,
    /// 1 / inclusion probability.
    pub weight: f64,
    /// Grades: SLM, LLM.
    pub outcomes: (Outcome, Outcome),
    /// US dollars: SLM, LLM.
    pub costs_usd: (f64, f64),
    /// Key of its cluster; where every row is a cluster of its own, a number of its own.
    pub cluster: u64,
    /// The row in its series.
    pub row: u32,
}

impl SampleRow {
    /// The row's weighted sums.
    pub fn sums(&self) -> Sums {
        Sums::from_row(self.weight, self.outcomes, self.costs_usd)
    }
}

/// Scored rows, ascending by confidence, with the missing ones as a block that is always deferred.
#[derive(Debug, Clone)]
pub struct WeightedSample {
    /// The scored rows.
    pub rows: Vec<SampleRow>,
    /// Weighted sums of the scored rows, before [`WeightedSample::scale`].
    weighted: Sums,
    /// Sums of every row of the pool without a confidence.
    pub missing: Sums,
    /// What a row's weight is multiplied with so that the scored rows sum to their number in the pool.
    pub scale: f64,
    /// Whether any answer of the LLM was graded.
    pub has_llm: bool,
    /// Whether both costs are known for every row.
    pub has_costs: bool,
    /// Whether every row is a cluster of its own.
    pub independent: bool,
}

/// The part of a pool that was not drawn, as far as a fit may use it: confidences, no labels.
#[derive(Debug, Clone, Default)]
pub struct Undrawn {
    /// 100 quantiles (type 1, at 0, 0.01, .., 0.99), distinct, ascending; empty if nothing was left.
    pub quantiles: Vec<Confidence>,
}

/// Number of quantiles in the grid of a guarantee.
pub const GRID: u64 = 100;

impl WeightedSample {
    /// Every row of a selection, weight one.
    pub fn all(prepared: &PreparedSeries<'_>, selection: &DatasetSelection) -> Self {
        let rows = prepared
            .scored_rows(selection)
            .map(|scored| sample_row(prepared, scored, 1.0))
            .collect::<Vec<_>>();
        let scored_rows = rows.len() as u64;
        Self::new(prepared, selection, rows, scored_rows)
    }

    /// The drawn rows of a selection, and what may be known of the others.
    pub fn drawn(
        prepared: &PreparedSeries<'_>,
        selection: &DatasetSelection,
        draw: &Draw,
    ) -> (Self, Undrawn) {
        let bins = draw.pool.counts.len();
        // A bit per row stays in the cache; the weight is the same for all drawn rows of a bin.
        let mut is_drawn = vec![0u64; prepared.series.len().div_ceil(64)];
        let mut weight = vec![0.0f64; bins];
        for drawn in &draw.rows {
            is_drawn[drawn.row as usize / 64] |= 1 << (drawn.row % 64);
            weight[drawn.bin as usize] = drawn.weight;
        }
        let undrawn = draw.pool.scored() - draw.rows.len() as u64;
        let mut rows = Vec::with_capacity(draw.rows.len());
        let mut grid = GridWalk::new(undrawn);
        for scored in prepared.scored_rows(selection) {
            if is_drawn[scored.row as usize / 64] >> (scored.row % 64) & 1 == 1 {
                rows.push(sample_row(prepared, scored, weight[bin_of(scored.confidence, bins)]));
            } else {
                grid.visit(scored.confidence);
            }
        }
        let sample = Self::new(prepared, selection, rows, draw.pool.scored());
        (sample, Undrawn { quantiles: grid.quantiles })
    }

    /// `scored_rows`: how many scored rows the selection has.
    fn new(
        prepared: &PreparedSeries<'_>,
        selection: &DatasetSelection,
        rows: Vec<SampleRow>,
        scored_rows: u64,
    ) -> Self {
        let mut missing = Sums::default();
        for row in prepared.missing(selection) {
            missing += Sums::from_row(1.0, prepared.outcomes(row), prepared.costs_usd(row));
        }
        let mut weighted = Sums::default();
        for row in &rows {
            weighted += row.sums();
        }
        let scale = if weighted.all > 0.0 { scored_rows as f64 / weighted.all } else { 1.0 };
        Self {
            has_llm: weighted.paired + missing.paired > 0.0,
            has_costs: prepared.series.has_costs(),
            independent: prepared.independent(),
            rows,
            weighted,
            missing,
            scale,
        }
    }

    /// Number of rows of the pool that the sample stands for.
    pub fn pool_rows(&self) -> f64 {
        self.scored().all + self.missing.all
    }

    /// Sums of the scored rows, as many as the pool has.
    pub fn scored(&self) -> Sums {
        self.weighted.scaled(self.scale)
    }

    /// What a threshold keeps and defers.
    pub fn split(&self, threshold: Threshold) -> RoutingSplit {
        let first = self.rows.partition_point(|row| !threshold.keeps(row.confidence));
        let mut below = Sums::default();
        for row in &self.rows[..first] {
            below += row.sums();
        }
        self.split_below(below)
    }

    /// [`WeightedSample::split`] of several thresholds, in any order, in one pass over the rows.
    pub fn splits(&self, thresholds: &[Threshold]) -> Vec<RoutingSplit> {
        let mut order: Vec<usize> = (0..thresholds.len()).collect();
        order.sort_by(|a, b| thresholds[*a].get().total_cmp(&thresholds[*b].get()));
        let nothing = RoutingSplit { kept: Sums::default(), deferred: Sums::default() };
        let (mut splits, mut below) = (vec![nothing; thresholds.len()], Sums::default());
        let mut rows = self.rows.iter().peekable();
        for index in order {
            while let Some(row) = rows.next_if(|row| !thresholds[index].keeps(row.confidence)) {
                below += row.sums();
            }
            splits[index] = self.split_below(below);
        }
        splits
    }

    /// The split whose deferred scored rows have these unscaled sums.
    pub fn split_below(&self, below: Sums) -> RoutingSplit {
        // No row weighs less than 1, so anything below is the rounding of an empty difference.
        let kept = Some(self.weighted.without(below)).filter(|kept| kept.all > 0.5).unwrap_or_default();
        let mut deferred = below.scaled(self.scale);
        deferred += self.missing;
        RoutingSplit { kept: kept.scaled(self.scale), deferred }
    }
}

fn sample_row(prepared: &PreparedSeries<'_>, scored: &ScoredRow, weight: f64) -> SampleRow {
    let row = scored.row;
    SampleRow {
        confidence: scored.confidence,
        weight,
        outcomes: scored.outcomes,
        costs_usd: prepared.costs_usd(row),
        cluster: if prepared.independent() { u64::from(row) } else { prepared.cluster(row) },
        row,
    }
}

/// Picks quantiles from confidences that pass by in ascending order.
struct GridWalk {
    quantiles: Vec<Confidence>,
    rows: u64,
    seen: u64,
    next: u64,
    /// Rank of the next quantile.
    rank: u64,
}

impl GridWalk {
    const fn new(rows: u64) -> Self {
        Self { quantiles: Vec::new(), rows, seen: 0, next: 0, rank: 1 }
    }

    fn visit(&mut self, confidence: Confidence) {
        self.seen += 1;
        while self.seen == self.rank {
            if self.quantiles.last() != Some(&confidence) {
                self.quantiles.push(confidence);
            }
            self.next += 1;
            // Type 1: the quantile at p is the value of rank ceil(p n), at least 1.
            self.rank =
                if self.next < GRID { (self.next * self.rows).div_ceil(GRID).max(1) } else { u64::MAX };
        }
    }
}
