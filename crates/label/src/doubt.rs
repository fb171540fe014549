//! What a text that was cut goes on to question. Nobody knows how it would have ended, so what it said before is
//! no answer.

use std::ops::Range;

use plimsoll_core::question::AnswerKind;
use plimsoll_core::view::View;

use crate::page::Page;

/// Words with which a sentence begins to question what was said, alone.
const DOUBTS: &[&str] =
    &["wait", "hmm", "hm", "hmmm", "actually", "alternatively", "oops", "sorry", "correction", "nope"];

/// The same, where numbers are computed. Beside other answers these words weigh alternatives.
const CONTRASTS: &[&str] = &["but", "however", "although", "yet"];

/// Words that may come before.
const INTERJECTIONS: &[&str] =
    &["oh", "ah", "okay", "ok", "so", "and", "then", "well", "uh", "um", "but", "no", "now", "or", "just"];

/// Beginnings of a plan.
const PLANS: &[&str] = &[
    "let me",
    "let's",
    "let us",
    "i should",
    "i need",
    "i'll",
    "i will",
    "i want",
    "i must",
    "i have to",
    "should i",
    "we should",
    "we need",
    "to be sure",
    "to double",
];

/// Words of a plan to look at what was said once more.
const REVIEWS: &[&str] = &[
    "check",
    "recheck",
    "double",
    "verify",
    "reconsider",
    "review",
    "reread",
    "re",
    "rethink",
    "revisit",
    "over",
    "back",
    "again",
    "confirm",
    "sure",
    "redo",
    "recompute",
    "recalculate",
    "reevaluate",
    "rework",
    "recount",
    "test",
];

/// Questions about what was said.
const QUESTIONS: &[&str] = &[
    "is that",
    "is this",
    "is it",
    "or is",
    "or was",
    "or should",
    "or maybe",
    "does that",
    "does this",
    "did i",
    "have i",
    "am i",
    "are we",
    "what if",
    "hold on",
    "not so",
];

/// Words that make the statement of their sentence a guess.
const HEDGES: &[&str] = &["maybe", "perhaps", "possibly", "suppose", "supposing"];

/// Words of a sentence that are looked at.
const MAX_WORDS: usize = 9;

/// Characters of a sentence that are looked at on either side of a statement.
const MAX_SENTENCE: usize = 300;

/// How far a cut text calls into question what it says.
#[derive(Debug)]
pub(crate) struct Doubts<'p> {
    view: &'p View<'p>,
    /// Everything that ends before this position is in doubt.
    until: usize,
}

impl<'p> Doubts<'p> {
    /// The doubts of a text that was cut.
    pub(crate) fn new(page: &'p Page<'p>) -> Self {
        let view = &page.view;
        let computes = page.question.answer_kind == AnswerKind::Number;
        let mut until = 0;
        let mut begins = true;
        for at in 0..view.len() {
            if view.starts_word(at) {
                if (begins || interrupts(view, at)) && doubts(view, at, computes) {
                    until = at;
                }
                begins = false;
            }
            begins |= view.ends_sentence(at) || matches!(view.at(at), '\u{2026}' | '\u{2014}');
        }
        Self { view, until }
    }

    /// Takes statements into account: one that is a question or a guess itself puts what was said before
    /// into doubt, too.
    pub(crate) fn extend<'r>(&mut self, statements: impl Iterator<Item = &'r Range<usize>>) {
        let open = statements.filter(|range| is_open(self.view, range)).map(|range| range.end);
        self.until = open.fold(self.until, usize::max);
    }

    /// Whether a statement is in doubt.
    pub(crate) fn contain(&self, statement: &Range<usize>) -> bool {
        statement.end <= self.until
    }
}

/// Whether a word is one that breaks into a sentence: `so 12, hmm`, `12 - wait, no`.
fn interrupts(view: &View<'_>, at: usize) -> bool {
    let first = view.at(at).to_ascii_lowercase();
    let before = at.checked_sub(2).map_or('\n', |mark| view.at(mark));
    (first == 'h' && view.has(at, "hm"))
        || (first == 'w' && view.has_word(at, "wait") && matches!(before, ',' | '-'))
}

/// Whether a sentence that begins at a word questions what was said before it.
fn doubts(view: &View<'_>, start: usize, computes: bool) -> bool {
    let mut words: Vec<String> = Vec::with_capacity(MAX_WORDS);
    let (mut at, mut marks) = (start, 0);
    while words.len() < MAX_WORDS && marks < MAX_SENTENCE {
        if view.starts_word(at) {
            words.push(view.word(at));
            at = view.word_end(at).max(at + 1);
        } else if view.ends_sentence(at) {
            break;
        } else {
            (at, marks) = (at + 1, marks + 1);
        }
    }
    let says = |list: &[&str], word: Option<&String>| word.is_some_and(|word| list.contains(&word.as_str()));
    // `No, ..` and `But ..` are said by their first word.
    let denies = says(&["no"], words.first()) && !view.at(view.word_end(start)).is_whitespace();
    if denies || (computes && says(CONTRASTS, words.first())) {
        return true;
    }
    let skipped = words.iter().take_while(|word| INTERJECTIONS.contains(&word.as_str())).count();
    let starts = |list: &[&str], words: &[String]| {
        let text = words.join(" ");
        list.iter().any(|known| {
            text.strip_prefix(known).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
    };
    let rest = &words[skipped..];
    let reviews = || rest.iter().skip(1).any(|word| REVIEWS.contains(&word.as_str()));
    says(DOUBTS, rest.first())
        || starts(QUESTIONS, &words)
        || starts(QUESTIONS, rest)
        || (starts(PLANS, rest) && reviews())
}

/// Whether the sentence of a statement asks, or guesses.
fn is_open(view: &View<'_>, statement: &Range<usize>) -> bool {
    let end =
        (statement.end..view.len().min(statement.end + MAX_SENTENCE)).find(|at| view.ends_sentence(*at));
    let asks = end.is_some_and(|end| view.at(end) == '?');
    let floor = statement.start.saturating_sub(MAX_SENTENCE);
    let start = (floor..statement.start).rev().find(|at| view.ends_sentence(*at)).map_or(floor, |at| at + 1);
    let guesses = (start..statement.start)
        .filter(|at| view.starts_word(*at))
        .any(|at| HEDGES.contains(&view.word(at).as_str()));
    asks || guesses
}
