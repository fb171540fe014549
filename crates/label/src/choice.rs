//! Answers that are one of several labelled choices.

pub(crate) mod locations;
pub(crate) mod options;

use std::ops::Range;

use crate::markup::{only_marks, skip_opening};
use crate::number::scan::number;
use crate::page::{AnswerReading, Extent, Location, Page, Statement};
use plimsoll_core::view::View;

/// Words that may stand in front of a label.
const BEFORE_LABEL: &[&str] =
    &["option", "choice", "letter", "answer", "number", "ending", "statement", "completion", "alternative"];

/// Words that may follow a bare `A` or `I` when it is a label; before any other word these two are
/// English words.
const AFTER_LABEL: &[&str] = &[
    "because", "since", "as", "and", "or", "is", "which", "due", "given", "for", "not", "but", "based",
    "with", "if", "so", "would",
];

/// Reads a location as a choice.
pub(crate) fn read(page: &Page<'_>, location: &Location) -> Option<AnswerReading> {
    let view = &page.view;
    let end = location.range.end;
    let start = skip_words(view, location.range.start, end);
    if let Some(several) = several(page, location, start) {
        return Some(several);
    }
    let label = label_at(page, start, location.extent).filter(|label| label.end <= end);
    let text = page.options.text(view, start).filter(|hit| hit.range.end <= end);
    // A text that merely begins like a label ("C major") is longer than the label.
    if let Some(hit) = text.filter(|hit| label.as_ref().is_none_or(|label| hit.range.end > label.end)) {
        return finish_text(page, location, &hit);
    }
    match label {
        Some(label) => finish_label(page, location, &label),
        None => by_value(page, location, start),
    }
}

/// Skips marks and words such as `option` in front of a label.
fn skip_words(view: &View<'_>, start: usize, end: usize) -> usize {
    let mut at = skip_opening(view, start, end);
    for _ in 0..3 {
        let word = view.word(at);
        if word != "the" && !BEFORE_LABEL.contains(&word.as_str()) {
            break;
        }
        let next = skip_opening(view, view.word_end(at), end);
        let next = if view.at(next) == ':' { skip_opening(view, next + 1, end) } else { next };
        if word == "the" && !BEFORE_LABEL.contains(&view.word(next).as_str()) {
            break;
        }
        at = next;
    }
    at
}

/// `both A and B`, `either (A) or (B)`: several labels at once.
fn several(page: &Page<'_>, location: &Location, start: usize) -> Option<AnswerReading> {
    let view = &page.view;
    if !view.has_word(start, "both") && !view.has_word(start, "either") {
        return None;
    }
    let first = skip_words(view, view.word_end(start), location.range.end);
    let label = label_at(page, first, location.extent)?;
    let other = joined(page, label.end, location.range.end).filter(|other| other.choice != label.choice)?;
    Some(AnswerReading::unclear(start..other.end))
}

/// A label at a position.
#[derive(Debug)]
struct OptionLabel {
    /// The choice, or `None` for a letter that no choice has.
    choice: Option<usize>,
    start: usize,
    end: usize,
}

/// The label at a position, if what stands there is one and no word.
fn label_at(page: &Page<'_>, at: usize, extent: Extent) -> Option<OptionLabel> {
    let view = &page.view;
    if let Some((choice, end)) = page.options.label(view, at) {
        return is_label(view, at, end, extent).then_some(OptionLabel {
            choice: Some(choice),
            start: at,
            end,
        });
    }
    let c = view.at(at);
    let end = at + 1;
    let single = c.is_ascii_alphabetic() && !view.at(end).is_alphanumeric() && view.at(end) != '\'';
    let bracketed = matches!(view.before(at), '(' | '[') && matches!(view.at(end), ')' | ']');
    let upper = c.is_ascii_uppercase() && is_label(view, at, end, extent);
    let variable = matches!(view.at(view.skip_spaces(end)), '=' | '+' | '^' | '_' | '-' | '>' | '<');
    let outside = single && page.options.have_letters() && (bracketed || upper) && !variable;
    outside.then_some(OptionLabel { choice: None, start: at, end })
}

/// Whether the characters of a label stand as one, and not as a word of a sentence.
fn is_label(view: &View<'_>, start: usize, end: usize, extent: Extent) -> bool {
    let c = view.at(start);
    if end > start + 1 || !c.is_ascii_alphabetic() {
        return true;
    }
    let delimited = matches!(
        view.at(end),
        ')' | ']' | ':' | '*' | '}' | '"' | '`' | '$' | '\n' | '<' | ',' | ';' | '/' | '|' | '\\'
    ) || (matches!(view.at(end), '.' | '!' | '?') && !view.at(end + 1).is_alphanumeric());
    let bracketed = matches!(view.before(start), '(' | '[' | '{' | '*' | '"' | '\'' | '`' | '>');
    if delimited {
        return c.is_ascii_uppercase()
            || bracketed
            || extent != Extent::Open && extent != Extent::Direct
            || lower_stands(view, start, end);
    }
    let next = view.skip_spaces(end);
    let word = view.word(next);
    let english = matches!(c, 'A' | 'a' | 'I' | 'i');
    match view.at(next) {
        _ if english && !word.is_empty() => AFTER_LABEL.contains(&word.as_str()),
        _ if extent != Extent::Open && extent != Extent::Direct => true,
        _ => c.is_ascii_uppercase() || !english,
    }
}

/// Whether a lower-case letter stands as a label: `b.`, `b)`, or at the end of its line.
fn lower_stands(view: &View<'_>, start: usize, end: usize) -> bool {
    !matches!(view.at(start), 'a' | 'i') || matches!(view.at(end), ')' | ']' | '.' | '\n' | ':')
}

/// The reading of a label with what follows it.
fn finish_label(page: &Page<'_>, location: &Location, label: &OptionLabel) -> Option<AnswerReading> {
    let view = &page.view;
    let range = label.start..label.end;
    let Some(choice) = label.choice else {
        let rest = only_marks(view, label.end..location.range.end);
        return (!matches!(location.extent, Extent::Alone | Extent::Entire) || rest)
            .then_some(AnswerReading { says: Statement::Outside, range });
    };
    let (text_start, marked) = skip_separator(view, label.end, location.range.end);
    let text = page.options.text(view, text_start).filter(|hit| hit.range.end <= location.range.end);
    let own = text.as_ref().is_some_and(|hit| hit.choices.contains(&choice));
    let foreign = text.as_ref().filter(|hit| !own && marked && ends_statement(view, hit.range.end));
    if let Some(hit) = foreign {
        return Some(AnswerReading::unclear(label.start..hit.range.end));
    }
    let end = text.filter(|_| own).map_or(label.end, |hit| hit.range.end);
    let other = joined(page, end, location.range.end).filter(|other| other.choice != Some(choice));
    if let Some(other) = other {
        return Some(AnswerReading::unclear(label.start..other.end));
    }
    let more_follows = !only_marks(view, end..location.range.end);
    if more_follows && (location.extent == Extent::Entire || location.extent == Extent::Alone && !marked) {
        return None;
    }
    Some(AnswerReading::answer(page.question.choices[choice].label.clone(), range))
}

/// Skips what stands between a label and its text; whether a mark does.
fn skip_separator(view: &View<'_>, label_end: usize, end: usize) -> (usize, bool) {
    let mut at = label_end;
    let mut marked = false;
    while at < end && at < label_end + 12 {
        match view.at(at) {
            ')' | ']' | '.' | ':' | '-' | ',' | '\u{2014}' => marked = true,
            ' ' | '*' | '"' | '_' | '(' | '}' | '$' | '\'' | '`' => {}
            _ => break,
        }
        at += 1;
    }
    (at, marked)
}

/// Whether a statement may end at a position.
fn ends_statement(view: &View<'_>, at: usize) -> bool {
    matches!(view.at(at), '\n' | '.' | '*' | ')' | '"' | '}' | ',' | ';') || at >= view.len()
}

/// Another label joined by `or`, `and`, `,`, `/` or `&`.
fn joined(page: &Page<'_>, end: usize, limit: usize) -> Option<OptionLabel> {
    let view = &page.view;
    let mut at = end;
    let mut joint = false;
    for _ in 0..10 {
        match view.at(at) {
            ',' | '/' | '&' | '|' | '+' => (joint, at) = (true, at + 1),
            ' ' | '*' | ')' | ']' | '"' | '(' | '[' | '}' | '$' => at += 1,
            _ if view.has_word(at, "or") || view.has_word(at, "and") => {
                (joint, at) = (true, view.word_end(at));
            }
            _ if view.has_word(at, "option") || view.has_word(at, "both") || view.has_word(at, "either") => {
                at = view.word_end(at);
            }
            _ => break,
        }
    }
    if !joint || at >= limit {
        return None;
    }
    let upper = view.at(at).is_ascii_uppercase()
        || matches!(view.before(at), '(' | '[')
        || !view.at(at).is_alphabetic();
    label_at(page, at, Extent::Open).filter(|label| upper && label.choice.is_some())
}

/// The reading of an option's text.
fn finish_text(page: &Page<'_>, location: &Location, hit: &options::Match) -> Option<AnswerReading> {
    let view = &page.view;
    let rest = hit.range.end..location.range.end;
    let complete = match location.extent {
        Extent::Alone | Extent::Filled | Extent::Entire => {
            only_marks(view, rest.clone()) || closing_label(page, rest, hit)
        }
        _ => true,
    };
    if !complete {
        return None;
    }
    match hit.choices.as_slice() {
        [only] => Some(AnswerReading::answer(page.question.choices[*only].label.clone(), hit.range.clone())),
        _ => Some(AnswerReading::unclear(hit.range.clone())),
    }
}

/// Whether only the text's own label follows it: `Paris (B)`.
fn closing_label(page: &Page<'_>, rest: Range<usize>, hit: &options::Match) -> bool {
    let at = skip_opening(&page.view, rest.start, rest.end);
    page.options
        .label(&page.view, at)
        .is_some_and(|(choice, end)| hit.choices.contains(&choice) && only_marks(&page.view, end..rest.end))
}

/// The choice of the number that stands at a position, where the choices are numbers.
fn by_value(page: &Page<'_>, location: &Location, start: usize) -> Option<AnswerReading> {
    let view = &page.view;
    if !page.options.are_numbers() {
        return None;
    }
    let from = if view.at(start) == '$' || !plimsoll_core::view::is_currency(view.before(start)) {
        start
    } else {
        start - 1
    };
    let token = number(view, from)?;
    let value = token.value.clone()?;
    let next = view.skip_spaces(token.range.end);
    let stands =
        ends_statement(view, next) || view.at(next).is_alphabetic() && location.extent == Extent::Open;
    if !stands
        || (matches!(location.extent, Extent::Alone | Extent::Entire)
            && !only_marks(view, token.range.end..location.range.end))
    {
        return None;
    }
    match page.options.with_value(&value).as_slice() {
        [only] => Some(AnswerReading::answer(page.question.choices[*only].label.clone(), token.range)),
        [] if ends_statement(view, next) => {
            Some(AnswerReading { says: Statement::Outside, range: token.range })
        }
        [] => None,
        _ => Some(AnswerReading::unclear(token.range)),
    }
}
