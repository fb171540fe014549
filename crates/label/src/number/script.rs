//! Exponents and indices: what stands raised or lowered beside a unit, a variable or a number.

use plimsoll_core::view::View;

/// Characters of an exponent or index in brackets, at most.
const MAX_SCRIPT: usize = 60;

/// Characters of a line in which bold text is looked for.
const MAX_LINE: usize = 200;

/// Marks that raise or lower what follows, with what ends it where that is no bracket of its own.
const MARKS: &[(&str, Option<&str>)] = &[
    ("^", None),
    ("_", None),
    ("**", None),
    ("<sup>", Some("</sup>")),
    ("<sub>", Some("</sub>")),
    ("\\textsuperscript", None),
    ("\\textsubscript", None),
    ("\\sp", None),
    ("\\sb", None),
];

/// A mark that raises or lowers something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Script {
    /// Where what is raised or lowered begins, its bracket skipped.
    pub(crate) inner: usize,
    /// Where it ends, before its closing bracket.
    pub(crate) inner_end: usize,
    /// Where the text goes on.
    pub(crate) end: usize,
    /// Whether it is raised.
    pub(crate) is_raised: bool,
}

/// The exponent or index that begins at a position; `None` if none does.
pub(crate) fn script(view: &View<'_>, at: usize) -> Option<Script> {
    if !matches!(view.at(at), '^' | '_' | '*' | '<' | '\\') {
        return None;
    }
    let (mark, close) = MARKS.iter().find(|(mark, _)| view.has(at, mark))?;
    let after = at + mark.chars().count();
    let is_command = mark.starts_with('\\');
    if !has_base(view, at, mark)
        || (is_command && view.at(after) != '{')
        || (*mark == "**" && !is_power(view, at))
    {
        return None;
    }
    let (inner, inner_end, end) = match close {
        Some(close) => {
            let end = (after..after + MAX_SCRIPT).find(|end| view.has(*end, close))?;
            (after, end, end + close.len())
        }
        None => extent(view, after)?,
    };
    Some(Script {
        inner,
        inner_end,
        end,
        is_raised: !matches!(*mark, "_" | "<sub>" | "\\textsubscript" | "\\sb"),
    })
}

/// Whether something stands before a mark that can have an exponent or index: a letter, a digit, or a closing
/// bracket; a space between is allowed for `^` alone.
fn has_base(view: &View<'_>, at: usize, mark: &str) -> bool {
    let mut before = at;
    // `m\^2`, `m ^ 2`
    if view.before(before) == '\\' {
        before -= 1;
    }
    if mark == "^" && view.before(before) == ' ' {
        before -= 1;
    }
    let base = view.before(before);
    let closes = matches!(base, ')' | ']' | '}' | '>' | '$');
    if mark == "_" {
        base.is_alphabetic() || base == '}' || base == ')'
    } else {
        base.is_alphanumeric() || closes
    }
}

/// Whether `**` is a power: a number follows it directly, and it neither opens nor closes bold text.
fn is_power(view: &View<'_>, at: usize) -> bool {
    let Some((_, _, end)) = extent(view, at + 2) else { return false };
    let begins = |c: char| c.is_ascii_digit() || matches!(c, '-' | '(' | '{');
    let mut start = at;
    while start > at.saturating_sub(MAX_LINE) && view.before(start) != '\n' {
        start -= 1;
    }
    let stars = (start..at).filter(|at| view.has(*at, "**")).count();
    begins(view.at(at + 2)) && !view.has(end, "**") && stars % 2 == 0
}

/// What is raised or lowered after a mark: a bracket's content, or a number or single letter with its sign.
/// Where that begins, where it ends, and where the text goes on.
fn extent(view: &View<'_>, after: usize) -> Option<(usize, usize, usize)> {
    let from = if view.at(after) == ' ' { after + 1 } else { after };
    if let Some(close) = match view.at(from) {
        '{' => Some('}'),
        '(' => Some(')'),
        '[' => Some(']'),
        _ => None,
    } {
        let (open, mut depth) = (view.at(from), 0usize);
        for at in from..from + MAX_SCRIPT {
            if view.at(at) == open {
                depth += 1;
            } else if view.at(at) == close {
                depth -= 1;
                if depth == 0 {
                    return Some((from + 1, at, at + 1));
                }
            }
        }
        return None;
    }
    let signed = from + usize::from(matches!(view.at(from), '-' | '+'));
    let mut end = signed;
    while view.at(end).is_ascii_digit() {
        end += 1;
    }
    if end == signed && view.at(end) == '\\' {
        // `^\circ`
        end = view.word_end(end + 1);
        return (end > signed + 1).then_some((from, end, end));
    }
    if end == signed && view.at(end).is_alphabetic() {
        let is_ordinal = ORDINALS.iter().any(|ending| view.has_word(end, ending));
        end += if is_ordinal { 2 } else { 1 };
    }
    (end > signed).then_some((from, end, end))
}

/// Signs of degrees and minutes.
const SIGNS: &[&str] = &["\\circ", "\\prime", "\\degree", "o", "°", "∘"];

/// Endings of ordinals.
const ORDINALS: &[&str] = &["st", "nd", "rd", "th"];

/// Digits that are written raised.
const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/// What an exponent after a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exponent {
    Whole(i64),
    /// No exponent: a sign of degrees or minutes, the ending of an ordinal, or the mark of a note.
    Sign,
    Other,
}

/// The exponent that stands at a position, after a number, and where it ends.
pub(crate) fn exponent(view: &View<'_>, at: usize) -> Option<(usize, Exponent)> {
    if RAISED.contains(view.at(at)) || view.at(at) == '⁻' {
        return raised_digits(view, at).map(|(end, power)| (end, Exponent::Whole(power)));
    }
    let from = if view.at(at) == ' ' && view.at(at + 1) == '^' { at + 1 } else { at };
    let script = script(view, from).filter(|script| script.is_raised)?;
    let inner = view.string(view.trim(script.inner..script.inner_end));
    // `18^[2]` has a note.
    if view.before(script.inner) == '[' {
        return Some((script.end, Exponent::Sign));
    }
    let exponent = match inner.strip_prefix('+').unwrap_or(&inner).parse::<i64>() {
        Ok(power) => Exponent::Whole(power),
        Err(_) if SIGNS.iter().chain(ORDINALS).any(|sign| *sign == inner) => Exponent::Sign,
        Err(_) => Exponent::Other,
    };
    Some((script.end, exponent))
}

/// `³`, `⁻⁴`.
pub(crate) fn raised_digits(view: &View<'_>, at: usize) -> Option<(usize, i64)> {
    let negative = view.at(at) == '⁻';
    let from = at + usize::from(negative);
    let (mut end, mut number) = (from, 0i64);
    while let Some(digit) = RAISED.chars().position(|c| c == view.at(end)) {
        let digit = i64::try_from(digit).unwrap_or(0);
        (number, end) = (number.saturating_mul(10).saturating_add(digit), end + 1);
    }
    (end > from).then_some((end, if negative { -number } else { number }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let view = View::new(text, 0..text.len());
        let found = (0..view.len()).find_map(|at| Some((at, script(&view, at)?)));
        found.map_or("none".to_owned(), |(at, script)| {
            format!("{} [{}]", view.string(at..script.end), view.string(script.inner..script.inner_end))
        })
    }

    #[test]
    fn scripts_are_found_where_something_can_have_one() {
        for (text, found) in [
            ("m^2", "^2 [2]"),
            ("m^{2}", "^{2} [2]"),
            ("m^{-1}s", "^{-1} [-1]"),
            ("m^-1", "^-1 [-1]"),
            ("m^(2/3)", "^(2/3) [2/3]"),
            ("m ^ 2", "^ 2 [2]"),
            ("m\\^2", "^2 [2]"),
            ("\\text{ m}^2$", "^2 [2]"),
            ("x^{2^{3}}y", "^{2^{3}} [2^{3}]"),
            ("H_2O", "_2 [2]"),
            ("x_{12}", "_{12} [12]"),
            ("m**2", "**2 [2]"),
            ("m**-1", "**-1 [-1]"),
            ("m<sup>2</sup>", "<sup>2</sup> [2]"),
            ("m\\textsuperscript{2}", "\\textsuperscript{2} [2]"),
            ("5^\\circ C", "^\\circ [\\circ]"),
            ("**2**", "none"),
            ("so **2", "none"),
            ("**cost**12", "none"),
            ("cost**2**", "none"),
            ("_12_", "none"),
            (" ^2", "none"),
            ("1_234", "none"),
            ("m^", "none"),
            ("m^{2", "none"),
            ("\\space 2", "none"),
            ("<sup>2", "none"),
        ] {
            assert_eq!(shown(text), found, "{text}");
        }
    }
}
