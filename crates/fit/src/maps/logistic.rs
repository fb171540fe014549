//! Unregularised logistic regression by Newton's method, for two or three parameters.

use super::MapProblem;
use plimsoll_router::map::logistic;

/// Steps after which the optimum counts as out of reach.
const MAX_STEPS: usize = 100;
/// Halvings of one step.
const MAX_HALVINGS: usize = 40;
/// The gradient is zero if it is below this share of the weight of the rarer class.
const GRADIENT: f64 = 1e-12;
/// Rounding of the loss, as a share of it.
const LOSS_ROUNDING: f64 = 1e-13;

/// Rows of equal features. The last feature is the constant 1, whose coefficient is the offset.
#[derive(Debug, Clone, Copy)]
pub(super) struct WeightedExample<const P: usize> {
    pub(super) features: [f64; P],
    /// Weight of the right rows, or soft share of the weight.
    pub(super) right: f64,
    pub(super) wrong: f64,
}

/// The coefficients that maximise the likelihood; the caller has made sure that they are finite.
///
/// # Formula
/// min over t of sum of right\_i ln(1 + exp(-t.x\_i)) + wrong\_i ln(1 + exp(t.x\_i)), by Newton steps
/// that are halved until the loss falls, on features of mean 0 and standard deviation 1. After the
/// gradient vanishes one more step is taken; convergence being quadratic, it lands at rounding.
pub(super) fn fit<const P: usize>(examples: &[WeightedExample<P>]) -> Result<[f64; P], MapProblem> {
    let scale = Scale::from_examples(examples)?;
    let scaled: Vec<WeightedExample<P>> = examples.iter().map(|example| scale.example(example)).collect();
    let right: f64 = examples.iter().map(|example| example.right).sum();
    let wrong: f64 = examples.iter().map(|example| example.wrong).sum();
    let mut theta = [0.0; P];
    theta[P - 1] = (right / wrong).ln();
    let mut current = LossPoint::at(&scaled, &theta);
    for _ in 0..MAX_STEPS {
        let step = current.newton_step().ok_or(MapProblem::NotConverged)?;
        if current.gradient.iter().all(|g| g.abs() <= GRADIENT * right.min(wrong)) {
            return scale.restore(moved(&theta, &step, 1.0));
        }
        (theta, current) = descend(&scaled, &theta, &current, &step).ok_or(MapProblem::NotConverged)?;
    }
    Err(MapProblem::NotConverged)
}

/// The first of the full, half, quarter.. step that does not raise the loss.
fn descend<const P: usize>(
    examples: &[WeightedExample<P>],
    theta: &[f64; P],
    current: &LossPoint<P>,
    step: &[f64; P],
) -> Option<([f64; P], LossPoint<P>)> {
    let mut length = 1.0;
    for _ in 0..MAX_HALVINGS {
        let theta = moved(theta, step, length);
        let next = LossPoint::at(examples, &theta);
        if next.loss <= current.loss * (1.0 + LOSS_ROUNDING) {
            return Some((theta, next));
        }
        length /= 2.0;
    }
    None
}

fn moved<const P: usize>(theta: &[f64; P], step: &[f64; P], length: f64) -> [f64; P] {
    std::array::from_fn(|j| theta[j] + length * step[j])
}

/// Weighted mean and standard deviation of each feature; 0 and 1 for the constant.
struct Scale<const P: usize> {
    mean: [f64; P],
    deviation: [f64; P],
}

impl<const P: usize> Scale<P> {
    fn from_examples(examples: &[WeightedExample<P>]) -> Result<Self, MapProblem> {
        let weight: f64 = examples.iter().map(|example| example.right + example.wrong).sum();
        let average = |value: &dyn Fn(&WeightedExample<P>) -> f64| {
            examples.iter().map(|example| (example.right + example.wrong) * value(example)).sum::<f64>()
                / weight
        };
        let mut scale = Self { mean: [0.0; P], deviation: [1.0; P] };
        for j in 0..P - 1 {
            let mean = average(&|example| example.features[j]);
            let deviation = average(&|example| (example.features[j] - mean).powi(2)).sqrt();
            if !(deviation.is_normal()) {
                return Err(MapProblem::NotConverged);
            }
            scale.mean[j] = mean;
            scale.deviation[j] = deviation;
        }
        Ok(scale)
    }

    fn example(&self, example: &WeightedExample<P>) -> WeightedExample<P> {
        let feature = |j: usize| (example.features[j] - self.mean[j]) / self.deviation[j];
        WeightedExample { features: std::array::from_fn(feature), ..*example }
    }

    /// The coefficients of the features as they were.
    fn restore(&self, theta: [f64; P]) -> Result<[f64; P], MapProblem> {
        let mut restored: [f64; P] = std::array::from_fn(|j| theta[j] / self.deviation[j]);
        restored[P - 1] -= (0..P - 1).map(|j| restored[j] * self.mean[j]).sum::<f64>();
        let finite = restored.iter().all(|value| value.is_finite());
        if finite { Ok(restored) } else { Err(MapProblem::NotConverged) }
    }
}

/// The loss and its derivatives.
struct LossPoint<const P: usize> {
    loss: f64,
    gradient: [f64; P],
    hessian: [[f64; P]; P],
}

impl<const P: usize> LossPoint<P> {
    fn at(examples: &[WeightedExample<P>], theta: &[f64; P]) -> Self {
        let mut point = Self { loss: 0.0, gradient: [0.0; P], hessian: [[0.0; P]; P] };
        for example in examples {
            let z: f64 = (0..P).map(|j| theta[j] * example.features[j]).sum();
            // Both, since 1 - p would lose what is left of a p close to 1.
            let (p, not_p) = (logistic(z), logistic(-z));
            point.loss += example.right * softplus(-z) + example.wrong * softplus(z);
            let slope = example.wrong * p - example.right * not_p;
            let curvature = (example.right + example.wrong) * p * not_p;
            for j in 0..P {
                point.gradient[j] += slope * example.features[j];
                for k in 0..=j {
                    point.hessian[j][k] += curvature * example.features[j] * example.features[k];
                }
            }
        }
        point
    }

    /// -H^-1 g by Cholesky; `None` if H is singular to rounding.
    fn newton_step(&self) -> Option<[f64; P]> {
        let mut lower = self.hessian;
        for j in 0..P {
            for k in 0..j {
                let inner: f64 = (0..k).map(|i| lower[j][i] * lower[k][i]).sum();
                lower[j][k] = (lower[j][k] - inner) / lower[k][k];
            }
            let pivot = lower[j][j] - (0..j).map(|i| lower[j][i].powi(2)).sum::<f64>();
            if !(pivot > f64::EPSILON * self.hessian[j][j] && pivot.is_finite()) {
                return None;
            }
            lower[j][j] = pivot.sqrt();
        }
        let mut step = self.gradient.map(|g| -g);
        for j in 0..P {
            let inner: f64 = (0..j).map(|i| lower[j][i] * step[i]).sum();
            step[j] = (step[j] - inner) / lower[j][j];
        }
        for j in (0..P).rev() {
            let inner: f64 = (j + 1..P).map(|i| lower[i][j] * step[i]).sum();
            step[j] = (step[j] - inner) / lower[j][j];
        }
        Some(step)
    }
}

/// ln(1 + exp(x)).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of the optimum after rounding.
    const ROUNDING: f64 = 1e-12;

    fn example(x: f64, right: f64, wrong: f64) -> WeightedExample<2> {
        WeightedExample { features: [x, 1.0], right, wrong }
    }

    #[test]
    fn two_points_are_met_exactly() {
        // logit(1/4) = -ln 3 at 0, logit(3/4) = ln 3 at 2.
        let [slope, offset] = fit(&[example(0.0, 1.0, 3.0), example(2.0, 3.0, 1.0)]).unwrap();
        assert!((slope - 3f64.ln()).abs() < ROUNDING);
        assert!((offset + 3f64.ln()).abs() < ROUNDING);
    }

    #[test]
    fn rare_classes_and_narrow_features_converge() {
        /// The feature is known to 1e-16 of 1 and spans 1e-6.
        const NARROW: f64 = 1e-9;
        let examples = [example(0.999_999, 1e9, 1.0), example(1.0, 3e9, 1.0)];
        let [slope, offset] = fit(&examples).unwrap();
        assert!((slope - 3f64.ln() / 1e-6).abs() < NARROW * slope.abs());
        assert!((slope + offset - 3e9f64.ln()).abs() < NARROW * slope.abs());
    }

    #[test]
    fn what_has_no_optimum_does_not_converge() {
        assert_eq!(fit(&[example(0.0, 1.0, 0.0), example(0.0, 0.0, 1.0)]), Err(MapProblem::NotConverged));
        let twins =
            [0.1, 0.5, 0.9].map(|x| WeightedExample { features: [x, x, 1.0], right: 1.0 + x, wrong: 1.0 });
        assert_eq!(fit(&twins), Err(MapProblem::NotConverged));
    }
}
