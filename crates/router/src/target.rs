//! What an operating point is fitted for, as text (`routing_ratio=0.3`) and as JSON.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The target of an operating point.
///
/// ```
/// use plimsoll_router::Target;
/// let target: Target = "selective_error=0.1:0.05".parse()?;
/// assert_eq!(target, Target::SelectiveError { alpha: 0.1, delta: 0.05 });
/// assert_eq!(target.to_string(), "selective_error=0.1:0.05");
/// # Ok::<(), plimsoll_router::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Target {
    /// The share of questions deferred to the LLM; the nearest achievable one is taken.
    RoutingRatio {
        /// Share in [0, 1].
        value: f64,
    },
    /// The overall accuracy to reach with the smallest routing ratio.
    Accuracy {
        /// Accuracy in [0, 1].
        value: f64,
    },
    /// The accuracy to stay within of the LLM's, with the smallest routing ratio. Difficulty hits both models and
    /// cancels, so this transfers to other data where an absolute accuracy does not.
    LlmGap {
        /// Accuracy of the LLM less that of the system, in [0, 1].
        value: f64,
    },
    /// The most accurate point within a budget.
    Cost {
        /// Budget in US dollars per 1,000 questions, SLM and uncertainty overhead included.
        usd_per_1k_questions: f64,
    },
    /// P(SLM wrong | kept) <= alpha with probability >= 1 - delta.
    SelectiveError {
        /// Bound on the risk, in (0, 1).
        alpha: f64,
        /// Probability that the bound fails, in (0, 1).
        delta: f64,
    },
    /// P(SLM wrong and kept) <= alpha with probability >= 1 - delta.
    JointError {
        /// Bound on the risk, in (0, 1).
        alpha: f64,
        /// Probability that the bound fails, in (0, 1).
        delta: f64,
    },
    /// P(SLM wrong, LLM right, kept) <= alpha with probability >= 1 - delta.
    Regret {
        /// Bound on the risk, in (0, 1).
        alpha: f64,
        /// Probability that the bound fails, in (0, 1).
        delta: f64,
    },
}

/// The three risks that a guarantee can bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// P(SLM wrong | kept).
    SelectiveError,
    /// P(SLM wrong and kept).
    JointError,
    /// P(SLM wrong, LLM right, kept): what deferring would have repaired.
    Regret,
}

impl Risk {
    /// The name used in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SelectiveError => "selective_error",
            Self::JointError => "joint_error",
            Self::Regret => "regret",
        }
    }

    /// The target that bounds this risk.
    pub const fn target(self, alpha: f64, delta: f64) -> Target {
        match self {
            Self::SelectiveError => Target::SelectiveError { alpha, delta },
            Self::JointError => Target::JointError { alpha, delta },
            Self::Regret => Target::Regret { alpha, delta },
        }
    }
}

impl FromStr for Risk {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        [Self::SelectiveError, Self::JointError, Self::Regret]
            .into_iter()
            .find(|risk| risk.name() == text)
            .ok_or_else(|| Error::Target { text: text.to_owned(), problem: "no such risk" })
    }
}

impl Target {
    /// All kinds of targets, as [`Target::kind`] names them.
    pub const KINDS: &'static [&'static str] =
        &["routing_ratio", "accuracy", "llm_gap", "cost", "selective_error", "joint_error", "regret"];

    /// The name of the kind (`routing_ratio`, `accuracy`, `llm_gap`, `cost`, or a risk's).
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RoutingRatio { .. } => "routing_ratio",
            Self::Accuracy { .. } => "accuracy",
            Self::LlmGap { .. } => "llm_gap",
            Self::Cost { .. } => "cost",
            Self::SelectiveError { .. } => Risk::SelectiveError.name(),
            Self::JointError { .. } => Risk::JointError.name(),
            Self::Regret { .. } => Risk::Regret.name(),
        }
    }

    /// The number that is aimed at: a share, an accuracy, a gap, a budget, or alpha.
    pub const fn value(&self) -> f64 {
        match self {
            Self::RoutingRatio { value } | Self::Accuracy { value } | Self::LlmGap { value } => *value,
            Self::Cost { usd_per_1k_questions } => *usd_per_1k_questions,
            Self::SelectiveError { alpha, .. }
            | Self::JointError { alpha, .. }
            | Self::Regret { alpha, .. } => *alpha,
        }
    }

    /// The bounded risk with its alpha and delta, where this is a risk target.
    pub const fn risk(&self) -> Option<(Risk, f64, f64)> {
        match self {
            Self::SelectiveError { alpha, delta } => Some((Risk::SelectiveError, *alpha, *delta)),
            Self::JointError { alpha, delta } => Some((Risk::JointError, *alpha, *delta)),
            Self::Regret { alpha, delta } => Some((Risk::Regret, *alpha, *delta)),
            _ => None,
        }
    }

    /// Whether the LLM's answers must be graded to fit it.
    pub const fn needs_llm(&self) -> bool {
        matches!(self, Self::Accuracy { .. } | Self::LlmGap { .. } | Self::Cost { .. } | Self::Regret { .. })
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Target`] if a number lies outside its range.
    pub fn validate(self) -> Result<Self, Error> {
        let problem = match self {
            Self::RoutingRatio { value } | Self::Accuracy { value } | Self::LlmGap { value } => {
                (!(0.0..=1.0).contains(&value)).then_some("must be in [0, 1]")
            }
            Self::Cost { usd_per_1k_questions: usd } => {
                (!usd.is_finite() || usd < 0.0).then_some("must be a finite amount of at least 0")
            }
            Self::SelectiveError { alpha, delta }
            | Self::JointError { alpha, delta }
            | Self::Regret { alpha, delta } => {
                let open = |x: f64| x > 0.0 && x < 1.0;
                (!open(alpha) || !open(delta)).then_some("alpha and delta must be in (0, 1)")
            }
        };
        match problem {
            None => Ok(self),
            Some(problem) => Err(Error::Target { text: self.to_string(), problem }),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.kind(), self.value())?;
        match self.risk() {
            Some((_, _, delta)) => write!(formatter, ":{delta}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let error = |problem| Error::Target { text: text.to_owned(), problem };
        let number = |part: &str| part.trim().parse::<f64>().map_err(|_| error("not a number"));
        let (kind, value) = text.split_once('=').ok_or_else(|| error("no `=`"))?;
        let target = match kind.trim() {
            "routing_ratio" => Self::RoutingRatio { value: number(value)? },
            "accuracy" => Self::Accuracy { value: number(value)? },
            "llm_gap" => Self::LlmGap { value: number(value)? },
            "cost" => Self::Cost { usd_per_1k_questions: number(value)? },
            risk => {
                let risk: Risk = risk.parse().map_err(|_| error("no such target"))?;
                let (alpha, delta) =
                    value.split_once(':').ok_or_else(|| error("a risk needs ALPHA:DELTA"))?;
                risk.target(number(alpha)?, number(delta)?)
            }
        };
        target.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_for_every_kind() {
        let mut kinds = Vec::new();
        for text in [
            "routing_ratio=0.3",
            "routing_ratio=0",
            "accuracy=0.8",
            "llm_gap=0.02",
            "cost=1.5",
            "selective_error=0.1:0.05",
            "joint_error=0.02:0.1",
            "regret=0.05:0.1",
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), text);
            let json = serde_json::to_value(target).unwrap();
            assert_eq!(json["kind"], target.kind());
            assert_eq!(serde_json::from_value::<Target>(json).unwrap(), target);
            kinds.push(target.kind());
        }
        kinds.dedup();
        assert_eq!(kinds, Target::KINDS);
    }

    #[test]
    fn bad_text_is_refused() {
        for text in [
            "",
            "routing_ratio",
            "routing_ratio=",
            "routing_ratio=1.2",
            "routing_ratio=nan",
            "accuracy=-0.1",
            "llm_gap=2",
            "cost=inf",
            "selective_error=0.1",
            "selective_error=0:0.1",
            "regret=0.1:1",
            "speed=3",
            "risk=0.1:0.1",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn json_refuses_unknown_keys() {
        let good = r#"{"kind":"accuracy","value":0.8}"#;
        assert!(serde_json::from_str::<Target>(good).is_ok());
        for bad in [
            r#"{"kind":"accuracy","value":0.8,"delta":0.1}"#,
            r#"{"kind":"accuracy"}"#,
            r#"{"kind":"speed","value":1}"#,
        ] {
            assert!(serde_json::from_str::<Target>(bad).is_err(), "{bad}");
        }
    }
}
