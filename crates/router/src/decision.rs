//! The decision: one comparison, in one function.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::confidence::Confidence;
use crate::error::Error;

/// A threshold on the confidence: a finite number in [0, 1], or [`Threshold::DEFER_ALL`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transparent))]
pub struct Threshold(
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1.000_000_000_000_000_2)))] f64,
);

impl Threshold {
    /// Keeps every answer that has a confidence.
    pub const KEEP_ALL: Self = Self(0.0);
    /// The next double above 1: keeps nothing, defers every question.
    pub const DEFER_ALL: Self = Self(1.0 + f64::EPSILON);

    /// Takes a finite number in [0, the next double above 1].
    ///
    /// # Errors
    /// [`Error::Threshold`] for anything else.
    pub fn new(value: f64) -> Result<Self, Error> {
        if (0.0..=Self::DEFER_ALL.0).contains(&value) {
            Ok(Self(value + 0.0))
        } else {
            Err(Error::Threshold { value })
        }
    }

    /// The number, full precision.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The rule: keep iff `confidence >= threshold`. A tie is kept.
    pub fn keeps(self, confidence: Confidence) -> bool {
        confidence.get() >= self.0
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Which model answers. There are two, so a match needs no other arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The SLM's answer is kept.
    Slm,
    /// The question is deferred to the LLM.
    Llm,
}

/// Why a decision was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The confidence is at or above the threshold.
    AtOrAbove,
    /// The confidence is below the threshold.
    Below,
    /// There is no confidence.
    Missing,
    /// A tracker would have kept it, and the threshold of a certified operating point does not.
    Certificate,
    /// A coin chose the other route than the threshold's, so that the log can be fitted anew.
    Explored,
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Decision {
    /// Which model answers.
    pub route: Route,
    /// Why.
    pub reason: Reason,
}

/// Decides. Total: every input has an answer.
///
/// ```
/// use plimsoll_router::{decide, Confidence, Reason, Route, Threshold};
/// let zero = decide(Threshold::KEEP_ALL, Some(Confidence::new(0.0)?));
/// assert_eq!((zero.route, zero.reason), (Route::Slm, Reason::AtOrAbove));
/// let one = decide(Threshold::DEFER_ALL, Some(Confidence::new(1.0)?));
/// assert_eq!((one.route, one.reason), (Route::Llm, Reason::Below));
/// # Ok::<(), plimsoll_router::Error>(())
/// ```
pub fn decide(threshold: Threshold, confidence: Option<Confidence>) -> Decision {
    let (route, reason) = match confidence {
        None => (Route::Llm, Reason::Missing),
        Some(c) if threshold.keeps(c) => (Route::Slm, Reason::AtOrAbove),
        Some(_) => (Route::Llm, Reason::Below),
    };
    Decision { route, reason }
}

/// One line of a decision log: enough to audit a decision and to fit anew from production.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DecisionRecord {
    /// The thresholds file, named by its own SHA-256.
    pub thresholds_sha256: String,
    /// The operating point's id.
    pub threshold_id: String,
    /// The method's id.
    pub method: String,
    /// The threshold that was applied.
    pub threshold: Threshold,
    /// The raw confidence; null = missing.
    pub confidence: Option<f64>,
    /// The confidence through the file's isotonic map: an estimate of P(correct); null without a map.
    pub probability: Option<f64>,
    /// Which model answers.
    pub route: Route,
    /// Why.
    pub reason: Reason,
    /// By a tracker: the confidence on the pool's scale; absent if it is missing, or without a tracker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub z: Option<f64>,
    /// By a tracker: the number in [0, 1) that breaks ties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub u: Option<f64>,
    /// By a tracker: the threshold on the pool's scale that was in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t: Option<f64>,
    /// The probability with which this route was taken, in (0, 1]; absent where none was stated: such a log cannot be
    /// fitted anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propensity: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn thresholds_are_numbers_up_to_the_next_double_above_one() {
        assert_eq!(Threshold::DEFER_ALL.get(), f64::from_bits(1.0f64.to_bits() + 1));
        assert!(Threshold::new(f64::from_bits(Threshold::DEFER_ALL.get().to_bits() + 1)).is_err());
        for value in [f64::NAN, f64::INFINITY, -1e-9, 1.1] {
            assert!(Threshold::new(value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_threshold_survives_json_to_the_last_bit() {
        for value in [
            0.0,
            0.1 + 0.2,
            1.0,
            f64::from_bits(1.0f64.to_bits() + 1),
            f64::MIN_POSITIVE,
            0.300_000_000_000_000_04,
        ] {
            let threshold = Threshold::new(value).unwrap();
            let text = serde_json::to_string(&threshold).unwrap();
            let back: Threshold = serde_json::from_str(&text).unwrap();
            assert_eq!(back.get().to_bits(), value.to_bits(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn decide_is_total_and_monotone(t in 0.0f64..=1.0, low in 0.0f64..=1.0, step in 0.0f64..=1.0) {
            let threshold = Threshold::new(t).unwrap();
            let high = (low + step).min(1.0);
            let kept = |c: f64| decide(threshold, Some(Confidence::new(c).unwrap())).route == Route::Slm;
            prop_assert!(kept(high) || !kept(low));
            prop_assert_eq!(kept(low), low >= t);
        }
    }
}
