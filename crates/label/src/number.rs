//! Answers that are numbers.

mod groups;
pub(crate) mod locations;
pub(crate) mod scan;
mod script;
mod words;

use std::ops::Range;

use crate::markup::{line_end_within, only_marks, skip_opening};
use crate::page::{AnswerReading, Extent, Location, Page};
use plimsoll_core::ExactNumber;
use plimsoll_core::view::{View, is_currency};

use scan::{NumberToken, number};
use script::script;

/// How far after a cue a number is looked for.
const MAX_LOOKAHEAD: usize = 400;

/// Maximum number of words of a unit after a number that stands alone.
const MAX_UNIT_WORDS: usize = 5;

/// Reads a text that is one number and nothing else, as gold answers are: `1234.5`, `1,234`, `$5`, `1/2`,
/// `3 1/2`, `-3`, `1e6`, `2^10`. A percent sign is left out of account.
///
/// ```
/// use plimsoll_label::parse_number;
/// assert_eq!(parse_number("1,234.50"), parse_number("1234.5"));
/// assert_eq!(parse_number("2/6").unwrap().to_string(), "1/3");
/// assert_eq!(parse_number("12 apples"), None);
/// ```
pub fn parse_number(text: &str) -> Option<ExactNumber> {
    let view = View::new(text, 0..text.len());
    let all = view.trim(0..view.len());
    let token = number(&view, all.start)?;
    (token.range.end == all.end && token.scale.is_none()).then_some(token.value).flatten()
}

/// Every number of a text, in order; exponents and indices of units and variables are none.
pub(crate) fn tokens(view: &View<'_>) -> Vec<NumberToken> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < view.len() {
        if let Some(script) = script(view, at) {
            at = script.end;
            continue;
        }
        match begins(view, at).then(|| number(view, at)).flatten() {
            Some(token) => {
                at = token.range.end.max(at + 1);
                found.push(token);
            }
            None if view.at(at).is_ascii_digit() => at = view.word_end(at).max(at + 1),
            None => at += 1,
        }
    }
    found
}

/// Whether a number may begin at a position: not within a word, and a sign only where it is no operator.
fn begins(view: &View<'_>, at: usize) -> bool {
    let previous = view.before(at);
    match view.at(at) {
        '-' => {
            let glued = previous.is_alphanumeric() || matches!(previous, ')' | '}' | '-');
            !glued && !operand_before(view, at)
        }
        c if c.is_ascii_digit() || scan::vulgar(c).is_some() => {
            let hyphened = previous == '-' && at > 1 && view.before(at - 1).is_alphabetic();
            !previous.is_alphabetic() && !previous.is_ascii_digit() && !hyphened
        }
        '.' => !previous.is_alphanumeric() && previous != '.' && view.at(at + 1).is_ascii_digit(),
        '\\' => {
            view.has(at, "\\frac{")
                || view.has(at, "\\dfrac")
                || view.has(at, "\\tfrac")
                || view.has(at, "\\frac")
        }
        c => is_currency(c),
    }
}

/// Whether a number or a bracket stands before a sign, with spaces between: `5 -3` subtracts.
fn operand_before(view: &View<'_>, sign: usize) -> bool {
    let mut at = sign;
    while sign - at < 3 && view.before(at) == ' ' {
        at -= 1;
    }
    at < sign && (view.before(at).is_ascii_digit() || matches!(view.before(at), ')' | '%'))
}

/// The value of a token as the question means it: a percentage is a number of hundredths unless the
/// question or its gold answer speaks of percent; `million` multiplies unless the question says it.
fn meant(page: &Page<'_>, token: &NumberToken) -> Option<ExactNumber> {
    let mut value = token.value.clone()?;
    let says = |word: &str| page.question.question.to_lowercase().contains(word);
    if let Some((_, shift)) = token.scale.filter(|(word, _)| !says(word)) {
        value = value.shifted(shift)?;
    }
    if token.percent && !speaks_of_percent(page) {
        value = value.shifted(-2)?;
    }
    Some(value)
}

fn speaks_of_percent(page: &Page<'_>) -> bool {
    let question = page.question.question.to_lowercase();
    question.contains('%')
        || question.contains("percent")
        || page.question.gold.iter().any(|gold| gold.contains('%'))
}

fn reading(page: &Page<'_>, token: &NumberToken) -> AnswerReading {
    match meant(page, token) {
        Some(value) => AnswerReading::answer(value.to_string(), token.range.clone()),
        None => AnswerReading::unclear(token.range.clone()),
    }
}

/// Reads a location as a number.
pub(crate) fn read(page: &Page<'_>, location: &Location) -> Option<AnswerReading> {
    let view = &page.view;
    match location.extent {
        Extent::Filled => filled(page, location.range.clone()),
        Extent::Alone => alone(page, location.range.clone()),
        Extent::Entire => entire(page, location.range.clone()),
        Extent::Direct => {
            let end = line_end_within(view, view.skip_white(location.range.start), MAX_LOOKAHEAD);
            alone(page, view.trim(location.range.start..end))
        }
        Extent::Open => open(page, location.range.start, location.range.end),
    }
}

/// The numbers within a range.
fn within<'p>(page: &'p Page<'_>, range: &Range<usize>) -> &'p [NumberToken] {
    let first = page.numbers.partition_point(|token| token.range.start < range.start);
    let last = page.numbers.partition_point(|token| token.range.start < range.end);
    &page.numbers[first..last.max(first)]
}

/// Behind the last `=` or `≈` of a range.
fn after_equals(view: &View<'_>, range: &Range<usize>) -> usize {
    let location =
        range.clone().rev().find(|at| matches!(view.at(*at), '=' | '≈') || view.has(*at, "\\approx"));
    location.map_or(range.start, |at| at + if view.at(at) == '\\' { 7 } else { 1 })
}

/// A box: its one number, or that of a number word.
fn filled(page: &Page<'_>, range: Range<usize>) -> Option<AnswerReading> {
    let view = &page.view;
    let range = after_equals(view, &range)..range.end;
    match within(page, &range) {
        [] => words::number(view, skip_opening(view, range.start, range.end), range.end)
            .map(|(end, start, value)| AnswerReading::answer(value.to_string(), start..end)),
        [first, rest @ ..] => {
            let one = rest.iter().all(|other| meant(page, other) == meant(page, first));
            let plain = !symbolic(view, range.start..first.range.start)
                && !symbolic(view, first.range.end..range.end);
            Some(if one && plain { reading(page, first) } else { AnswerReading::unclear(range) })
        }
    }
}

/// Letters that, alone and with a power, are variables and no units.
const VARIABLES: &str = "abijknpqruvwxyz";

/// Whether a range holds what makes a number part of an expression: roots, powers, π, variables.
fn symbolic(view: &View<'_>, range: Range<usize>) -> bool {
    let glued = view.at(range.start).is_ascii_lowercase()
        && view.word_end(range.start) == range.start + 1
        && matches!(view.at(range.start), 'x' | 'y' | 'z' | 'n' | 'a' | 'b' | 'i');
    let power = |at: usize| view.at(at) == '^' && !view.has(at, "^\\circ") && !view.has(at, "^{\\circ");
    glued
        || range.into_iter().any(|at| {
            matches!(view.at(at), '√' | 'π')
                || (power(at) && !has_unit_before(view, at))
                || (view.at(at) == '\\' && (view.has(at, "\\sqrt") || view.has(at, "\\pi")))
        })
}

/// Whether a unit stands before a power, and no variable or bracket.
fn has_unit_before(view: &View<'_>, power: usize) -> bool {
    let at = if matches!(view.before(power), ' ' | '\\') { power - 1 } else { power };
    let unit = view.before(at);
    let is_single = at > 1 && !view.at(at - 2).is_alphabetic();
    (unit.is_alphabetic() && !(is_single && VARIABLES.contains(unit))) || unit == '}'
}

/// A range that is a number, with at most a name and `=` before it and a unit after it.
fn alone(page: &Page<'_>, range: Range<usize>) -> Option<AnswerReading> {
    let view = &page.view;
    let range = after_equals(view, &range)..range.end;
    let start = prefix(view, range.start, range.end);
    let Some(token) = within(page, &(start..range.end)).first().filter(|token| near(view, start, token))
    else {
        let (end, start, value) = words::number(view, start, range.end)?;
        return is_unit(view, end..range.end).then(|| AnswerReading::answer(value.to_string(), start..end));
    };
    let rest = token.range.end..range.end;
    if let Some(next) = joined(page, &rest) {
        return Some(conflict(page, token, next));
    }
    (is_unit(view, rest.clone()) && !symbolic(view, rest)).then(|| reading(page, token))
}

/// A text that is a number, or an equation without words.
fn entire(page: &Page<'_>, range: Range<usize>) -> Option<AnswerReading> {
    let view = &page.view;
    let words = (range.start..after_equals(view, &range))
        .filter(|at| view.at(*at).is_alphabetic() && view.starts_word(*at));
    if words.take(2).count() > 1 { None } else { alone(page, range) }
}

/// Whether a token begins at a position but for currency signs and names.
fn near(view: &View<'_>, start: usize, token: &NumberToken) -> bool {
    (start..token.range.start)
        .all(|at| !view.at(at).is_alphanumeric() || matches!(view.at(at), 'U' | 'S' | 'R' | 's'))
}

/// Words that may stand in front of a number.
const BEFORE_NUMBER: &[&str] = &[
    "approximately",
    "about",
    "around",
    "roughly",
    "only",
    "just",
    "exactly",
    "equal",
    "to",
    "a",
    "total",
    "of",
    "nearly",
    "almost",
    "usd",
    "rs",
    "us",
    "eur",
    "gbp",
    "is",
    "therefore",
    "thus",
    "so",
    "answer",
    "the",
    "over",
    "at",
    "least",
    "and",
    "approx",
];

/// Skips marks and words that may stand in front of a number.
fn prefix(view: &View<'_>, start: usize, end: usize) -> usize {
    let mut at = start;
    for _ in 0..10 {
        let next = skip_opening(view, at, end);
        let next = if matches!(view.at(next), '~' | '≈' | ':' | ',') { next + 1 } else { next };
        let word = if view.starts_word(next) { view.word(next) } else { String::new() };
        if next < end && BEFORE_NUMBER.contains(&word.as_str()) {
            at = view.word_end(next);
            if view.at(at) == '.' && word.len() <= 6 && !view.at(at + 1).is_ascii_digit() {
                at += 1;
            }
        } else if next > at {
            at = next;
        } else {
            break;
        }
    }
    at
}

/// Whether a range is a unit: few words, no digits but those of exponents.
fn is_unit(view: &View<'_>, range: Range<usize>) -> bool {
    if range.len() >= 120 || range.clone().filter(|at| view.starts_word(*at)).count() > MAX_UNIT_WORDS {
        return false;
    }
    let mut at = range.start;
    while at < range.end {
        match (script(view, at), view.at(at)) {
            (Some(script), _) => at = script.end,
            (None, c) if c.is_ascii_digit() => return false,
            (None, '+' | '*' | '×') if is_operator(view, at) => return false,
            _ => at += 1,
        }
    }
    !sentence_within(view, range)
}

/// Whether a mark stands between two operands.
fn is_operator(view: &View<'_>, at: usize) -> bool {
    let next = view.skip_spaces(at + 1);
    view.at(next).is_ascii_digit()
}

/// Whether a sentence ends within a range and another begins.
fn sentence_within(view: &View<'_>, range: Range<usize>) -> bool {
    range.clone().any(|at| view.ends_sentence(at) && !only_marks(view, at..range.end))
}

/// A second number joined by `or`, `and`, `,` or `/`: directly, or after a unit of one word.
fn joined<'p>(page: &'p Page<'_>, rest: &Range<usize>) -> Option<&'p NumberToken> {
    let view = &page.view;
    let next = within(page, rest).first()?;
    let between = view.string(rest.start..next.range.start.min(rest.start + 60)).to_lowercase();
    if between.contains(['.', '\n', '=', ':', '(']) {
        return None;
    }
    let words: Vec<&str> =
        between.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let comma = between.trim() == ",";
    let last = words.last().is_some_and(|word| matches!(*word, "or" | "and" | "to"));
    (comma || (last && words.len() <= 2)).then_some(next)
}

/// One reading of two joined numbers.
fn conflict(page: &Page<'_>, first: &NumberToken, second: &NumberToken) -> AnswerReading {
    if meant(page, first).is_some() && meant(page, first) == meant(page, second) {
        reading(page, first)
    } else {
        AnswerReading::unclear(first.range.start..second.range.end)
    }
}

/// The number after a cue: directly, or the only one of its sentence, or after its last `=`.
fn open(page: &Page<'_>, start: usize, limit: usize) -> Option<AnswerReading> {
    let view = &page.view;
    let from = prefix(view, start, limit.min(start + MAX_LOOKAHEAD));
    let end = sentence_end(view, from).min(limit);
    if view.has_word(from, "between") || view.has_word(from, "either") {
        return Some(AnswerReading::unclear(from..end));
    }
    let inside = within(page, &(start..end));
    let equals = after_equals(view, &(from..end));
    let after_sign =
        within(page, &(equals..end)).first().filter(|token| near(view, prefix(view, equals, end), token));
    if let Some(token) = after_sign.filter(|_| equals > from) {
        return Some(reading(page, token));
    }
    let Some(first) = inside.first().filter(|token| near(view, from, token)) else {
        if let Some((end, start, value)) = words::number(view, from, end) {
            return Some(AnswerReading::answer(value.to_string(), start..end));
        }
        let [only] = inside else { return None };
        return Some(reading(page, only));
    };
    let rest = first.range.end..end;
    if let Some(second) = joined(page, &rest) {
        return Some(conflict(page, first, second));
    }
    let next = view.skip_spaces(first.range.end);
    let operator = matches!(view.at(next), '+' | '*' | '×' | '÷' | '-') && is_operator(view, next)
        || ["\\times", "\\cdot", "\\div"].iter().any(|command| view.has(next, command));
    if operator || symbolic(view, first.range.end..first.range.end + 6) {
        return Some(AnswerReading::unclear(first.range.start..end));
    }
    Some(reading(page, first))
}

/// The end of the sentence or line of a position, within reach.
fn sentence_end(view: &View<'_>, from: usize) -> usize {
    let from = view.skip_white(from);
    (from..from + MAX_LOOKAHEAD)
        .find(|at| view.ends_sentence(*at))
        .unwrap_or(from + MAX_LOOKAHEAD)
        .min(view.len())
}
