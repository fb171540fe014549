//! `evaluate`: how well confidences rank answers, what routing by them gives, and how well thresholds transfer.

use plimsoll_core::records::{AlignmentRow, CurveAreaRow, CurveRow, MapMetricRow};
use plimsoll_core::{ModelId, ScoreSeries, ScoreTable};
use plimsoll_evaluate::{EvaluationSettings, alignment, curves};
use plimsoll_fit::PreparedSeries;
use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::Method;
use plimsoll_store::{Provenance, tables};
use serde::Serialize;

use super::transfer::{TransferTables, TransferTask};
use crate::failure::Failure;
use crate::observer::Observer;
use crate::run_folder::RunFolder;
use crate::series_name::series_name;
use crate::stage::Stage;
use crate::table_files::write_table;

/// Steps of alignment and curves for one series.
const STEPS_PER_SERIES: u64 = 2;

/// What is evaluated.
#[derive(Debug)]
pub struct EvaluationTask<'a> {
    /// The scores.
    pub table: &'a ScoreTable,
    /// Intervals and seed.
    pub settings: EvaluationSettings,
    /// A file whose calibration maps are evaluated; without it, or without an entry for a series, maps are fitted out
    /// of fold on the scores themselves.
    pub maps: Option<&'a Thresholds>,
    /// How transfer is evaluated; `None` = it is not.
    pub transfer: Option<TransferTask<'a>>,
}

/// The tables of an evaluation.
#[derive(Debug, Default, Serialize)]
pub struct EvaluationTables {
    /// How well confidences rank right answers first.
    pub alignment: Vec<AlignmentRow>,
    /// How well calibration maps do.
    pub map_metrics: Vec<MapMetricRow>,
    /// Routing curves.
    pub curves: Vec<CurveRow>,
    /// Areas under routing curves.
    pub curve_areas: Vec<CurveAreaRow>,
    /// Thresholds on data that they were not fitted on; `None` where transfer was not evaluated.
    #[serde(skip)]
    pub transfer: Option<TransferTables>,
}

impl EvaluationTask<'_> {
    /// Evaluates series after series, so that one sorted copy is alive at a time.
    ///
    /// # Errors
    /// A stage failure for scores that transfer cannot be evaluated on.
    pub fn run(&self, observer: &dyn Observer) -> Result<EvaluationTables, Failure> {
        let transfer = self.transfer.as_ref();
        let mut tables =
            EvaluationTables { transfer: transfer.map(|_| TransferTables::default()), ..Default::default() };
        let transfer_steps = transfer.map_or(0, |transfer| transfer.steps_per_series(self.table));
        let steps = self.table.series.len() as u64 * (STEPS_PER_SERIES + transfer_steps);
        let progress = observer.steps(Stage::Evaluate, steps);
        for series in &self.table.series {
            progress.message(&series_name(series));
            let prepared = PreparedSeries::new(&self.table.questions, series);
            let maps = self.maps.and_then(|file| thresholds_entry(file, series));
            let aligned = alignment(&prepared, maps, &self.settings);
            tables.alignment.extend(aligned.alignment);
            tables.map_metrics.extend(aligned.map_metrics);
            progress.step();
            let curves = curves(&prepared, &self.settings);
            tables.curves.extend(curves.curves);
            tables.curve_areas.extend(curves.areas);
            progress.step();
            if let (Some(transfer), Some(tables)) = (transfer, &mut tables.transfer) {
                tables.extend(transfer.evaluate(&prepared, self.table, &*progress)?);
            }
        }
        Ok(tables)
    }
}

/// The entry of a thresholds file for a series of its pair.
pub fn thresholds_entry<'t>(thresholds: &'t Thresholds, series: &ScoreSeries) -> Option<&'t Method> {
    let llm = thresholds.llm.as_ref().map(|llm| llm.id.as_str());
    let same = series.slm.as_str() == thresholds.slm.id && series.llm.as_ref().map(ModelId::as_str) == llm;
    thresholds.methods.iter().find(|method| same && method.id == series.method.as_str())
}

impl EvaluationTables {
    /// Writes the tables; gives their paths in the folder.
    ///
    /// # Errors
    /// A stage failure for a file that cannot be written.
    pub fn write(&self, folder: &RunFolder, provenance: &Provenance) -> Result<Vec<String>, Failure> {
        let mut outputs = vec![
            write_table(&tables::alignment::TABLE, &self.alignment, folder, provenance)?,
            write_table(&tables::map_metrics::TABLE, &self.map_metrics, folder, provenance)?,
            write_table(&tables::curves::TABLE, &self.curves, folder, provenance)?,
            write_table(&tables::curve_areas::TABLE, &self.curve_areas, folder, provenance)?,
        ];
        if let Some(transfer) = &self.transfer {
            outputs.extend(transfer.write(folder, provenance)?);
        }
        Ok(outputs)
    }
}
