//! `curves`: the points of each routing curve.

use crate::table::{Column, Kind, Table};

/// The names of the columns.
pub mod columns {
    /// Small model.
    pub const SLM: &str = "slm";
    /// Large model.
    pub const LLM: &str = "llm";
    /// Method.
    pub const METHOD: &str = "method";
    /// Dataset, or `*` for the pool.
    pub const DATASET: &str = "dataset";
    /// The ratio that the point was asked for: 0, 0.01, .., 1.
    pub const GRID_RATIO: &str = "grid_ratio";
    /// Share of questions handed over at the nearest candidate.
    pub const ROUTING_RATIO: &str = "routing_ratio";
    /// The candidate threshold.
    pub const THRESHOLD: &str = "threshold";
    /// Overall accuracy, on rows with a graded LLM answer.
    pub const ACCURACY: &str = "accuracy";
    /// Lower 95 % limit.
    pub const ACCURACY_LOW: &str = "accuracy_low";
    /// Upper 95 % limit.
    pub const ACCURACY_HIGH: &str = "accuracy_high";
    /// Accuracy of handing over at random at this ratio.
    pub const RANDOM_ACCURACY: &str = "random_accuracy";
    /// Accuracy of an oracle that may hand over at most this ratio.
    pub const ORACLE_ACCURACY: &str = "oracle_accuracy";
    /// Accuracy of the SLM alone, same rows.
    pub const ALWAYS_SLM_ACCURACY: &str = "always_slm_accuracy";
    /// Accuracy of the LLM alone, same rows.
    pub const ALWAYS_LLM_ACCURACY: &str = "always_llm_accuracy";
    /// Performance gap recovered.
    pub const PGR: &str = "pgr";
    /// SLM accuracy on the kept rows.
    pub const KEPT_ACCURACY: &str = "kept_accuracy";
    /// `kept_accuracy` over the SLM accuracy of all rows: what the most confident are worth.
    pub const RELATIVE_ACCURACY: &str = "relative_accuracy";
    /// Mean US dollars per 1,000 questions.
    pub const USD_PER_1K_QUESTIONS: &str = "usd_per_1k_questions";
    /// Mean US dollars per 1,000 questions of random routing at this ratio.
    pub const RANDOM_USD_PER_1K_QUESTIONS: &str = "random_usd_per_1k_questions";
}

/// The table.
pub const TABLE: Table = Table {
    name: "curves",
    version: 1,
    columns: &[
        Column::new(columns::SLM, Kind::Text, "Small model."),
        Column::nullable(columns::LLM, Kind::Text, "Large model."),
        Column::new(columns::METHOD, Kind::Text, "Method."),
        Column::new(columns::DATASET, Kind::Text, "Dataset, or `*` for the pool."),
        Column::new(
            columns::GRID_RATIO,
            Kind::Number,
            "The ratio that the point was asked for: 0, 0.01, .., 1.",
        ),
        Column::new(
            columns::ROUTING_RATIO,
            Kind::Number,
            "Share of questions handed over at the nearest candidate.",
        ),
        Column::new(columns::THRESHOLD, Kind::Number, "The candidate threshold."),
        Column::nullable(
            columns::ACCURACY,
            Kind::Number,
            "Overall accuracy, on rows with a graded LLM answer.",
        ),
        Column::nullable(columns::ACCURACY_LOW, Kind::Number, "Lower 95 % limit."),
        Column::nullable(columns::ACCURACY_HIGH, Kind::Number, "Upper 95 % limit."),
        Column::nullable(
            columns::RANDOM_ACCURACY,
            Kind::Number,
            "Accuracy of handing over at random at this ratio.",
        ),
        Column::nullable(
            columns::ORACLE_ACCURACY,
            Kind::Number,
            "Accuracy of an oracle that may hand over at most this ratio.",
        ),
        Column::nullable(columns::ALWAYS_SLM_ACCURACY, Kind::Number, "Accuracy of the SLM alone, same rows."),
        Column::nullable(columns::ALWAYS_LLM_ACCURACY, Kind::Number, "Accuracy of the LLM alone, same rows."),
        Column::nullable(columns::PGR, Kind::Number, "Performance gap recovered."),
        Column::nullable(columns::KEPT_ACCURACY, Kind::Number, "SLM accuracy on the kept rows."),
        Column::nullable(
            columns::RELATIVE_ACCURACY,
            Kind::Number,
            "`kept_accuracy` over the SLM accuracy of all rows: what the most confident are worth.",
        ),
        Column::nullable(columns::USD_PER_1K_QUESTIONS, Kind::Number, "Mean US dollars per 1,000 questions."),
        Column::nullable(
            columns::RANDOM_USD_PER_1K_QUESTIONS,
            Kind::Number,
            "Mean US dollars per 1,000 questions of random routing at this ratio.",
        ),
    ],
};
