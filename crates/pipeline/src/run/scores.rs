//! The scores of a run, as its later stages take them.

use plimsoll_core::ScoreTable;
use plimsoll_store::tables::scores;

use crate::broken_limits::{BrokenLimit, broken_limits};
use crate::config::PipelineConfig;
use crate::config::pipeline_config::{LimitsConfig, Ungraded};
use crate::failure::Failure;
use crate::observer::Observer;
use crate::run_folder::{RunFolder, table_path};
use crate::score_files::read_tables;

/// Scores without the rows that the pipeline leaves out, and the limits that all rows break.
#[derive(Debug)]
pub(super) struct LoadedScores {
    pub(super) table: ScoreTable,
    pub(super) broken_limits: Vec<BrokenLimit>,
}

impl LoadedScores {
    /// Reads the table of a run folder.
    pub(super) fn read(
        folder: &RunFolder,
        limits: LimitsConfig,
        config: &PipelineConfig,
        observer: &dyn Observer,
    ) -> Result<Self, Failure> {
        let path = folder.path(&table_path(scores::TABLE.name));
        Self::new(read_tables(&[path], observer)?.table, limits, config, observer)
    }

    pub(super) fn new(
        mut table: ScoreTable,
        limits: LimitsConfig,
        config: &PipelineConfig,
        observer: &dyn Observer,
    ) -> Result<Self, Failure> {
        let broken_limits = broken_limits(&table, limits);
        if config.labels.ungraded == Ungraded::Exclude {
            table.exclude_ungraded();
            if table.excluded_ungraded > 0 {
                observer.note(&format!("{} ungraded rows are left out", table.excluded_ungraded));
            }
            if table.series.is_empty() {
                return Err(Failure::input(
                    "no row is left: no SLM answer is graded, and `labels: {ungraded: exclude}` leaves such out",
                ));
            }
        }
        Ok(Self { table, broken_limits })
    }
}
