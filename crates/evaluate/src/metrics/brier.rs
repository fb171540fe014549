//! Brier score: the mean squared distance of a probability from what came.

use super::{Metric, MetricInput, ScoreLevel, totals};

/// The metric.
pub static BRIER: Metric =
    Metric { id: "brier", input: MetricInput::Probability, higher_is_better: false, compute: brier };

/// Brier score, in [0, 1]. `None` without rows.
///
/// # Formula
/// mean of (p - y)^2, y = 1 for a right answer (Brier 1950; `sklearn.metrics.brier_score_loss`).
///
/// ```
/// use plimsoll_evaluate::metrics::{ScoreLevel, brier};
/// // p = 0.5, once right and once wrong; p = 1, right.
/// let levels = [ScoreLevel { value: 0.5, right: 1.0, wrong: 1.0 }, ScoreLevel { value: 1.0, right: 1.0, wrong: 0.0 }];
/// assert_eq!(brier(&levels), Some(0.5 / 3.0));
/// ```
pub fn brier(levels: &[ScoreLevel]) -> Option<f64> {
    let (right, wrong) = totals(levels);
    let square = |x: f64| x * x;
    let squared_error =
        |level: &ScoreLevel| level.right * square(1.0 - level.value) + level.wrong * square(level.value);
    (right + wrong > 0.0).then(|| levels.iter().map(squared_error).sum::<f64>() / (right + wrong))
}
