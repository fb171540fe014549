//! `hidden_states`: states of models at one layer and one position.

use crate::table::{Column, Kind, Table};

/// The names of the columns.
pub mod columns {
    /// Question.
    pub const QUESTION_ID: &str = "question_id";
    /// Model, as the plan names it.
    pub const MODEL: &str = "model";
    /// SHA-256 of the prompt.
    pub const PROMPT_HASH: &str = "prompt_hash";
    /// Layer as it was asked for: 0 = the embeddings, negative from the end.
    pub const LAYER: &str = "layer";
    /// `last_prompt_token` or `last_answer_token`.
    pub const POSITION: &str = "position";
    /// The state, as many numbers as the model is wide; null = missing.
    pub const VECTOR: &str = "vector";
    /// Why it is missing.
    pub const MISSING_REASON: &str = "missing_reason";
}

/// The table.
pub const TABLE: Table = Table {
    name: "hidden_states",
    version: 1,
    columns: &[
        Column::new(columns::QUESTION_ID, Kind::Text, "Question."),
        Column::new(columns::MODEL, Kind::Text, "Model, as the plan names it."),
        Column::new(columns::PROMPT_HASH, Kind::Text, "SHA-256 of the prompt."),
        Column::new(
            columns::LAYER,
            Kind::Integer,
            "Layer as it was asked for: 0 = the embeddings, negative from the end.",
        ),
        Column::new(columns::POSITION, Kind::Text, "`last_prompt_token` or `last_answer_token`."),
        Column::nullable(
            columns::VECTOR,
            Kind::Vector,
            "The state, as many numbers as the model is wide; null = missing.",
        ),
        Column::nullable(columns::MISSING_REASON, Kind::Text, "Why it is missing."),
    ],
};
