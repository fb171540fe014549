//! `alignment`: how well each confidence ranks the correct answers first.

use crate::table::{Column, Kind, Table};

/// The names of the columns.
pub mod columns {
    /// Small model.
    pub const SLM: &str = "slm";
    /// Large model.
    pub const LLM: &str = "llm";
    /// Method.
    pub const METHOD: &str = "method";
    /// Dataset, `*` for the pool, `macro` for the mean over datasets.
    pub const DATASET: &str = "dataset";
    /// All rows.
    pub const ROWS: &str = "rows";
    /// Rows without a confidence.
    pub const MISSING: &str = "missing";
    /// Rows whose SLM answer is ungraded.
    pub const UNGRADED: &str = "ungraded";
    /// SLM accuracy over all rows, ungraded counted as wrong.
    pub const ACCURACY: &str = "accuracy";
    /// ROC AUC over rows with score and label, ties half.
    pub const ROC_AUC: &str = "roc_auc";
    /// Lower 95 % limit.
    pub const ROC_AUC_LOW: &str = "roc_auc_low";
    /// Upper 95 % limit.
    pub const ROC_AUC_HIGH: &str = "roc_auc_high";
    /// Prediction rejection ratio.
    pub const PRR: &str = "prr";
    /// Lower 95 % limit.
    pub const PRR_LOW: &str = "prr_low";
    /// Upper 95 % limit.
    pub const PRR_HIGH: &str = "prr_high";
    /// Area under the risk-coverage curve.
    pub const AURC: &str = "aurc";
    /// Lower 95 % limit.
    pub const AURC_LOW: &str = "aurc_low";
    /// Upper 95 % limit.
    pub const AURC_HIGH: &str = "aurc_high";
    /// AURC in excess of a perfect ranking's.
    pub const E_AURC: &str = "e_aurc";
    /// Lower 95 % limit.
    pub const E_AURC_LOW: &str = "e_aurc_low";
    /// Upper 95 % limit.
    pub const E_AURC_HIGH: &str = "e_aurc_high";
    /// Brier score of the raw confidence read as a probability.
    pub const BRIER_RAW: &str = "brier_raw";
    /// Brier score of the isotonic map, out of fold as `map_scheme` says.
    pub const BRIER: &str = "brier";
    /// Lower 95 % limit.
    pub const BRIER_LOW: &str = "brier_low";
    /// Upper 95 % limit.
    pub const BRIER_HIGH: &str = "brier_high";
    /// Expected calibration error of the isotonic map (equal-width bins), out of fold.
    pub const ECE: &str = "ece";
    /// Lower 95 % limit.
    pub const ECE_LOW: &str = "ece_low";
    /// Upper 95 % limit.
    pub const ECE_HIGH: &str = "ece_high";
    /// `leave_one_dataset_out`, `five_fold`, or `file` (the map of a thresholds file).
    pub const MAP_SCHEME: &str = "map_scheme";
}

/// The table.
pub const TABLE: Table = Table {
    name: "alignment",
    version: 1,
    columns: &[
        Column::new(columns::SLM, Kind::Text, "Small model."),
        Column::nullable(columns::LLM, Kind::Text, "Large model."),
        Column::new(columns::METHOD, Kind::Text, "Method."),
        Column::new(
            columns::DATASET,
            Kind::Text,
            "Dataset, `*` for the pool, `macro` for the mean over datasets.",
        ),
        Column::new(columns::ROWS, Kind::Count, "All rows."),
        Column::new(columns::MISSING, Kind::Count, "Rows without a confidence."),
        Column::new(columns::UNGRADED, Kind::Count, "Rows whose SLM answer is ungraded."),
        Column::nullable(
            columns::ACCURACY,
            Kind::Number,
            "SLM accuracy over all rows, ungraded counted as wrong.",
        ),
        Column::nullable(
            columns::ROC_AUC,
            Kind::Number,
            "ROC AUC over rows with score and label, ties half.",
        ),
        Column::nullable(columns::ROC_AUC_LOW, Kind::Number, "Lower 95 % limit."),
        Column::nullable(columns::ROC_AUC_HIGH, Kind::Number, "Upper 95 % limit."),
        Column::nullable(columns::PRR, Kind::Number, "Prediction rejection ratio."),
        Column::nullable(columns::PRR_LOW, Kind::Number, "Lower 95 % limit."),
        Column::nullable(columns::PRR_HIGH, Kind::Number, "Upper 95 % limit."),
        Column::nullable(columns::AURC, Kind::Number, "Area under the risk-coverage curve."),
        Column::nullable(columns::AURC_LOW, Kind::Number, "Lower 95 % limit."),
        Column::nullable(columns::AURC_HIGH, Kind::Number, "Upper 95 % limit."),
        Column::nullable(columns::E_AURC, Kind::Number, "AURC in excess of a perfect ranking's."),
        Column::nullable(columns::E_AURC_LOW, Kind::Number, "Lower 95 % limit."),
        Column::nullable(columns::E_AURC_HIGH, Kind::Number, "Upper 95 % limit."),
        Column::nullable(
            columns::BRIER_RAW,
            Kind::Number,
            "Brier score of the raw confidence read as a probability.",
        ),
        Column::nullable(
            columns::BRIER,
            Kind::Number,
            "Brier score of the isotonic map, out of fold as `map_scheme` says.",
        ),
        Column::nullable(columns::BRIER_LOW, Kind::Number, "Lower 95 % limit."),
        Column::nullable(columns::BRIER_HIGH, Kind::Number, "Upper 95 % limit."),
        Column::nullable(
            columns::ECE,
            Kind::Number,
            "Expected calibration error of the isotonic map (equal-width bins), out of fold.",
        ),
        Column::nullable(columns::ECE_LOW, Kind::Number, "Lower 95 % limit."),
        Column::nullable(columns::ECE_HIGH, Kind::Number, "Upper 95 % limit."),
        Column::nullable(
            columns::MAP_SCHEME,
            Kind::Text,
            "`leave_one_dataset_out`, `five_fold`, or `file` (the map of a thresholds file).",
        ),
    ],
};
