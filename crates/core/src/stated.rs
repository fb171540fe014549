//! Confidences that a text states: `Confidence: 0.9`, `90 % sure`, a bare `0.9` below an answer. Those who look
//! for the answer leave them out and those who look for the confidence read them, by this one recogniser.

mod bare;
mod labelled;

use std::ops::Range;

use crate::question::AnswerKind;
use crate::view::View;
use bare::{ending, second_line, sure};
use labelled::{after_verb, begins_line, begins_number, label_end, labelled, with_value};

/// A confidence that a text states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// Characters of the whole statement: its label, if it has one, and its value.
    pub range: Range<usize>,
    /// Characters in which the value stands, with what is remarked on it; empty if none does.
    pub value: Range<usize>,
    /// How it is stated.
    pub form: StatedForm,
}

/// How a confidence is stated, the plainest form first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatedForm {
    /// `Confidence: 0.9`, `my confidence is 0.9`, `<confidence>0.9</confidence>`.
    Labelled,
    /// `90 % sure`.
    Sure,
    /// `Probability: 0.9` on a line of its own, in a reply that does not reason about probabilities.
    Probability,
    /// A number in [0, 1] or a percentage after the answer, without a word: on the second line, or at the end.
    Bare,
}

/// What a reply was asked for, as far as it decides what is a confidence in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyTask<'q> {
    /// What kind of answer; `None` if a confidence was asked for and nothing else.
    pub answer: Option<AnswerKind>,
    /// The question: where it speaks of chances a probability may be the answer. Empty if there is none.
    pub question: &'q str,
}

impl ReplyTask<'_> {
    /// A confidence and nothing else.
    pub const CONFIDENCE: ReplyTask<'static> = ReplyTask { answer: None, question: "" };
}

/// Whether a question speaks of chances.
///
/// ```
/// use plimsoll_core::stated::is_about_chance;
/// assert!(is_about_chance("What is the probability of two heads?"));
/// assert!(!is_about_chance("How many jars?"));
/// ```
pub fn is_about_chance(question: &str) -> bool {
    let text = question.to_lowercase();
    CHANCES.iter().any(|word| text.contains(word))
}

/// Beginnings of words that speak of chances.
const CHANCES: &[&str] = &["probab", "likel", "chance", "confidence", "certain"];

/// Words of a label.
const LABELS: &[&str] = &["confidence", "certainty"];

/// Words of a reply that reasons about probabilities.
const OF_CHANCE: &[&str] = &["probability", "probabilities", "likelihood", "chance", "chances"];

/// Words of a label that may belong to the solution of a question too.
const PROBABILITIES: &[&str] = &["probability", "likelihood"];

/// Words after a percentage that make it a confidence.
const SURE: &[&str] = &["sure", "confident", "certain"];

/// Every confidence that a text states, in order, a bare one last.
pub fn stated(view: &View<'_>, asked: ReplyTask<'_>) -> Vec<Stated> {
    let mut found: Vec<Stated> = Vec::new();
    let is_about_chance = is_about_chance(asked.question);
    let mut scan = Scan {
        answer: asked.answer,
        is_about_chance,
        is_later: asked.answer.is_none(),
        speaks_of_chance: is_about_chance,
    };
    for at in view.skip_white(0)..view.len() {
        if found.last().is_some_and(|last| at < last.range.end) {
            continue;
        }
        if view.starts_word(at) && "cCpPlLsS".contains(view.at(at)) {
            found.extend(scan.statement(view, at));
        }
        scan.is_later |= view.ends_sentence(at);
    }
    if let Some(kind) = asked.answer {
        found.extend(second_line(view, kind));
        if kind != AnswerKind::Number {
            found.extend(ending(view));
        }
    }
    found
}

/// What is known of a text up to a position.
#[derive(Debug)]
struct Scan {
    answer: Option<AnswerKind>,
    /// Whether the question speaks of chances.
    is_about_chance: bool,
    /// Whether something was said before: a line or a sentence, which may be the answer.
    is_later: bool,
    /// Whether the reply reasons about probabilities.
    speaks_of_chance: bool,
}

impl Scan {
    /// The statement that the word at a position makes.
    fn statement(&mut self, view: &View<'_>, at: usize) -> Option<Stated> {
        let word = view.word(at);
        let word = word.as_str();
        let is_label = LABELS.contains(&word);
        let may_be_sure = (is_label || SURE.contains(&word)) && !self.is_about_chance;
        if let Some(sure) = Some(at).filter(|_| may_be_sure).and_then(|at| sure(view, at)) {
            return Some(sure);
        }
        if is_label {
            return labelled(view, at);
        }
        let fits = PROBABILITIES.contains(&word) && !self.speaks_of_chance && self.is_later;
        let hit = if fits { self.probability(view, at) } else { None };
        self.speaks_of_chance |= hit.is_none() && OF_CHANCE.contains(&word);
        hit
    }

    /// `Probability: 0.9` at the start of a line, or `the probability is 0.9`.
    fn probability(&self, view: &View<'_>, at: usize) -> Option<Stated> {
        let mark = view.skip_closing(label_end(view, at));
        let from = if matches!(view.at(mark), ':' | '=') {
            let fits = self.answer.is_none() || begins_line(view, at);
            Some(mark + 1).filter(|from| fits && begins_number(view, view.skip_closing(*from)))
        } else {
            after_verb(view, mark)
        };
        from.map(|from| with_value(view, at, from, StatedForm::Probability))
    }
}

#[cfg(test)]
mod tests;
