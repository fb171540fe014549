//! ROC AUC: how often a right answer is more confident than a wrong one.

use super::{Metric, MetricInput, ScoreLevel, totals};

/// The metric.
pub static ROC_AUC: Metric =
    Metric { id: "roc_auc", input: MetricInput::Order, higher_is_better: true, compute: roc_auc };

/// Area under the receiver operating characteristic, in [0, 1]; 0.5 for a confidence that knows
/// nothing. `None` if all answers are right or all are wrong.
///
/// # Formula
/// P(c+ > c-) + P(c+ = c-) / 2, for a right and a wrong answer drawn at random (Mann and Whitney
/// 1947; `sklearn.metrics.roc_auc_score`).
///
/// ```
/// use plimsoll_evaluate::metrics::{ScoreLevel, roc_auc};
/// // Pairs of right and wrong: (0.9, 0.9) tied, (0.9, 0.1) won, (0.5, 0.9) lost, (0.5, 0.1) won.
/// let levels = [
///     ScoreLevel { value: 0.1, right: 0.0, wrong: 1.0 },
///     ScoreLevel { value: 0.5, right: 1.0, wrong: 0.0 },
///     ScoreLevel { value: 0.9, right: 1.0, wrong: 1.0 },
/// ];
/// assert_eq!(roc_auc(&levels), Some(2.5 / 4.0));
/// ```
pub fn roc_auc(levels: &[ScoreLevel]) -> Option<f64> {
    let (right, wrong) = totals(levels);
    if right == 0.0 || wrong == 0.0 {
        return None;
    }
    let (mut wins, mut wrong_below) = (0.0, 0.0);
    for level in levels {
        wins += level.right * (wrong_below + level.wrong / 2.0);
        wrong_below += level.wrong;
    }
    Some(wins / (right * wrong))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ROUNDING, levels_from, rows};
    use super::*;
    use proptest::prelude::*;

    /// Over all pairs.
    fn reference(rows: &[(f64, bool)]) -> Option<f64> {
        let of = |label: bool| rows.iter().filter(move |row| row.1 == label).map(|row| row.0);
        let pairs: Vec<f64> = of(true)
            .flat_map(|c| {
                of(false).map(move |d| {
                    if c > d {
                        1.0
                    } else if c == d {
                        0.5
                    } else {
                        0.0
                    }
                })
            })
            .collect();
        (!pairs.is_empty()).then(|| pairs.iter().sum::<f64>() / pairs.len() as f64)
    }

    #[test]
    fn one_class_is_undefined() {
        assert_eq!(roc_auc(&levels_from(&[(0.2, true), (0.7, true)])), None);
        assert_eq!(roc_auc(&levels_from(&[(0.2, false)])), None);
    }

    proptest! {
        #[test]
        fn agrees_with_all_pairs(rows in rows()) {
            match (roc_auc(&levels_from(&rows)), reference(&rows)) {
                (Some(a), Some(b)) => prop_assert!((a - b).abs() < ROUNDING),
                (a, b) => prop_assert_eq!(a, b),
            }
        }

        #[test]
        fn turning_the_confidence_round_gives_the_rest_to_one(rows in rows()) {
            let turned: Vec<(f64, bool)> = rows.iter().map(|(value, right)| (1.0 - value, *right)).collect();
            if let (Some(a), Some(b)) = (roc_auc(&levels_from(&rows)), roc_auc(&levels_from(&turned))) {
                prop_assert!((a + b - 1.0).abs() < ROUNDING);
            }
        }
    }
}
