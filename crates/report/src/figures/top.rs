//! What the most confident answers are worth: accuracy of the SLM on the top q, over its accuracy on all.

use plimsoll_core::records::{CurveRow, POOL};

use super::{Grid, Plot};
use crate::drawing::{Axis, Ink, Panel, PlotMark, Tick};
use crate::error::ReportError;
use crate::statistics::nearest;
use crate::text::share;
use crate::view::{MethodView, PairView, is_summary};

/// Relative accuracies beyond are shown at the edge: a dataset on which the SLM is nearly always wrong would flatten the rest.
const MAX_RELATIVE_ACCURACY: f64 = 3.0;
/// Shares of the most confident that the table shows.
const SHOWN: [f64; 4] = [0.1, 0.2, 0.5, 0.8];

/// One panel per method.
pub(crate) fn plot(pair: &PairView<'_>, pair_part: &str) -> Result<Option<Plot>, ReportError> {
    let with_curves: Vec<&MethodView<'_>> =
        pair.methods.values().filter(|method| !method.curves.is_empty()).collect();
    if with_curves.is_empty() {
        return Ok(None);
    }
    let highest = with_curves
        .iter()
        .flat_map(|method| method.curves.values().flatten())
        .filter_map(|row| row.relative_accuracy)
        .fold(1.0, f64::max);
    let panels: Vec<Panel> =
        with_curves.iter().map(|method| panel(method, highest.min(MAX_RELATIVE_ACCURACY))).collect();
    let about = "Accuracy of the SLM on its most confident answers, as a multiple of its accuracy on all. An informative \
                 confidence starts high on the left and falls to 1; one without information stays at 1.";
    let legend =
        [(Ink::Main, "all datasets together"), (Ink::Faint, "each dataset"), (Ink::Random, "no skill")];
    let mut plot = Plot::new(
        format!("{pair_part}.top"),
        "Accuracy of the most confident answers".to_owned(),
        about.to_owned(),
        &legend,
        &panels,
    )?;
    plot.table = Grid::new(&["method"]);
    plot.table.head.extend(SHOWN.iter().map(|top| format!("top {:.0} %, pool", top * 100.0)));
    plot.table.head.push("lowest dataset at top 20 %".to_owned());
    plot.table.rows = with_curves.iter().map(|method| table_row(method)).collect();
    Ok(Some(plot))
}

fn panel(method: &MethodView<'_>, highest: f64) -> Panel {
    let line = |rows: &[&CurveRow]| -> Vec<(f64, f64)> {
        let points = rows.iter().filter(|row| row.routing_ratio < 1.0).step_by(4);
        points
            .filter_map(|row| {
                Some((1.0 - row.routing_ratio, row.relative_accuracy?.min(MAX_RELATIVE_ACCURACY)))
            })
            .collect()
    };
    let x = Axis::share("most confident share");
    let datasets = method.curves.iter().filter(|(dataset, _)| !is_summary(dataset));
    let mut marks: Vec<PlotMark> =
        datasets.map(|(_, rows)| PlotMark::Line { ink: Ink::Faint, width: 1, points: line(rows) }).collect();
    marks.push(PlotMark::level(Ink::Random, &x, Some(1.0)));
    marks.push(PlotMark::line(Ink::Main, method.curves.get(POOL).map(|rows| line(rows)).unwrap_or_default()));
    let lines = marks.iter().flat_map(|mark| match mark {
        PlotMark::Line { points, .. } => points.as_slice(),
        _ => &[],
    });
    let values: Vec<f64> = lines.map(|(_, y)| *y).chain([highest]).collect();
    let y = Axis::around("relative accuracy", Tick::Plain, values.into_iter());
    Panel { title: method.id.to_owned(), x, y, marks }
}

fn table_row(method: &MethodView<'_>) -> Vec<String> {
    let at = |rows: &[&CurveRow], top: f64| nearest(rows, 1.0 - top).and_then(|row| row.relative_accuracy);
    let mut cells = vec![method.id.to_owned()];
    let pool = method.curves.get(POOL);
    cells.extend(SHOWN.iter().map(|top| share(pool.and_then(|rows| at(rows, *top)))));
    let datasets = method.curves.iter().filter(|(dataset, _)| !is_summary(dataset));
    let lowest = datasets
        .filter_map(|(dataset, rows)| Some((at(rows, 0.2)?, *dataset)))
        .min_by(|a, b| a.0.total_cmp(&b.0));
    cells.push(
        lowest.map_or_else(|| share(None), |(value, dataset)| format!("{} ({dataset})", share(Some(value)))),
    );
    cells
}
