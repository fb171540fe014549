//! The page of a question's answer, and the readers of its kind.

use plimsoll_core::question::{AnswerKind, Question};
use plimsoll_core::view::View;

use crate::choice::options::ChoiceOptions;
use crate::page::{AnswerReading, Location, Page};
use crate::{boolean, choice, cue, number, span};

/// Makes ready what the rules share.
pub(crate) fn page<'a>(question: &'a Question, view: View<'a>) -> Page<'a> {
    let cues = cue::cues(&view);
    let numbers = if question.answer_kind == AnswerKind::Number { number::tokens(&view) } else { Vec::new() };
    let options = ChoiceOptions::new(&question.choices);
    Page { question, view, cues, numbers, options }
}

/// Reads a location as the question's answer kind.
pub(crate) fn read(page: &Page<'_>, location: &Location) -> Option<AnswerReading> {
    match page.question.answer_kind {
        AnswerKind::Choice => choice::read(page, location),
        AnswerKind::Number => number::read(page, location),
        AnswerKind::Boolean => boolean::read(page, location),
        AnswerKind::Span => span::read(page, location),
    }
}
