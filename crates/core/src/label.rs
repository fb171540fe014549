//! A label: what an answer says, and whether that is right.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::MissingSignal;
use crate::named::{named_enum, stored_by_name};

named_enum! {
    /// Why an answer was not found or not graded.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum UngradedReason {
        /// The model declined, or said that it does not know.
        Refusal = "refusal",
        /// The text was cut before an answer was complete.
        Truncated = "truncated",
        /// Nothing but white space.
        Empty = "empty",
        /// Several different answers, or one that cannot be read.
        Ambiguous = "ambiguous",
        /// A text without an answer.
        NoAnswer = "no_answer",
        /// A choice that the question does not have.
        OutsideChoices = "outside_choices",
        /// The policy leaves the grade to a judge, and none was asked.
        NeedsJudge = "needs_judge",
        /// The judge's reply was no verdict.
        JudgeUnparsed = "judge_unparsed",
        /// The judge could not be asked.
        JudgeFailed = "judge_failed",
        /// A gold answer that cannot be compared with (no number, for instance).
        GoldUnreadable = "gold_unreadable",
    }
}

impl UngradedReason {
    /// Every reason that lies in the answer, for which the policy has a key.
    pub const OF_ANSWERS: [Self; 6] =
        [Self::Refusal, Self::Truncated, Self::Empty, Self::Ambiguous, Self::NoAnswer, Self::OutsideChoices];
}

/// Why an answer has no grade, or one that a policy gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LabelReason {
    /// The answer was not found, or not graded.
    Ungraded(UngradedReason),
    /// There is no text, for the reason that the backend gave.
    NoText(MissingSignal),
}

impl LabelReason {
    /// The name under which tables hold it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ungraded(reason) => reason.name(),
            Self::NoText(reason) => reason.name(),
        }
    }

    /// The reason of this name; `no_answer`, which both kinds have, is that of a text without an answer.
    pub fn from_name(name: &str) -> Option<Self> {
        let ungraded = UngradedReason::from_name(name).map(Self::Ungraded);
        ungraded.or_else(|| MissingSignal::from_name(name).map(Self::NoText))
    }
}

stored_by_name! { LabelReason, [UngradedReason::NAMES, MissingSignal::NAMES] }

impl From<UngradedReason> for LabelReason {
    fn from(reason: UngradedReason) -> Self {
        Self::Ungraded(reason)
    }
}

impl From<MissingSignal> for LabelReason {
    fn from(reason: MissingSignal) -> Self {
        Self::NoText(reason)
    }
}

/// The grade of one answer, with how it came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The extracted answer in the form of `Question::gold`; `None` if nothing was found.
    pub answer: Option<String>,
    /// Bytes of the answer's text that hold it.
    pub span: Option<Range<usize>>,
    /// Tokens that hold it, where the tokens are known.
    pub tokens: Option<Range<usize>>,
    /// Whether it is right; `None` = ungraded, with a reason.
    pub correct: Option<bool>,
    /// Who graded (`exact`, `f1`, `judge:MODEL`).
    pub grader: String,
    /// The rule by which the answer was found (`boxed`, `answer_is`, ..); empty if none was.
    pub rule: String,
    /// Why the answer is ungraded (`refusal`, `truncated`, `empty`, `ambiguous`, `no_answer`).
    pub reason: Option<LabelReason>,
}
