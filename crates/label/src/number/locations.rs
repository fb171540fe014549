//! Where a number stands that nothing announces.

use std::ops::Range;

use super::{after_equals, near, words};
use crate::markup::skip_opening;
use crate::number::scan::NumberToken;
use crate::page::{Extent, Location, Page};
use plimsoll_core::view::View;

/// The last number of a text that counts nothing else: no list mark, no ordinal, no `Step 3`.
pub(crate) fn last(page: &Page<'_>) -> Vec<Location> {
    let view = &page.view;
    let counts = |token: &&NumberToken| {
        let start = token.range.start;
        let mark = matches!(view.at(token.range.end), '.' | ')')
            && view.at(token.range.end + 1).is_whitespace()
            && token.range.end + 1 < view.len()
            && starts_line(view, start);
        !token.ordinal && !mark && !labelled(view, start)
    };
    let asides = asides(view);
    let aside = |token: &&NumberToken| asides.iter().any(|range| range.contains(&token.range.start));
    let main = page.numbers.iter().rev().filter(counts).find(|token| !aside(token));
    if page.numbers.is_empty() {
        return only_word(view);
    }
    let token = main.or_else(|| page.numbers.iter().rev().find(counts));
    token.map(|token| Location { range: token.range.clone(), extent: Extent::Filled }).into_iter().collect()
}

/// The text's only number word but `one`, which counts nothing.
fn only_word(view: &View<'_>) -> Vec<Location> {
    let starts = (0..view.len()).filter(|at| view.starts_word(*at) && !view.has_word(*at, "one"));
    let mut words =
        starts.filter_map(|at| words::number(view, at, view.len()).filter(|(_, start, _)| *start == at));
    match (words.next(), words.next()) {
        (Some((end, start, _)), None) => vec![Location { range: start..end, extent: Extent::Filled }],
        _ => Vec::new(),
    }
}

/// What stands in round brackets in the last line: `12 dollars (3 boxes at $4)`.
fn asides(view: &View<'_>) -> Vec<Range<usize>> {
    let (mut found, mut open) = (Vec::new(), None);
    for at in view.last_line().unwrap_or_default() {
        match view.at(at) {
            '(' if view.before(at) != '\\' => open = open.or(Some(at)),
            ')' if view.before(at) != '\\' => found.extend(open.take().map(|start| start..at)),
            _ => {}
        }
    }
    found
}

/// The number that begins the text where its reason follows: `12 dollars, since ..`.
pub(crate) fn leading(page: &Page<'_>) -> Vec<Location> {
    let view = &page.view;
    let whole = page.whole();
    let start = skip_opening(view, whole.start, whole.end);
    let Some(token) = page.numbers.first().filter(|token| near(view, start, token)) else {
        return Vec::new();
    };
    let mut at = token.range.end;
    for _ in 0..4 {
        while matches!(view.at(at), ' ' | ',' | '*' | ')') {
            at += 1;
        }
        if ["since", "because", "as"].iter().any(|word| view.has_word(at, word)) {
            return vec![Location { range: whole.start..at, extent: Extent::Filled }];
        }
        if !view.at(at).is_alphabetic() {
            break;
        }
        at = view.word_end(at);
    }
    Vec::new()
}

fn starts_line(view: &View<'_>, at: usize) -> bool {
    let mut start = at;
    while start > at.saturating_sub(8) && matches!(view.before(start), ' ' | '*' | '#' | '(' | '-') {
        start -= 1;
    }
    view.before(start) == '\n'
}

/// Whether a number names a step, an equation or a question.
fn labelled(view: &View<'_>, at: usize) -> bool {
    let word: String = view.string(at.saturating_sub(10)..at).to_lowercase();
    ["step ", "question ", "problem ", "equation ", "part ", "case "]
        .iter()
        .any(|label| word.ends_with(label))
}

/// The number after the last `=` of the last line; what follows it (`= $8 for 2 hats`) counts
/// something else.
pub(crate) fn equation(page: &Page<'_>) -> Vec<Location> {
    let Some(line) = page.view.last_line() else { return Vec::new() };
    let start = after_equals(&page.view, &line);
    if start > line.start {
        vec![Location { range: start..line.end, extent: Extent::Open }]
    } else {
        Vec::new()
    }
}
