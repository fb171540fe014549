//! Why an answer has no plain grade.

use serde::{Deserialize, Serialize};

/// Why an answer was not found or not graded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UngradedReason {
    /// The model declined, or said that it does not know.
    Refusal,
    /// The text was cut before an answer was complete.
    Truncated,
    /// Nothing but white space.
    Empty,
    /// Several different answers, or one that cannot be read.
    Ambiguous,
    /// A text without an answer.
    NoAnswer,
    /// A choice that the question does not have.
    OutsideChoices,
    /// The policy leaves the grade to a judge, and none was asked.
    NeedsJudge,
    /// The judge's reply was no verdict.
    JudgeUnparsed,
    /// The judge could not be asked.
    JudgeFailed,
    /// A gold answer that cannot be compared with (no number, for instance).
    GoldUnreadable,
}

impl UngradedReason {
    /// Every reason that lies in the answer, for which the policy has a key.
    pub const OF_ANSWERS: [Self; 6] =
        [Self::Refusal, Self::Truncated, Self::Empty, Self::Ambiguous, Self::NoAnswer, Self::OutsideChoices];

    /// The name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refusal => "refusal",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::Ambiguous => "ambiguous",
            Self::NoAnswer => "no_answer",
            Self::OutsideChoices => "outside_choices",
            Self::NeedsJudge => "needs_judge",
            Self::JudgeUnparsed => "judge_unparsed",
            Self::JudgeFailed => "judge_failed",
            Self::GoldUnreadable => "gold_unreadable",
        }
    }
}
