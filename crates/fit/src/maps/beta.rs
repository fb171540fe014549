//! Beta calibration.

use plimsoll_router::Confidence;
use plimsoll_router::map::Beta;

use super::logistic::{self, WeightedExample};
use super::{GradedConfidence, MapProblem, TiedRows, class_weights, levels};

/// Fits beta calibration ("abm"), without regularisation.
///
/// A negative weight would make the map fall with confidence; as in the authors' `betacal`, the
/// feature is then left out and the rest fitted again. If what remains is negative too, the map is
/// the share of right rows. Fewer than three distinct confidences do not determine three parameters:
/// of two, the map with a = b is taken, of one, a = b = 0.
///
/// # Formula
/// logit p = a ln c - b ln(1 - c) + m, a and b at least 0, by weighted maximum likelihood (Kull,
/// Silva Filho and Flach, AISTATS 2017); c is clipped as in [`Beta::features`].
///
/// Whether an optimum exists is decided before the fit, exactly: a curve of the family has at most
/// two zeros, counted with multiplicity, and there is a curve with any two. So the data are
/// separable if and only if two zeros suffice for a curve that is never negative where rows are
/// right and never positive where rows are wrong.
///
/// # Errors
/// [`MapProblem::NoRows`], [`MapProblem::OneClass`], [`MapProblem::Weight`];
/// [`MapProblem::Separable`] if no finite optimum exists; [`MapProblem::NotConverged`] where
/// confidences differ by rounding only.
///
/// ```
/// use plimsoll_fit::maps::{fit_beta, GradedConfidence};
/// use plimsoll_router::Confidence;
/// let row = |c, correct, weight| Ok::<_, plimsoll_router::Error>(GradedConfidence {
///     confidence: Confidence::new(c)?, correct, weight,
/// });
/// // Right in 1/4, 1/2 and 3/4 of the rows at 1/4, 1/2 and 3/4: calibrated already, the identity.
/// let map = fit_beta(&[
///     row(0.25, true, 1.0)?, row(0.25, false, 3.0)?, row(0.5, true, 1.0)?,
///     row(0.5, false, 1.0)?, row(0.75, true, 3.0)?, row(0.75, false, 1.0)?,
/// ])?;
/// assert!((map.a - 1.0).abs() < 1e-12 && (map.b - 1.0).abs() < 1e-12);
/// assert!(map.intercept.abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit_beta(observations: &[GradedConfidence]) -> Result<Beta, MapProblem> {
    fit(&levels(observations)?)
}

pub(super) fn fit(levels: &[TiedRows]) -> Result<Beta, MapProblem> {
    let (right, wrong) = class_weights(levels)?;
    let flat = Beta::new(0.0, 0.0, (right / wrong).ln());
    let levels = clip(levels);
    // A curve of k features has at most k zeros.
    let features = levels.len().min(3) - 1;
    if features > 0 && zeros_to_separate(&levels) <= features {
        return Err(MapProblem::Separable);
    }
    match features {
        0 => Ok(flat),
        1 => Ok(fit_one(&levels, [1.0, 1.0])?.unwrap_or(flat)),
        _ => Ok(fit_two(&levels)?.unwrap_or(flat)),
    }
}

/// Levels of distinct clipped confidences; the clipping joins some at either end.
fn clip(levels: &[TiedRows]) -> Vec<TiedRows> {
    let mut clipped: Vec<TiedRows> = Vec::with_capacity(levels.len());
    let end = |level: &TiedRows| level.confidence.get().clamp(Beta::CLIP, 1.0 - Beta::CLIP);
    for level in levels {
        match clipped.last_mut() {
            Some(last) if end(last) >= end(level) => last.absorb(level),
            _ => clipped.push(*level),
        }
    }
    clipped
}

/// Both features; without a if it is negative, else without b if that is. `None` for a flat map.
fn fit_two(levels: &[TiedRows]) -> Result<Option<Beta>, MapProblem> {
    let example = |level: &TiedRows| {
        let [rise, fall] = features(level.confidence);
        WeightedExample { features: [rise, fall, 1.0], right: level.right, wrong: level.wrong }
    };
    let examples: Vec<WeightedExample<3>> = levels.iter().map(example).collect();
    let [a, b, intercept] = logistic::fit(&examples)?;
    if a < 0.0 {
        fit_one(levels, [0.0, 1.0])
    } else if b < 0.0 {
        fit_one(levels, [1.0, 0.0])
    } else {
        Ok(Some(Beta::new(a, b, intercept)))
    }
}

/// One feature, a mixture of both. `None` for a flat map.
fn fit_one(levels: &[TiedRows], mixture: [f64; 2]) -> Result<Option<Beta>, MapProblem> {
    let example = |level: &TiedRows| {
        let [rise, fall] = features(level.confidence);
        let mixed = mixture[0] * rise + mixture[1] * fall;
        WeightedExample { features: [mixed, 1.0], right: level.right, wrong: level.wrong }
    };
    let examples: Vec<WeightedExample<2>> = levels.iter().map(example).collect();
    let [slope, intercept] = logistic::fit(&examples)?;
    let map = Beta::new(mixture[0] * slope, mixture[1] * slope, intercept);
    Ok((slope >= 0.0).then_some(map))
}

/// ln c and -ln(1 - c), both rising with c.
fn features(confidence: Confidence) -> [f64; 2] {
    let (ln_c, ln_not_c) = Beta::features(confidence);
    [ln_c, -ln_not_c]
}

/// The smallest number of zeros, with multiplicity, of a curve that is nowhere negative at right rows
/// and nowhere positive at wrong rows.
///
/// Between two confidences a curve changes its sign for one zero. A confidence with right and wrong
/// rows is a zero: a crossing counts once, a touch twice.
fn zeros_to_separate(levels: &[TiedRows]) -> usize {
    let (mut positive, mut negative) = (0usize, 0usize);
    for level in levels {
        (positive, negative) = match (level.right > 0.0, level.wrong > 0.0) {
            (true, true) => ((negative + 1).min(positive + 2), (positive + 1).min(negative + 2)),
            (true, false) => (positive.min(negative + 1), usize::MAX / 2),
            _ => (usize::MAX / 2, negative.min(positive + 1)),
        };
    }
    positive.min(negative)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(confidence: f64, correct: bool, weight: f64) -> GradedConfidence {
        GradedConfidence { confidence: Confidence::new(confidence).unwrap(), correct, weight }
    }

    /// One level per letter, evenly spread: right, wrong or mixed.
    fn pattern(letters: &str) -> Vec<GradedConfidence> {
        let step = 1.0 / (letters.len() + 1) as f64;
        let level = |(i, letter): (usize, char)| {
            let c = step * (i + 1) as f64;
            match letter {
                'r' => vec![row(c, true, 1.0)],
                'w' => vec![row(c, false, 1.0)],
                _ => vec![row(c, true, 1.0), row(c, false, 1.0)],
            }
        };
        letters.chars().enumerate().flat_map(level).collect()
    }

    #[test]
    fn separable_patterns_are_distinguished_from_others() {
        let separable =
            ["wr", "rw", "wrw", "rwr", "wmr", "rmr", "mr", "mrm", "mrr", "wwrrww", "mwwm", "wmrmw"];
        for letters in separable {
            assert_eq!(fit_beta(&pattern(letters)), Err(MapProblem::Separable), "{letters}");
        }
        for letters in ["m", "mm", "mmm", "wrwr", "rwrw", "mrmr", "rmrm", "mmr", "wmwr", "mmwm"] {
            let expected = letters == "mmr";
            assert_eq!(fit_beta(&pattern(letters)) == Err(MapProblem::Separable), expected, "{letters}");
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "the same numbers, computed in the same way")]
    fn negative_weights_are_left_out() {
        // Confidence does not help at all: right at the low end, wrong at the high end.
        let falling: Vec<_> =
            (0..200u32).map(|i| row(f64::from(i) / 200.0, i * 7919 % 200 > i, 1.0)).collect();
        let map = fit_beta(&falling).unwrap();
        let right = falling.iter().filter(|r| r.correct).count() as f64;
        assert_eq!((map.a, map.b), (0.0, 0.0));
        assert_eq!(map.intercept, (right / (200.0 - right)).ln());
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "the same numbers, computed in the same way")]
    fn two_confidences_share_one_weight() {
        // logit(3/4) - logit(1/4) = 2 ln 3 = the difference of the logits of the confidences.
        /// Rounding of a solved 2 x 2 system.
        const ROUNDING: f64 = 1e-12;
        let rows = [row(0.25, true, 1.0), row(0.25, false, 3.0), row(0.75, true, 3.0), row(0.75, false, 1.0)];
        let map = fit_beta(&rows).unwrap();
        assert_eq!(map.a, map.b);
        assert!((map.a - 1.0).abs() < ROUNDING && map.intercept.abs() < ROUNDING);
    }

    #[test]
    fn confidences_joined_by_the_clip_are_one_level() {
        let rows = [row(0.0, true, 1.0), row(1e-300, false, 3.0)];
        assert_eq!(fit_beta(&rows), Ok(Beta::new(0.0, 0.0, (1.0f64 / 3.0).ln())));
    }

    proptest! {
        #[test]
        fn fits_or_says_why(rows in prop::collection::vec((0.0f64..=1.0, any::<bool>(), 0.1f64..5.0), 1..80)) {
            /// The gradient at the optimum, per unit of weight.
            const GRADIENT: f64 = 1e-11;
            let rows: Vec<_> = rows.iter().map(|(c, y, w)| row(*c, *y, *w)).collect();
            match fit_beta(&rows) {
                Ok(map) => {
                    prop_assert!(map.a >= 0.0 && map.b >= 0.0 && map.intercept.is_finite());
                    let residual = |r: &GradedConfidence| r.weight * (map.apply(r.confidence) - f64::from(u8::from(r.correct)));
                    let mean: f64 = rows.iter().map(residual).sum();
                    let weight: f64 = rows.iter().map(|r| r.weight).sum();
                    prop_assert!(mean.abs() < GRADIENT * weight);
                }
                Err(problem) => prop_assert!(matches!(problem, MapProblem::OneClass | MapProblem::Separable)),
            }
        }
    }
}
