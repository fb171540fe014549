//! An answer made ready for the rules, and what a rule hands to the reader of an answer kind.

use std::ops::Range;

use plimsoll_core::question::Question;

use crate::choice::options::ChoiceOptions;
use crate::cue::Cue;
use crate::number::scan::NumberToken;
use plimsoll_core::view::View;

/// Where a rule says that the answer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    /// Characters of the answer; of an open location only the start is binding.
    pub(crate) range: Range<usize>,
    /// How much of the range is the answer.
    pub(crate) extent: Extent,
}

/// How much of a location is the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The answer begins here; other text may follow.
    Open,
    /// The answer begins here, directly, and ends with the line but for a unit.
    Direct,
    /// The range was set apart for the answer (a box): all of it is the answer.
    Filled,
    /// The range is an answer only if nothing else stands in it, but for a clause after a label.
    Alone,
    /// The range is nothing but the answer.
    Entire,
}

/// What a reader makes of a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AnswerReading {
    pub(crate) says: Statement,
    /// Characters that say it.
    pub(crate) range: Range<usize>,
}

/// What a location says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Statement {
    /// An answer in the form of `Question::gold`.
    Answer(String),
    /// Several answers at once, or none that can be determined.
    Unclear,
    /// A choice that the question does not have.
    Outside,
}

impl AnswerReading {
    pub(crate) fn answer(text: impl Into<String>, range: Range<usize>) -> Self {
        Self { says: Statement::Answer(text.into()), range }
    }

    /// Several answers at once.
    pub(crate) fn unclear(range: Range<usize>) -> Self {
        Self { says: Statement::Unclear, range }
    }
}

/// An answer with what several rules look at.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) question: &'a Question,
    pub(crate) view: View<'a>,
    /// The phrases that announce an answer.
    pub(crate) cues: Vec<Cue>,
    /// Every number in the text; of a question for a number only.
    pub(crate) numbers: Vec<NumberToken>,
    /// The choices as they are compared.
    pub(crate) options: ChoiceOptions,
}

impl Page<'_> {
    /// All of the text, trimmed.
    pub(crate) fn whole(&self) -> Range<usize> {
        self.view.trim(0..self.view.len())
    }
}
