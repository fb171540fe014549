//! A prompt: the messages of the first turn, and what may be asked afterwards.

use crate::canonical::sha256_of;
use serde::{Deserialize, Serialize};

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The instructions.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub text: String,
}

/// A question about the answer, asked in a second turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUp {
    /// Its name, by which methods ask for it (`p_true`, `verbalization_2s`).
    pub id: String,
    /// What is asked; `{answer}` is the one slot, filled with the trimmed greedy answer.
    pub template: String,
    /// Whether the first turn stands before it. Without, the template says everything itself.
    pub continues: bool,
}

/// A prompt of one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Version of the texts below; a change of wording is a new version.
    pub version: String,
    /// The first turn, the last message being the user's.
    pub messages: Vec<Message>,
    /// What may be asked afterwards.
    pub follow_ups: Vec<FollowUp>,
    /// Spellings that say that an answer is right, for p(True).
    pub true_strings: Vec<String>,
    /// Spellings that say that it is wrong.
    pub false_strings: Vec<String>,
}

/// The one slot of a follow-up.
pub const ANSWER_SLOT: &str = "{answer}";

impl Prompt {
    /// Lower-case hexadecimal SHA-256 of the prompt's canonical JSON (RFC 8785).
    pub fn hash(&self) -> String {
        // A prompt has texts, truth values and lists only: to write it cannot fail.
        sha256_of(self)
    }

    /// The follow-up of this id.
    pub fn follow_up(&self, id: &str) -> Option<&FollowUp> {
        self.follow_ups.iter().find(|follow_up| follow_up.id == id)
    }
}

impl FollowUp {
    /// The text with the answer in its slot. An answer that itself holds `{answer}` is left as it is.
    ///
    /// ```
    /// use plimsoll_core::prompt::FollowUp;
    /// let ask = FollowUp { id: "p_true".into(), template: "Is {answer} right?".into(), continues: true };
    /// assert_eq!(ask.text(" 42\n"), "Is 42 right?");
    /// ```
    pub fn text(&self, answer: &str) -> String {
        self.template.replacen(ANSWER_SLOT, answer.trim(), 1)
    }
}
