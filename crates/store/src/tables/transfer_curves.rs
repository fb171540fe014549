//! `transfer_curves`: routing curves predicted without the held-out data, and the true ones.

use crate::table::{Column, Kind, Table};

/// The names of the columns.
pub mod columns {
    /// Small model.
    pub const SLM: &str = "slm";
    /// Large model.
    pub const LLM: &str = "llm";
    /// Method.
    pub const METHOD: &str = "method";
    /// `dataset` or `domain`.
    pub const BY: &str = "by";
    /// The dataset or domain that was held out.
    pub const HELD_OUT: &str = "held_out";
    /// Number of the repeat whose draw made the prediction; only the first, 0, is kept.
    pub const REPEAT: &str = "repeat";
    /// The ratio that the point was asked for: 0, 0.01, .., 1.
    pub const GRID_RATIO: &str = "grid_ratio";
    /// The pool's threshold for this ratio.
    pub const THRESHOLD: &str = "threshold";
    /// Routing ratio that the pool promised at this threshold.
    pub const PREDICTED_ROUTING_RATIO: &str = "predicted_routing_ratio";
    /// Routing ratio on the held-out data at this threshold.
    pub const ACHIEVED_ROUTING_RATIO: &str = "achieved_routing_ratio";
    /// Accuracy that the pool promised at this threshold.
    pub const PREDICTED_ACCURACY: &str = "predicted_accuracy";
    /// Accuracy on the held-out data at this threshold.
    pub const TRANSFERRED_ACCURACY: &str = "transferred_accuracy";
    /// Accuracy on the held-out data at their own threshold for this ratio: the true curve.
    pub const OWN_ACCURACY: &str = "own_accuracy";
    /// Accuracy on the held-out data of random routing at this ratio.
    pub const RANDOM_ACCURACY: &str = "random_accuracy";
}

/// The table.
pub const TABLE: Table = Table {
    name: "transfer_curves",
    version: 1,
    columns: &[
        Column::new(columns::SLM, Kind::Text, "Small model."),
        Column::nullable(columns::LLM, Kind::Text, "Large model."),
        Column::new(columns::METHOD, Kind::Text, "Method."),
        Column::new(columns::BY, Kind::Text, "`dataset` or `domain`."),
        Column::new(columns::HELD_OUT, Kind::Text, "The dataset or domain that was held out."),
        Column::new(
            columns::REPEAT,
            Kind::Index,
            "Number of the repeat whose draw made the prediction; only the first, 0, is kept.",
        ),
        Column::new(
            columns::GRID_RATIO,
            Kind::Number,
            "The ratio that the point was asked for: 0, 0.01, .., 1.",
        ),
        Column::new(columns::THRESHOLD, Kind::Number, "The pool's threshold for this ratio."),
        Column::new(
            columns::PREDICTED_ROUTING_RATIO,
            Kind::Number,
            "Routing ratio that the pool promised at this threshold.",
        ),
        Column::new(
            columns::ACHIEVED_ROUTING_RATIO,
            Kind::Number,
            "Routing ratio on the held-out data at this threshold.",
        ),
        Column::nullable(
            columns::PREDICTED_ACCURACY,
            Kind::Number,
            "Accuracy that the pool promised at this threshold.",
        ),
        Column::nullable(
            columns::TRANSFERRED_ACCURACY,
            Kind::Number,
            "Accuracy on the held-out data at this threshold.",
        ),
        Column::nullable(
            columns::OWN_ACCURACY,
            Kind::Number,
            "Accuracy on the held-out data at their own threshold for this ratio: the true curve.",
        ),
        Column::nullable(
            columns::RANDOM_ACCURACY,
            Kind::Number,
            "Accuracy on the held-out data of random routing at this ratio.",
        ),
    ],
};
