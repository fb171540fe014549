//! The one probability in a piece of text.

use plimsoll_router::Confidence;

use super::Unread;

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

/// A number as it is written, and where.
#[derive(Debug, Clone, Copy)]
struct Written {
    value: f64,
    start: usize,
    end: usize,
}

/// The probability that a text states, if it states exactly one. The same one stated twice
/// ("0.85 (85%)") is one.
pub(super) fn only(text: &str) -> Result<Confidence, Unread> {
    let stated = stated(text);
    let Some((first, others)) = stated.split_first() else {
        return Err(Unread::NoNumber);
    };
    if others.iter().any(|other| other.value != first.value) {
        return Err(Unread::SeveralNumbers);
    }
    if stated.iter().any(|one| bounded(text, *one)) {
        return Err(Unread::Bound);
    }
    Confidence::new(first.value).map_err(|_| Unread::OutOfRange)
}

/// The probabilities of a text: shares of a whole and percentages resolved, the range that the question
/// named ("from 0 to 1") left out.
fn stated(text: &str) -> Vec<Written> {
    let numbers = numbers(text);
    let mut found = Vec::with_capacity(numbers.len());
    let mut rest = numbers.as_slice();
    while let Some((number, behind)) = rest.split_first() {
        rest = behind;
        if let Some((next, behind)) = rest.split_first() {
            let between = text[number.end..next.start].trim().to_lowercase();
            if is_range(number, next, &between) {
                rest = behind;
                continue;
            }
            if is_share(next, &between) {
                found.push(Written { value: number.value / next.value, start: number.start, end: next.end });
                rest = behind;
                continue;
            }
        }
        let scale = if percent(&text[number.end..]) { 100.0 } else { 1.0 };
        found.push(Written { value: number.value / scale, ..*number });
    }
    found
}

/// "0 to 1", "0-100", "between 0 and 1".
fn is_range(low: &Written, high: &Written, between: &str) -> bool {
    low.value == 0.0
        && [1.0, 100.0].contains(&high.value)
        && ["to", "-", "and", "% to", "% and", "%-"].contains(&between)
}

/// "8/10", "9 out of 10", "9 of 10".
fn is_share(whole: &Written, between: &str) -> bool {
    whole.value >= 1.0 && whole.value.fract() == 0.0 && ["/", "out of", "of"].contains(&between)
}

fn percent(behind: &str) -> bool {
    let behind = behind.trim_start().to_lowercase();
    PERCENT.iter().any(|sign| behind.starts_with(sign))
}

fn bounded(text: &str, number: Written) -> bool {
    let before = text[..number.start].trim_end().to_lowercase();
    let behind = text[number.end..].trim_start().to_lowercase();
    let behind = behind.trim_start_matches(['%', ' ']);
    BOUNDS_BEFORE.iter().any(|bound| ends_with_word(&before, bound))
        || BOUNDS_AFTER.iter().any(|bound| behind.starts_with(bound))
}

/// Whether a text ends with a sign, or with a word that is not the tail of a longer one.
fn ends_with_word(text: &str, word: &str) -> bool {
    let is_sign = !word.starts_with(char::is_alphabetic);
    text.strip_suffix(word).is_some_and(|head| is_sign || !head.ends_with(char::is_alphanumeric))
}

/// The numbers of a text, in order. Digits in a word ("GPT4", "1st") are no number.
fn numbers(text: &str) -> Vec<Written> {
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
fn number(text: &str, start: usize) -> Written {
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
    Written { value: if has_minus(text, start) { -value } else { value }, start, end }
}

/// Where the digits that start at a byte end.
fn digits(text: &str, start: usize) -> usize {
    start + text.as_bytes()[start..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether letters touch the number, other than those of a percentage.
fn in_word(text: &str, number: Written) -> bool {
    let touches = |c: char| c.is_alphabetic() || c == '_';
    let behind = &text[number.end..];
    text[..number.start].ends_with(touches) || (behind.starts_with(touches) && !percent(behind))
}

/// Whether a minus before the number is its sign, not a hyphen or the dash of a range.
fn has_minus(text: &str, start: usize) -> bool {
    text[..start].strip_suffix('-').is_some_and(|head| {
        let joined = head.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '%' | '.' | ')'));
        let range = head.trim_end().ends_with(|c: char| c.is_ascii_digit() || c == '%');
        !joined && !range
    })
}
