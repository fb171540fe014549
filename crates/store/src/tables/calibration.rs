//! `calibration`: the drawn rows of each (SLM, LLM, method).

use crate::table::{Column, Kind, Table};

/// The names of the columns.
pub mod columns {
    /// Small model.
    pub const SLM: &str = "slm";
    /// Large model.
    pub const LLM: &str = "llm";
    /// Method.
    pub const METHOD: &str = "method";
    /// Question.
    pub const QUESTION_ID: &str = "question_id";
    /// Its dataset.
    pub const DATASET: &str = "dataset";
    /// Its domain.
    pub const DOMAIN: &str = "domain";
    /// Key of its cluster, 16 hexadecimal digits.
    pub const CLUSTER: &str = "cluster";
    /// Confidence in [0, 1].
    pub const CONFIDENCE: &str = "confidence";
    /// Grade of the SLM's answer; null = ungraded.
    pub const SLM_CORRECT: &str = "slm_correct";
    /// Grade of the LLM's answer; null = ungraded.
    pub const LLM_CORRECT: &str = "llm_correct";
    /// US dollars of the SLM's answer and its uncertainty.
    pub const SLM_COST: &str = "slm_cost";
    /// US dollars of the LLM's answer.
    pub const LLM_COST: &str = "llm_cost";
    /// Bin of the confidence, from 0.
    pub const BIN: &str = "bin";
    /// 1 / inclusion probability.
    pub const WEIGHT: &str = "weight";
    /// `proportional` (enters guarantees) or `extra` (makes its bin non-empty).
    pub const PART: &str = "part";
}

/// The table.
pub const TABLE: Table = Table {
    name: "calibration",
    version: 1,
    columns: &[
        Column::new(columns::SLM, Kind::Text, "Small model."),
        Column::nullable(columns::LLM, Kind::Text, "Large model."),
        Column::new(columns::METHOD, Kind::Text, "Method."),
        Column::new(columns::QUESTION_ID, Kind::Text, "Question."),
        Column::new(columns::DATASET, Kind::Text, "Its dataset."),
        Column::new(columns::DOMAIN, Kind::Text, "Its domain."),
        Column::new(columns::CLUSTER, Kind::Text, "Key of its cluster, 16 hexadecimal digits."),
        Column::new(columns::CONFIDENCE, Kind::Number, "Confidence in [0, 1]."),
        Column::nullable(columns::SLM_CORRECT, Kind::Flag, "Grade of the SLM's answer; null = ungraded."),
        Column::nullable(columns::LLM_CORRECT, Kind::Flag, "Grade of the LLM's answer; null = ungraded."),
        Column::nullable(
            columns::SLM_COST,
            Kind::Number,
            "US dollars of the SLM's answer and its uncertainty.",
        ),
        Column::nullable(columns::LLM_COST, Kind::Number, "US dollars of the LLM's answer."),
        Column::new(columns::BIN, Kind::Index, "Bin of the confidence, from 0."),
        Column::new(columns::WEIGHT, Kind::Number, "1 / inclusion probability."),
        Column::new(
            columns::PART,
            Kind::Text,
            "`proportional` (enters guarantees) or `extra` (makes its bin non-empty).",
        ),
    ],
};
