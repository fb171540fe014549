//! `draw`: the calibration set of every series, without a fit.

use plimsoll_core::ScoreTable;
use plimsoll_fit::{DatasetSelection, FitSpec, PreparedSeries, draw_series};

use crate::calibration::CalibrationWriter;
use crate::failure::Failure;
use crate::observer::Observer;
use crate::series_name::series_name;
use crate::stage::Stage;

/// Draws from every series.
pub(crate) fn draw_all(
    table: &ScoreTable,
    spec: &FitSpec,
    writer: &mut CalibrationWriter,
    observer: &dyn Observer,
) -> Result<(), Failure> {
    let progress = observer.steps(Stage::Draw, table.series.len() as u64);
    for series in &table.series {
        progress.message(&series_name(series));
        let prepared = PreparedSeries::new(&table.questions, series);
        let all = DatasetSelection::all(table.questions.datasets().len());
        writer.write(table, series, &draw_series(&prepared, &all, spec))?;
        progress.step();
    }
    Ok(())
}
