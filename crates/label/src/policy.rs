//! What a plan declares about grading. Nothing here has a default.

use serde::{Deserialize, Serialize};

use crate::error::{PolicyError, PolicyProblem};
use plimsoll_core::label::UngradedReason;

/// What an answer without a plain grade counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// It has no grade.
    Ungraded,
    /// It is wrong.
    Wrong,
}

/// Which of several references an F1 is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum References {
    /// The best over all: each is an answer that would do.
    Best,
    /// The mean, over each reference left out, of the best over the others: what the official `CoQA`
    /// script does, so that a model is measured as one more human.
    LeaveOneOut,
}

/// How a short text is graded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SpanGrading {
    /// Right if it equals a gold answer after normalisation.
    ExactMatch,
    /// Right if its token F1 reaches a threshold.
    F1 {
        /// Smallest F1 that is right, in (0, 1].
        threshold: f64,
        /// Over which references.
        references: References,
    },
    /// Right if it equals a gold answer after normalisation, or else if a judge says so.
    Judge,
}

/// A policy as it stands in a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPolicy {
    /// The model declined.
    pub refusal: Treatment,
    /// The text was cut before its answer.
    pub truncated: Treatment,
    /// The text is empty.
    pub empty: Treatment,
    /// Several different answers.
    pub ambiguous: Treatment,
    /// No answer in the text.
    pub no_answer: Treatment,
    /// A choice that the question does not have.
    pub outside_choices: Treatment,
    /// Largest relative difference between an answer and a gold number that is still right; 0 compares
    /// exactly.
    pub number_relative_tolerance: f64,
    /// How short texts are graded.
    pub span: SpanGrading,
}

/// A policy that was checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawPolicy", into = "RawPolicy")]
pub struct Policy(RawPolicy);

impl Policy {
    /// What a reason in the answer counts as; reasons that lie with the judge or the gold answer
    /// say nothing about the answer and are always ungraded.
    pub fn treatment(&self, reason: UngradedReason) -> Treatment {
        match reason {
            UngradedReason::Refusal => self.0.refusal,
            UngradedReason::Truncated => self.0.truncated,
            UngradedReason::Empty => self.0.empty,
            UngradedReason::Ambiguous => self.0.ambiguous,
            UngradedReason::NoAnswer => self.0.no_answer,
            UngradedReason::OutsideChoices => self.0.outside_choices,
            UngradedReason::NeedsJudge
            | UngradedReason::JudgeUnparsed
            | UngradedReason::JudgeFailed
            | UngradedReason::GoldUnreadable => Treatment::Ungraded,
        }
    }

    /// Largest relative difference that is still right.
    pub fn number_relative_tolerance(&self) -> f64 {
        self.0.number_relative_tolerance
    }

    /// How short texts are graded.
    pub fn span(&self) -> SpanGrading {
        self.0.span
    }
}

impl TryFrom<RawPolicy> for Policy {
    type Error = PolicyError;

    fn try_from(raw: RawPolicy) -> Result<Self, PolicyError> {
        let mut problems = Vec::new();
        let tolerance = raw.number_relative_tolerance;
        if !(0.0..1.0).contains(&tolerance) {
            problems.push(PolicyProblem::Tolerance { value: tolerance });
        }
        match raw.span {
            SpanGrading::F1 { threshold, .. } if !(threshold > 0.0 && threshold <= 1.0) => {
                problems.push(PolicyProblem::Threshold { value: threshold });
            }
            _ => {}
        }
        if problems.is_empty() { Ok(Self(raw)) } else { Err(PolicyError { problems }) }
    }
}

impl From<Policy> for RawPolicy {
    fn from(policy: Policy) -> Self {
        policy.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"refusal": "wrong", "truncated": "ungraded", "empty": "wrong", "ambiguous": "ungraded",
        "no_answer": "ungraded", "outside_choices": "wrong", "number_relative_tolerance": 0.0,
        "span": {"f1": {"threshold": 0.5, "references": "leave_one_out"}}}"#;

    #[test]
    fn a_policy_is_read_whole_or_not_at_all() {
        let policy: Policy = serde_json::from_str(PLAN).unwrap();
        assert_eq!(policy.treatment(UngradedReason::Refusal), Treatment::Wrong);
        assert_eq!(policy.treatment(UngradedReason::JudgeUnparsed), Treatment::Ungraded);
        let again: Policy = serde_json::from_str(&serde_json::to_string(&policy).unwrap()).unwrap();
        assert_eq!(again, policy);
        for key in [
            "refusal",
            "truncated",
            "empty",
            "ambiguous",
            "no_answer",
            "outside_choices",
            "number_relative_tolerance",
            "span",
        ] {
            let mut plan: serde_json::Value = serde_json::from_str(PLAN).unwrap();
            plan.as_object_mut().unwrap().remove(key);
            let problem = serde_json::from_value::<Policy>(plan).unwrap_err().to_string();
            assert!(problem.contains(key), "{key} has no default: {problem}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_reported_together() {
        let plan = PLAN.replace("0.0,", "-1.0,").replace("0.5,", "1.5,");
        let problem = serde_json::from_str::<Policy>(&plan).unwrap_err().to_string();
        assert!(problem.contains("number_relative_tolerance") && problem.contains("threshold"), "{problem}");
    }
}
