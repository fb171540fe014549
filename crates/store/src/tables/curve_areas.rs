//! `curve_areas`: each routing curve in a few numbers.

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
    /// All rows.
    pub const ROWS: &str = "rows";
    /// Rows with a graded LLM answer, on which the figures below stand.
    pub const PAIRED_ROWS: &str = "paired_rows";
    /// Accuracy of the SLM alone.
    pub const ALWAYS_SLM_ACCURACY: &str = "always_slm_accuracy";
    /// Accuracy of the LLM alone.
    pub const ALWAYS_LLM_ACCURACY: &str = "always_llm_accuracy";
    /// Share of rows where both are right.
    pub const BOTH_CORRECT: &str = "both_correct";
    /// Share of rows where only the SLM is right: handing over harms.
    pub const ONLY_SLM_CORRECT: &str = "only_slm_correct";
    /// Share of rows where only the LLM is right: handing over helps.
    pub const ONLY_LLM_CORRECT: &str = "only_llm_correct";
    /// Share of rows where neither is right.
    pub const NEITHER_CORRECT: &str = "neither_correct";
    /// Area under accuracy against routing ratio.
    pub const AREA: &str = "area";
    /// Area of random routing.
    pub const RANDOM_AREA: &str = "random_area";
    /// Area of the oracle.
    pub const ORACLE_AREA: &str = "oracle_area";
    /// Average performance gap recovered; null unless the LLM is better.
    pub const APGR: &str = "apgr";
    /// Lower 95 % limit.
    pub const APGR_LOW: &str = "apgr_low";
    /// Upper 95 % limit.
    pub const APGR_HIGH: &str = "apgr_high";
    /// Smallest routing ratio that recovers 20 % of the gap.
    pub const CPT_20: &str = "cpt_20";
    /// Smallest routing ratio that recovers 50 % of the gap.
    pub const CPT_50: &str = "cpt_50";
    /// Smallest routing ratio that recovers 80 % of the gap.
    pub const CPT_80: &str = "cpt_80";
    /// Average improvement in quality: mean of the non-decreasing hull over the cost range.
    pub const AIQ: &str = "aiq";
    /// What `aiq` has on its axis: `usd` or `routing_ratio`.
    pub const AIQ_AXIS: &str = "aiq_axis";
}

/// The table.
pub const TABLE: Table = Table {
    name: "curve_areas",
    version: 1,
    columns: &[
        Column::new(columns::SLM, Kind::Text, "Small model."),
        Column::nullable(columns::LLM, Kind::Text, "Large model."),
        Column::new(columns::METHOD, Kind::Text, "Method."),
        Column::new(columns::DATASET, Kind::Text, "Dataset, or `*` for the pool."),
        Column::new(columns::ROWS, Kind::Count, "All rows."),
        Column::new(
            columns::PAIRED_ROWS,
            Kind::Count,
            "Rows with a graded LLM answer, on which the figures below stand.",
        ),
        Column::nullable(columns::ALWAYS_SLM_ACCURACY, Kind::Number, "Accuracy of the SLM alone."),
        Column::nullable(columns::ALWAYS_LLM_ACCURACY, Kind::Number, "Accuracy of the LLM alone."),
        Column::nullable(columns::BOTH_CORRECT, Kind::Number, "Share of rows where both are right."),
        Column::nullable(
            columns::ONLY_SLM_CORRECT,
            Kind::Number,
            "Share of rows where only the SLM is right: handing over harms.",
        ),
        Column::nullable(
            columns::ONLY_LLM_CORRECT,
            Kind::Number,
            "Share of rows where only the LLM is right: handing over helps.",
        ),
        Column::nullable(columns::NEITHER_CORRECT, Kind::Number, "Share of rows where neither is right."),
        Column::nullable(columns::AREA, Kind::Number, "Area under accuracy against routing ratio."),
        Column::nullable(columns::RANDOM_AREA, Kind::Number, "Area of random routing."),
        Column::nullable(columns::ORACLE_AREA, Kind::Number, "Area of the oracle."),
        Column::nullable(
            columns::APGR,
            Kind::Number,
            "Average performance gap recovered; null unless the LLM is better.",
        ),
        Column::nullable(columns::APGR_LOW, Kind::Number, "Lower 95 % limit."),
        Column::nullable(columns::APGR_HIGH, Kind::Number, "Upper 95 % limit."),
        Column::nullable(
            columns::CPT_20,
            Kind::Number,
            "Smallest routing ratio that recovers 20 % of the gap.",
        ),
        Column::nullable(
            columns::CPT_50,
            Kind::Number,
            "Smallest routing ratio that recovers 50 % of the gap.",
        ),
        Column::nullable(
            columns::CPT_80,
            Kind::Number,
            "Smallest routing ratio that recovers 80 % of the gap.",
        ),
        Column::nullable(
            columns::AIQ,
            Kind::Number,
            "Average improvement in quality: mean of the non-decreasing hull over the cost range.",
        ),
        Column::nullable(
            columns::AIQ_AXIS,
            Kind::Text,
            "What `aiq` has on its axis: `usd` or `routing_ratio`.",
        ),
    ],
};
