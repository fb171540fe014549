//! How many rows would suffice for a selective error that could not be bounded.
//!
//! A walk ends at the first threshold that it tests, the strictest that keeps enough rows, if that one fails: so
//! this one decides. With more rows it is a stricter one, which keeps about as many as before, until the sequence
//! has none that is stricter; from then on it keeps more. How often answers are wrong that are surer than those that
//! were tested is read off a curve through all of them.

mod losses;

use plimsoll_router::Confidence;

use self::losses::LossCurve;
use super::scale_up;
use crate::sample::GRID;
use crate::tail::{
    binomial_cdf, clopper_pearson_lower, clopper_pearson_upper, max_errors, min_rows, rows_needed,
};

/// How sure a start is to pass for its rows to be enough.
const SURE: f64 = 0.9;
/// Rows at the rate of the curve that are added to the rows of one confidence, which have a rate of their own.
const EXPECTED_ROWS: f64 = 2.0;
/// How likely it may be that more rows lie below the sequence than are counted in.
const UNLIKELY: f64 = 1.0 / 3.0;

/// A test of a selective error that could not be bounded.
#[derive(Debug, Clone, Copy)]
pub(super) struct FailedTest<'a> {
    /// Tested rows with a confidence, from the most confident: confidence, loss.
    pub(super) scored: &'a [(Confidence, bool)],
    /// Tested rows, those without a confidence among them.
    pub(super) tested: u64,
    /// Kept rows of the first threshold that was tested; it failed.
    pub(super) first: Option<u64>,
    pub(super) alpha: f64,
    pub(super) delta: f64,
    /// Of the rows with a confidence that are tested or that the sequence comes from, the share that is tested.
    pub(super) tested_share: f64,
}

impl FailedTest<'_> {
    /// Tested rows with which the risk would be bounded about every second time or more often; `None` if there is
    /// evidence that even the most confident answers are wrong as often as alpha or more.
    ///
    /// # Formula
    /// s = [`min_rows`], with which a threshold is tested. r is the rate of losses with which s rows pass every
    /// second time, or alpha / 2 if that is less. e(q) is the rate among the share q of the most confident rows by
    /// [`LossCurve`], or, where q ends with several rows of equal confidence, their own with two rows of the curve's.
    ///
    /// A long sequence has thresholds at q = 0.01, 0.02, .., 1, but none amid equal confidences. One of them would do
    /// with m / q rows, m = max(s, [`rows_needed`]\(e(q))), or s if so many pass at e(q) nine times in ten. Where
    /// e(q) > r it must be the one that decides: the next stricter one keeps less than s of so many rows. The answer is
    /// the minimum over all thresholds up to the one that failed, which no walk passes, and the rows that lie below
    /// the loosest one. Where even the strictest has e >= alpha, but all rows together are no evidence of such a rate
    /// (Clopper and Pearson's lower limit at 1 - delta), its e is taken to be r.
    pub(super) fn sufficient_rows(&self) -> Option<u64> {
        let start = WalkStart::new(self.alpha, self.delta)?;
        let scored = self.scored.len().max(1) as f64 / (self.tested as f64).max(1.0);
        let mut thresholds = self.thresholds(&LossCurve::new(self.scored, start.rate));
        if let Some(strictest) =
            thresholds.first_mut().filter(|of| of.rate >= self.alpha && !self.are_too_bad())
        {
            strictest.rate = start.rate;
        }
        let mut cheapest: Option<(f64, CandidateThreshold)> = None;
        let mut stricter = 0.0;
        for of in thresholds {
            let above = std::mem::replace(&mut stricter, of.share);
            if of.rate >= self.alpha {
                continue;
            }
            // An estimate says which is cheapest: one exact search instead of one for each.
            let kept = chernoff_rows(of.rate, self.alpha, self.delta).max(start.min_kept as f64);
            let decides = of.rate <= start.rate || kept / of.share * above < start.min_kept as f64;
            if decides && cheapest.is_none_or(|(min, _)| kept / of.share < min) {
                cheapest = Some((kept / of.share, of));
            }
        }
        let (_, cheapest) = cheapest?;
        let rows = scale_up(start.kept(cheapest.rate, self)?, 1.0 / (cheapest.share * scored));
        Some(rows.saturating_add(self.below_sequence()).max(self.tested + 1))
    }

    /// Whether all rows together are evidence of a rate of alpha or more.
    fn are_too_bad(&self) -> bool {
        let lost = self.scored.iter().filter(|(_, loss)| *loss).count() as u64;
        clopper_pearson_lower(lost, self.scored.len() as u64, self.delta) >= self.alpha
    }

    /// The thresholds of a long sequence, from strict to loose, up to the one that failed.
    fn thresholds(&self, curve: &LossCurve) -> Vec<CandidateThreshold> {
        let total = self.scored.len().max(1) as f64;
        let (mut thresholds, mut grid) = (Vec::new(), ThresholdGrid { curve: *curve, next: 1 });
        let (mut rows, mut lost, mut expected) = (0.0, 0.0, 0.0);
        for tied in self.scored.chunk_by(|a, b| a.0 == b.0) {
            let (from, count) = (rows / total, tied.len() as f64);
            rows += count;
            lost += tied.iter().filter(|(_, loss)| *loss).count() as f64;
            expected += count * curve.at(f64::midpoint(from, rows / total));
            if tied.len() > 1 {
                let rate = (lost + EXPECTED_ROWS * expected / rows) / (rows + EXPECTED_ROWS);
                grid.skip(rows / total);
                thresholds.push(CandidateThreshold { share: rows / total, rate });
            } else {
                grid.take(rows / total, &mut thresholds);
            }
        }
        if self.scored.is_empty() {
            grid.take(1.0, &mut thresholds);
        }
        let strictest = thresholds.first().map_or(0.0, |of| of.share);
        let failed = self.first.map_or(f64::INFINITY, |first| first as f64 / total);
        thresholds.retain(|of| of.share <= failed.max(strictest));
        thresholds
    }

    /// Tested rows below the loosest threshold of the sequence, the smallest of the confidences that it comes from.
    /// Each of the lowest rows is a tested one with probability `tested_share`.
    fn below_sequence(&self) -> u64 {
        /// No sequence is so short that more lie below it.
        const MAX: i32 = 1000;
        let below = (0..MAX).find(|rows| self.tested_share.powi(rows + 1) <= UNLIKELY);
        below.unwrap_or(MAX).unsigned_abs().into()
    }
}

/// A threshold that a sequence may have.
#[derive(Debug, Clone, Copy)]
struct CandidateThreshold {
    /// The share of the rows with a confidence that it keeps.
    share: f64,
    /// The rate of losses among them.
    rate: f64,
}

/// The thresholds among rows of different confidence.
struct ThresholdGrid {
    curve: LossCurve,
    /// In hundredths.
    next: u64,
}

impl ThresholdGrid {
    /// Those up to a share.
    fn take(&mut self, to: f64, thresholds: &mut Vec<CandidateThreshold>) {
        while self.next <= GRID && self.share() <= to {
            thresholds.push(CandidateThreshold { share: self.share(), rate: self.curve.mean(self.share()) });
            self.next += 1;
        }
    }

    /// Passes over those up to a share.
    fn skip(&mut self, to: f64) {
        while self.next <= GRID && self.share() <= to {
            self.next += 1;
        }
    }

    fn share(&self) -> f64 {
        self.next as f64 / GRID as f64
    }
}

/// Where a walk starts.
#[derive(Debug, Clone, Copy)]
struct WalkStart {
    /// Kept rows from which on a threshold is tested.
    min_kept: u64,
    /// Losses with which so many rows pass.
    max_losses: u64,
    /// A rate of losses with which they pass every second time or more often, at most half of alpha.
    rate: f64,
}

impl WalkStart {
    /// `None` if no number of rows passes.
    fn new(alpha: f64, delta: f64) -> Option<Self> {
        let min_kept = Some(min_rows(alpha, delta)).filter(|rows| *rows < u64::MAX)?;
        let max_losses = max_errors(min_kept, alpha, delta)?;
        let every_second_time = clopper_pearson_upper(max_losses, min_kept, 0.5);
        Some(Self { min_kept, max_losses, rate: every_second_time.min(alpha / 2.0) })
    }

    /// Kept rows that are needed at a rate; `None` if none are enough.
    fn kept(self, rate: f64, failed_test: &FailedTest<'_>) -> Option<u64> {
        if binomial_cdf(self.max_losses, self.min_kept, rate) >= SURE {
            return Some(self.min_kept);
        }
        rows_needed(rate, failed_test.alpha, failed_test.delta).map(|rows| rows.max(self.min_kept))
    }
}

/// About how many rows show that a rate is below alpha: ln(1 / delta) / KL(rate, alpha), from the
/// Chernoff bound of the tail; good enough to say which of two thresholds needs fewer.
fn chernoff_rows(rate: f64, alpha: f64, delta: f64) -> f64 {
    let part = |a: f64, b: f64| if a > 0.0 { a * (a / b).ln() } else { 0.0 };
    -delta.ln() / (part(rate, alpha) + part(1.0 - rate, 1.0 - alpha))
}

#[cfg(test)]
mod tests;
