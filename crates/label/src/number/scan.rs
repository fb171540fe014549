//! Reads one number where it stands: signs, currency, grouped digits, fractions, exponents, percent.

use std::ops::Range;

use super::groups::digits;
use super::script::{self, Exponent};
use plimsoll_core::ExactNumber;
use plimsoll_core::view::{View, is_currency, is_thin_space};

/// A number in a text.
#[derive(Debug, Clone)]
pub(crate) struct NumberToken {
    /// Characters, with sign and percent sign, without currency signs.
    pub(crate) range: Range<usize>,
    /// Its value before percent or a scale word count; `None` for what is written with digits but is
    /// no single number (times, dates, versions, `1/0`, `1,2,3`).
    pub(crate) value: Option<ExactNumber>,
    /// Whether a percent sign or word follows.
    pub(crate) percent: bool,
    /// The power of ten of a word such as `million` after it, with that word.
    pub(crate) scale: Option<(&'static str, i64)>,
    /// Whether it is an ordinal (`3rd`).
    pub(crate) ordinal: bool,
}

/// Words that multiply the number in front of them.
const SCALES: &[(&str, i64)] = &[
    ("hundred", 2),
    ("thousand", 3),
    ("million", 6),
    ("billion", 9),
    ("trillion", 12),
    ("bn", 9),
    ("mn", 6),
];

/// Reads the number that begins at a position, its sign or currency sign included.
pub(crate) fn number(view: &View<'_>, start: usize) -> Option<NumberToken> {
    let (negative, first, at) = sign(view, start)?;
    let (mut end, mut value) = core(view, at)?;
    if let Some((next, exact)) = fraction(view, end, value.as_ref()) {
        (end, value) = (next, exact);
    } else {
        if let Some((next, raised)) = raised(view, end, value.as_ref()) {
            (end, value) = (next, raised);
        }
        if let Some((next, shift)) = exponent(view, end) {
            (end, value) = (next, value.and_then(|value| value.shifted(shift?)));
        }
    }
    if let Some(next) = other_notation(view, end) {
        (end, value) = (next, None);
    }
    if negative {
        value = value.map(ExactNumber::negated);
    }
    Some(suffix(
        view,
        NumberToken { range: first..end, value, percent: false, scale: None, ordinal: false },
        first != at,
    ))
}

/// A sign and currency signs in any order; where the number's own characters begin.
fn sign(view: &View<'_>, start: usize) -> Option<(bool, usize, usize)> {
    let (mut at, mut negative, mut first) = (start, false, None);
    loop {
        match view.at(at) {
            '-' if !negative => {
                negative = true;
                first.get_or_insert(at);
            }
            '+' if first.is_none() => {}
            '\\' if is_currency(view.at(at + 1)) => {}
            c if is_currency(c) => {}
            c if c.is_ascii_digit() || c == '.' || vulgar(c).is_some() => break,
            '\\' if latex_fraction(view, at) => break,
            ' ' if is_currency(view.before(at)) => {}
            _ => return None,
        }
        at += 1;
        if at > start + 6 {
            return None;
        }
    }
    Some((negative, first.unwrap_or(at), at))
}

fn latex_fraction(view: &View<'_>, at: usize) -> bool {
    ["\\frac", "\\dfrac", "\\tfrac"].iter().any(|command| view.has(at, command))
}

/// Digits, a vulgar fraction or a LaTeX fraction.
fn core(view: &View<'_>, at: usize) -> Option<(usize, Option<ExactNumber>)> {
    if view.at(at) == '\\' {
        return Some(latex(view, at));
    }
    if let Some((numerator, denominator)) = vulgar(view.at(at)) {
        return Some((at + 1, ExactNumber::whole(numerator).divided(&ExactNumber::whole(denominator))));
    }
    digits(view, at)
}

/// `\frac{1}{2}`, `\frac12`; the value is `None` where the parts are no plain numbers.
fn latex(view: &View<'_>, at: usize) -> (usize, Option<ExactNumber>) {
    let mut end = at + 1;
    while view.at(end).is_ascii_alphabetic() {
        end += 1;
    }
    let mut parts = [None, None];
    for part in &mut parts {
        end = view.skip_spaces(end);
        if view.at(end) == '{' {
            let inner = view.skip_spaces(end + 1);
            let (negative, from) = if view.at(inner) == '-' { (true, inner + 1) } else { (false, inner) };
            let Some((close, value)) = digits(view, from) else { return (end + 1, None) };
            let close = view.skip_spaces(close);
            if view.at(close) != '}' {
                return (close, None);
            }
            (*part, end) = (value.map(|value| if negative { value.negated() } else { value }), close + 1);
        } else if let Some(digit) = view.at(end).to_digit(10) {
            (*part, end) = (Some(ExactNumber::whole(digit)), end + 1);
        } else {
            return (end, None);
        }
    }
    let [numerator, denominator] = parts;
    (end, numerator.zip(denominator).and_then(|(a, b)| a.divided(&b)))
}

/// A fraction after a whole number: `/2`, ` 1/2`, `½`, `\frac{1}{2}`.
fn fraction(
    view: &View<'_>,
    end: usize,
    value: Option<&ExactNumber>,
) -> Option<(usize, Option<ExactNumber>)> {
    let slash = view.skip_spaces(end);
    let close = view.skip_spaces(slash + 1);
    if slash <= end + 1 && view.at(slash) == '/' && view.at(close).is_ascii_digit() {
        let (next, denominator) = digits(view, close)?;
        let divided = value.zip(denominator).and_then(|(value, by)| value.divided(&by));
        return Some((next, divided));
    }
    let at = if view.at(end) == ' ' || is_thin_space(view.at(end)) { end + 1 } else { end };
    let (next, part) = if vulgar(view.at(at)).is_some() || latex_fraction(view, at) {
        core(view, at)?
    } else if at > end && view.at(at).is_ascii_digit() {
        small_fraction(view, at)?
    } else {
        return None;
    };
    Some((next, value.zip(part).and_then(|(whole, part)| whole.plus(&part))))
}

/// `a/b` with a < b and at most three digits each, as in `3 1/2`.
fn small_fraction(view: &View<'_>, at: usize) -> Option<(usize, Option<ExactNumber>)> {
    let run = |from: usize| -> Option<(usize, u32)> {
        let end = (from..from + 4).find(|position| !view.at(*position).is_ascii_digit())?;
        Some((end, view.string(from..end).parse().ok()?))
    };
    let (slash, numerator) = run(at)?;
    if view.at(slash) != '/' {
        return None;
    }
    let (end, denominator) = run(slash + 1)?;
    (numerator < denominator && !matches!(view.at(end), '/'))
        .then(|| (end, ExactNumber::whole(numerator).divided(&ExactNumber::whole(denominator))))
}

/// A power after a number: `^10`, `^{-2}`, `³`; the value is `None` where it is no whole one, or a power again.
fn raised(view: &View<'_>, end: usize, value: Option<&ExactNumber>) -> Option<(usize, Option<ExactNumber>)> {
    match script::exponent(view, end)? {
        (_, Exponent::Sign) => None,
        (next, Exponent::Whole(power)) if script::exponent(view, next).is_none() => {
            Some((next, value.and_then(|value| value.raised(power))))
        }
        (next, _) => Some((next, None)),
    }
}

/// `e5`, `E-3`, `x 10^5`, `\times 10^{-3}`; the inner `None` is an exponent beyond reading.
fn exponent(view: &View<'_>, end: usize) -> Option<(usize, Option<i64>)> {
    if matches!(view.at(end), 'e' | 'E') {
        let signed = matches!(view.at(end + 1), '-' | '+');
        let from = end + 1 + usize::from(signed);
        return power(view, from, signed && view.at(end + 1) == '-');
    }
    let times = view.skip_spaces(end);
    let after = match view.at(times) {
        'x' | '×' | '*' | '·' => times + 1,
        '\\' if view.has(times, "\\times") => times + 6,
        '\\' if view.has(times, "\\cdot") => times + 5,
        _ => return None,
    };
    let ten = view.skip_spaces(after);
    if !view.has(ten, "10") {
        return None;
    }
    match script::exponent(view, ten + 2)? {
        (next, Exponent::Whole(shift)) => Some((next, Some(shift))),
        _ => None,
    }
}

fn power(view: &View<'_>, from: usize, negative: bool) -> Option<(usize, Option<i64>)> {
    let mut end = from;
    while view.at(end).is_ascii_digit() {
        end += 1;
    }
    let number = if end - from <= 18 { view.string(from..end).parse::<i64>().ok() } else { None };
    (end > from).then(|| (end, number.map(|number| if negative { -number } else { number })))
}

/// The end of what makes a number a time, a date, a range or an identifier.
fn other_notation(view: &View<'_>, end: usize) -> Option<usize> {
    let joined = |position: usize| {
        matches!(view.at(position), ':' | '-' | '/') && view.at(position + 1).is_ascii_digit()
    };
    let letters = view.word_end(end);
    let identifier = letters > end
        && view.slice(end..letters).iter().any(char::is_ascii_digit)
        && view.slice(end..letters).iter().any(|c| c.is_alphabetic());
    if identifier {
        return Some(letters);
    }
    if !joined(end) {
        return None;
    }
    let mut at = end;
    while view.at(at).is_ascii_digit() || joined(at) {
        at += 1;
    }
    Some(at)
}

/// Adds percent, scale word, `k` and ordinal endings.
fn suffix(view: &View<'_>, mut token: NumberToken, prefixed: bool) -> NumberToken {
    let end = token.range.end;
    if ["st", "nd", "rd", "th"].iter().any(|ending| view.has_word(end, ending)) {
        token.ordinal = true;
        token.range.end = end + 2;
        return token;
    }
    if view.has_word(end, "k") {
        (token.value, token.range.end) = (token.value.and_then(|value| value.shifted(3)), end + 1);
        return token;
    }
    let currency = prefixed || is_currency(view.before(token.range.start));
    if currency && view.at(end) == 'M' && !view.at(end + 1).is_alphanumeric() {
        (token.value, token.range.end) = (token.value.and_then(|value| value.shifted(6)), end + 1);
        return token;
    }
    let mut next = view.skip_spaces(end);
    next += usize::from(view.at(next) == '\\' && view.at(next + 1) == '%');
    if view.at(next) == '%' {
        (token.percent, token.range.end) = (true, next + 1);
    } else if let Some(words) = ["percent", "per cent", "pct"].iter().find(|words| view.has_word(next, words))
    {
        (token.percent, token.range.end) = (true, next + words.len());
    } else if let Some(scale) = SCALES.iter().find(|(word, _)| view.has_word(next, word)) {
        (token.scale, token.range.end) = (Some(*scale), next + scale.0.len());
    }
    token
}

/// Numerator and denominator of a vulgar fraction.
pub(crate) fn vulgar(c: char) -> Option<(u32, u32)> {
    Some(match c {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        _ => return None,
    })
}
