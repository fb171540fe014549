//! Which part of a reply is the answer. Models that reason write their reasoning into the reply, between marks
//! of many spellings; labels, verbalized confidences, the judge and the spans of confidences all ask here.
//!
//! A mark is one of
//!
//! | mark | spellings |
//! |---|---|
//! | a tag whose name is a word for reasoning | `<think>`, `</Thinking>`, `<seed:think>`, `[THINK]`, `◁think▷`, `<\|START_THINKING\|>`, `<\|end_of_thought\|>`, `<thinking effort="high">` |
//! | a tag of the channels of the harmony format | `<\|channel\|>analysis<\|message\|>`, `<\|end\|>`, `<\|start\|>assistant`, `<\|channel>thought`, `<channel\|>` |
//! | such channels where the special tokens were dropped | `analysisWe add ..`, `..assistantfinal18` |
//! | a sentence that announces them | `Here is my thought process:` at the start of a reply, `Here is my response:` |
//!
//! What stands outside of reasoning was said, and the last that was said is the answer. Text before a closing
//! mark is reasoning even where no mark opens it: then the opening one stood in the prompt.

mod channels;
mod marks;

use std::ops::Range;

use crate::view::fold;
use marks::{Effect, ReasoningMark, in_prompt, in_reply};

/// Where the answer of a reply stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerPart {
    /// Bytes of the reply that are the answer: all of a reply without marks of reasoning; otherwise what was
    /// said last, without white space around it. Empty if nothing was said.
    pub range: Range<usize>,
    /// Whether the reply ends within its reasoning, and nothing was said before it.
    pub reasoning_is_open: bool,
}

/// Finds the answer in a reply, in time proportional to its length. `starts_within` says that the prompt ended
/// within reasoning, so that the reply begins there; false where that is not known.
///
/// ```
/// use plimsoll_core::reasoning::answer_part;
/// assert_eq!(answer_part("<think>9 + 9</think>\n\n18", false).range, 22..24);
/// assert_eq!(answer_part("9 + 9</think>18", false).range, 13..15);
/// assert_eq!(answer_part("18", false).range, 0..2);
/// assert!(answer_part("[THINK]9 + 9 is", false).reasoning_is_open);
/// assert!(answer_part("9 + 9 is", true).reasoning_is_open);
/// ```
pub fn answer_part(reply: &str, starts_within: bool) -> AnswerPart {
    let marks = in_reply(reply, starts_within);
    if marks.is_empty() && !starts_within {
        return AnswerPart { range: 0..reply.len(), reasoning_is_open: false };
    }
    let (last_answer, is_open) = last_answer(reply, &marks, starts_within);
    match last_answer {
        Some(range) => AnswerPart { range, reasoning_is_open: false },
        None => AnswerPart { range: reply.len()..reply.len(), reasoning_is_open: is_open },
    }
}

/// The answer of a reply; see [`answer_part`].
///
/// ```
/// use plimsoll_core::reasoning::answer_text;
/// let harmony = "<|channel|>analysis<|message|>9 + 9.<|end|><|start|>assistant<|channel|>final<|message|>18";
/// assert_eq!(answer_text(harmony, false), "18");
/// assert_eq!(answer_text("analysisWe add 9 and 9.assistantfinal18", false), "18");
/// ```
pub fn answer_text(reply: &str, starts_within: bool) -> &str {
    &reply[answer_part(reply, starts_within).range]
}

/// Whether a prompt, as the model reads it, ends within reasoning: its last mark opens some, and nothing but
/// white space follows. A mark in the middle of a prompt is text that somebody quotes.
///
/// ```
/// use plimsoll_core::reasoning::ends_within;
/// assert!(ends_within("<|im_start|>assistant\n<think>\n"));
/// assert!(!ends_within("<|im_start|>assistant\n<think>\n\n</think>\n\n"));
/// assert!(!ends_within("What does <think> mean?<|im_end|>\n<|im_start|>assistant\n"));
/// ```
pub fn ends_within(prompt: &str) -> bool {
    in_prompt(prompt)
        .last()
        .is_some_and(|mark| mark.effect == Effect::Open && is_blank(&prompt[mark.range.end..]))
}

/// What a stretch of a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReplySection {
    Said,
    Reasoning,
    /// Between two messages, or after the last.
    Outside,
}

/// The last stretch that was said and holds something, trimmed; and whether the reply ends within reasoning.
fn last_answer(reply: &str, marks: &[ReasoningMark], starts_within: bool) -> (Option<Range<usize>>, bool) {
    let mut state = if starts_within { ReplySection::Reasoning } else { ReplySection::Said };
    let (mut found, mut from) = (None, 0);
    for mark in marks {
        // What a closing mark ends is reasoning, whether or not a mark opened it.
        if state == ReplySection::Said && mark.effect != Effect::Close {
            found = trimmed(reply, from..mark.range.start).or(found);
        }
        state = match (mark.effect, state) {
            (Effect::Open, _) => ReplySection::Reasoning,
            (Effect::Close, _) | (Effect::End, ReplySection::Reasoning) => ReplySection::Said,
            (Effect::End | Effect::Between, _) => ReplySection::Outside,
        };
        from = mark.range.end;
    }
    if state == ReplySection::Said {
        found = trimmed(reply, from..reply.len()).or(found);
    }
    (found, state == ReplySection::Reasoning)
}

/// A range without white space around it; `None` if that is all it holds.
fn trimmed(reply: &str, range: Range<usize>) -> Option<Range<usize>> {
    let text = reply.get(range.clone()).filter(|text| !is_blank(text))?;
    let start = range.start + (text.len() - text.trim_start().len());
    Some(start..start + text.trim().len())
}

/// Whether a text holds nothing but white space and invisible characters.
fn is_blank(text: &str) -> bool {
    text.chars().filter_map(fold).all(char::is_whitespace)
}

#[cfg(test)]
mod tests;
