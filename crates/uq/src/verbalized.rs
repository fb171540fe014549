//! A confidence that a model wrote: strict reading, or a named reason why there is none.
//!
//! What is a probability is read: a number from 0 to 1, a percentage that says so, a share of a whole
//! ("8/10", "9 out of 10"). Everything else is missing, since a wrong guess here becomes a wrong
//! threshold: "85" without a percent sign is out of range, "0.7 or 0.8" is several numbers, "above 0.9"
//! is a bound, "high" is no number. Numbers outside [0, 1] are never clamped.
//!
//! The number is looked for in the answer of a reply, without the reasoning before it and without what a base
//! model went on to write. Where it may stand depends on what was asked ([`ReplyTask`]). Where an answer and a
//! confidence were, it is what [`stated()`] recognises: after a label (`Confidence: 0.8`), before `sure`, or
//! alone below the answer; the last of the plainest form counts. Where nothing but a confidence was asked for,
//! a number without any label will do too, if it is the only one that can be meant.

mod number;
mod text;

use plimsoll_core::Reply;
pub use plimsoll_core::missing::VerbalizedProblem;
use plimsoll_core::reply::{own_turn, run_on};
use plimsoll_core::stated::{ReplyTask, stated};
use plimsoll_core::view::View;
use plimsoll_router::Confidence;

/// Characters of a reply that are read. A confidence stands at its end.
const MAX_CHARACTERS: usize = 64 * 1024;

/// Reads the confidence that a reply states.
///
/// # Errors
/// [`VerbalizedProblem`] says why it states none.
///
/// ```
/// use plimsoll_core::stated::ReplyTask;
/// use plimsoll_core::{AnswerKind, Reply};
/// use plimsoll_uq::verbalized::{VerbalizedProblem, read};
/// let both = ReplyTask { answer: Some(AnswerKind::Choice), question: "Which?" };
/// assert_eq!(read(&Reply::complete("Answer: B, Confidence: 85%"), both).unwrap().get(), 0.85);
/// assert_eq!(read(&Reply::complete("Answer: 12"), both), Err(VerbalizedProblem::NoLine));
/// let only = |text| read(&Reply::complete(text), ReplyTask::CONFIDENCE);
/// assert_eq!(only("<think>Is it 0.5?</think>\n\nI am 90 % sure.").unwrap().get(), 0.9);
/// assert_eq!(only("85"), Err(VerbalizedProblem::OutOfRange));
/// ```
pub fn read(reply: &Reply<'_>, asked: ReplyTask<'_>) -> Result<Confidence, VerbalizedProblem> {
    let part = reply.answer_part();
    if part.reasoning_is_open {
        return Err(VerbalizedProblem::StillReasoning);
    }
    let answer = &reply.text[part.range];
    let turn = &answer[own_turn(answer)];
    let turn = run_on(turn, &[asked.question]).map_or(turn, |at| &turn[..at]);
    let start = turn.char_indices().rev().nth(MAX_CHARACTERS - 1).map_or(0, |(index, _)| index);
    let view = View::new(turn, start..turn.len());
    if view.trim(0..view.len()).is_empty() {
        return Err(VerbalizedProblem::Empty);
    }
    let found = stated(&view, asked);
    // The plainest form, and the last that has it: a model that corrects itself means its correction.
    match (found.iter().rev().min_by_key(|stated| stated.form), asked.answer) {
        (Some(stated), _) => number::only(&text::plain(&view.string(stated.value.clone()))),
        (None, Some(_)) => Err(VerbalizedProblem::NoLine),
        (None, None) => number::only(&text::plain(&view.string(0..view.len()))),
    }
}

#[cfg(test)]
mod tests;
