//! Fits the maps from confidence to P(correct) that a thresholds file carries.
//!
//! The maps inform; thresholds are fitted on the raw confidence. Rows of equal confidence count as
//! one level, so the cost is one sort of the rows and then a few passes over the levels. The result
//! does not depend on the order of the rows.
//!
//! | map | needs | `missing` in the file |
//! |---|---|---|
//! | isotonic | a row | `isotonic: no_rows` |
//! | Platt | right and wrong rows | `platt: one_class` |
//! | beta | right and wrong rows that no curve of the family separates | `beta: separable` |

mod beta;
mod isotonic;
mod logistic;
mod platt;

pub use beta::fit_beta;
pub use isotonic::fit_isotonic;
pub use platt::fit_platt;
use plimsoll_router::Confidence;
use plimsoll_router::map::Maps;
use thiserror::Error;

/// One graded answer.
#[derive(Debug, Clone, Copy)]
pub struct GradedConfidence {
    /// How sure the SLM was.
    pub confidence: Confidence,
    /// Whether its answer was right.
    pub correct: bool,
    /// How many rows of the pool it stands for; finite and above 0.
    pub weight: f64,
}

/// Why a map could not be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[non_exhaustive]
pub enum MapProblem {
    /// Nothing to fit on.
    #[error("no rows to fit a map on")]
    NoRows,
    /// All rows are right, or all are wrong.
    #[error("rows of one class only: all right or all wrong")]
    OneClass,
    /// Beta calibration only: the likelihood has no finite optimum.
    #[error("right and wrong rows are separable, so that no finite optimum exists")]
    Separable,
    /// The optimum is too flat, or too far away, for double precision.
    #[error("the fit did not converge")]
    NotConverged,
    /// A weight, or the sum of all, is not a finite number above 0.
    #[error("weight {weight} is not a finite number above 0")]
    Weight {
        /// The weight, or the sum.
        weight: f64,
    },
}

impl MapProblem {
    /// The reason as it stands in a thresholds file.
    ///
    /// ```
    /// use plimsoll_fit::maps::MapProblem;
    /// assert_eq!(MapProblem::OneClass.code(), "one_class");
    /// ```
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoRows => "no_rows",
            Self::OneClass => "one_class",
            Self::Separable => "separable",
            Self::NotConverged => "not_converged",
            Self::Weight { .. } => "weight",
        }
    }
}

/// Fits all three maps; what cannot be fitted is `None` and has its reason in
/// [`Maps::missing`].
///
/// ```
/// use plimsoll_fit::maps::{fit_maps, GradedConfidence};
/// use plimsoll_router::Confidence;
/// let row = |c, correct| Ok(GradedConfidence { confidence: Confidence::new(c)?, correct, weight: 1.0 });
/// let maps = fit_maps(&[row(0.3, true)?, row(0.6, true)?]);
/// assert_eq!(maps.isotonic.map(|map| map.y), Some(vec![1.0, 1.0]));
/// assert_eq!(maps.missing, ["platt: one_class", "beta: one_class"]);
/// # Ok::<(), plimsoll_router::Error>(())
/// ```
pub fn fit_maps(observations: &[GradedConfidence]) -> Maps {
    let levels = levels(observations);
    let fitted = levels.as_deref().map_err(|problem| *problem);
    let mut maps = Maps::default();
    maps.isotonic = or_reason("isotonic", fitted.and_then(isotonic::fit), &mut maps.missing);
    maps.platt = or_reason("platt", fitted.and_then(platt::fit), &mut maps.missing);
    maps.beta = or_reason("beta", fitted.and_then(beta::fit), &mut maps.missing);
    maps
}

/// The map, or `None` with its reason written down.
fn or_reason<T>(name: &str, map: Result<T, MapProblem>, missing: &mut Vec<String>) -> Option<T> {
    map.map_err(|problem| missing.push(format!("{name}: {}", problem.code()))).ok()
}

/// The rows of one confidence, as weights.
#[derive(Debug, Clone, Copy)]
struct TiedRows {
    confidence: Confidence,
    right: f64,
    wrong: f64,
}

impl TiedRows {
    fn weight(&self) -> f64 {
        self.right + self.wrong
    }

    /// Takes in the rows of another confidence, keeping its own.
    fn absorb(&mut self, other: &Self) {
        self.right += other.right;
        self.wrong += other.wrong;
    }
}

/// The rows as levels in ascending order of confidence; at least one.
///
/// Rows are sorted by outcome and weight, too, so that the sums do not depend on their order.
fn levels(observations: &[GradedConfidence]) -> Result<Vec<TiedRows>, MapProblem> {
    let mut rows: Vec<GradedConfidence> = observations.to_vec();
    rows.sort_unstable_by(|a, b| {
        let confidence = a.confidence.get().total_cmp(&b.confidence.get());
        confidence.then(a.correct.cmp(&b.correct)).then(a.weight.total_cmp(&b.weight))
    });
    let mut levels: Vec<TiedRows> = Vec::new();
    for GradedConfidence { confidence, correct, weight } in rows {
        if !(weight.is_finite() && weight > 0.0) {
            return Err(MapProblem::Weight { weight });
        }
        let (right, wrong) = if correct { (weight, 0.0) } else { (0.0, weight) };
        let row = TiedRows { confidence, right, wrong };
        match levels.last_mut() {
            Some(level) if level.confidence == confidence => level.absorb(&row),
            _ => levels.push(row),
        }
    }
    let weight: f64 = levels.iter().map(TiedRows::weight).sum();
    match (levels.is_empty(), weight.is_finite()) {
        (true, _) => Err(MapProblem::NoRows),
        (false, false) => Err(MapProblem::Weight { weight }),
        (false, true) => Ok(levels),
    }
}

/// The weights of all right and of all wrong rows; both above 0.
fn class_weights(levels: &[TiedRows]) -> Result<(f64, f64), MapProblem> {
    let right: f64 = levels.iter().map(|level| level.right).sum();
    let wrong: f64 = levels.iter().map(|level| level.wrong).sum();
    if right > 0.0 && wrong > 0.0 { Ok((right, wrong)) } else { Err(MapProblem::OneClass) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(confidence: f64, correct: bool, weight: f64) -> GradedConfidence {
        GradedConfidence { confidence: Confidence::new(confidence).unwrap(), correct, weight }
    }

    #[test]
    fn equal_confidences_are_one_level() {
        let rows = [row(0.5, true, 2.0), row(0.1, false, 1.0), row(0.5, false, 0.5), row(0.5, true, 1.0)];
        let levels = levels(&rows).unwrap();
        let seen: Vec<_> = levels.iter().map(|l| (l.confidence.get(), l.right, l.wrong)).collect();
        assert_eq!(seen, [(0.1, 0.0, 1.0), (0.5, 3.0, 0.5)]);
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter() {
        let mut rows: Vec<_> = (0..97u32)
            .map(|i| row(f64::from(i * 31 % 13) / 13.0, i * 17 % 5 < 3, 0.1 + f64::from(i % 7) / 3.0))
            .collect();
        let maps = fit_maps(&rows);
        rows.reverse();
        assert_eq!(maps, fit_maps(&rows));
        assert!(maps.missing.is_empty());
    }

    #[test]
    fn names_what_is_missing() {
        let cases = [
            (vec![], ["isotonic: no_rows", "platt: no_rows", "beta: no_rows"].as_slice()),
            (vec![row(0.5, true, 1.0)], ["platt: one_class", "beta: one_class"].as_slice()),
            (vec![row(0.2, false, 1.0), row(0.5, true, 1.0)], ["beta: separable"].as_slice()),
            (vec![row(0.2, false, 0.0)], ["isotonic: weight", "platt: weight", "beta: weight"].as_slice()),
            (
                vec![row(0.2, false, f64::MAX); 2],
                ["isotonic: weight", "platt: weight", "beta: weight"].as_slice(),
            ),
        ];
        for (rows, expected) in cases {
            assert_eq!(fit_maps(&rows).missing, expected);
        }
    }
}
