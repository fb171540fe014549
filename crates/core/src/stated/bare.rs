//! Confidences without a label: before a word, on a line of their own, and at the end.

use super::labelled::begins_number;
use super::{Stated, StatedForm};
use crate::exact::ExactNumber;
use crate::question::AnswerKind;
use crate::view::{View, is_currency};

/// Characters of a bare number, at most.
const MAX_BARE: usize = 12;

/// Words before a bare number at the end that make it part of a sentence.
const LEADING_TO_NUMBER: &[&str] = &["is", "of", "to", "about", "than", "at", "by", "answer", "guess"];

/// Characters before a number that may bound it, at most.
const MAX_BEFORE: usize = 24;

/// Whether a number from 0 to 1 with a point, or a percentage, begins at a position.
pub(super) fn begins_share(view: &View<'_>, at: usize) -> bool {
    let mut end = at;
    while view.at(end).is_ascii_digit() && end < at + MAX_BARE {
        end += 1;
    }
    let is_percentage = end > at && view.at(view.skip_spaces(end)) == '%';
    is_percentage || view.has(at, "0.") || view.has(at, "1.0") || (end == at && begins_number(view, at))
}

/// `90 % sure`: the number before a word, with the words before it that may bound it.
pub(super) fn sure(view: &View<'_>, word: usize) -> Option<Stated> {
    let start = number_before(view, word)?;
    let (mut from, mut words) = (start, 0);
    while from > start.saturating_sub(MAX_BEFORE) && words < 3 {
        let c = view.before(from);
        if c.is_ascii_digit() || c == '\n' || view.ends_sentence(from - 1) {
            break;
        }
        words += usize::from(c == ' ');
        from -= 1;
    }
    Some(Stated { range: start..view.word_end(word), value: from..word, form: StatedForm::Sure })
}

/// Where the percentage, or the decimal from 0 to 1, before a word begins.
fn number_before(view: &View<'_>, word: usize) -> Option<usize> {
    let spaces = |mut at: usize| {
        let end = at;
        while view.before(at) == ' ' && end - at < 3 {
            at -= 1;
        }
        at
    };
    let end = spaces(word);
    let is_percentage = view.before(end) == '%';
    let end = if is_percentage { spaces(end - 1) } else { end };
    let mut at = end;
    while (view.before(at).is_ascii_digit() || matches!(view.before(at), '.' | ',')) && end - at < 8 {
        at -= 1;
    }
    let has_digit = view.slice(at..end).iter().any(char::is_ascii_digit);
    (has_digit && (is_percentage || begins_share(view, at))).then_some(at)
}

/// A second line that is nothing but a number in [0, 1] or a percentage, below an answer.
pub(super) fn second_line(view: &View<'_>, kind: AnswerKind) -> Option<Stated> {
    let mut lines = view.lines();
    let (first, second) = (lines.next()?, lines.next()?);
    if lines.next().is_some() || view.before(first.end) == ':' || second.len() > MAX_BARE {
        return None;
    }
    let opens = view.at(first.start);
    if kind == AnswerKind::Number && !(opens.is_ascii_digit() || opens == '-' || is_currency(opens)) {
        return None;
    }
    let text = view.string(second.clone());
    let (number, unit) = match text.strip_suffix('%') {
        Some(number) => (number.trim_end(), 100.0),
        None => (text.as_str(), 1.0),
    };
    let value = ExactNumber::from_plain(&number.replace(',', "."))?.to_f64();
    (view.at(second.start).is_ascii_digit() && (0.0..=unit).contains(&value)).then(|| Stated {
        range: second.clone(),
        value: second,
        form: StatedForm::Bare,
    })
}

/// A bare `0.9` after the answer on its own line: `Paris, 0.9`, `Paris: 0.95`.
pub(super) fn ending(view: &View<'_>) -> Option<Stated> {
    let line = view.last_line()?;
    let mut start = line.end;
    while start > line.start && line.end - start < 6 && view.before(start).is_ascii_digit() {
        start -= 1;
    }
    let leading = start.checked_sub(2).filter(|zero| *zero > line.start && view.has(*zero, "0."))?;
    let mut before = leading;
    while before > line.start && matches!(view.before(before), ' ' | ',' | ':' | ';' | '.' | '-') {
        before -= 1;
    }
    let mut word = before;
    while word > line.start && view.before(word).is_alphabetic() {
        word -= 1;
    }
    let leads = LEADING_TO_NUMBER.contains(&view.word(word).as_str());
    let fits =
        start < line.end && before < leading && before > line.start && !leads && view.lines().count() <= 2;
    fits.then_some(Stated { range: before..line.end, value: leading..line.end, form: StatedForm::Bare })
}
