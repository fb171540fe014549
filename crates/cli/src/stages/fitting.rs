//! `draw` and `fit`: a few series at a time, so that all cores have work while few sorted copies are alive.

use plimsoll_core::records::CalibrationRow;
use plimsoll_core::{ModelId, Outcome, ScoreSeries, ScoreTable};
use plimsoll_fit::draw::DrawnRow;
use plimsoll_fit::{DatasetSelection, Draw, FitSpec, FittedMethod, PreparedSeries, draw_series, fit_method};
use plimsoll_router::thresholds::Method;
use plimsoll_store::tables::calibration;
use plimsoll_store::{Provenance, TableWriter};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::definitions::Definitions;
use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::{OutputFolder, table_path};
use crate::progress::Progress;

/// Rows that are handed to the writer at once.
const CHUNK_ROWS: usize = 64 * 1024;

/// Series that are fitted at the same time: each holds a sorted copy of its rows.
const MAX_TOGETHER: usize = 4;

/// A series' name for people.
pub(crate) fn series_name(series: &ScoreSeries) -> String {
    format!("{} {}", pair_name(series.slm.as_str(), series.llm.as_ref().map(ModelId::as_str)), series.method)
}

/// A pair's name for people.
pub(crate) fn pair_name(slm: &str, llm: Option<&str>) -> String {
    llm.map_or_else(|| slm.to_owned(), |llm| format!("{slm} -> {llm}"))
}

/// Writes the calibration table as its rows are drawn.
#[derive(Debug)]
pub(crate) struct CalibrationWriter {
    writer: TableWriter,
    /// Rows so far.
    pub(crate) rows: u64,
}

impl CalibrationWriter {
    /// Where the table goes.
    pub(crate) fn output() -> String {
        table_path(calibration::TABLE.name)
    }

    /// Opens the table.
    pub(crate) fn create(folder: &OutputFolder, provenance: &Provenance) -> Result<Self, Failure> {
        let path = folder.path(&Self::output());
        let writer = TableWriter::create(&calibration::TABLE, &path, provenance).or_fail(Kind::Stage)?;
        Ok(Self { writer, rows: 0 })
    }

    /// Appends the rows of a draw.
    fn write(&mut self, table: &ScoreTable, series: &ScoreSeries, draw: &Draw) -> Result<(), Failure> {
        for chunk in draw.rows.chunks(CHUNK_ROWS) {
            let rows: Vec<CalibrationRow> =
                chunk.iter().filter_map(|drawn| calibration_row(table, series, drawn)).collect();
            self.writer.write_rows(&rows).or_fail(Kind::Stage)?;
            self.rows += rows.len() as u64;
        }
        Ok(())
    }

    /// Closes the table.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        self.writer.finish().or_fail(Kind::Stage)?;
        Ok(self.rows)
    }
}

/// Draws from every series.
pub(crate) fn draw_all(
    table: &ScoreTable,
    spec: &FitSpec,
    writer: &mut CalibrationWriter,
    console: &Console,
) -> Result<(), Failure> {
    let progress = Progress::steps(console, super::DRAW, table.series.len() as u64);
    for series in &table.series {
        progress.doing(series_name(series));
        let prepared = PreparedSeries::new(&table.questions, series);
        let all = DatasetSelection::all(table.questions.datasets().len());
        writer.write(table, series, &draw_series(&prepared, &all, spec))?;
        progress.step();
    }
    Ok(())
}

/// Fits every series: one entry each, in the order of the table. `writer` takes the draws behind them.
pub(crate) fn fit_all(
    table: &ScoreTable,
    (spec, definitions): (&FitSpec, &Definitions<'_>),
    mut writer: Option<&mut CalibrationWriter>,
    console: &Console,
) -> Result<Vec<Method>, Failure> {
    let progress = Progress::steps(console, super::FIT, table.series.len() as u64);
    let mut methods = Vec::with_capacity(table.series.len());
    let together = rayon::current_num_threads().clamp(1, MAX_TOGETHER);
    for group in table.series.chunks(together) {
        let fitted: Vec<FittedMethod> = group
            .par_iter()
            .map(|series| {
                progress.doing(series_name(series));
                let fitted = fit_one(table, series, (spec, definitions));
                progress.step();
                fitted
            })
            .collect();
        for (series, fitted) in group.iter().zip(fitted) {
            if let Some(writer) = &mut writer {
                writer.write(table, series, &fitted.draw)?;
            }
            methods.push(fitted.method);
        }
    }
    Ok(methods)
}

fn fit_one(
    table: &ScoreTable,
    series: &ScoreSeries,
    (spec, definitions): (&FitSpec, &Definitions<'_>),
) -> FittedMethod {
    let prepared = PreparedSeries::new(&table.questions, series);
    let all = DatasetSelection::all(table.questions.datasets().len());
    let fitted = fit_method(&prepared, &all, spec, &definitions.text(series));
    FittedMethod { method: definitions.sign(series, fitted.method), ..fitted }
}

fn calibration_row(table: &ScoreTable, series: &ScoreSeries, drawn: &DrawnRow) -> Option<CalibrationRow> {
    let row = drawn.row as usize;
    let question = *series.question.get(row)?;
    let dataset = table.questions.dataset(question);
    let cost = |costs: &Option<Vec<f64>>| costs.as_ref().and_then(|costs| costs.get(row).copied());
    Some(CalibrationRow {
        slm: series.slm.to_string(),
        llm: series.llm.as_ref().map(ToString::to_string),
        method: series.method.to_string(),
        question_id: table.questions.id(question).to_owned(),
        dataset: dataset.id.to_string(),
        domain: dataset.domain.to_string(),
        cluster: format!("{:016x}", table.questions.cluster(question)),
        // A row without a confidence is never drawn.
        confidence: series.confidence(row)?.get(),
        slm_correct: series.slm_outcome.get(row).copied().and_then(Outcome::as_bool),
        llm_correct: series.llm_outcome.get(row).copied().and_then(Outcome::as_bool),
        slm_cost: cost(&series.slm_cost_usd),
        llm_cost: cost(&series.llm_cost_usd),
        bin: drawn.bin,
        weight: drawn.weight,
        part: if drawn.proportional { "proportional" } else { "extra" }.to_owned(),
    })
}
