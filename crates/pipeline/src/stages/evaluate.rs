//! `evaluate`: how well confidences rank answers, what routing by them gives, and how well thresholds transfer.

use plimsoll_core::records::{AlignmentRow, CurveAreaRow, CurveRow, MapMetricRow};
use plimsoll_core::{ModelId, ScoreTable, SeriesKey};
use plimsoll_evaluate::{EvaluationSettings, alignment, curves};
use plimsoll_fit::PreparedSeries;
use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::Method;
use plimsoll_store::{Provenance, tables};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::transfer::{TransferTables, TransferTask};
use crate::failure::Failure;
use crate::observer::{Observer, Progress};
use crate::run_folder::RunFolder;
use crate::series_name::series_name;
use crate::series_source::{LoadedSeries, SeriesSource};
use crate::series_tables::{self, SeriesTables, Tables, TablesSink};
use crate::series_work::{self, SeriesCounts, SeriesTask, SharedSeries};
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
#[derive(Debug, Default, Serialize, Deserialize)]
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
            tables.extend(evaluate_series(&prepared, self.settings, self.maps, &*progress));
            if let (Some(transfer), Some(tables)) = (transfer, &mut tables.transfer) {
                tables.extend(transfer.evaluate(&prepared, self.table, &*progress)?);
            }
        }
        Ok(tables)
    }
}

fn evaluate_series(
    prepared: &PreparedSeries<'_>,
    settings: EvaluationSettings,
    maps: Option<&Thresholds>,
    progress: &dyn Progress,
) -> EvaluationTables {
    let maps = maps.and_then(|file| thresholds_entry(file, &prepared.series.key()));
    let aligned = alignment(prepared, maps, &settings);
    progress.step();
    let curves = curves(prepared, &settings);
    progress.step();
    EvaluationTables {
        alignment: aligned.alignment,
        map_metrics: aligned.map_metrics,
        curves: curves.curves,
        curve_areas: curves.areas,
        transfer: None,
    }
}

/// The entry of a thresholds file for a series of its pair.
pub fn thresholds_entry<'t>(thresholds: &'t Thresholds, series: &SeriesKey) -> Option<&'t Method> {
    let llm = thresholds.llm.as_ref().map(|llm| llm.id.as_str());
    let same = series.slm.as_str() == thresholds.slm.id && series.llm.as_ref().map(ModelId::as_str) == llm;
    thresholds.methods.iter().find(|method| same && method.id == series.method.as_str())
}

impl Tables for EvaluationTables {
    fn extend(&mut self, other: Self) {
        self.alignment.extend(other.alignment);
        self.map_metrics.extend(other.map_metrics);
        self.curves.extend(other.curves);
        self.curve_areas.extend(other.curve_areas);
    }
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

/// Imported scores, evaluated series by series. Transfer is no part of it.
#[derive(Debug)]
pub struct SeriesEvaluation<'a> {
    settings: EvaluationSettings,
    maps: Option<&'a Thresholds>,
    /// What results depend on.
    parameters: Value,
}

impl<'a> SeriesEvaluation<'a> {
    /// An evaluation with these parameters: all that its results depend on beside the scores.
    pub fn new(settings: EvaluationSettings, maps: Option<&'a Thresholds>, parameters: &Value) -> Self {
        Self { settings, maps, parameters: parameters.clone() }
    }

    /// Evaluates every series, here or together with other processes.
    ///
    /// # Errors
    /// A usage or input failure for scores that cannot be read, a stage failure for a store that cannot be used.
    pub fn run(
        &self,
        source: &SeriesSource,
        shared: Option<&SharedSeries>,
        observer: &dyn Observer,
    ) -> Result<(EvaluationTables, SeriesCounts), Failure> {
        let mut sink = TablesSink::<EvaluationTables>::default();
        let counts = series_work::run(self, &mut sink, source, shared, observer)?;
        Ok((sink.tables, counts))
    }
}

impl SeriesTask for SeriesEvaluation<'_> {
    type Computed = SeriesTables<EvaluationTables>;
    const STAGE: Stage = Stage::Evaluate;
    const FILES: &'static [&'static str] = series_tables::FILES;
    const MAX_TOGETHER: usize = 1;

    fn parameters(&self) -> &Value {
        &self.parameters
    }

    fn compute(&self, loaded: &LoadedSeries<'_>, observer: &dyn Observer) -> Result<Self::Computed, Failure> {
        let progress = observer.steps(Stage::Evaluate, STEPS_PER_SERIES);
        progress.message(&series_name(loaded.series()));
        let prepared = PreparedSeries::new(&loaded.table().questions, loaded.series());
        let tables = evaluate_series(&prepared, self.settings, self.maps, &*progress);
        Ok(SeriesTables::new(loaded, tables))
    }

    fn files(&self, _loaded: &LoadedSeries<'_>, computed: Self::Computed) -> Result<Vec<Vec<u8>>, Failure> {
        computed.files()
    }
}
