//! The calibration table, written as its rows are drawn.

use std::path::Path;

use plimsoll_core::records::{CalibrationRow, DrawPart};
use plimsoll_core::{Outcome, ScoreSeries, ScoreTable};
use plimsoll_fit::Draw;
use plimsoll_fit::draw::DrawnRow;
use plimsoll_store::tables::calibration;
use plimsoll_store::{Provenance, TableWriter};

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::run_folder::{RunFolder, table_path};

/// Rows that are handed to the writer at once.
const CHUNK_ROWS: usize = 64 * 1024;

/// Writes the calibration table.
#[derive(Debug)]
pub struct CalibrationWriter {
    writer: TableWriter,
    rows: u64,
}

impl CalibrationWriter {
    /// The path of the table in a run folder.
    pub fn output() -> String {
        table_path(calibration::TABLE.name)
    }

    /// Opens the table.
    ///
    /// # Errors
    /// A stage failure for a file that cannot be written.
    pub fn create(folder: &RunFolder, provenance: &Provenance) -> Result<Self, Failure> {
        Self::at(&folder.path(&Self::output()), provenance)
    }

    /// Opens a table at a path.
    pub(crate) fn at(path: &Path, provenance: &Provenance) -> Result<Self, Failure> {
        let writer =
            TableWriter::create(&calibration::TABLE, path, provenance).or_fail(FailureKind::Stage)?;
        Ok(Self { writer, rows: 0 })
    }

    /// Appends the rows of a draw.
    pub(crate) fn write(
        &mut self,
        table: &ScoreTable,
        series: &ScoreSeries,
        draw: &Draw,
    ) -> Result<(), Failure> {
        for chunk in draw.rows.chunks(CHUNK_ROWS) {
            let rows: Vec<CalibrationRow> =
                chunk.iter().filter_map(|drawn| calibration_row(table, series, drawn)).collect();
            self.writer.write_rows(&rows).or_fail(FailureKind::Stage)?;
            self.rows += rows.len() as u64;
        }
        Ok(())
    }

    /// Appends the rows of a table of calibration rows, bit by bit as they are.
    pub(crate) fn append(&mut self, path: &Path) -> Result<(), Failure> {
        self.rows += self.writer.append(path).or_fail(FailureKind::Stage)?;
        Ok(())
    }

    /// Closes the table; gives the number of its rows.
    ///
    /// # Errors
    /// As [`CalibrationWriter::create`].
    pub fn finish(self) -> Result<u64, Failure> {
        self.writer.finish().or_fail(FailureKind::Stage)?;
        Ok(self.rows)
    }
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
        part: if drawn.proportional { DrawPart::Proportional } else { DrawPart::Extra },
    })
}
