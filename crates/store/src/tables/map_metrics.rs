//! `map_metrics`: how well each map from confidence to probability does, out of fold.

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
    /// `isotonic`, `platt` or `beta`.
    pub const MAP: &str = "map";
    /// `leave_one_dataset_out`, `five_fold` or `file`.
    pub const SCHEME: &str = "scheme";
    /// Rows judged.
    pub const ROWS: &str = "rows";
    /// Brier score.
    pub const BRIER: &str = "brier";
    /// Expected calibration error.
    pub const ECE: &str = "ece";
}

/// The table.
pub const TABLE: Table = Table {
    name: "map_metrics",
    version: 1,
    columns: &[
        Column::new(columns::SLM, Kind::Text, "Small model."),
        Column::nullable(columns::LLM, Kind::Text, "Large model."),
        Column::new(columns::METHOD, Kind::Text, "Method."),
        Column::new(columns::DATASET, Kind::Text, "Dataset, or `*` for the pool."),
        Column::new(columns::MAP, Kind::Text, "`isotonic`, `platt` or `beta`."),
        Column::new(columns::SCHEME, Kind::Text, "`leave_one_dataset_out`, `five_fold` or `file`."),
        Column::new(columns::ROWS, Kind::Count, "Rows judged."),
        Column::nullable(columns::BRIER, Kind::Number, "Brier score."),
        Column::nullable(columns::ECE, Kind::Number, "Expected calibration error."),
    ],
};
