//! A question, as every stage after `ingest` sees it.

use serde::{Deserialize, Serialize};

use crate::id::{DatasetId, DomainId, QuestionId};

/// What kind of answer a question has, which decides how it is asked, extracted and graded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    /// One of several labelled choices.
    Choice,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// A short text.
    Span,
}

impl AnswerKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Choice, Self::Number, Self::Boolean, Self::Span];

    /// The name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Choice => "choice",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Span => "span",
        }
    }
}

/// A choice of a question.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Its label: `A`, `B`, ..
    pub label: String,
    /// Its text, without the label.
    pub text: String,
}

/// A question with its gold answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// `DATASET/SPLIT/ROW`, ROW being the native id where that is unique, else the 0-based row
    /// number; the same for the native and the hub form, on any machine.
    pub question_id: QuestionId,
    /// Dataset.
    pub dataset: DatasetId,
    /// Its domain.
    pub domain: DomainId,
    /// Split: `train`, `validation`, `test`, or `all`.
    pub split: String,
    /// Kind of answer.
    pub answer_kind: AnswerKind,
    /// A passage, story or scene that the question is about.
    pub context: Option<String>,
    /// The question itself.
    pub question: String,
    /// Choices, in the order in which they are shown; empty unless the kind is choice.
    pub choices: Vec<Choice>,
    /// Every accepted answer, the first being the main one: choice labels, plain numbers (`1234.5`, `1/3`),
    /// `yes` or `no`, texts. Never empty.
    pub gold: Vec<String>,
    /// Subject within the dataset, for stratified sampling.
    pub subject: Option<String>,
    /// Questions that stand or fall together (one passage, one story) share it; unique within the
    /// dataset. `None` = the question stands alone.
    pub cluster_id: Option<String>,
    /// Name of the file that the row came from, without folders.
    pub source_file: String,
    /// 0-based row in that file.
    pub source_row: u64,
    /// SHA-256 over the normalised content (context, question, choices), hexadecimal.
    pub content_hash: String,
}

impl Question {
    /// What stands or falls together with this question; the question's own id without a cluster.
    pub fn cluster(&self) -> &str {
        self.cluster_id.as_deref().unwrap_or_else(|| self.question_id.as_str())
    }

    /// The text of a choice.
    pub fn choice(&self, label: &str) -> Option<&str> {
        self.choices.iter().find(|choice| choice.label == label).map(|choice| choice.text.as_str())
    }
}
