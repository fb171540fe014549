//! `scores`: confidences joined to the labels that they speak of. This is the contract of `--scores`: whoever
//! made the scores, calibration starts from these columns.

use crate::table::{Column, Kind, Table};

/// The names of the columns.
pub mod columns {
    /// Question, unique within its dataset.
    pub const QUESTION_ID: &str = "question_id";
    /// Its dataset.
    pub const DATASET: &str = "dataset";
    /// Domain of the dataset; the dataset itself without one.
    pub const DOMAIN: &str = "domain";
    /// Small model; `slm` without one.
    pub const SLM: &str = "slm";
    /// Large model.
    pub const LLM: &str = "llm";
    /// Method that gave the confidence.
    pub const METHOD: &str = "method";
    /// Confidence in [0, 1], higher = more likely correct; null = missing.
    pub const CONFIDENCE: &str = "confidence";
    /// Grade of the SLM's answer; null = ungraded.
    pub const SLM_CORRECT: &str = "slm_correct";
    /// Grade of the LLM's answer; null = ungraded.
    pub const LLM_CORRECT: &str = "llm_correct";
    /// What questions that are not independent share (a passage, a story).
    pub const CLUSTER_ID: &str = "cluster_id";
    /// US dollars of the SLM's answer and its uncertainty.
    pub const SLM_COST: &str = "slm_cost";
    /// US dollars of the LLM's answer.
    pub const LLM_COST: &str = "llm_cost";
}

/// The table.
pub const TABLE: Table = Table {
    name: "scores",
    version: 1,
    columns: &[
        Column::new(columns::QUESTION_ID, Kind::Text, "Question, unique within its dataset."),
        Column::new(columns::DATASET, Kind::Text, "Its dataset."),
        Column::nullable(
            columns::DOMAIN,
            Kind::Text,
            "Domain of the dataset; the dataset itself without one.",
        ),
        Column::nullable(columns::SLM, Kind::Text, "Small model; `slm` without one."),
        Column::nullable(columns::LLM, Kind::Text, "Large model."),
        Column::new(columns::METHOD, Kind::Text, "Method that gave the confidence."),
        Column::nullable(
            columns::CONFIDENCE,
            Kind::Number,
            "Confidence in [0, 1], higher = more likely correct; null = missing.",
        ),
        Column::nullable(columns::SLM_CORRECT, Kind::Flag, "Grade of the SLM's answer; null = ungraded."),
        Column::nullable(columns::LLM_CORRECT, Kind::Flag, "Grade of the LLM's answer; null = ungraded."),
        Column::nullable(
            columns::CLUSTER_ID,
            Kind::Text,
            "What questions that are not independent share (a passage, a story).",
        ),
        Column::nullable(
            columns::SLM_COST,
            Kind::Number,
            "US dollars of the SLM's answer and its uncertainty.",
        ),
        Column::nullable(columns::LLM_COST, Kind::Number, "US dollars of the LLM's answer."),
    ],
};
