//! Which part of a generated text is the answer: without reasoning tags, role headers, what a base
//! model went on to write, and stated confidences.

use std::ops::Range;

use plimsoll_core::question::{AnswerKind, Question};

use crate::number::scan::number;
use plimsoll_core::view::View;
use plimsoll_core::view::is_currency;

/// Ends of reasoning; the answer stands behind the last.
const REASONING_ENDS: &[&str] = &["</think>", "</thinking>", "</reasoning>", "</thought>"];

/// Starts of reasoning.
const REASONING_STARTS: &[&str] = &["<think>", "<thinking>", "<reasoning>", "<thought>"];

/// Special tokens that end a turn and were decoded as text.
const TURN_ENDS: &[&str] = &[
    "<|eot_id|>",
    "<|im_end|>",
    "</s>",
    "<|endoftext|>",
    "<|end|>",
    "<end_of_turn>",
    "<|end_of_text|>",
    "<|im_start|>user",
];

/// Role headers that leaked into the answer.
const HEADERS: &[&str] =
    &["<|im_start|>assistant", "<|assistant|>", "assistant\n", "Assistant:", "### Response:", "[/INST]"];

/// Lines with which a model goes on to invent the next question.
const RUN_ONS: &[&str] = &[
    "\nQuestion:",
    "\nQ:",
    "\nUser:",
    "\nuser:",
    "\nHuman:",
    "\n### Instruction",
    "\n<|user|>",
    "\nQuestion ",
    "\n\nContext:",
    "\n\nPassage:",
    "\nInput:",
    "\n**Question",
    "\n### Question",
    "\n# Question",
    "\nHuman\n",
];

/// The bytes of the answer, and those up to the first invented question if there is one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Body {
    /// All of the answer.
    pub(crate) all: Range<usize>,
    /// Its part before the model ran on.
    pub(crate) before_run_on: Option<Range<usize>>,
    /// Whether the answer is cut before its reasoning ends.
    pub(crate) reasoning_open: bool,
}

/// Finds the answer in a generated text.
pub(crate) fn body(text: &str) -> Body {
    let behind = REASONING_ENDS.iter().filter_map(|mark| text.rfind(mark).map(|at| at + mark.len())).max();
    let mut start = behind.unwrap_or(0);
    let trimmed = text[start..].trim_start();
    let reasoning_open = REASONING_STARTS.iter().any(|mark| trimmed.starts_with(mark));
    start = text.len() - trimmed.len();
    for header in HEADERS {
        if text[start..].starts_with(header) {
            let rest = text[start + header.len()..].trim_start();
            start = text.len() - rest.len();
        }
    }
    let ends = TURN_ENDS.iter().filter_map(|mark| text[start..].find(mark));
    let end = ends.min().map_or(text.len(), |at| start + at);
    let answer = &text[start..end];
    let run_on = RUN_ONS
        .iter()
        .filter_map(|mark| answer.find(mark))
        .min()
        .filter(|at| !answer[..*at].trim().is_empty())
        .map(|at| start..start + at);
    let all = if reasoning_open { start..start } else { start..end };
    Body { all, before_run_on: if reasoning_open { None } else { run_on }, reasoning_open }
}

/// Blanks out stated confidences and the calculator notes of GSM8K, so that no rule takes their
/// numbers for the answer.
pub(crate) fn mask(view: &mut View<'_>, question: &Question) {
    let chance = {
        let text = question.question.to_lowercase();
        ["probab", "likel", "chance", "confidence", "certain"].iter().any(|word| text.contains(word))
    };
    let mut masked = Vec::new();
    for at in 0..view.len() {
        if view.at(at) == '<' && view.has(at, "<<") {
            masked.extend(calculator_note(view, at));
        } else if view.starts_word(at) && "cCpPlLsS".contains(view.at(at)) {
            masked.extend(confidence(view, at, chance));
        }
    }
    masked.extend(bare_second_line(view, question.answer_kind));
    if question.answer_kind != AnswerKind::Number {
        masked.extend(bare_ending(view));
    }
    for range in masked {
        view.mask(range, ' ');
    }
}

/// `<<3+9=12>>`.
fn calculator_note(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    let end =
        (at + 2..at + 200).find(|place| matches!(view.at(*place), '<' | '\n') || view.has(*place, ">>"))?;
    view.has(end, ">>").then_some(at..end + 2)
}

/// `Confidence: 0.9`, `Probability: 90 %` at the start of a later line, `90% sure`.
fn confidence(view: &View<'_>, at: usize, chance: bool) -> Option<Range<usize>> {
    let word = view.word(at);
    let always = matches!(word.as_str(), "confidence" | "certainty");
    let sure = !chance && (always || matches!(word.as_str(), "sure" | "confident" | "certain"));
    if let Some(start) = percent_before(view, at).filter(|_| sure) {
        return Some(start..view.word_end(at));
    }
    let sometimes =
        matches!(word.as_str(), "probability" | "likelihood") && !chance && view.skip_white(0) < at;
    if !always && !sometimes {
        return None;
    }
    let mut end = view.word_end(at);
    for qualifier in
        [" level", " score", " rating", " value", " in this answer", " in my answer", " in the answer"]
    {
        if view.has_word(end, qualifier) {
            end += qualifier.len();
        }
    }
    let mark = view.skip_closing(end);
    let number_follows = || view.at(view.skip_closing(mark + 1)).is_ascii_digit();
    let said = matches!(view.at(mark), ':' | '=') && (always || number_follows());
    let verb =
        ["is", "of", "was"].iter().find(|verb| view.has_word(mark, verb)).map(|verb| mark + verb.len());
    match verb {
        _ if said => Some(at..value_end(view, mark + 1)),
        Some(from) if (from..from + 24).any(|place| view.at(place).is_ascii_digit()) => {
            Some(at..value_end(view, from))
        }
        _ => None,
    }
}

/// Where the value of a stated confidence ends: its line, a bracket, a comma or a sentence.
fn value_end(view: &View<'_>, from: usize) -> usize {
    let begin = view.skip_white(from);
    let mut at = begin;
    while at < view.len() && at < begin + 120 {
        let stop = match view.at(at) {
            '\n' | ')' | '}' | ';' => true,
            ',' | '.' => !view.at(at + 1).is_ascii_digit(),
            _ => false,
        };
        if stop {
            break;
        }
        at += 1;
    }
    at
}

/// Where the percentage in front of `sure` begins.
fn percent_before(view: &View<'_>, word: usize) -> Option<usize> {
    let mut at = word;
    while view.before(at) == ' ' && word - at < 3 {
        at -= 1;
    }
    if view.before(at) != '%' {
        return None;
    }
    at -= 1;
    let end = at;
    while view.before(at).is_ascii_digit() || matches!(view.before(at), '.' | ' ') && end - at < 8 {
        at -= 1;
    }
    (view.slice(at..end).iter().any(char::is_ascii_digit)).then_some(at)
}

/// A second line that is nothing but a number in [0, 1] or a percentage, below an answer.
fn bare_second_line(view: &View<'_>, kind: AnswerKind) -> Option<Range<usize>> {
    let mut lines = view.lines();
    let (first, second) = (lines.next()?, lines.next()?);
    if lines.next().is_some() || view.before(first.end) == ':' || second.len() > 12 {
        return None;
    }
    let opens = view.at(first.start);
    if kind == AnswerKind::Number && !(opens.is_ascii_digit() || opens == '-' || is_currency(opens)) {
        return None;
    }
    let token = number(view, second.start).filter(|token| token.range == second)?;
    let value = token.value?.to_f64();
    let unit = if token.percent { 100.0 } else { 1.0 };
    (view.at(second.start).is_ascii_digit() && (0.0..=unit).contains(&value)).then_some(second)
}

/// A bare `0.9` behind the answer on its own line: `Paris, 0.9`, `Paris: 0.95`.
fn bare_ending(view: &View<'_>) -> Option<Range<usize>> {
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
    let value = matches!(
        view.word(word).as_str(),
        "is" | "of" | "to" | "about" | "than" | "at" | "by" | "answer" | "guess"
    );
    let fits =
        start < line.end && before < leading && before > line.start && !value && view.lines().count() <= 2;
    fits.then_some(before..line.end)
}

impl Body {
    /// Whether nothing is there to read.
    pub(crate) fn is_empty(&self, text: &str) -> bool {
        text[self.all.clone()].chars().filter_map(plimsoll_core::view::fold).all(char::is_whitespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> &str {
        &text[body(text).all]
    }

    #[test]
    fn reasoning_headers_and_turn_ends_go() {
        assert_eq!(all("<think>maybe A</think>\n\nB"), "B");
        assert_eq!(all("maybe A</think>B"), "B");
        assert_eq!(all("<think>maybe A"), "");
        assert!(body("<think>maybe A").reasoning_open);
        assert_eq!(all("assistant\n\nParis\n0.9"), "Paris\n0.9");
        assert_eq!(all("B<|eot_id|>junk"), "B");
    }

    #[test]
    fn a_run_on_is_cut_only_behind_something() {
        let text = "B\n\nQuestion: what next?\nAnswer: C";
        assert_eq!(body(text).before_run_on, Some(0..2));
        assert_eq!(body("\nQuestion: what?\nAnswer: C").before_run_on, None);
    }
}
