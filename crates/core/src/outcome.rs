//! The grade of an answer.

/// Correct, wrong, or not graded: three states, never two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    /// Graded wrong.
    Wrong = 0,
    /// Graded correct.
    Correct = 1,
    /// Not graded. An ungraded SLM answer counts as wrong in accuracies and risks unless the plan
    /// excludes it; an ungraded LLM answer leaves every figure that needs the LLM.
    Ungraded = 2,
}

impl Outcome {
    /// Whether it was graded correct.
    pub const fn is_correct(self) -> bool {
        matches!(self, Self::Correct)
    }

    /// Whether it was graded at all.
    pub const fn is_graded(self) -> bool {
        !matches!(self, Self::Ungraded)
    }

    /// As a nullable boolean.
    pub const fn as_bool(self) -> Option<bool> {
        match self {
            Self::Wrong => Some(false),
            Self::Correct => Some(true),
            Self::Ungraded => None,
        }
    }
}

impl From<Option<bool>> for Outcome {
    fn from(graded: Option<bool>) -> Self {
        match graded {
            Some(true) => Self::Correct,
            Some(false) => Self::Wrong,
            None => Self::Ungraded,
        }
    }
}
