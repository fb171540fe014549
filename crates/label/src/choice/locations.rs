//! Where a label stands that nothing announces.

use std::ops::Range;

use super::{skip_separator, skip_words};
use crate::markup::skip_opening;
use crate::page::{Extent, Location, Page};
use plimsoll_core::view::View;

/// Labels that stand as such anywhere: `(B)`, `option B`.
pub(crate) fn marked_labels(page: &Page<'_>) -> Vec<Location> {
    let view = &page.view;
    let mut locations = Vec::new();
    for at in 0..view.len() {
        let open = matches!(view.at(at), '(' | '[');
        let word = matches!(view.at(at), 'o' | 'O' | 'c' | 'C') && view.starts_word(at);
        let start = if open {
            at + 1
        } else if word && (view.has_word(at, "option") || view.has_word(at, "choice")) {
            skip_opening(view, view.word_end(at), view.word_end(at) + 6)
        } else {
            continue;
        };
        let Some((_, end)) = page.options.label(view, start) else { continue };
        let closed = matches!(view.at(end), ')' | ']');
        let named = !open && (view.at(start).is_ascii_uppercase() || !view.at(start).is_alphabetic());
        if (open && closed) || named {
            locations.push(Location { range: start..end, extent: Extent::Alone });
        }
    }
    locations
}

/// `B is correct`, `(B) is the best answer`.
pub(crate) fn called_correct(page: &Page<'_>) -> Vec<Location> {
    let view = &page.view;
    let mut locations = Vec::new();
    for at in 0..view.len() {
        if !view.starts_word(at)
            || !(view.at(at).is_ascii_uppercase() || !view.at(at).is_alphabetic() || view.before(at) == '(')
        {
            continue;
        }
        let Some((_, end)) = page.options.label(view, at) else { continue };
        let (text, _) = skip_separator(view, end, view.len());
        let after = page.options.text(view, text).map_or(text, |hit| hit.range.end);
        if says_correct(view, skip_separator(view, after, view.len()).0) {
            locations.push(Location { range: at..end, extent: Extent::Alone });
        }
    }
    locations
}

/// Words that lead from a label to praise.
const VERBS: &[&str] = &[
    "is",
    "would",
    "be",
    "must",
    "should",
    "seems",
    "appears",
    "to",
    "was",
    "the",
    "most",
    "therefore",
    "clearly",
    "thus",
    "answer",
];

/// Praise.
const PRAISE: &[&str] = &[
    "correct",
    "right",
    "best",
    "answer",
    "appropriate",
    "suitable",
    "likely",
    "logical",
    "plausible",
    "accurate",
    "true",
];

/// `is correct`, `is the right answer`, `would be the best choice`; not `is not correct`.
fn says_correct(view: &View<'_>, mut at: usize) -> bool {
    let mut verb = false;
    for _ in 0..6 {
        let word = view.word(at);
        if verb && PRAISE.contains(&word.as_str()) {
            return true;
        }
        if !VERBS.contains(&word.as_str()) {
            return false;
        }
        verb = true;
        at = view.skip_spaces(view.word_end(at));
    }
    false
}

/// The label at the start of the text, unless other lines begin with other labels.
pub(crate) fn leading(page: &Page<'_>) -> Vec<Location> {
    let view = &page.view;
    let mut first: Option<(usize, Range<usize>)> = None;
    for line in view.lines() {
        let start = skip_words(view, line.start, line.end);
        let Some((choice, end)) = page.options.label(view, start) else {
            if first.is_none() {
                return Vec::new();
            }
            continue;
        };
        if !heads(view, start, end) {
            if first.is_none() {
                return Vec::new();
            }
            continue;
        }
        match &first {
            None => first = Some((choice, line.start..line.end)),
            Some((same, _)) if *same == choice => {}
            Some(_) => return Vec::new(),
        }
    }
    first.map(|(_, range)| Location { range, extent: Extent::Open }).into_iter().collect()
}

/// The last line if it is a label with or without its text, and other lines do not begin with other
/// labels; or the label that ends the text: `So it must be B.`
pub(crate) fn closing(page: &Page<'_>) -> Vec<Location> {
    let view = &page.view;
    let Some(line) = view.last_line() else { return Vec::new() };
    let label = |line: &Range<usize>| {
        let start = skip_words(view, line.start, line.end);
        page.options.label(view, start).filter(|(_, end)| heads(view, start, *end)).map(|(choice, _)| choice)
    };
    let own = label(&line);
    let listed =
        own.is_some() && view.lines().any(|other| label(&other).is_some_and(|choice| Some(choice) != own));
    let mut locations = Vec::new();
    if line.start > page.whole().start && !listed {
        locations.push(Location { range: line.clone(), extent: Extent::Entire });
    }
    locations.extend(ending_label(page, &line));
    locations
}

/// The label that ends a line after a word that leads to one.
fn ending_label(page: &Page<'_>, line: &Range<usize>) -> Option<Location> {
    const BEFORE: &[&str] = &[
        "is",
        "be",
        "it's",
        "hence",
        "thus",
        "therefore",
        "so",
        "option",
        "choice",
        "say",
        "choose",
        "that's",
    ];
    let view = &page.view;
    let mut end = line.end;
    while end > line.start && !view.before(end).is_alphanumeric() {
        end -= 1;
    }
    let start = end.checked_sub(1).filter(|start| *start > line.start && view.starts_word(*start))?;
    let (_, label_end) = page.options.label(view, start)?;
    let mut before = start;
    while before > line.start && !view.before(before).is_alphanumeric() {
        before -= 1;
    }
    let mut word = before;
    while word > line.start && (view.before(word).is_alphabetic() || view.before(word) == '\'') {
        word -= 1;
    }
    let led = before < start && BEFORE.contains(&view.word(word).as_str());
    let upper = view.at(start).is_ascii_uppercase() || !view.at(start).is_alphabetic();
    (led && upper && label_end == end).then_some(Location { range: start..end, extent: Extent::Entire })
}

/// Whether a label heads its line: a mark follows it, or the line ends.
fn heads(view: &View<'_>, start: usize, end: usize) -> bool {
    let c = view.at(start);
    let upper = !c.is_alphabetic() || c.is_uppercase() || matches!(view.before(start), '(' | '[');
    let next = view.at(end);
    let mark = matches!(next, ')' | ']' | ':' | '\n' | '*' | ',' | ';')
        || (next == '.' && !view.at(end + 1).is_alphanumeric());
    let dash = next == ' ' && matches!(view.at(end + 1), '-' | '\u{2014}');
    let because = next == ' ' && view.has_word(end + 1, "because");
    (upper || matches!(next, ')' | '\n')) && (mark || dash || because)
}
