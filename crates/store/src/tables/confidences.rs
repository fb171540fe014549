//! `confidences`: what each method said of each answer, or why it said nothing.

use crate::table::{Column, Kind, Table};

/// The names of the columns.
pub mod columns {
    /// Question.
    pub const QUESTION_ID: &str = "question_id";
    /// Its dataset.
    pub const DATASET: &str = "dataset";
    /// Model whose answer it speaks of.
    pub const MODEL: &str = "model";
    /// Method.
    pub const METHOD: &str = "method";
    /// Transfer test that the confidence is for; null = the one that is used.
    pub const FOLD: &str = "fold";
    /// Confidence in [0, 1]; null = missing.
    pub const CONFIDENCE: &str = "confidence";
    /// Why it is missing.
    pub const MISSING_REASON: &str = "missing_reason";
    /// Probability of the replies that the method compares.
    pub const ANSWER_MASS: &str = "answer_mass";
    /// SHA-256 of the method's variant.
    pub const VARIANT_HASH: &str = "variant_hash";
}

/// The table.
pub const TABLE: Table = Table {
    name: "confidences",
    version: 2,
    columns: &[
        Column::new(columns::QUESTION_ID, Kind::Text, "Question."),
        Column::new(columns::DATASET, Kind::Text, "Its dataset."),
        Column::new(columns::MODEL, Kind::Text, "Model whose answer it speaks of."),
        Column::new(columns::METHOD, Kind::Text, "Method."),
        Column::nullable(
            columns::FOLD,
            Kind::Text,
            "Transfer test that the confidence is for (`dataset=ID` or `domain=ID` is held out, and a probe saw none of \
             it); null = the confidence that thresholds are fitted on.",
        ),
        Column::nullable(
            columns::CONFIDENCE,
            Kind::Number,
            "Confidence in [0, 1], higher = more likely correct; null = missing.",
        ),
        Column::nullable(columns::MISSING_REASON, Kind::Text, "Why it is missing."),
        Column::nullable(
            columns::ANSWER_MASS,
            Kind::Number,
            "How likely the replies are together whose probabilities the method compares (p(True)), in [0, 1], as far as \
             they were listed; null = another method, or not observed.",
        ),
        Column::new(columns::VARIANT_HASH, Kind::Text, "SHA-256 of the method's id, version and parameters."),
    ],
};
