//! Platt scaling.

use plimsoll_router::map::Platt;

use super::logistic::{self, WeightedExample};
use super::{GradedConfidence, MapProblem, TiedRows, class_weights, levels};

/// Fits Platt scaling, with the targets that Platt smoothed.
///
/// The smoothing keeps the optimum finite for data that a threshold separates. Of one distinct
/// confidence nothing can be learnt but the share of right rows: a = 0.
///
/// # Formula
/// min over a, b of the cross-entropy between targets and p = 1 / (1 + exp(a c + b)), weighted; the
/// target of a right row is (N+ + 1) / (N+ + 2), of a wrong row 1 / (N- + 2), where N+ and N- are
/// the sums of the weights of right and wrong rows (Platt 1999, section 2.2; scikit-learn's
/// `_sigmoid_calibration`). Newton's method, to rounding.
///
/// # Errors
/// [`MapProblem::NoRows`], [`MapProblem::OneClass`], [`MapProblem::Weight`];
/// [`MapProblem::NotConverged`] where confidences differ by rounding only.
///
/// ```
/// use plimsoll_fit::maps::{fit_platt, GradedConfidence};
/// use plimsoll_router::Confidence;
/// let row = |c, correct, weight| Ok::<_, plimsoll_router::Error>(GradedConfidence {
///     confidence: Confidence::new(c)?, correct, weight,
/// });
/// // N+ = N- = 4: targets 5/6 and 1/6, so that the mean target is 1/3 at 0 and 2/3 at 1.
/// // p(0) = 1/3: b = ln 2. p(1) = 2/3: a + b = -ln 2.
/// let map = fit_platt(&[
///     row(0.0, true, 1.0)?, row(0.0, false, 3.0)?, row(1.0, true, 3.0)?, row(1.0, false, 1.0)?,
/// ])?;
/// assert!((map.a + 2.0 * 2f64.ln()).abs() < 1e-12);
/// assert!((map.b - 2f64.ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit_platt(observations: &[GradedConfidence]) -> Result<Platt, MapProblem> {
    fit(&levels(observations)?)
}

pub(super) fn fit(levels: &[TiedRows]) -> Result<Platt, MapProblem> {
    let (right, wrong) = class_weights(levels)?;
    let smoothed = |level: &TiedRows| WeightedExample {
        features: [level.confidence.get(), 1.0],
        right: level.right * ((right + 1.0) / (right + 2.0)) + level.wrong / (wrong + 2.0),
        wrong: level.right / (right + 2.0) + level.wrong * ((wrong + 1.0) / (wrong + 2.0)),
    };
    let examples: Vec<WeightedExample<2>> = levels.iter().map(smoothed).collect();
    if let [only] = examples.as_slice() {
        return Ok(Platt::new(0.0, (only.wrong / only.right).ln()));
    }
    let [slope, offset] = logistic::fit(&examples)?;
    Ok(Platt::new(-slope, -offset))
}

#[cfg(test)]
mod tests {
    use plimsoll_router::Confidence;
    use proptest::prelude::*;

    use super::*;

    fn row(confidence: f64, correct: bool, weight: f64) -> GradedConfidence {
        GradedConfidence { confidence: Confidence::new(confidence).unwrap(), correct, weight }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "a is set, not computed")]
    fn one_distinct_confidence_is_flat() {
        // Targets 4/5 (thrice) and 1/3: mean (12/5 + 1/3) / 4 = 41/60.
        /// Rounding of one logarithm and its inverse.
        const ROUNDING: f64 = 1e-15;
        let map = fit_platt(&[row(0.7, true, 3.0), row(0.7, false, 1.0)]).unwrap();
        assert_eq!(map.a, 0.0);
        assert!((map.apply(Confidence::new(0.2).unwrap()) - 41.0 / 60.0).abs() < ROUNDING);
    }

    #[test]
    fn separated_rows_have_a_finite_map() {
        let rows: Vec<_> = (0..1000u32).map(|i| row(f64::from(i) / 999.0, i >= 500, 1.0)).collect();
        let map = fit_platt(&rows).unwrap();
        assert!(map.a.is_finite() && map.a < -10.0);
    }

    #[test]
    fn one_class_is_named() {
        assert_eq!(fit_platt(&[row(0.7, true, 3.0)]), Err(MapProblem::OneClass));
        assert_eq!(fit_platt(&[]), Err(MapProblem::NoRows));
    }

    proptest! {
        #[test]
        fn keeps_the_mean_target_and_the_mean_product(
            rows in prop::collection::vec((0.0f64..1.0, any::<bool>(), 0.1f64..5.0), 2..60)
        ) {
            /// The gradient at the optimum, per unit of weight.
            const GRADIENT: f64 = 1e-11;
            let rows: Vec<_> = rows.iter().map(|(c, y, w)| row(*c, *y, *w)).collect();
            let sum = |class: bool| -> f64 { rows.iter().filter(|r| r.correct == class).map(|r| r.weight).sum() };
            let (right, wrong) = (sum(true), sum(false));
            prop_assume!(right > 0.0 && wrong > 0.0);
            let map = fit_platt(&rows).unwrap();
            let residual = |r: &GradedConfidence| {
                let target = if r.correct { (right + 1.0) / (right + 2.0) } else { 1.0 / (wrong + 2.0) };
                r.weight * (map.apply(r.confidence) - target)
            };
            let mean: f64 = rows.iter().map(residual).sum();
            let product: f64 = rows.iter().map(|r| residual(r) * r.confidence.get()).sum();
            prop_assert!(mean.abs() < GRADIENT * (right + wrong));
            prop_assert!(product.abs() < GRADIENT * (right + wrong));
        }
    }
}
