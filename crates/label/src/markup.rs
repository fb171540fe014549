//! Marks around an answer: Markdown, LaTeX, quotes, brackets, tags.

use std::ops::Range;

use plimsoll_core::view::View;

/// LaTeX commands whose braces hold plain text.
const TEXT_COMMANDS: &[&str] = &[
    "\\boxed{",
    "\\fbox{",
    "\\text{",
    "\\textbf{",
    "\\textit{",
    "\\textrm{",
    "\\mathrm{",
    "\\mathbf{",
    "\\mathit{",
    "\\mathsf{",
    "\\mbox{",
    "\\bf{",
    "\\emph{",
    "\\underline{",
];

/// LaTeX that only sets space or size.
const SPACING: &[&str] =
    &["\\left", "\\right", "\\displaystyle", "\\quad", "\\,", "\\;", "\\!", "\\:", "\\ ", "\\(", "\\[", "~"];

/// Maximum number of marks that are skipped in front of an answer.
const MAX_MARKS: usize = 64;

/// Skips white space and opening marks in front of an answer, up to `end`.
pub(crate) fn skip_opening(view: &View<'_>, start: usize, end: usize) -> usize {
    let mut at = start;
    for _ in 0..MAX_MARKS {
        if at >= end {
            break;
        }
        match view.at(at) {
            '\n' if view.at(at + 1) == '\n' && view.at(at + 2) == '\n' => break,
            c if c.is_whitespace() => at += 1,
            '*' | '_' | '`' | '"' | '\'' | '(' | '[' | '{' | '#' | '>' | '«' | '„' | '\u{2022}' => at += 1,
            '$' if !view.at(at + 1).is_ascii_digit() => at += 1,
            '\\' => match TEXT_COMMANDS.iter().chain(SPACING).find(|command| view.has(at, command)) {
                Some(command) => at += command.chars().count(),
                None => break,
            },
            '<' => match tag_end(view, at) {
                Some(close) => at = close,
                None => break,
            },
            _ => break,
        }
    }
    at.min(end)
}

/// The end of a short tag such as `<b>`.
fn tag_end(view: &View<'_>, at: usize) -> Option<usize> {
    let name = at + 1 + usize::from(view.at(at + 1) == '/');
    let close = (name..name + 12).find(|position| !view.at(*position).is_ascii_alphanumeric())?;
    (close > name && view.at(close) == '>').then_some(close + 1)
}

/// Whether a range holds nothing but closing marks, punctuation and white space.
pub(crate) fn only_marks(view: &View<'_>, range: Range<usize>) -> bool {
    let mut at = range.start;
    while at < range.end {
        match view.at(at) {
            c if c.is_alphanumeric() => return false,
            '\\' => match SPACING.iter().find(|command| view.has(at, command)) {
                Some(command) => at += command.chars().count(),
                None if matches!(view.at(at + 1), ')' | ']' | '\\' | '$') => at += 2,
                None => return false,
            },
            '<' => match tag_end(view, at) {
                Some(close) => at = close,
                None => return false,
            },
            '+' | '^' | '=' => return false,
            _ => at += 1,
        }
    }
    true
}

/// Words that may stand before a noun at the start of its line.
const LEADING: &[&str] = &[
    "the",
    "my",
    "final",
    "correct",
    "best",
    "right",
    "so",
    "therefore",
    "thus",
    "hence",
    "short",
    "direct",
    "numeric",
    "numerical",
    "la",
    "le",
    "die",
    "a",
    "your",
    "proposed",
];

/// The word that begins the noun phrase of a line (`The final answer`), as seen from its noun: the
/// noun's own start if only marks and such words stand before it on its line, else the line's start.
pub(crate) fn skip_line_start(view: &View<'_>, noun: usize) -> usize {
    let mut start = noun;
    while start > noun.saturating_sub(60) && view.before(start) != '\n' {
        start -= 1;
    }
    if view.before(start) != '\n' {
        return start;
    }
    let mut at = start;
    while at < noun {
        if view.starts_word(at) {
            if !LEADING.contains(&view.word(at).as_str()) {
                return start;
            }
            at = view.word_end(at);
        } else if view.at(at).is_whitespace() || "*_#>-\"'`(,{[\u{2022}".contains(view.at(at)) {
            at += 1;
        } else {
            return start;
        }
    }
    noun
}

/// Contents of LaTeX boxes, in order of their ends, innermost first; a box that is never closed is
/// left out.
pub(crate) fn boxes(view: &View<'_>) -> Vec<Range<usize>> {
    let (mut found, mut open): (Vec<Range<usize>>, Vec<Option<usize>>) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < view.len() {
        match view.at(at) {
            '\\' if view.has(at, "\\boxed{") || view.has(at, "\\fbox{") => {
                at += if view.at(at + 1) == 'b' { 7 } else { 6 };
                open.push(Some(at));
                continue;
            }
            // An escaped brace is no brace.
            '\\' => at += 1,
            '{' => open.push(None),
            '}' => {
                if let Some(Some(start)) = open.pop() {
                    found.push(start..at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Texts between pairs of `**` (or `__`) on one line, in order.
pub(crate) fn bold(view: &View<'_>) -> Vec<Range<usize>> {
    let (mut found, mut open) = (Vec::new(), None);
    let mut at = 0;
    while at < view.len() {
        match view.at(at) {
            '\n' => open = None,
            mark @ ('*' | '_') if view.at(at + 1) == mark => {
                match open.take() {
                    Some((start, same)) if same == mark => found.push(start..at),
                    _ => open = Some((at + 2, mark)),
                }
                at += 1;
            }
            _ => {}
        }
        at += 1;
    }
    found.retain(|range| !range.is_empty());
    found
}

/// Texts between `<answer>` and `</answer>`, in order.
pub(crate) fn answer_tags(view: &View<'_>) -> Vec<Range<usize>> {
    let (mut found, mut open) = (Vec::new(), None);
    for at in 0..view.len() {
        if view.at(at) == '<' {
            if view.has(at, "<answer>") {
                open = Some(at + 8);
            } else if view.has(at, "</answer>") {
                found.extend(open.take().map(|start| start..at));
            }
        }
    }
    found
}

/// Rests of lines after `####`, in order.
pub(crate) fn hashes(view: &View<'_>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for at in 0..view.len() {
        if view.at(at) == '#' && view.has(at, "####") && view.before(at) != '#' && view.at(at + 4) != '#' {
            found.push(view.trim(at + 4..line_end_within(view, at, 200)));
        }
    }
    found.retain(|range| !range.is_empty());
    found
}

/// The end of a line, looked for in at most so many characters.
pub(crate) fn line_end_within(view: &View<'_>, at: usize, most: usize) -> usize {
    (at..at + most).find(|position| view.at(*position) == '\n').unwrap_or(at + most).min(view.len())
}
