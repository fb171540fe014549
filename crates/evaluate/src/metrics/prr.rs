//! PRR: how much of the way from a random to a perfect ranking a confidence goes.

use super::{Metric, MetricInput, ScoreLevel, aurc, perfect_aurc, totals};

/// The metric.
pub static PRR: Metric =
    Metric { id: "prr", input: MetricInput::Order, higher_is_better: true, compute: prr };

/// Prediction rejection ratio: 1 for a perfect ranking, 0 for a random one, below 0 for a harmful
/// one. `None` if all answers are right or all are wrong.
///
/// # Formula
/// (r - AURC) / (r - AURC\*), r the error rate, which is the AURC of a random ranking (Malinin and
/// Gales 2021, in the form of LM-Polygraph with rejection up to 100 %; the random ranking exactly,
/// not by shuffles).
///
/// ```
/// use plimsoll_evaluate::metrics::{ScoreLevel, prr};
/// let level = |value, right, wrong| ScoreLevel { value, right, wrong };
/// assert_eq!(prr(&[level(0.1, 0.0, 1.0), level(0.9, 1.0, 0.0)]), Some(1.0));
/// assert_eq!(prr(&[level(0.1, 1.0, 0.0), level(0.9, 0.0, 1.0)]), Some(-1.0));
/// assert_eq!(prr(&[level(0.5, 1.0, 1.0)]), Some(0.0));
/// ```
pub fn prr(levels: &[ScoreLevel]) -> Option<f64> {
    let (right, wrong) = totals(levels);
    if right == 0.0 || wrong == 0.0 {
        return None;
    }
    let random = wrong / (right + wrong);
    Some((random - aurc(levels)?) / (random - perfect_aurc(levels)?))
}
