//! Confidences with a label: where the label ends, and where the value and the remarks on it do.

use super::bare::begins_share;
use super::{Stated, StatedForm};
use crate::view::View;

/// What may stand between a label and its mark.
const QUALIFIERS: &[&str] = &[
    " level",
    " score",
    " rating",
    " value",
    " in this answer",
    " in my answer",
    " in the answer",
    " of being correct",
];

/// Words that may stand before a label on its line.
const BEFORE_LABEL: &[&str] = &["my", "overall", "the", "final", "your", "a", "and"];

/// Words for a confidence without a number.
const LEVELS: &[&str] = &[
    "high",
    "low",
    "medium",
    "moderate",
    "very",
    "extremely",
    "quite",
    "fairly",
    "certain",
    "uncertain",
    "unsure",
    "sure",
    "full",
    "complete",
    "absolute",
    "none",
    "unknown",
    "zero",
    "ninety",
    "eighty",
    "seventy",
    "sixty",
    "fifty",
];

/// Characters of a value that are left out with its label, at most.
const MAX_VALUE: usize = 120;

/// Characters of a value with the remarks on it, at most.
const MAX_REMARKS: usize = 400;

/// Characters of a note between a label and its mark (`Confidence (0-1):`), at most.
const MAX_NOTE: usize = 40;

/// Characters between a verb and its number, at most.
const MAX_GAP: usize = 24;

/// `Confidence: 0.9`: always at the start of a line; within one where a number or a level follows.
pub(super) fn labelled(view: &View<'_>, at: usize) -> Option<Stated> {
    let end = label_end(view, at);
    if view.before(at) == '<' && view.at(end) == '>' {
        return Some(tagged(view, at, end));
    }
    let mark = view.skip_closing(end);
    let from = if matches!(view.at(mark), ':' | '=') {
        Some(mark + 1).filter(|from| begins_line(view, at) || has_value(view, *from))
    } else if mark > end && begins_share(view, mark) {
        // `(confidence 0.9)`
        Some(mark)
    } else {
        after_verb(view, mark)
    };
    from.map(|from| with_value(view, at, from, StatedForm::Labelled))
}

/// `<confidence>0.9</confidence>`, with the name of the tag at a position.
fn tagged(view: &View<'_>, at: usize, name_end: usize) -> Stated {
    let mut stated = with_value(view, at - 1, name_end + 1, StatedForm::Labelled);
    let close = stated.range.end;
    let after = close + 2;
    if view.has(close, "</") && view.slice(after..after + name_end - at) == view.slice(at..name_end) {
        stated.range.end = after + name_end - at + 1;
    }
    stated
}

/// The end of a label: its word, what qualifies it, and a note in brackets.
pub(super) fn label_end(view: &View<'_>, at: usize) -> usize {
    let mut end = view.word_end(at);
    for qualifier in QUALIFIERS {
        if view.has_word(end, qualifier) {
            end += qualifier.len();
        }
    }
    let open = view.skip_spaces(end);
    if view.at(open) == '(' {
        let close = (open..open + MAX_NOTE).find(|at| matches!(view.at(*at), ')' | '\n'));
        let close = close.filter(|close| view.at(*close) == ')');
        // `Confidence (0-1): 0.8`, not `confidence (0.8)`.
        let marked = |close: &usize| matches!(view.at(view.skip_closing(close + 1)), ':' | '=');
        return close.filter(marked).map_or(end, |close| close + 1);
    }
    end
}

/// Where the value begins after `is`, `of` or `was`, if a number is near.
pub(super) fn after_verb(view: &View<'_>, at: usize) -> Option<usize> {
    let verb = ["is", "of", "was", "at"].iter().find(|verb| view.has_word(at, verb))?;
    let from = at + verb.len();
    let mut near = (from..from + MAX_GAP).take_while(|at| !view.ends_sentence(*at));
    near.any(|at| view.at(at).is_ascii_digit()).then_some(from)
}

/// Whether nothing but marks, a number of a list and words that lead to a label stand before it on its line.
pub(super) fn begins_line(view: &View<'_>, label: usize) -> bool {
    let mut start = label;
    while start > label.saturating_sub(MAX_NOTE) && view.before(start) != '\n' {
        start -= 1;
    }
    if view.before(start) != '\n' {
        return false;
    }
    let mut at = start;
    while at < label {
        if view.at(at).is_alphabetic() {
            if !BEFORE_LABEL.contains(&view.word(at).as_str()) {
                return false;
            }
            at = view.word_end(at);
        } else if view.at(at).is_ascii_digit() {
            at += 1;
            if !view.at(at).is_ascii_digit() && !matches!(view.at(at), '.' | ')') {
                return false;
            }
        } else {
            at += 1;
        }
    }
    true
}

/// Whether a value stands at a position: a number, a word for a level, or words before a number that can be a
/// confidence.
fn has_value(view: &View<'_>, from: usize) -> bool {
    let at = skip_marks(view, from);
    if begins_number(view, at) || LEVELS.contains(&view.word(at).as_str()) {
        return true;
    }
    let numbers =
        (at..statement_end(view, at)).filter(|at| begins_number(view, *at) && !begins_number(view, at - 1));
    numbers.into_iter().any(|at| begins_share(view, at))
}

/// A statement whose value begins at a position, or on the next line that holds something.
pub(super) fn with_value(view: &View<'_>, at: usize, from: usize, form: StatedForm) -> Stated {
    let mut begin = view.skip_spaces(from);
    let first = skip_marks(view, begin);
    if view.at(first) == '\n' {
        let next = view.skip_white(first);
        let number = skip_marks(view, next);
        if !begins_number(view, number) && !LEVELS.contains(&view.word(number).as_str()) {
            return Stated { range: at..begin, value: begin..begin, form };
        }
        begin = next;
    } else if view.at(begin) == '<' && is_tag(view, begin) {
        begin = first;
    }
    let remarks = remarks_end(view, begin);
    // A statement in brackets is all that they hold.
    let is_bracketed = matches!(view.before(at), '(' | '[') && matches!(view.at(remarks), ')' | ']');
    let end = if is_bracketed { remarks } else { statement_end(view, begin) };
    Stated { range: at..end, value: begin..remarks, form }
}

/// Skips spaces, tags, and opening marks of Markdown, LaTeX and quotes within a line.
fn skip_marks(view: &View<'_>, from: usize) -> usize {
    let mut at = from;
    while at < view.len() && at < from + MAX_NOTE {
        at = match view.at(at) {
            ' ' | '*' | '_' | '`' | '"' | '\'' | '~' | '(' | '[' | '$' => at + 1,
            '<' if is_tag(view, at) => skip_tag(view, at),
            _ => break,
        };
    }
    at
}

/// The position after the tag that begins at one; that of its bracket's end if it has none.
fn skip_tag(view: &View<'_>, at: usize) -> usize {
    let end = (at + 1..at + MAX_NOTE).find(|at| matches!(view.at(*at), '<' | '>' | '\n'));
    end.filter(|end| view.at(*end) == '>').map_or(at + 1, |end| end + 1)
}

/// Whether digits, or a point before digits, stand at a position.
pub(super) fn begins_number(view: &View<'_>, at: usize) -> bool {
    view.at(at).is_ascii_digit() || (view.at(at) == '.' && view.at(at + 1).is_ascii_digit())
}

/// Where the value of a stated confidence ends: its line, a bracket, a comma or a sentence.
fn statement_end(view: &View<'_>, begin: usize) -> usize {
    let mut at = begin;
    while at < view.len() && at < begin + MAX_VALUE {
        let stop = match view.at(at) {
            '\n' | ')' | '}' | ';' | '|' => true,
            ',' | '.' => !view.at(at + 1).is_ascii_digit(),
            '<' => is_tag(view, at),
            _ => false,
        };
        if stop {
            break;
        }
        at += 1;
    }
    at
}

/// Where the remarks on a value end: its line, a bracket that was opened before it, a column, a tag, or the
/// next label.
fn remarks_end(view: &View<'_>, begin: usize) -> usize {
    let (mut at, mut depth) = (begin, 0usize);
    while at < view.len() && at < begin + MAX_REMARKS {
        match view.at(at) {
            '\n' | '|' => break,
            '<' if is_tag(view, at) => break,
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' if depth == 0 => break,
            ')' | '}' | ']' => depth -= 1,
            _ if at > begin && view.starts_word(at) && is_label(view, at) => break,
            _ => {}
        }
        at += 1;
    }
    at
}

/// Whether a tag begins at a `<`, and not a bound.
fn is_tag(view: &View<'_>, at: usize) -> bool {
    view.at(at + 1).is_alphabetic() || matches!(view.at(at + 1), '/' | '|' | '!')
}

/// Whether a word is a label: a letter begins it and a colon follows it.
fn is_label(view: &View<'_>, at: usize) -> bool {
    view.at(at).is_alphabetic() && matches!(view.at(view.skip_closing(view.word_end(at))), ':' | '=')
}
