//! `questions`: the pool, one row a question.

use crate::table::{Column, Kind, Table};

/// The names of the columns.
pub mod columns {
    /// `DATASET/SPLIT/ROW`, the same on any machine.
    pub const QUESTION_ID: &str = "question_id";
    /// Dataset.
    pub const DATASET: &str = "dataset";
    /// Its domain.
    pub const DOMAIN: &str = "domain";
    /// Split: `train`, `validation`, `test` or `all`.
    pub const SPLIT: &str = "split";
    /// `choice`, `number`, `boolean` or `span`.
    pub const ANSWER_KIND: &str = "answer_kind";
    /// A passage, story or scene that the question is about.
    pub const CONTEXT: &str = "context";
    /// The question.
    pub const QUESTION: &str = "question";
    /// The choices as they are shown; empty unless the kind is choice.
    pub const CHOICES: &str = "choices";
    /// Every accepted answer, the main one first.
    pub const GOLD: &str = "gold";
    /// Subject within the dataset.
    pub const SUBJECT: &str = "subject";
    /// What questions that are not independent share.
    pub const CLUSTER_ID: &str = "cluster_id";
    /// Name of the file that the row came from.
    pub const SOURCE_FILE: &str = "source_file";
    /// Row in that file, from 0.
    pub const SOURCE_ROW: &str = "source_row";
    /// SHA-256 of the normalised content.
    pub const CONTENT_HASH: &str = "content_hash";
    /// `main`, `few_shot` or `probe_training`.
    pub const ROLE: &str = "role";
}

/// The table.
pub const TABLE: Table = Table {
    name: "questions",
    version: 2,
    columns: &[
        Column::new(columns::QUESTION_ID, Kind::Text, "`DATASET/SPLIT/ROW`, the same on any machine."),
        Column::new(columns::DATASET, Kind::Text, "Dataset."),
        Column::new(columns::DOMAIN, Kind::Text, "Its domain."),
        Column::new(columns::SPLIT, Kind::Text, "Split: `train`, `validation`, `test` or `all`."),
        Column::new(columns::ANSWER_KIND, Kind::Text, "`choice`, `number`, `boolean` or `span`."),
        Column::nullable(
            columns::CONTEXT,
            Kind::Text,
            "A passage, story or scene that the question is about.",
        ),
        Column::new(columns::QUESTION, Kind::Text, "The question."),
        Column::new(
            columns::CHOICES,
            Kind::Choices,
            "The choices as they are shown; empty unless the kind is choice.",
        ),
        Column::new(columns::GOLD, Kind::Texts, "Every accepted answer, the main one first."),
        Column::nullable(columns::SUBJECT, Kind::Text, "Subject within the dataset."),
        Column::nullable(columns::CLUSTER_ID, Kind::Text, "What questions that are not independent share."),
        Column::new(columns::SOURCE_FILE, Kind::Text, "Name of the file that the row came from."),
        Column::new(columns::SOURCE_ROW, Kind::Count, "Row in that file, from 0."),
        Column::new(columns::CONTENT_HASH, Kind::Text, "SHA-256 of the normalised content."),
        Column::new(
            columns::ROLE,
            Kind::Text,
            "`main` (calibration and evaluation), `few_shot` (shown as an exemplar) or `probe_training`.",
        ),
    ],
};
