//! What can go wrong.

use std::fmt;

/// A number of a policy that is out of range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyProblem {
    /// The tolerance for numbers.
    #[error("`number_relative_tolerance` is {value}; it must be at least 0 and below 1")]
    Tolerance {
        /// As written.
        value: f64,
    },
    /// The threshold for F1.
    #[error("`span.f1.threshold` is {value}; it must be above 0 and at most 1")]
    Threshold {
        /// As written.
        value: f64,
    },
}

/// All that is wrong with a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyError {
    /// Each problem.
    pub problems: Vec<PolicyProblem>,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if index > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}

/// Why a judge could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JudgeError {
    /// The request failed for good.
    #[error("ask the judge `{model}`")]
    Request {
        /// The judge's model.
        model: String,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
