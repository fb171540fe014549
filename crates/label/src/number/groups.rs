//! Digits with the marks between them: which mark groups and which is the decimal point.
//!
//! | written | read as | why |
//! |---|---|---|
//! | `1,234` `1,234,567.8` `12,34,567` | 1234, 1234567.8, 1234567 | commas in front of groups of three (or the Indian two, two, three) |
//! | `1 234` `1\u{202F}234,5` `1'234` `1_234` `1\,234` `1{,}234` `1,\! 234` | 1234, 1234.5, .. | groups of exactly three |
//! | `1.234` | 1.234 | one point is a decimal point, as English models write it |
//! | `1.234.567` `1.234,5` | 1234567, 1234.5 | points group where there are two, or a comma follows |
//! | `3,5` `0,125` `1234,5` | 3.5, 0.125, 1234.5 | a comma that cannot group is a decimal comma |
//! | `1,2,3` `1.2.3` `192.168.0.1` | nothing | no single number |

use std::ops::Range;

use plimsoll_core::ExactNumber;
use plimsoll_core::view::{View, is_thin_space};

/// How two runs of digits are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Comma,
    Point,
    Space,
    Other,
}

/// Reads digits with their marks from a position; the end, and the value unless the marks make no sense.
pub(crate) fn digits(view: &View<'_>, at: usize) -> Option<(usize, Option<ExactNumber>)> {
    let mut runs: Vec<(Separator, Range<usize>)> = Vec::new();
    let mut position = at;
    if view.at(position) == '.' {
        // `.5`
        let run = run(view, position + 1)?;
        let value = decimal(view, &[], Some(&run));
        return Some((run.end, value));
    }
    let first = run(view, position)?;
    position = first.end;
    while let Some((mark, from)) =
        mark(view, position, runs.last().map_or(&first, |(_, run)| run), runs.is_empty())
    {
        let Some(next) = run(view, from) else { break };
        position = next.end;
        runs.push((mark, next));
    }
    let value = read(view, &first, &runs);
    Some((position, value))
}

fn run(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    let mut end = at;
    while view.at(end).is_ascii_digit() {
        end += 1;
    }
    (end > at).then_some(at..end)
}

/// LaTeX that sets space between groups.
const SPACINGS: &[&str] = &["\\!", "\\,", "\\;", "\\:", "\\ ", "{}"];

/// Spacings between two groups, at most.
const MAX_SPACINGS: usize = 4;

/// The mark at a position, if digits follow it, and where they begin.
fn mark(view: &View<'_>, at: usize, previous: &Range<usize>, first: bool) -> Option<(Separator, usize)> {
    let three = |from: usize| {
        (from..from + 3).all(|digit| view.at(digit).is_ascii_digit()) && !view.at(from + 3).is_ascii_digit()
    };
    // Spaces and apostrophes group only exactly: one to three digits, then threes.
    let groups =
        if first { previous.len() <= 3 && view.at(previous.start) != '0' } else { previous.len() == 3 };
    let exactly = |mark: Separator, from: usize| Some((mark, from)).filter(|_| groups && three(from));
    let comma = match view.at(at) {
        ',' => at + 1,
        '{' if view.has(at, "{,}") => at + 3,
        _ => at,
    };
    let spaced = skip_spacings(view, comma);
    let (mark, from) = match view.at(at) {
        _ if spaced > comma => exactly(if comma > at { Separator::Comma } else { Separator::Other }, spaced)?,
        _ if comma > at => (Separator::Comma, comma),
        '.' => (Separator::Point, at + 1),
        '\'' | '_' => exactly(Separator::Other, at + 1)?,
        c if c == ' ' || is_thin_space(c) => exactly(Separator::Space, at + 1)?,
        _ => return None,
    };
    view.at(from).is_ascii_digit().then_some((mark, from))
}

/// Skips LaTeX that sets space, and a space after it.
fn skip_spacings(view: &View<'_>, from: usize) -> usize {
    let mut at = from;
    for _ in 0..MAX_SPACINGS {
        match SPACINGS.iter().find(|spacing| view.has(at, spacing)) {
            Some(spacing) => at += spacing.len(),
            None => break,
        }
        if view.at(at) == ' ' {
            at += 1;
        }
    }
    at
}

/// The value of runs of digits joined by marks.
fn read(view: &View<'_>, first: &Range<usize>, runs: &[(Separator, Range<usize>)]) -> Option<ExactNumber> {
    let Some(((last_mark, last), front)) = runs.split_last() else {
        return decimal(view, std::slice::from_ref(first), None);
    };
    let mut whole = vec![first.clone()];
    whole.extend(front.iter().map(|(_, run)| run.clone()));
    let marks_alike = |mark: Separator| front.iter().all(|(other, _)| *other == mark);
    let grouped = |mark: Separator| marks_alike(mark) && grouped_in_threes(view, &whole);
    match last_mark {
        // One point, or a point after groups.
        Separator::Point
            if front.is_empty()
                || grouped(Separator::Comma)
                || grouped(Separator::Space)
                || grouped(Separator::Other) =>
        {
            decimal(view, &whole, Some(last))
        }
        Separator::Point if marks_alike(Separator::Point) => all_groups(view, whole, last),
        Separator::Comma if marks_alike(Separator::Comma) => {
            if let Some(value) = all_groups(view, whole.clone(), last) {
                return Some(value);
            }
            // `3,5`: a decimal comma.
            if front.is_empty() { decimal(view, &whole, Some(last)) } else { None }
        }
        Separator::Comma
            if grouped(Separator::Point) || grouped(Separator::Space) || grouped(Separator::Other) =>
        {
            decimal(view, &whole, Some(last))
        }
        Separator::Space | Separator::Other if marks_alike(*last_mark) => all_groups(view, whole, last),
        _ => None,
    }
}

/// The value if the runs, the last included, are groups of one number.
fn all_groups(view: &View<'_>, mut runs: Vec<Range<usize>>, last: &Range<usize>) -> Option<ExactNumber> {
    runs.push(last.clone());
    (grouped_in_threes(view, &runs) || grouped_as_in_india(view, &runs))
        .then(|| decimal(view, &runs, None))
        .flatten()
}

fn grouped_in_threes(view: &View<'_>, runs: &[Range<usize>]) -> bool {
    runs.split_first().is_some_and(|(first, rest)| {
        !rest.is_empty()
            && first.len() <= 3
            && view.at(first.start) != '0'
            && rest.iter().all(|run| run.len() == 3)
    })
}

fn grouped_as_in_india(view: &View<'_>, runs: &[Range<usize>]) -> bool {
    runs.len() > 2
        && runs.split_last().is_some_and(|(last, front)| {
            last.len() == 3
                && front.split_first().is_some_and(|(first, middle)| {
                    first.len() <= 2 && view.at(first.start) != '0' && middle.iter().all(|run| run.len() == 2)
                })
        })
}

/// Digits in front of the point, and those after it.
fn decimal(view: &View<'_>, whole: &[Range<usize>], part: Option<&Range<usize>>) -> Option<ExactNumber> {
    let mut text: String = whole.iter().flat_map(|run| view.slice(run.clone())).collect();
    let decimals = part.map_or(0, Range::len);
    text.extend(part.into_iter().flat_map(|run| view.slice(run.clone())));
    ExactNumber::decimal(&text, -i64::try_from(decimals).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_the_table_says() {
        for (text, read) in [
            ("1,234", "1234"),
            ("1,234,567.8", "1234567.8"),
            ("12,34,567", "1234567"),
            ("1 234", "1234"),
            ("1\u{202F}234,5", "1234.5"),
            ("1'234", "1234"),
            ("1_234", "1234"),
            ("1\\,234", "1234"),
            ("1{,}234", "1234"),
            ("1,\\! 234,\\! 567", "1234567"),
            ("1,\\!234", "1234"),
            ("1{,}\\,234", "1234"),
            ("1\\;234", "1234"),
            ("1.234", "1.234"),
            ("1.234.567", "1234567"),
            ("1.234,5", "1234.5"),
            ("1.234.567,89", "1234567.89"),
            ("3,5", "3.5"),
            ("0,125", "0.125"),
            ("1234,5", "1234.5"),
            ("1,2,3", "none"),
            ("1.2.3", "none"),
            ("192.168.0.1", "none"),
            ("1,234,5", "none"),
            (".5", "0.5"),
        ] {
            let view = View::new(text, 0..text.len());
            let (end, value) = digits(&view, 0).unwrap();
            assert_eq!(end, view.len(), "{text}");
            assert_eq!(value.map_or("none".to_owned(), |value| value.to_string()), read, "{text}");
        }
    }

    #[test]
    fn what_does_not_group_ends_the_number() {
        for (text, end) in
            [("2 12", 1), ("2024 100", 4), ("1 2345", 1), ("5. Next", 1), ("5, 6", 1), ("0 123", 1)]
        {
            let view = View::new(text, 0..text.len());
            assert_eq!(digits(&view, 0).unwrap().0, end, "{text}");
        }
    }
}
