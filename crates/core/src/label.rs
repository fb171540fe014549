//! A label: what an answer says, and whether that is right.

use std::ops::Range;

use serde::{Deserialize, Serialize};

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
    pub reason: Option<String>,
}
