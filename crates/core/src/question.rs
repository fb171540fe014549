//! A question, as every stage after `ingest` sees it.

use serde::{Deserialize, Serialize};

use crate::id::{DatasetId, DomainId, QuestionId};
use crate::named::named_enum;
use crate::table_row;

named_enum! {
    /// What kind of answer a question has, which decides how it is asked, extracted and graded.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum AnswerKind {
        /// One of several labelled choices.
        Choice = "choice",
        /// A number.
        Number = "number",
        /// Yes or no.
        Boolean = "boolean",
        /// A short text.
        Span = "span",
    }
}

named_enum! {
    /// What a question of the pool is for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum PoolRole {
        /// Calibration and evaluation.
        Main = "main",
        /// Shown before questions, with its answer.
        FewShot = "few_shot",
        /// What the probes learn from.
        ProbeTraining = "probe_training",
    }
}

table_row! {
    /// A choice of a question.
    #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Choice {
        /// Its label: `A`, `B`, ..
        pub label: String,
        /// Its text, without the label.
        pub text: String,
    }
}

table_row! {
    /// A question with its gold answers.
    ///
    /// The last part of the id is the benchmark's own id of the row where that is unique, else the 0-based row
    /// number, so that the native and the hub form of a benchmark give the same ids. Gold answers are choice labels,
    /// plain numbers (`1234.5`, `1/3`), `yes` or `no`, or texts; there is at least one. Questions on one passage or
    /// story are not independent and share a cluster, unique within the dataset; without one a question is a cluster
    /// of its own. The content hash is hexadecimal, over context, question and choices.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Question {
        /// `DATASET/SPLIT/ROW`, the same on any machine.
        pub question_id: QuestionId,
        /// Dataset.
        pub dataset: DatasetId,
        /// Its domain.
        pub domain: DomainId,
        /// Split: `train`, `validation`, `test` or `all`.
        pub split: String,
        /// `choice`, `number`, `boolean` or `span`.
        pub answer_kind: AnswerKind,
        /// A passage, story or scene that the question is about.
        pub context: Option<String>,
        /// The question.
        pub question: String,
        /// The choices as they are shown; empty unless the kind is choice.
        pub choices: Vec<Choice>,
        /// Every accepted answer, the main one first.
        pub gold: Vec<String>,
        /// Subject within the dataset.
        pub subject: Option<String>,
        /// What questions that are not independent share.
        pub cluster_id: Option<String>,
        /// Name of the file that the row came from.
        pub source_file: String,
        /// Row in that file, from 0.
        pub source_row: u64,
        /// SHA-256 of the normalised content.
        pub content_hash: String,
    }
}

impl Question {
    /// The cluster of questions that are not independent of this one; the question's own id without one.
    pub fn cluster(&self) -> &str {
        self.cluster_id.as_deref().unwrap_or_else(|| self.question_id.as_str())
    }

    /// The text of a choice.
    pub fn choice(&self, label: &str) -> Option<&str> {
        self.choices.iter().find(|choice| choice.label == label).map(|choice| choice.text.as_str())
    }
}
