//! Answers that are yes or no.

use std::ops::Range;

use crate::markup::{only_marks, skip_opening};
use crate::page::{AnswerReading, Extent, Location, Page};
use plimsoll_core::view::View;

/// Words for yes.
const YES: &[&str] = &[
    "yes",
    "true",
    "yeah",
    "yep",
    "yup",
    "correct",
    "affirmative",
    "oui",
    "sí",
    "si",
    "ja",
    "sim",
    "да",
    "是",
    "是的",
    "हाँ",
    "نعم",
];

/// Words for no.
const NO: &[&str] = &[
    "no",
    "false",
    "nope",
    "incorrect",
    "untrue",
    "non",
    "nein",
    "não",
    "нет",
    "不是",
    "否",
    "नहीं",
    "لا",
    "nah",
];

/// Words that turn the one after them around.
const NEGATIONS: &[&str] = &["not", "isn't", "never", "hardly"];

/// Words after a leading `no` that leave it an answer.
const AFTER_NO: &[&str] = &[
    "it", "he", "she", "they", "you", "we", "i", "that", "this", "there", "because", "since", "the", "not",
    "they're", "it's",
];

/// Reads a location as yes or no.
pub(crate) fn read(page: &Page<'_>, location: &Location) -> Option<AnswerReading> {
    let view = &page.view;
    let start = skip_opening(view, location.range.start, location.range.end);
    let (yes, range) = truth(view, start)?;
    let end = range.end;
    if end > location.range.end {
        return None;
    }
    let more_follows = !only_marks(view, end..location.range.end);
    if location.extent == Extent::Entire && more_follows {
        return None;
    }
    let direct = matches!(location.extent, Extent::Alone | Extent::Direct);
    if direct && more_follows && !is_sentence(view, end) {
        return None;
    }
    if location.extent == Extent::Open && view.word(start) == "no" && !stands(view, end) {
        return None;
    }
    if other_word(view, end, yes) {
        return Some(AnswerReading::unclear(start..location.range.end.min(end + 12)));
    }
    Some(AnswerReading::answer(if yes { "yes" } else { "no" }, range))
}

/// The truth value at a position, negations counted in, and its characters.
fn truth(view: &View<'_>, start: usize) -> Option<(bool, Range<usize>)> {
    let mut at = start;
    let mut turned = false;
    for _ in 0..2 {
        if NEGATIONS.contains(&view.word(at).as_str()) {
            turned = !turned;
            at = view.skip_spaces(view.word_end(at));
        }
    }
    let word = view.word(at);
    let end = view.word_end(at);
    let yes = YES.contains(&word.as_str());
    // "not a", "not necessarily": no truth value; "not" alone is none either.
    (yes || NO.contains(&word.as_str())).then_some((yes != turned, start..end))
}

/// Whether a `no` is an answer and not the start of `no one` or `no longer`.
fn stands(view: &View<'_>, end: usize) -> bool {
    view.at(end) != ' ' || {
        let next = view.skip_spaces(end);
        let word = view.word(next);
        word.is_empty() || AFTER_NO.contains(&word.as_str())
    }
}

/// Whether a mark that ends a statement follows.
fn is_sentence(view: &View<'_>, end: usize) -> bool {
    let marks = view.at(end) == '*' || view.at(end) == '"';
    let at = if marks { end + 1 } else { end };
    matches!(view.at(at), ',' | '.' | ';' | '!' | ':' | '\n' | '*')
}

/// `yes and no`, `true or false`, `Yes/No`.
fn other_word(view: &View<'_>, end: usize, yes: bool) -> bool {
    let joint = view.skip_spaces(end);
    let next = if view.at(joint) == '/' {
        view.skip_spaces(joint + 1)
    } else if view.has_word(joint, "and") || view.has_word(joint, "or") {
        view.skip_spaces(view.word_end(joint))
    } else {
        return false;
    };
    truth(view, next).is_some_and(|(other, _)| other != yes)
}

/// A truth value at the start of the text, with a mark or a clause after it.
pub(crate) fn leading(page: &Page<'_>) -> Vec<Location> {
    let view = &page.view;
    let whole = page.whole();
    let start = skip_opening(view, whole.start, whole.end);
    let Some((_, range)) = truth(view, start) else { return Vec::new() };
    let word = view.word(start);
    // "correct" and "true" begin many sentences that are no answer.
    let firm = matches!(word.as_str(), "yes" | "no" | "yeah" | "nope" | "yep");
    let fits = if firm { word != "no" || stands(view, range.end) } else { is_sentence(view, range.end) };
    if fits { vec![Location { range: start..whole.end, extent: Extent::Open }] } else { Vec::new() }
}

/// The last word of the text if it is a truth value: `So the statement is false.`
pub(crate) fn closing(page: &Page<'_>) -> Vec<Location> {
    let view = &page.view;
    let Some(line) = view.last_line() else { return Vec::new() };
    let mut end = line.end;
    while end > line.start && !view.before(end).is_alphanumeric() {
        end -= 1;
    }
    let mut start = end;
    while start > line.start && (view.before(start).is_alphanumeric() || view.before(start) == '\'') {
        start -= 1;
    }
    if truth(view, start).is_none() {
        return Vec::new();
    }
    // A negation in front belongs to it.
    let mut before = start;
    while before > line.start && view.before(before) == ' ' {
        before -= 1;
    }
    let mut previous = before;
    while previous > line.start && (view.before(previous).is_alphabetic() || view.before(previous) == '\'') {
        previous -= 1;
    }
    if previous < before && NEGATIONS.contains(&view.word(previous).as_str()) {
        start = previous;
    }
    vec![Location { range: start..line.end, extent: Extent::Alone }]
}

/// Every `yes`, `no`, `true` or `false` that stands as a word of its own.
pub(crate) fn words(page: &Page<'_>) -> Vec<Location> {
    let view = &page.view;
    let mut locations = Vec::new();
    let mut at = 0;
    while at < view.len() {
        if !view.starts_word(at) {
            at += 1;
            continue;
        }
        let word = view.word(at);
        let firm = matches!(word.as_str(), "yes" | "true" | "false" | "not")
            || (word == "no" && stands(view, view.word_end(at)));
        match truth(view, at).filter(|_| firm) {
            Some((_, range)) => {
                at = range.end;
                locations.push(Location { range, extent: Extent::Alone });
            }
            None => at = view.word_end(at),
        }
    }
    locations
}
