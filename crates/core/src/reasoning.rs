//! Which part of a reply is the answer. Models that reason write their reasoning into the reply, between marks
//! of many spellings; labels, verbalized confidences, the judge and the spans of confidences all ask here.

use std::ops::Range;

/// Where the answer of a reply stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerPart {
    /// Bytes of the reply that are the answer; all of a reply without reasoning. Empty if nothing was said.
    pub range: Range<usize>,
    /// Whether the reply ends within its reasoning, so that nothing was said.
    pub reasoning_is_open: bool,
}

/// Finds the answer in a reply. `starts_within` says that the prompt ended within reasoning, so that the reply
/// begins there; false where that is not known.
pub fn answer_part(reply: &str, starts_within: bool) -> AnswerPart {
    let close = reply.rfind("</think>").map(|at| at + "</think>".len());
    let start = close.unwrap_or(0);
    let reasoning_is_open =
        reply[start..].trim_start().starts_with("<think>") || (starts_within && close.is_none());
    let range = if reasoning_is_open { reply.len()..reply.len() } else { start..reply.len() };
    AnswerPart { range, reasoning_is_open }
}

/// The answer of a reply; see [`answer_part`].
pub fn answer_text(reply: &str, starts_within: bool) -> &str {
    &reply[answer_part(reply, starts_within).range]
}

/// Whether a prompt, as the model reads it, ends within reasoning: its last mark opens some.
pub fn ends_within(prompt: &str) -> bool {
    let open = prompt.rfind("<think>");
    open.is_some() && open > prompt.rfind("</think>")
}
