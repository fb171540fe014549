//! The one probability in a piece of text.

use plimsoll_router::Confidence;

use super::VerbalizedProblem;

/// What makes the number after it a bound.
const BOUNDS_BEFORE: [&str; 16] = [
    "<",
    ">",
    "≤",
    "≥",
    "at least",
    "at most",
    "more than",
    "less than",
    "above",
    "below",
    "over",
    "under",
    "up to",
    "greater than",
    "lower than",
    "higher than",
];

/// What makes the number before it a bound.
const BOUNDS_AFTER: [&str; 7] = ["+", "or more", "or higher", "or less", "or lower", "or above", "or below"];

/// Signs and words of a percentage.
const PERCENT: [&str; 4] = ["%", "percent", "per cent", "pct"];

/// What joins two numbers to one statement about both: a range, a choice, a sum.
const JOINTS: [&str; 18] = [
    "", "-", "to", "or", "and", "and/or", "through", "/", "+", "*", "x", "=", "..", "...", "±", "~", "->",
    "vs",
];

/// A number as it is written, and where.
#[derive(Debug, Clone, Copy)]
struct WrittenNumber {
    value: f64,
    start: usize,
    end: usize,
    /// Whether it is written as a share of a whole: with a point, a percent sign, or what it is out of.
    is_share: bool,
}

/// The probability that a text states, if no other number in it can be meant. The same one stated twice
/// ("0.85 (85%)") is one; numbers of a remark ("0.9, based on 3 checks") count something else, unless they could
/// be a probability themselves.
pub(super) fn only(text: &str) -> Result<Confidence, VerbalizedProblem> {
    let stated = stated(text);
    let Some(first) = stated.first() else { return Err(VerbalizedProblem::NoNumber) };
    let leads = !text[..first.start].contains(char::is_alphanumeric);
    let chosen =
        if leads { 0 } else { stated.iter().position(|one| is_probability(text, *one)).unwrap_or(0) };
    let value = stated[chosen].value;
    let is_rival = |(index, other): (usize, &WrittenNumber)| {
        other.value != value && (is_probability(text, *other) || is_joined(text, &stated, (index, chosen)))
    };
    if stated.iter().enumerate().any(is_rival) {
        return Err(VerbalizedProblem::SeveralNumbers);
    }
    if stated.iter().any(|one| one.value == value && is_bounded(text, *one)) {
        return Err(VerbalizedProblem::Bound);
    }
    Confidence::new(value).map_err(|_| VerbalizedProblem::OutOfRange)
}

/// Whether a number can be a probability: one from 0 to 1, but for a 0 or 1 that counts what follows it.
fn is_probability(text: &str, number: WrittenNumber) -> bool {
    (0.0..=1.0).contains(&number.value) && (number.is_share || !counts(text, number))
}

/// Whether a word follows a number, which then may be what it counts.
fn counts(text: &str, number: WrittenNumber) -> bool {
    text[number.end..].trim_start().starts_with(char::is_alphabetic)
}

/// Whether two numbers stand side by side with nothing but a joint between them.
fn is_joined(text: &str, stated: &[WrittenNumber], (one, other): (usize, usize)) -> bool {
    let (first, second) = (one.min(other), one.max(other));
    if second != first + 1 {
        return false;
    }
    let between = text[stated[first].end..stated[second].start].trim().to_lowercase();
    let joint = between.trim_matches('%').trim();
    JOINTS.contains(&joint) || (matches!(joint, "," | ";") && !counts(text, stated[second]))
}

/// The numbers of a text: shares of a whole and percentages resolved, the range that the question named
/// ("from 0 to 1") left out.
fn stated(text: &str) -> Vec<WrittenNumber> {
    let numbers = numbers(text);
    let mut found = Vec::with_capacity(numbers.len());
    let mut rest = numbers.as_slice();
    while let Some((number, after)) = rest.split_first() {
        rest = after;
        if let Some((next, after)) = rest.split_first() {
            let between = text[number.end..next.start].trim().to_lowercase();
            if is_range(number, next, &between) {
                rest = after;
                continue;
            }
            if is_share(next, &between) {
                let value = number.value / next.value;
                found.push(WrittenNumber { value, start: number.start, end: next.end, is_share: true });
                rest = after;
                continue;
            }
        }
        let is_percentage = percent(&text[number.end..]);
        let value = if is_percentage { number.value / 100.0 } else { number.value };
        found.push(WrittenNumber { value, is_share: is_percentage || number.is_share, ..*number });
    }
    found
}

/// "0 to 1", "0-100", "between 0 and 1".
fn is_range(low: &WrittenNumber, high: &WrittenNumber, between: &str) -> bool {
    low.value == 0.0
        && [1.0, 100.0].contains(&high.value)
        && ["to", "-", "and", "% to", "% and", "%-"].contains(&between)
}

/// "8/10", "9 out of 10", "9 of 10".
fn is_share(whole: &WrittenNumber, between: &str) -> bool {
    whole.value >= 1.0 && whole.value.fract() == 0.0 && ["/", "out of", "of"].contains(&between)
}

/// Characters around a number in which its unit and its bounds are looked for.
const MAX_AROUND: usize = 24;

fn percent(after: &str) -> bool {
    let after = head(after.trim_start());
    PERCENT.iter().any(|sign| after.starts_with(sign))
}

fn is_bounded(text: &str, number: WrittenNumber) -> bool {
    let before = &text[..number.start];
    let start = before.char_indices().rev().nth(MAX_AROUND - 1).map_or(0, |(index, _)| index);
    let before = before[start..].trim_end().to_lowercase();
    let after = head(text[number.end..].trim_start());
    let after = after.trim_start_matches(['%', ' ']);
    BOUNDS_BEFORE.iter().any(|bound| ends_with_word(&before, bound))
        || BOUNDS_AFTER.iter().any(|bound| after.starts_with(bound))
}

/// The start of a text in lower case.
fn head(text: &str) -> String {
    text.chars().take(MAX_AROUND).flat_map(char::to_lowercase).collect()
}

/// Whether a text ends with a sign, or with a word that is not the tail of a longer one.
fn ends_with_word(text: &str, word: &str) -> bool {
    let is_sign = !word.starts_with(char::is_alphabetic);
    text.strip_suffix(word).is_some_and(|head| is_sign || !head.ends_with(char::is_alphanumeric))
}

/// The numbers of a text, in order. Digits in a word ("GPT4", "1st") are no number.
fn numbers(text: &str) -> Vec<WrittenNumber> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digit = bytes[at].is_ascii_digit();
        let point = bytes[at] == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !digit && !point {
            at += 1;
            continue;
        }
        let number = number(text, at);
        at = number.end;
        if in_word(text, number) {
            // With all its points: "v1.2.3" holds no .3 either.
            at += bytes[at..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
        } else {
            found.push(number);
        }
    }
    found
}

/// The number that starts at a byte.
fn number(text: &str, start: usize) -> WrittenNumber {
    let whole = digits(text, start);
    let mut end = whole;
    let mut written = text[start..whole].to_owned();
    if let Some(point) = text[whole..].chars().next().filter(|c| matches!(c, '.' | ',')) {
        let part = digits(text, whole + 1);
        if part > whole + 1 {
            // "0,85" has a decimal comma, "1,000" a thousand.
            let thousands = point == ',' && part - whole == 4 && !written.trim_start_matches('0').is_empty();
            if !thousands {
                written.push('.');
            }
            written.push_str(&text[whole + 1..part]);
            end = part;
        }
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(text, end + 1 + sign);
        if exponent > end + 1 + sign {
            written.push_str(&text[end..exponent]);
            end = exponent;
        }
    }
    // Digits with a point always parse; too many of them are an infinity, which is out of range.
    let value: f64 = written.parse().unwrap_or(f64::INFINITY);
    let is_share = written.contains('.');
    WrittenNumber { value: if has_minus(text, start) { -value } else { value }, start, end, is_share }
}

/// Where the digits that start at a byte end.
fn digits(text: &str, start: usize) -> usize {
    start + text.as_bytes()[start..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether letters touch the number, other than those of a percentage.
fn in_word(text: &str, number: WrittenNumber) -> bool {
    let touches = |c: char| c.is_alphabetic() || c == '_';
    let after = &text[number.end..];
    text[..number.start].ends_with(touches) || (after.starts_with(touches) && !percent(after))
}

/// Whether a minus before the number is its sign, not a hyphen or the dash of a range.
fn has_minus(text: &str, start: usize) -> bool {
    text[..start].strip_suffix('-').is_some_and(|head| {
        let joined = head.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '%' | '.' | ')'));
        let range = head.trim_end().ends_with(|c: char| c.is_ascii_digit() || c == '%');
        !joined && !range
    })
}
