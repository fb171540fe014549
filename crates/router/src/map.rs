//! Maps from confidence to P(correct), stored as numbers. They inform (what is 0.7 worth here?);
//! thresholds are fitted on the raw confidence, never on a mapped one.

use serde::{Deserialize, Serialize};

use crate::confidence::Confidence;

/// The maps of one method; null where one could not be fitted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Maps {
    /// Isotonic regression.
    pub isotonic: Option<Isotonic>,
    /// Platt scaling.
    pub platt: Option<Platt>,
    /// Beta calibration.
    pub beta: Option<Beta>,
    /// Why maps are null, one reason per missing map (`beta: separable`).
    pub missing: Vec<String>,
}

/// A non-decreasing piecewise linear map: linear between knots, constant outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Isotonic {
    /// Confidences of the knots, strictly increasing.
    pub x: Vec<f64>,
    /// P(correct) at the knots, non-decreasing.
    pub y: Vec<f64>,
}

/// Platt scaling: p = 1 / (1 + exp(a c + b)).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Platt {
    /// Slope; negative where confidence helps.
    pub a: f64,
    /// Offset.
    pub b: f64,
}

/// Beta calibration: logit p = a ln c - b ln(1 - c) + `intercept`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Beta {
    /// Weight of ln c, at least 0.
    pub a: f64,
    /// Weight of -ln(1 - c), at least 0.
    pub b: f64,
    /// Offset.
    pub intercept: f64,
}

impl Isotonic {
    /// A map through the knots (x, y); a file that holds it must have x strictly increasing, y
    /// non-decreasing, both in [0, 1].
    pub const fn new(x: Vec<f64>, y: Vec<f64>) -> Self {
        Self { x, y }
    }

    /// P(correct) of a confidence; `None` for a map without knots.
    ///
    /// # Formula
    /// y\_i + (y\_{i+1} - y\_i) (c - x\_i) / (x\_{i+1} - x\_i) between knots, the end values outside.
    pub fn apply(&self, confidence: Confidence) -> Option<f64> {
        let c = confidence.get();
        let next = self.x.partition_point(|x| *x <= c);
        let knot = |index: usize| Some((*self.x.get(index)?, *self.y.get(index)?));
        let Some(previous) = next.checked_sub(1) else {
            return knot(0).map(|(_, y)| y);
        };
        let (x0, y0) = knot(previous)?;
        match knot(next) {
            Some((x1, y1)) => Some(y0 + (y1 - y0) * ((c - x0) / (x1 - x0))),
            None => Some(y0),
        }
    }
}

impl Platt {
    /// The map with this slope and offset.
    pub const fn new(a: f64, b: f64) -> Self {
        Self { a, b }
    }

    /// P(correct) of a confidence.
    pub fn apply(&self, confidence: Confidence) -> f64 {
        logistic(-(self.a * confidence.get() + self.b))
    }
}

impl Beta {
    /// Confidences are clipped to [`Beta::CLIP`, 1 - `Beta::CLIP`], so that the logs are finite.
    pub const CLIP: f64 = f64::EPSILON;

    /// The map with these weights of ln c and -ln(1 - c), and this offset.
    pub const fn new(a: f64, b: f64, intercept: f64) -> Self {
        Self { a, b, intercept }
    }

    /// P(correct) of a confidence.
    pub fn apply(&self, confidence: Confidence) -> f64 {
        let (ln_c, ln_not_c) = Self::features(confidence);
        logistic(self.a * ln_c - self.b * ln_not_c + self.intercept)
    }

    /// (ln c, ln(1 - c)) of the clipped confidence.
    pub fn features(confidence: Confidence) -> (f64, f64) {
        let c = confidence.get().clamp(Self::CLIP, 1.0 - Self::CLIP);
        (c.ln(), (-c).ln_1p())
    }
}

/// 1 / (1 + exp(-x)), without overflow on either side.
pub fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn c(value: f64) -> Confidence {
        Confidence::new(value).unwrap()
    }

    #[test]
    fn isotonic_interpolates_and_clips() {
        let map = Isotonic { x: vec![0.2, 0.4, 0.8], y: vec![0.1, 0.5, 0.5] };
        for (confidence, expected) in [(0.0, 0.1), (0.2, 0.1), (0.3, 0.3), (0.4, 0.5), (0.6, 0.5), (1.0, 0.5)]
        {
            /// Rounding of one interpolation.
            const ROUNDING: f64 = 1e-15;
            assert!((map.apply(c(confidence)).unwrap() - expected).abs() < ROUNDING, "{confidence}");
        }
        assert!(Isotonic { x: vec![], y: vec![] }.apply(c(0.5)).is_none());
    }

    #[test]
    fn logistic_maps_are_finite_at_the_ends() {
        let platt = Platt { a: -1e308, b: 0.0 };
        assert_eq!(platt.apply(c(1.0)), 1.0);
        let beta = Beta { a: 1.0, b: 1.0, intercept: 0.0 };
        for confidence in [0.0, 1e-320, 0.3, 1.0] {
            let p = beta.apply(c(confidence));
            assert!((0.0..=1.0).contains(&p));
            if confidence > 0.01 && confidence < 0.99 {
                /// a = b = 1 is the identity, but for rounding.
                const ROUNDING: f64 = 1e-15;
                assert!((p - confidence).abs() < ROUNDING);
            }
        }
    }
}
