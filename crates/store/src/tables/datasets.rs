//! `datasets`: where the questions come from, and what became of the rows.

use crate::table::{Column, Kind, Table};

/// The names of the columns.
pub mod columns {
    /// Dataset.
    pub const DATASET: &str = "dataset";
    /// Its domain.
    pub const DOMAIN: &str = "domain";
    /// Split.
    pub const SPLIT: &str = "split";
    /// Where it was read from.
    pub const SOURCE: &str = "source";
    /// Commit of a hub repository.
    pub const COMMIT: &str = "commit";
    /// Licence.
    pub const LICENCE: &str = "licence";
    /// Rows of the source.
    pub const ROWS: &str = "rows";
    /// Rows that gave no question.
    pub const REFUSED: &str = "refused";
    /// Of these, rows without a gold answer.
    pub const UNLABELLED: &str = "unlabelled";
    /// Main rows that were asked for.
    pub const ASKED: &str = "asked";
    /// Main rows drawn.
    pub const SAMPLED: &str = "sampled";
    /// Rows dropped as exact duplicates.
    pub const DROPPED_EXACT: &str = "dropped_exact";
    /// Rows dropped as near duplicates.
    pub const DROPPED_NEAR: &str = "dropped_near";
    /// Main rows in the pool.
    pub const MAIN: &str = "main";
    /// Exemplars.
    pub const FEW_SHOT: &str = "few_shot";
    /// Probe-training rows.
    pub const PROBE_TRAINING: &str = "probe_training";
}

/// The table.
pub const TABLE: Table = Table {
    name: "datasets",
    version: 1,
    columns: &[
        Column::new(columns::DATASET, Kind::Text, "Dataset."),
        Column::new(columns::DOMAIN, Kind::Text, "Its domain."),
        Column::new(columns::SPLIT, Kind::Text, "Split."),
        Column::new(columns::SOURCE, Kind::Text, "Where it was read from, as the plan says it."),
        Column::nullable(columns::COMMIT, Kind::Text, "Commit of the hub repository; null for local files."),
        Column::new(columns::LICENCE, Kind::Text, "Licence, as far as it is known."),
        Column::new(columns::ROWS, Kind::Count, "Rows of the source."),
        Column::new(columns::REFUSED, Kind::Count, "Rows that gave no question."),
        Column::new(columns::UNLABELLED, Kind::Count, "Of these, rows without a gold answer."),
        Column::new(columns::ASKED, Kind::Count, "Main rows that the plan asks for."),
        Column::new(columns::SAMPLED, Kind::Count, "Main rows drawn."),
        Column::new(columns::DROPPED_EXACT, Kind::Count, "Rows drawn and dropped as exact duplicates."),
        Column::new(columns::DROPPED_NEAR, Kind::Count, "Rows drawn and dropped as near duplicates."),
        Column::new(columns::MAIN, Kind::Count, "Main rows in the pool: calibration and evaluation."),
        Column::new(columns::FEW_SHOT, Kind::Count, "Exemplars in the pool."),
        Column::new(columns::PROBE_TRAINING, Kind::Count, "Probe-training rows in the pool."),
    ],
};
