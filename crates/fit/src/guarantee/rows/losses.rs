//! The rate of losses as a function of the rank by confidence, regularised so that few rows do not bend it.

use plimsoll_router::Confidence;
use plimsoll_router::map::logistic;

/// Prior mean of the slope: a confidence of middling worth, whose ROC AUC is 0.66 where
/// losses are rare.
const PRIOR_SLOPE: f64 = 2.0;
/// Prior variance of the slope.
const SLOPE_VARIANCE: f64 = 9.0;
/// Prior variance of the log odds in the middle: that of half a loss.
const MIDDLE_VARIANCE: f64 = 2.0;

/// The rate of losses at a rank: logistic in the rank, from 0 for the most confident row to 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct LossCurve {
    /// Log odds in the middle.
    middle: f64,
    /// Log odds from the first row to the last.
    slope: f64,
}

/// Rows of one confidence.
#[derive(Debug, Clone, Copy)]
struct RankGroup {
    /// Their middle rank, in [-1/2, 1/2].
    rank: f64,
    rows: f64,
    losses: f64,
}

impl LossCurve {
    /// The curve through rows that are ordered from the most confident. `rate` is what it is in the middle without any.
    ///
    /// # Formula
    /// max over (a, b) of sum of `k_i` `z_i` - `n_i` ln(1 + exp(`z_i`)), less (b - 2)^2 / 18 and (a - logit(rate))^2 / 4;
    /// `z_i` = a + b (`x_i` - 1/2), where `k_i` of the `n_i` rows of one confidence are lost and their middle rank is `x_i`.
    /// By Newton steps that are halved until the sum does not fall.
    pub(super) fn new(scored: &[(Confidence, bool)], rate: f64) -> Self {
        let total = scored.len() as f64;
        let (mut groups, mut before) = (Vec::<RankGroup>::new(), 0.0);
        for tied in scored.chunk_by(|a, b| a.0 == b.0) {
            let (rows, lost) = (tied.len() as f64, tied.iter().filter(|(_, loss)| *loss).count() as f64);
            groups.push(RankGroup { rank: (before + rows / 2.0) / total - 0.5, rows, losses: lost });
            before += rows;
        }
        let prior = Self { middle: (rate / (1.0 - rate)).ln(), slope: PRIOR_SLOPE };
        let mut current = prior;
        for _ in 0..MAX_STEPS {
            let Some(next) = current.better(&groups, prior) else { break };
            current = next;
        }
        current
    }

    /// The rate at a rank.
    pub(super) fn at(&self, rank: f64) -> f64 {
        logistic(self.middle + self.slope * (rank - 0.5))
    }

    /// The mean rate up to a rank above 0.
    pub(super) fn mean(&self, rank: f64) -> f64 {
        /// Below this the integral is a difference of all but equal numbers.
        const FLAT: f64 = 1e-6;
        let rise = self.slope * rank;
        if rise.abs() < FLAT {
            return self.at(rank / 2.0);
        }
        let first = self.middle - self.slope / 2.0;
        ((softplus(first + rise) - softplus(first)) / rise).clamp(0.0, 1.0)
    }

    /// The point after one step; `None` if it is no better.
    fn better(self, groups: &[RankGroup], prior: Self) -> Option<Self> {
        let mut middle_down = (self.middle - prior.middle) / MIDDLE_VARIANCE;
        let mut slope_down = (self.slope - prior.slope) / SLOPE_VARIANCE;
        let (mut middle, mut both, mut slope) = (MIDDLE_VARIANCE.recip(), 0.0, SLOPE_VARIANCE.recip());
        for RankGroup { rank, rows, losses } in groups {
            let rate = logistic(self.middle + self.slope * rank);
            let (excess, weight) = (rows * rate - losses, rows * rate * (1.0 - rate));
            middle_down += excess;
            slope_down += excess * rank;
            middle += weight;
            both += weight * rank;
            slope += weight * rank * rank;
        }
        let determinant = middle * slope - both * both;
        let step = (
            (slope * middle_down - both * slope_down) / determinant,
            (middle * slope_down - both * middle_down) / determinant,
        );
        let now = self.objective(groups, prior);
        let halved = (0..MAX_HALVINGS).map(|halvings| 0.5f64.powi(halvings));
        let moved =
            |length: f64| Self { middle: self.middle - length * step.0, slope: self.slope - length * step.1 };
        halved.map(moved).find(|next| next.objective(groups, prior) < now)
    }

    /// The objective that is minimised.
    fn objective(&self, groups: &[RankGroup], prior: Self) -> f64 {
        let of = |RankGroup { rank, rows, losses }: &RankGroup| {
            let odds = self.middle + self.slope * rank;
            rows * softplus(odds) - losses * odds
        };
        let off = (self.middle - prior.middle).powi(2) / MIDDLE_VARIANCE
            + (self.slope - prior.slope).powi(2) / SLOPE_VARIANCE;
        groups.iter().map(of).sum::<f64>() + off / 2.0
    }
}

/// Newton steps; a handful is enough.
const MAX_STEPS: usize = 50;
/// Halvings of a step.
const MAX_HALVINGS: i32 = 40;

/// ln(1 + exp(x)).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(levels: &[(u32, bool)]) -> Vec<(Confidence, bool)> {
        let mut rows: Vec<_> = levels
            .iter()
            .map(|(level, lost)| (Confidence::new(f64::from(*level) / 100.0).unwrap(), *lost))
            .collect();
        rows.sort_by(|a, b| b.0.get().total_cmp(&a.0.get()));
        rows
    }

    /// The objective from its definition, row by row.
    fn objective(curve: &LossCurve, rows: &[(Confidence, bool)], rate: f64) -> f64 {
        let mut sum = (curve.slope - 2.0).powi(2) / 18.0;
        sum += (curve.middle - (rate / (1.0 - rate)).ln()).powi(2) / 4.0;
        for (confidence, lost) in rows {
            let surer = rows.iter().filter(|row| row.0.get() > confidence.get()).count() as f64;
            let tied = rows.iter().filter(|row| row.0 == *confidence).count() as f64;
            let p = curve.at((surer + tied / 2.0) / rows.len() as f64);
            sum -= if *lost { p.ln() } else { (1.0 - p).ln() };
        }
        sum
    }

    #[test]
    fn without_rows_it_is_what_is_assumed() {
        let curve = LossCurve::new(&[], 0.1);
        assert!((curve.at(0.5) - 0.1).abs() < 1e-12);
        assert!(curve.at(0.0) < 0.05 && curve.at(1.0) > 0.2);
    }

    #[test]
    fn rates_are_learnt() {
        // A tenth of the first half is lost, and nine tenths of the second: no matter what was assumed.
        let levels: Vec<_> = (0..100u32).map(|level| (level, (level % 10 == 0) == (level >= 50))).collect();
        for rate in [0.001, 0.1, 0.4] {
            let curve = LossCurve::new(&rows(&levels), rate);
            assert!(curve.mean(0.5) < 0.2 && curve.at(0.95) > 0.8, "{rate}: {curve:?}");
        }
        // Thousands of rows of one kind leave finite values, however extreme.
        for lost in [false, true] {
            let curve = LossCurve::new(&rows(&vec![(50, lost); 100_000]), 0.1);
            assert!((curve.at(0.5) - f64::from(u8::from(lost))).abs() < 0.01, "{curve:?}");
        }
    }

    proptest! {
        #[test]
        fn no_other_curve_is_better(
            levels in prop::collection::vec((0u32..30, any::<bool>()), 0..60), rate in 0.001f64..0.5,
            off in (-2.0f64..2.0, -4.0f64..4.0),
        ) {
            /// Of the sum, where the last step stops.
            const ROUNDING: f64 = 1e-9;
            let rows = rows(&levels);
            let curve = LossCurve::new(&rows, rate);
            let best = objective(&curve, &rows, rate);
            for length in [1.0, 0.1, 0.01] {
                let other = LossCurve { middle: curve.middle + length * off.0, slope: curve.slope + length * off.1 };
                prop_assert!(objective(&other, &rows, rate) >= best - ROUNDING * best.abs().max(1.0));
            }
        }

        #[test]
        fn a_mean_is_the_mean_of_many(middle in -8.0f64..8.0, slope in -20.0f64..20.0, rank in 0.001f64..=1.0) {
            /// Of a sum over this many steps.
            const STEPS: u32 = 2000;
            const CLOSE: f64 = 1e-4;
            for slope in [slope, slope * 1e-9] {
                let curve = LossCurve { middle, slope };
                let at = |step: u32| curve.at((f64::from(step) + 0.5) / f64::from(STEPS) * rank);
                let slowly = (0..STEPS).map(at).sum::<f64>() / f64::from(STEPS);
                prop_assert!((curve.mean(rank) - slowly).abs() < CLOSE);
            }
        }

        #[test]
        fn a_loss_more_makes_no_rate_smaller(
            levels in prop::collection::vec((0u32..30, any::<bool>()), 1..60), rate in 0.001f64..0.5, which in any::<prop::sample::Index>(),
        ) {
            let before = LossCurve::new(&rows(&levels), rate);
            let mut levels = levels;
            let index = which.index(levels.len());
            levels[index].1 = true;
            let after = LossCurve::new(&rows(&levels), rate);
            // Over all ranks; at one of them a loss elsewhere may make the curve steeper.
            prop_assert!(after.mean(1.0) >= before.mean(1.0) - 1e-9);
        }
    }
}
