//! Predicted against true curve of each held-out dataset.

use plimsoll_core::records::TransferCurveRow;

use super::{Grid, Plot};
use crate::drawing::{Axis, Ink, Panel, PlotMark, Tick};
use crate::error::ReportError;
use crate::statistics::{DATASET, mean};
use crate::text::{NONE, file_part, share};
use crate::view::MethodView;

/// One panel per held-out dataset; `None` without transfer or without an LLM.
pub(crate) fn plot(method: &MethodView<'_>, pair_part: &str) -> Result<Option<Plot>, ReportError> {
    let curves: Vec<(&str, &Vec<&TransferCurveRow>)> = method
        .transfer_curves
        .iter()
        .filter(|((by, _), _)| *by == DATASET)
        .map(|((_, held_out), rows)| (*held_out, rows))
        .filter(|(_, rows)| rows.iter().any(|row| row.own_accuracy.is_some()))
        .collect();
    if curves.is_empty() {
        return Ok(None);
    }
    let panels: Vec<Panel> = curves.iter().map(|(held_out, rows)| panel(held_out, rows)).collect();
    let about = format!(
        "Each dataset held out, by {}: thresholds and prediction come from the calibration set of \
         the other datasets. The prediction is good where the dashed line lies on the solid one; the thresholds are good \
         where the long-dashed one does.",
        method.id
    );
    let legend = [
        (Ink::Main, "true curve: the dataset's own thresholds"),
        (Ink::Oracle, "true, with the others' thresholds"),
        (Ink::Slm, "predicted from the others"),
        (Ink::Random, "at random"),
    ];
    let name = format!("{pair_part}.{}.transfer", file_part(method.id));
    let title = format!("Predicted and true curve of held-out datasets: {}", method.id);
    let mut plot = Plot::new(name, title, about, &legend, &panels)?;
    plot.table = Grid::new(&[
        "held out",
        "curve rmse",
        "random line's rmse",
        "predicted, 30 %",
        "true with the others' threshold",
        "deferred then",
        "true with its own",
        "random",
    ]);
    plot.table.rows = curves.iter().map(|(held_out, rows)| table_row(method, held_out, rows)).collect();
    Ok(Some(plot))
}

fn panel(held_out: &str, rows: &[&TransferCurveRow]) -> Panel {
    let line = |of: fn(&TransferCurveRow) -> Option<f64>| -> Vec<(f64, f64)> {
        rows.iter().step_by(2).filter_map(|row| Some((row.grid_ratio, of(row)?))).collect()
    };
    let lines = [
        (Ink::Random, line(|row| row.random_accuracy)),
        (Ink::Slm, line(|row| row.predicted_accuracy)),
        (Ink::Oracle, line(|row| row.transferred_accuracy)),
        (Ink::Main, line(|row| row.own_accuracy)),
    ];
    let values: Vec<f64> = lines.iter().flat_map(|(_, points)| points).map(|(_, y)| *y).collect();
    let y = Axis::around("accuracy", Tick::Percent, values.into_iter());
    let marks = lines
        .into_iter()
        .map(|(ink, points)| PlotMark::Line { ink, width: if ink == Ink::Random { 1 } else { 2 }, points })
        .collect();
    Panel { title: held_out.to_owned(), x: Axis::share("target routing ratio"), y, marks }
}

fn table_row(method: &MethodView<'_>, held_out: &str, rows: &[&TransferCurveRow]) -> Vec<String> {
    let held_out_rows = || method.transfer.iter().filter(|row| row.by == DATASET && row.held_out == held_out);
    let at = rows.iter().find(|row| (row.grid_ratio - 0.3).abs() < 1e-9);
    let figure = |of: fn(&TransferCurveRow) -> Option<f64>| share(at.and_then(|row| of(row)));
    vec![
        held_out.to_owned(),
        share(mean(held_out_rows().filter_map(|row| row.curve_rmse))),
        share(mean(held_out_rows().filter_map(|row| row.random_curve_rmse))),
        figure(|row| row.predicted_accuracy),
        figure(|row| row.transferred_accuracy),
        at.map_or_else(|| NONE.to_owned(), |row| share(Some(row.achieved_routing_ratio))),
        figure(|row| row.own_accuracy),
        figure(|row| row.random_accuracy),
    ]
}
