//! Answers that are short texts.

use std::ops::Range;

use crate::markup::{line_end_within, only_marks};
use crate::page::{AnswerReading, Extent, Location, Page};
use plimsoll_core::view::View;

/// Maximum length of an answer that is taken from after a cue.
const MAX_CHARACTERS: usize = 2_000;

/// Words in front of a full stop that does not end a sentence.
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "st", "jr", "sr", "mt", "ft", "no", "vs", "inc", "ltd", "co", "prof", "gen",
    "col", "capt", "lt", "sgt", "rev", "v", "etc", "e", "g", "approx", "dept", "fig", "vol", "op",
];

/// Reads a location as a text.
pub(crate) fn read(page: &Page<'_>, location: &Location) -> Option<AnswerReading> {
    let view = &page.view;
    let range = match location.extent {
        Extent::Filled | Extent::Alone | Extent::Entire => location.range.clone(),
        Extent::Direct | Extent::Open => {
            let start = view.skip_white(location.range.start);
            let end = line_end_within(view, start, MAX_CHARACTERS).min(location.range.end);
            start..end
        }
    };
    let range = bare(view, if location.extent == Extent::Open { first_sentence(view, range) } else { range });
    (!range.is_empty()).then(|| AnswerReading::answer(view.original(range.clone()), range))
}

/// The first sentence of a range of one line.
fn first_sentence(view: &View<'_>, range: Range<usize>) -> Range<usize> {
    let mut at = range.start;
    let mut depth = 0usize;
    while at < range.end {
        match view.at(at) {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && view.ends_sentence(at) && !abbreviated(view, range.start, at) {
            let next = view.skip_spaces(at + 1);
            if view.at(at) != '.' || !view.at(next).is_lowercase() {
                return range.start..at;
            }
        }
        at += 1;
    }
    range
}

/// Whether the full stop at a position ends an abbreviation or an initial.
fn abbreviated(view: &View<'_>, floor: usize, stop: usize) -> bool {
    let mut start = stop;
    while start > floor && stop - start < 10 && view.before(start).is_alphanumeric() {
        start -= 1;
    }
    let word = view.word(start);
    let initial = stop - start == 1 && view.at(start).is_uppercase();
    view.at(stop) == '.' && (initial || ABBREVIATIONS.contains(&word.as_str()))
}

/// A range without white space, marks around it and a full stop at its end.
fn bare(view: &View<'_>, range: Range<usize>) -> Range<usize> {
    let mut range = unwrapped(view, view.trim(range));
    for _ in 0..8 {
        let next = shed(view, range.clone());
        if next == range {
            break;
        }
        range = next;
    }
    range
}

/// Takes `\text{` and `}` away.
fn unwrapped(view: &View<'_>, range: Range<usize>) -> Range<usize> {
    for command in ["\\text{", "\\textbf{", "\\mathrm{", "\\boxed{"] {
        if view.has(range.start, command) && view.before(range.end) == '}' {
            return view.trim(range.start + command.len()..range.end - 1);
        }
    }
    range
}

/// Takes one layer of marks away.
fn shed(view: &View<'_>, range: Range<usize>) -> Range<usize> {
    let range = view.trim(range);
    if range.len() < 2 {
        return range;
    }
    let (first, last) = (view.at(range.start), view.before(range.end));
    let paired = matches!(
        (first, last),
        ('"' | '„', '"') | ('\'', '\'') | ('`', '`') | ('(', ')') | ('[', ']') | ('«', '»')
    );
    let inside = |mark: char| view.slice(range.start + 1..range.end - 1).contains(&mark);
    if paired
        && !(first == '(' && inside('('))
        && !(first == '"' && inside('"'))
        && !(first == '\'' && inside('\''))
    {
        return range.start + 1..range.end - 1;
    }
    if matches!(first, '*' | '#' | '>' | '_') {
        return range.start + 1..range.end;
    }
    if matches!(first, '-' | '\u{2022}') && view.at(range.start + 1) == ' ' {
        return range.start + 2..range.end;
    }
    let initials = last == '.' && range.len() > 3 && view.at(range.end - 3) == '.';
    if matches!(last, '*' | '_' | ',' | ';' | ':' | '|') || (last == '.' && !initials) {
        return range.start..range.end - 1;
    }
    // Left over where a stated confidence was blanked out.
    let bracket = opening(view, &range);
    if last == ')' && view.trim(bracket..range.end - 1).len() == 1 {
        return range.start..bracket;
    }
    range
}

/// The last opening bracket of a range; its end if there is none.
fn opening(view: &View<'_>, range: &Range<usize>) -> usize {
    let floor = range.end.saturating_sub(200).max(range.start);
    (floor..range.end).rev().find(|at| view.at(*at) == '(').unwrap_or(range.end)
}

/// The first line, or the second where the first only announces it.
pub(crate) fn first_line(page: &Page<'_>) -> Vec<Location> {
    let view = &page.view;
    let line = view.lines().find(|line| view.before(line.end) != ':' && !only_marks(view, line.clone()));
    line.map(|range| Location { range, extent: Extent::Alone }).into_iter().collect()
}
