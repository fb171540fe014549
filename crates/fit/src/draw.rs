//! The draw: which rows of a pool become the calibration set.
//!
//! Scored rows are ordered by bin, then by a seeded hash of their question. A systematic sample
//! with step 1 / fraction and a random start runs over that order, so that every row has the same
//! inclusion probability and the pool's shape is kept: this is the *proportional* part, which alone
//! enters guarantees. A bin that it missed gives one *extra* row, so that no non-empty bin stays
//! empty (arXiv:2502.04428 draws 10 % of each of 30 bins; rounding down would drop the bins that
//! the threshold needs most).

use plimsoll_core::Seed;
use plimsoll_router::Histogram;
use plimsoll_router::histogram::bin_of;
use rand::Rng as _;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use crate::prepared::{DatasetSelection, PreparedSeries};

/// Rows of a series in the order in which a draw walks them, for one seed.
///
/// The order of a row depends on its own bin and question alone, so leaving a dataset out leaves
/// the order of the others as it is.
#[derive(Debug, Clone)]
pub struct DrawOrder {
    /// Bin, row and dataset of every scored row, in order.
    scored: Vec<(u32, u32, u16)>,
    /// Rows without a confidence, in order.
    missing: Vec<u32>,
    bins: u32,
}

impl DrawOrder {
    /// Orders the rows of a series.
    pub fn new(prepared: &PreparedSeries<'_>, bins: u32, seed: &Seed) -> Self {
        let all = DatasetSelection::all(prepared.questions.datasets().len());
        let hash = |row: u32| seed.hash_key(prepared.key(row));
        let bin = |confidence| u32::try_from(bin_of(confidence, bins as usize)).unwrap_or(u32::MAX);
        // In the order of the rows, in which their keys lie; the sort below needs no other.
        let rows = 0..u32::try_from(prepared.series.len()).unwrap_or(u32::MAX);
        let mut scored: Vec<(u32, u64, u32)> = rows
            .into_par_iter()
            .filter_map(|row| Some((bin(prepared.series.confidence(row as usize)?), hash(row), row)))
            .collect();
        scored.par_sort_unstable();
        let mut missing: Vec<(u64, u32)> = prepared.missing(&all).map(|row| (hash(row), row)).collect();
        missing.sort_unstable();
        Self {
            scored: scored.into_iter().map(|(bin, _, row)| (bin, row, prepared.dataset(row))).collect(),
            missing: missing.into_iter().map(|(_, row)| row).collect(),
            bins,
        }
    }
}

/// A drawn row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrawnRow {
    /// The row in its series.
    pub row: u32,
    /// Index of the bin of its confidence.
    pub bin: u32,
    /// 1 / inclusion probability.
    pub weight: f64,
    /// Whether it belongs to the proportional part.
    pub proportional: bool,
}

/// A calibration set: which rows, with which weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// The drawn rows, by bin.
    pub rows: Vec<DrawnRow>,
    /// Confidences of the pool per bin, and how many are missing.
    pub pool: Histogram,
    /// Share of the rows in the proportional part.
    pub fraction: f64,
    /// Rows without a confidence on which the systematic sample fell: they are not drawn, but a
    /// test of a risk over all rows counts them as trials without a loss.
    pub missing_tested: Vec<u32>,
}

impl Draw {
    /// Draws a share of the rows of a selection.
    ///
    /// # Formula
    /// Row i of the order is in the proportional part iff floor((i + 1) f + v) > floor(i f + v),
    /// v uniform in [0, 1): inclusion probability f. In a bin of n >= 1/f rows the weight is 1/f.
    /// A bin of n < 1/f rows gives exactly one row, drawn or extra, each with probability 1/n:
    /// weight n.
    pub fn new(
        order: &DrawOrder,
        prepared: &PreparedSeries<'_>,
        selection: &DatasetSelection,
        spec: DrawSpec,
    ) -> Self {
        let start: f64 = spec.seed.rng().random();
        let mut lattice = Lattice::new(spec.fraction, start);
        let mut pool = Histogram::new(order.bins as usize);
        let mut rows = Vec::new();
        let mut bin_rows: Vec<u32> = Vec::new();
        let selected = |(_, _, dataset): &&(u32, u32, u16)| selection.contains(usize::from(*dataset));
        let mut scored = order.scored.iter().filter(selected).peekable();
        while let Some(&(bin, row, _)) = scored.next() {
            bin_rows.push(row);
            if scored.peek().is_none_or(|(next, ..)| *next != bin) {
                pool.counts[bin as usize] = bin_rows.len() as u64;
                draw_bin(&mut rows, &mut lattice, bin, &bin_rows);
                bin_rows.clear();
            }
        }
        let missing: Vec<u32> =
            order.missing.iter().copied().filter(|row| prepared.selected(selection, *row)).collect();
        pool.missing = missing.len() as u64;
        let missing_tested = missing.into_iter().filter(|_| lattice.hit()).collect();
        Self { rows, pool, fraction: spec.fraction, missing_tested }
    }

    /// Number of rows in the proportional part.
    pub fn proportional(&self) -> u64 {
        self.rows.iter().filter(|drawn| drawn.proportional).count() as u64
    }
}

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub struct DrawSpec {
    /// Share of the scored rows, in (0, 1].
    pub fraction: f64,
    /// Seed of the start.
    pub seed: Seed,
}

/// A systematic sample over a growing index.
struct Lattice {
    fraction: f64,
    start: f64,
    index: u64,
    /// Whole steps up to the index.
    steps: u64,
}

impl Lattice {
    /// A lattice that starts in [0, 1).
    const fn new(fraction: f64, start: f64) -> Self {
        Self { fraction, start, index: 0, steps: 0 }
    }

    /// Whether the next row is in the sample.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the floor of a row count")]
    fn hit(&mut self) -> bool {
        let before = self.steps;
        self.index += 1;
        self.steps = (self.index as f64 * self.fraction + self.start) as u64;
        self.steps > before
    }
}

fn draw_bin(rows: &mut Vec<DrawnRow>, lattice: &mut Lattice, bin: u32, bin_rows: &[u32]) {
    let (first, count) = (rows.len(), bin_rows.len() as f64);
    let sparse = count * lattice.fraction < 1.0;
    let weight = if sparse { count } else { 1.0 / lattice.fraction };
    for row in bin_rows {
        if lattice.hit() {
            rows.push(DrawnRow { row: *row, bin, weight, proportional: true });
        }
    }
    if rows.len() == first {
        // The order within a bin is a seeded hash, so its first row is a uniform pick.
        rows.extend(bin_rows.first().map(|row| DrawnRow { row: *row, bin, weight, proportional: false }));
    }
}

#[cfg(test)]
mod tests;
