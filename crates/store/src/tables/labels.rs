//! `labels`: what each answer says, and whether that is right.

use crate::table::{Column, Kind, Table};

/// The names of the columns.
pub mod columns {
    /// Question.
    pub const QUESTION_ID: &str = "question_id";
    /// Model that answered.
    pub const MODEL: &str = "model";
    /// SHA-256 of the prompt.
    pub const PROMPT_HASH: &str = "prompt_hash";
    /// The extracted answer in the form of `gold`; null if nothing was found.
    pub const ANSWER: &str = "answer";
    /// First byte of the answer in the generated text.
    pub const SPAN_START: &str = "span_start";
    /// Byte after the last.
    pub const SPAN_END: &str = "span_end";
    /// First token of the answer, where tokens are known.
    pub const TOKEN_START: &str = "token_start";
    /// Token after the last.
    pub const TOKEN_END: &str = "token_end";
    /// Whether the answer is right; null = ungraded.
    pub const CORRECT: &str = "correct";
    /// Who graded.
    pub const GRADER: &str = "grader";
    /// Rule by which the answer was found; empty if none was.
    pub const RULE: &str = "rule";
    /// Why the answer is ungraded.
    pub const REASON: &str = "reason";
}

/// The table.
pub const TABLE: Table = Table {
    name: "labels",
    version: 1,
    columns: &[
        Column::new(columns::QUESTION_ID, Kind::Text, "Question."),
        Column::new(columns::MODEL, Kind::Text, "Model that answered."),
        Column::new(columns::PROMPT_HASH, Kind::Text, "SHA-256 of the prompt."),
        Column::nullable(
            columns::ANSWER,
            Kind::Text,
            "The extracted answer in the form of `gold`; null if nothing was found.",
        ),
        Column::nullable(columns::SPAN_START, Kind::Count, "First byte of the answer in the generated text."),
        Column::nullable(columns::SPAN_END, Kind::Count, "Byte after the last."),
        Column::nullable(
            columns::TOKEN_START,
            Kind::Count,
            "First token of the answer, where tokens are known.",
        ),
        Column::nullable(columns::TOKEN_END, Kind::Count, "Token after the last."),
        Column::nullable(columns::CORRECT, Kind::Flag, "Whether the answer is right; null = ungraded."),
        Column::new(columns::GRADER, Kind::Text, "Who graded."),
        Column::new(columns::RULE, Kind::Text, "Rule by which the answer was found; empty if none was."),
        Column::nullable(columns::REASON, Kind::Text, "Why the answer is ungraded."),
    ],
};
