//! A question as an adapter makes it, before it gets its id and its source row.

use plimsoll_core::{AnswerKind, Choice};

use crate::limits::CHOICES;
use crate::reason::RejectReason;

/// How much of a wrong gold answer a message shows, in characters.
const SHOWN: usize = 40;

/// A question without its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The native id, where every form of the dataset has it; without, the row number is the id.
    pub row_id: Option<String>,
    /// Kind of answer, if it is not the dataset's.
    pub answer_kind: Option<AnswerKind>,
    /// The split, if the row says it.
    pub split: Option<String>,
    /// A passage, story or scene.
    pub context: Option<String>,
    /// The question.
    pub question: String,
    /// Choices, in the order in which they are shown.
    pub choices: Vec<Choice>,
    /// Accepted answers.
    pub gold: Vec<String>,
    /// Subject.
    pub subject: Option<String>,
    /// What stands or falls together.
    pub cluster: Option<String>,
    /// Rows of the same source with the same group share a cluster, named after the first of them.
    pub group: Option<String>,
    /// Whether the choices are to be shuffled, by the question's id.
    pub shuffle: bool,
    /// What follows the row number in the id, where several rows have one number: a story's turns.
    pub part: Option<usize>,
}

impl Draft {
    /// A question with nothing but its gold answers.
    pub fn new(question: impl Into<String>, gold: Vec<String>) -> Self {
        Self {
            row_id: None,
            answer_kind: None,
            split: None,
            context: None,
            question: question.into(),
            choices: Vec::new(),
            gold,
            subject: None,
            cluster: None,
            group: None,
            shuffle: false,
            part: None,
        }
    }

    /// A question with choices, labelled A, B, .. in their order.
    ///
    /// Choices that read the same as the gold one are accepted as well, since no reader could tell
    /// them apart; the main answer stays the one that the dataset names.
    ///
    /// # Errors
    /// Fewer than two choices or more than 26, a blank one, or a gold index beyond them.
    pub fn with_choices(
        question: impl Into<String>,
        texts: &[&str],
        gold: usize,
    ) -> Result<Self, RejectReason> {
        if texts.len() < 2 || texts.len() > CHOICES {
            return Err(RejectReason::ChoiceCount { found: texts.len(), expected: "2 to 26" });
        }
        if texts.iter().any(|text| text.trim().is_empty()) {
            return Err(RejectReason::Unusable { what: "a choice is blank" });
        }
        let right = texts.get(gold).ok_or_else(|| wrong_gold(&gold.to_string(), "the number of a choice"))?;
        let choices: Vec<Choice> = ('A'..='Z')
            .zip(texts)
            .map(|(label, text)| Choice { label: label.to_string(), text: text.trim().to_owned() })
            .collect();
        let same = |choice: &&Choice| choice.text == right.trim() && choice.label != choices[gold].label;
        let mut accepted = vec![choices[gold].label.clone()];
        accepted.extend(choices.iter().filter(same).map(|choice| choice.label.clone()));
        Ok(Self { choices, ..Self::new(question, accepted) })
    }
}

/// Drafts and refusals of one record, in order.
#[derive(Debug, Default)]
pub struct Drafts(pub(crate) Vec<Result<Draft, RejectReason>>);

impl Drafts {
    /// Adds a row.
    pub fn push(&mut self, draft: Result<Draft, RejectReason>) {
        self.0.push(draft);
    }
}

/// The index of a letter in the alphabet, from 0.
///
/// # Errors
/// [`RejectReason::Gold`] for anything else, or a letter beyond `count`.
pub(crate) fn letter(label: &str, count: usize) -> Result<usize, RejectReason> {
    let index = match label.as_bytes() {
        [letter @ b'A'..=b'Z'] => Some(usize::from(letter - b'A')),
        [letter @ b'a'..=b'z'] => Some(usize::from(letter - b'a')),
        _ => None,
    };
    index.filter(|index| *index < count).ok_or_else(|| wrong_gold(label, "the letter of a choice"))
}

/// The index of a number counted from `first`, from 0.
///
/// # Errors
/// [`RejectReason::Gold`] for anything else, or a number beyond `count`.
pub(crate) fn ordinal(label: &str, first: usize, count: usize) -> Result<usize, RejectReason> {
    // A float column of a table that someone converted says 1.0.
    let number = label.strip_suffix(".0").unwrap_or(label);
    let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(first));
    index.filter(|index| *index < count).ok_or_else(|| wrong_gold(label, "the number of a choice"))
}

/// A gold answer that is none, cut short.
pub(crate) fn wrong_gold(found: &str, expected: &'static str) -> RejectReason {
    RejectReason::Gold { found: shown(found), expected }
}

/// The start of a text.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_that_read_the_same_are_both_right() {
        let draft = Draft::with_choices("q", &["healthy", "cure", " healthy "], 2).unwrap();
        assert_eq!(draft.gold, ["C", "A"]);
        assert_eq!(draft.choices[2].text, "healthy");
        let other = Draft::with_choices("q", &["x", "x", "y"], 2).unwrap();
        assert_eq!(other.gold, ["C"]);
    }

    #[test]
    fn malformed_choices_and_golds() {
        assert!(Draft::with_choices("q", &["x"], 0).is_err());
        assert!(Draft::with_choices("q", &["x", " "], 0).is_err());
        assert!(Draft::with_choices("q", &["x", "y"], 2).is_err());
        assert!(Draft::with_choices("q", &["x"; 27], 0).is_err());
        assert_eq!(letter("b", 2), Ok(1));
        assert!(letter("C", 2).is_err() && letter("AB", 5).is_err() && letter("", 5).is_err());
        assert_eq!(ordinal("3", 1, 3), Ok(2));
        assert_eq!(ordinal("1.0", 1, 3), Ok(0));
        assert!(ordinal("0", 1, 3).is_err() && ordinal("4", 1, 3).is_err() && ordinal("-1", 0, 3).is_err());
    }
}
