//! ECE: how far stated probabilities lie from observed shares, bin by bin.

use super::{Metric, MetricInput, ScoreLevel, totals};

/// The metric.
pub static ECE: Metric =
    Metric { id: "ece", input: MetricInput::Probability, higher_is_better: false, compute: ece };

/// Number of equal-width bins over [0, 1], the last closed.
pub const ECE_BINS: usize = 15;

/// The bin of a probability.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a probability is in [0, 1]")]
pub fn ece_bin(probability: f64) -> usize {
    ((probability * ECE_BINS as f64) as usize).min(ECE_BINS - 1)
}

/// Expected calibration error over [`ECE_BINS`] equal-width bins, in [0, 1]. `None` without rows.
///
/// # Formula
/// sum over bins b of (n\_b / n) |accuracy\_b - mean p\_b| (Naeini et al. 2015; 15 bins as in Guo et
/// al. 2017).
///
/// ```
/// use plimsoll_evaluate::metrics::{ScoreLevel, ece};
/// // Bin of 0.9: mean 0.9, accuracy 1/2. Bin of 0.1: mean 0.1, accuracy 0.
/// let levels = [ScoreLevel { value: 0.1, right: 0.0, wrong: 2.0 }, ScoreLevel { value: 0.9, right: 1.0, wrong: 1.0 }];
/// assert!((ece(&levels).unwrap() - (0.5 * 0.1 + 0.5 * 0.4)).abs() < 1e-15);
/// ```
pub fn ece(levels: &[ScoreLevel]) -> Option<f64> {
    let (right, wrong) = totals(levels);
    if right + wrong == 0.0 {
        return None;
    }
    // |accuracy - mean p| n_b = |right answers - sum of p|.
    let mut excess = [0.0; ECE_BINS];
    for level in levels {
        excess[ece_bin(level.value)] += level.right - level.rows() * level.value;
    }
    Some(excess.iter().map(|excess| excess.abs()).sum::<f64>() / (right + wrong))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ROUNDING, levels_from, rows};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_bin_is_closed() {
        assert_eq!((ece_bin(0.0), ece_bin(1.0 / 15.0), ece_bin(0.999), ece_bin(1.0)), (0, 1, 14, 14));
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(rows in rows()) {
            let mut sum = 0.0;
            for bin in 0..ECE_BINS {
                let inside: Vec<_> = rows.iter().filter(|row| ece_bin(row.0) == bin).collect();
                if !inside.is_empty() {
                    let count = inside.len() as f64;
                    let accuracy = inside.iter().filter(|row| row.1).count() as f64 / count;
                    let mean = inside.iter().map(|row| row.0).sum::<f64>() / count;
                    sum += count / rows.len() as f64 * (accuracy - mean).abs();
                }
            }
            prop_assert!((ece(&levels_from(&rows)).unwrap() - sum).abs() < ROUNDING);
        }
    }
}
