//! E-AURC: what a ranking's AURC has in excess of a perfect one's.

use super::{Metric, MetricInput, ScoreLevel, aurc, perfect_aurc};

/// The metric.
pub static E_AURC: Metric =
    Metric { id: "e_aurc", input: MetricInput::Order, higher_is_better: false, compute: e_aurc };

/// Excess area under the risk-coverage curve, in [0, 1]; 0 for a perfect ranking. `None` without rows.
///
/// # Formula
/// AURC - AURC\*, where AURC\* is that of the same rows with every right answer first, computed
/// exactly and not by its limit r + (1 - r) ln(1 - r) (Geifman et al. 2019).
///
/// ```
/// use plimsoll_evaluate::metrics::{ScoreLevel, e_aurc};
/// // wrong, right: risks 1, 1/2; perfect: right, wrong: 0, 1/2.
/// let levels = [
///     ScoreLevel { value: 0.1, right: 1.0, wrong: 0.0 },
///     ScoreLevel { value: 0.9, right: 0.0, wrong: 1.0 },
/// ];
/// assert_eq!(e_aurc(&levels), Some(0.5));
/// ```
pub fn e_aurc(levels: &[ScoreLevel]) -> Option<f64> {
    Some(aurc(levels)? - perfect_aurc(levels)?)
}
