//! Which part of a reply is the answer: without reasoning, role headers, what a base model went on to write,
//! and stated confidences.

use std::ops::Range;

use plimsoll_core::Reply;
use plimsoll_core::question::Question;
use plimsoll_core::reply::{own_turn, run_on};
use plimsoll_core::stated::{ReplyTask, stated};
use plimsoll_core::view::{View, fold};

/// The bytes of the answer, and those up to the first invented question if there is one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AnswerBody {
    /// All of the answer.
    pub(crate) all: Range<usize>,
    /// Its part before the model ran on.
    pub(crate) before_run_on: Option<Range<usize>>,
    /// Whether the reply holds reasoning, and so was not left empty.
    pub(crate) has_reasoning: bool,
    /// Whether the answer may have gone on where the reply was cut.
    pub(crate) is_cut: bool,
}

/// Finds the answer in a reply.
pub(crate) fn body(reply: &Reply<'_>, question: &Question) -> AnswerBody {
    let part = reply.answer_part();
    let answer = &reply.text[part.range.clone()];
    let turn = own_turn(answer);
    let all = part.range.start + turn.start..part.range.start + turn.end;
    let asked = [question.question.as_str(), question.context.as_deref().unwrap_or_default()];
    let run_on = run_on(&answer[turn], &asked).map(|at| all.start..all.start + at);
    AnswerBody {
        // Reasoning that comes after an answer, or the end of its turn, leaves it whole.
        is_cut: reply.is_cut() && (part.reasoning_is_open || all.end == reply.text.len()),
        has_reasoning: part.range != (0..reply.text.len()),
        before_run_on: run_on,
        all,
    }
}

/// Blanks out stated confidences and the calculator notes of GSM8K, so that no rule takes their
/// numbers for the answer.
pub(crate) fn mask(view: &mut View<'_>, question: &Question) {
    let asked = ReplyTask { answer: Some(question.answer_kind), question: &question.question };
    let mut masked: Vec<Range<usize>> = stated(view, asked).into_iter().map(|stated| stated.range).collect();
    let notes = (0..view.len()).filter(|at| view.at(*at) == '<' && view.has(*at, "<<"));
    masked.extend(notes.filter_map(|at| calculator_note(view, at)));
    for range in masked {
        view.mask(range, ' ');
    }
}

/// `<<3+9=12>>`.
fn calculator_note(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    let end = (at + 2..at + 200).find(|at| matches!(view.at(*at), '<' | '\n') || view.has(*at, ">>"))?;
    view.has(end, ">>").then_some(at..end + 2)
}

impl AnswerBody {
    /// Whether nothing is there to read.
    pub(crate) fn is_empty(&self, text: &str) -> bool {
        text[self.all.clone()].chars().filter_map(fold).all(char::is_whitespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::span_question;

    fn read(text: &str) -> AnswerBody {
        body(&Reply::cut(text), &span_question("What?", &["B"]))
    }

    #[test]
    fn reasoning_headers_and_turn_ends_go() {
        let all = |text: &'static str| &text[read(text).all];
        assert_eq!(all("<think>maybe A</think>\n\nB"), "B");
        assert_eq!(all("maybe A</think>B"), "B");
        assert_eq!(all("<think>maybe A"), "");
        assert_eq!(all("assistant\n\nParis\n0.9"), "Paris\n0.9");
        assert_eq!(all("[THINK]A[/THINK]assistant\nB<|eot_id|>junk"), "B");
    }

    #[test]
    fn a_run_on_is_cut_only_after_something() {
        assert_eq!(read("B\n\nQuestion: what next?\nAnswer: C").before_run_on, Some(0..2));
        assert_eq!(read("<think>A</think>B\n\nProblem: why?").before_run_on, Some(16..18));
        assert_eq!(read("\nQuestion: which one?\nAnswer: C").before_run_on, None);
    }

    #[test]
    fn an_answer_that_ended_is_not_cut_by_what_comes_after_it() {
        for (text, is_cut) in [
            ("The answer is 12", true),
            ("<think>12</think>The answer is 12", true),
            ("<think>The answer is 12", true),
            ("The answer is 12 <think>or", false),
            ("12<|im_end|>junk", false),
        ] {
            assert_eq!(read(text).is_cut, is_cut, "{text}");
        }
    }
}
