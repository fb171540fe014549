//! The choices of a question as they are compared with an answer.

use std::ops::Range;

use plimsoll_core::question::Choice;

use crate::number::parse_number;
use plimsoll_core::ExactNumber;
use plimsoll_core::view::{View, fold};

/// Articles that may stand before an option's text.
const ARTICLES: &[&str] = &["a", "an", "the"];

/// One choice as it is compared.
#[derive(Debug)]
struct OptionText {
    label: Vec<char>,
    /// Folded, lower case, one space between words, no full stop at the end, no article at the start.
    text: Vec<char>,
    /// The text's value, where it is a number.
    value: Option<ExactNumber>,
}

/// The choices of a question.
#[derive(Debug)]
pub(crate) struct ChoiceOptions {
    options: Vec<OptionText>,
}

/// A choice's text found at a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    /// The choices with this text (several where a question repeats one).
    pub(crate) choices: Vec<usize>,
    /// Characters of the text.
    pub(crate) range: Range<usize>,
}

impl ChoiceOptions {
    pub(crate) fn new(choices: &[Choice]) -> Self {
        let options = choices
            .iter()
            .map(|choice| OptionText {
                label: choice.label.trim().chars().filter_map(fold).flat_map(char::to_lowercase).collect(),
                text: comparable(&choice.text),
                value: parse_number(&choice.text),
            })
            .collect();
        Self { options }
    }

    /// Whether every choice is a number.
    pub(crate) fn are_numbers(&self) -> bool {
        !self.options.is_empty() && self.options.iter().all(|option| option.value.is_some())
    }

    /// Whether labels are single letters.
    pub(crate) fn have_letters(&self) -> bool {
        self.options.iter().all(|option| matches!(option.label.as_slice(), [c] if c.is_ascii_alphabetic()))
    }

    /// The choice whose label stands at a position, and the label's end.
    pub(crate) fn label(&self, view: &View<'_>, at: usize) -> Option<(usize, usize)> {
        let mut found: Option<(usize, usize)> = None;
        for (index, option) in self.options.iter().enumerate() {
            let end = at + option.label.len();
            let here = option.label.iter().enumerate().all(|(i, c)| lower(view.at(at + i)) == *c);
            let contracted = view.at(end) == '\'' && view.at(end + 1).is_alphabetic();
            let bounded = !view.at(end).is_alphanumeric() && !contracted;
            if here && bounded && !option.label.is_empty() && found.is_none_or(|(_, longest)| end > longest) {
                found = Some((index, end));
            }
        }
        found
    }

    /// The choices whose text stands at a position, the longest text winning; an article before it on
    /// either side is left out of account.
    pub(crate) fn text(&self, view: &View<'_>, at: usize) -> Option<Match> {
        let after = skip_article(view, at);
        let mut found: Option<Match> = None;
        for (index, option) in self.options.iter().enumerate() {
            let hit = [at, after].into_iter().find_map(|from| text_end(view, from, &option.text));
            let Some(end) = hit else { continue };
            match &mut found {
                Some(best) if best.range.end == end => best.choices.push(index),
                Some(best) if best.range.end > end => {}
                _ => found = Some(Match { choices: vec![index], range: at..end }),
            }
        }
        found
    }

    /// The choices with a value.
    pub(crate) fn with_value(&self, value: &ExactNumber) -> Vec<usize> {
        (0..self.options.len()).filter(|index| self.options[*index].value.as_ref() == Some(value)).collect()
    }

    /// Every position at which a choice's text stands, longer texts covering shorter ones within them.
    pub(crate) fn mentions(&self, view: &View<'_>) -> Vec<Match> {
        let (hay, positions) = comparable_with_positions(view);
        let mut found: Vec<Match> = Vec::new();
        for (index, option) in self.options.iter().enumerate() {
            for at in occurrences(&hay, &option.text) {
                let end = at + option.text.len();
                let within = |position: Option<usize>| {
                    position.and_then(|position| hay.get(position)).is_some_and(|c| c.is_alphanumeric())
                };
                let (Some(first), Some(last)) = (positions.get(at), positions.get(end - 1)) else { continue };
                if !within(at.checked_sub(1)) && !within(Some(end)) && !number_goes_on(&hay, at, end) {
                    found.push(Match { choices: vec![index], range: *first..*last + 1 });
                }
            }
        }
        uncovered(found)
    }
}

/// Whether what was found is only part of a longer number (`21` in `21.5` or `1,21`).
fn number_goes_on(hay: &[char], start: usize, end: usize) -> bool {
    let digit = |position: Option<usize>| {
        position.and_then(|position| hay.get(position)).is_some_and(char::is_ascii_digit)
    };
    let mark = |position: Option<usize>| {
        position.and_then(|position| hay.get(position)).is_some_and(|c| matches!(c, '.' | ',' | '/'))
    };
    let goes_on = digit(end.checked_sub(1)) && mark(Some(end)) && digit(Some(end + 1));
    let began_earlier = digit(Some(start)) && mark(start.checked_sub(1)) && digit(start.checked_sub(2));
    goes_on || began_earlier
}

/// Matches that no longer match covers; equal ranges are joined.
fn uncovered(mut found: Vec<Match>) -> Vec<Match> {
    found.sort_by_key(|hit| (hit.range.start, usize::MAX - hit.range.end));
    let mut kept: Vec<Match> = Vec::new();
    for hit in found {
        match kept.last_mut() {
            Some(last) if last.range == hit.range => last.choices.extend(hit.choices),
            Some(last) if last.range.end >= hit.range.end => {}
            _ => kept.push(hit),
        }
    }
    kept
}

/// Places at which a needle stands (Knuth, Morris and Pratt 1977), so that no text is slow.
fn occurrences(hay: &[char], needle: &[char]) -> Vec<usize> {
    if needle.is_empty() {
        return Vec::new();
    }
    let mut border = vec![0; needle.len()];
    let mut length = 0;
    for at in 1..needle.len() {
        while length > 0 && needle[at] != needle[length] {
            length = border[length - 1];
        }
        length += usize::from(needle[at] == needle[length]);
        border[at] = length;
    }
    let (mut found, mut length) = (Vec::new(), 0);
    for (at, c) in hay.iter().enumerate() {
        while length > 0 && *c != needle[length] {
            length = border[length - 1];
        }
        length += usize::from(*c == needle[length]);
        if length == needle.len() {
            found.push(at + 1 - length);
            length = border[length - 1];
        }
    }
    found
}

/// Marks that are left out of account when texts are compared.
fn is_mark(c: char) -> bool {
    matches!(c, '*' | '`' | '"' | '_')
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// A text, comparable, with the position of each character.
fn comparable_with_positions(view: &View<'_>) -> (Vec<char>, Vec<usize>) {
    let (mut text, mut positions) = (Vec::new(), Vec::new());
    for at in 0..view.len() {
        let c = view.at(at);
        if is_mark(c) {
            continue;
        }
        let c = if c.is_whitespace() { ' ' } else { lower(c) };
        if c == ' ' && text.last().is_none_or(|last| *last == ' ') {
            continue;
        }
        text.push(c);
        positions.push(at);
    }
    (text, positions)
}

/// An option's text, comparable, without an article in front and punctuation at the end.
fn comparable(text: &str) -> Vec<char> {
    let view = View::new(text, 0..text.len());
    let (mut text, _) = comparable_with_positions(&view);
    while text.last().is_some_and(|c| matches!(c, ' ' | '.' | '!' | '?' | ',' | ';' | ':')) {
        text.pop();
    }
    for article in ARTICLES {
        let length = article.chars().count();
        if text.len() > length + 1
            && text[length] == ' '
            && article.chars().eq(text[..length].iter().copied())
        {
            text.drain(..=length);
            break;
        }
    }
    text
}

fn skip_article(view: &View<'_>, at: usize) -> usize {
    match ARTICLES.iter().find(|article| view.has_word(at, article)) {
        Some(article) => view.skip_spaces(at + article.len()),
        None => at,
    }
}

/// Where a comparable text ends if it stands at a position.
fn text_end(view: &View<'_>, start: usize, text: &[char]) -> Option<usize> {
    let (mut at, mut end) = (start, start);
    for (index, c) in text.iter().enumerate() {
        while is_mark(view.at(at)) {
            at += 1;
        }
        if *c == ' ' {
            let next = view.skip_white(at);
            if next == at {
                return None;
            }
            at = next;
            continue;
        }
        if at >= view.len() || lower(view.at(at)) != *c {
            return None;
        }
        (at, end) = (at + 1, if index + 1 == text.len() { at + 1 } else { end });
    }
    let digits = view.before(end).is_ascii_digit()
        && matches!(view.at(end), '.' | ',' | '/')
        && view.at(end + 1).is_ascii_digit();
    (!text.is_empty() && !view.at(end).is_alphanumeric() && !digits).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(texts: &[&str]) -> ChoiceOptions {
        let choices: Vec<Choice> = texts
            .iter()
            .zip("ABCDE".chars())
            .map(|(text, label)| Choice { label: label.to_string(), text: (*text).to_owned() })
            .collect();
        ChoiceOptions::new(&choices)
    }

    fn mentioned(texts: &[&str], answer: &str) -> Vec<Vec<usize>> {
        options(texts)
            .mentions(&View::new(answer, 0..answer.len()))
            .into_iter()
            .map(|hit| hit.choices)
            .collect()
    }

    #[test]
    fn longer_texts_cover_shorter_ones() {
        assert_eq!(mentioned(&["York", "New York"], "in **New  york**."), [[1]]);
        assert_eq!(mentioned(&["21", "21.5"], "it is 21.5"), [[1]]);
        assert_eq!(mentioned(&["21", "2"], "it is 21.5"), [[0; 0]; 0]);
        assert_eq!(mentioned(&["a dog", "cat"], "dogs, the dog"), [[0]]);
        assert_eq!(mentioned(&["same", "same"], "same"), [[0, 1]]);
    }

    #[test]
    fn texts_match_where_they_stand() {
        let view = View::new("The Cat sat", 0..11);
        let hit = options(&["a cat", "cat sat down"]).text(&view, 0);
        assert_eq!(hit, Some(Match { choices: vec![0], range: 0..7 }));
    }
}
