//! Routing curves: overall accuracy against the share of questions deferred.

use plimsoll_core::records::{CurveRow, POOL};

use super::{Grid, Plot};
use crate::drawing::{Axis, Ink, Panel, PlotMark, Tick};
use crate::error::ReportError;
use crate::statistics::nearest;
use crate::text::{file_part, interval, share};
use crate::view::{MethodView, PairView, is_summary};

const LEGEND: [(Ink, &str); 6] = [
    (Ink::Main, "by confidence, with 95 % band"),
    (Ink::Random, "at random"),
    (Ink::Oracle, "oracle, which knows who is right"),
    (Ink::Slm, "SLM alone"),
    (Ink::Llm, "LLM alone"),
    (Ink::Faint, "95 % band"),
];

/// Ratios that the table shows.
const SHOWN: [f64; 6] = [0.0, 0.1, 0.2, 0.3, 0.5, 0.7];

/// The curves of every method on the pool.
pub(crate) fn pool_plot(pair: &PairView<'_>, pair_part: &str) -> Result<Option<Plot>, ReportError> {
    let curves: Vec<(&str, &[&CurveRow])> = pair
        .methods
        .values()
        .filter_map(|method| method.curves.get(POOL).map(|rows| (method.id, rows.as_slice())))
        .collect();
    let about = "Overall accuracy on all datasets together when the least confident share of the questions goes to the \
                 LLM. A confidence is worth what its curve lies above the dotted line of random routing.";
    plot(format!("{pair_part}.routing"), "Routing curves, all datasets together", about, &curves, "method")
}

/// The curves of a method on each dataset.
pub(crate) fn method_plot(method: &MethodView<'_>, pair_part: &str) -> Result<Option<Plot>, ReportError> {
    let curves: Vec<(&str, &[&CurveRow])> = method
        .curves
        .iter()
        .filter(|(dataset, _)| !is_summary(dataset))
        .map(|(dataset, rows)| (*dataset, rows.as_slice()))
        .collect();
    let about = format!(
        "Overall accuracy on each dataset when its least confident share goes to the LLM, by {}. Every dataset has its \
         own thresholds here; the next figure takes them from the other datasets.",
        method.id
    );
    let name = format!("{pair_part}.{}.routing", file_part(method.id));
    plot(name, &format!("Routing curves by dataset: {}", method.id), &about, &curves, "dataset")
}

fn plot(
    name: String,
    title: &str,
    about: &str,
    curves: &[(&str, &[&CurveRow])],
    first: &str,
) -> Result<Option<Plot>, ReportError> {
    let with_llm: Vec<_> =
        curves.iter().filter(|(_, rows)| rows.iter().any(|row| row.accuracy.is_some())).collect();
    if with_llm.is_empty() {
        return Ok(None);
    }
    let panels: Vec<Panel> = with_llm.iter().map(|(title, rows)| panel(title, rows)).collect();
    let mut plot = Plot::new(name, title.to_owned(), about.to_owned(), &LEGEND[..5], &panels)?;
    plot.table = Grid::new(&[first]);
    plot.table.head.extend(SHOWN.iter().map(|ratio| format!("{:.0} % deferred", ratio * 100.0)));
    plot.table.head.extend(["at random, 30 %", "oracle, 30 %", "LLM alone"].map(str::to_owned));
    plot.table.rows = with_llm.iter().map(|(title, rows)| table_row(title, rows)).collect();
    Ok(Some(plot))
}

fn panel(title: &str, rows: &[&CurveRow]) -> Panel {
    let x = Axis::share("deferred");
    let points = |accuracy: &dyn Fn(&CurveRow) -> Option<f64>| -> Vec<(f64, f64)> {
        thinned(rows).filter_map(|row| Some((row.routing_ratio, accuracy(row)?))).collect()
    };
    let on_grid = |accuracy: &dyn Fn(&CurveRow) -> Option<f64>| -> Vec<(f64, f64)> {
        thinned(rows).filter_map(|row| Some((row.routing_ratio, accuracy(row)?))).collect()
    };
    let (low, mut band) = (points(&|row| row.accuracy_low), points(&|row| row.accuracy_high));
    let first = rows.first();
    let levels = [
        (Ink::Slm, first.and_then(|row| row.always_slm_accuracy)),
        (Ink::Llm, first.and_then(|row| row.always_llm_accuracy)),
    ];
    let (own, oracle) = (points(&|row| row.accuracy), on_grid(&|row| row.oracle_accuracy));
    let values = [&low, &band, &own, &oracle].into_iter().flatten().map(|(_, y)| *y);
    let values: Vec<f64> = values.chain(levels.iter().filter_map(|(_, level)| *level)).collect();
    let y = Axis::around("accuracy", Tick::Percent, values.into_iter());
    band.extend(low.into_iter().rev());
    let mut marks = vec![PlotMark::Region { ink: Ink::Main, opacity: 0.2, outline: band }];
    marks.extend(levels.map(|(ink, level)| PlotMark::level(ink, &x, level)));
    marks.push(PlotMark::line(Ink::Random, on_grid(&|row| row.random_accuracy)));
    marks.push(PlotMark::line(Ink::Oracle, oracle));
    marks.push(PlotMark::line(Ink::Main, own));
    Panel { title: title.to_owned(), x, y, marks }
}

/// Every second of 101 points, and the last: more than a panel has pixels for.
fn thinned<'a>(rows: &'a [&'a CurveRow]) -> impl Iterator<Item = &'a CurveRow> {
    rows.iter().step_by(2).copied()
}

fn table_row(title: &str, rows: &[&CurveRow]) -> Vec<String> {
    let mut cells = vec![title.to_owned()];
    cells.extend(SHOWN.iter().map(|ratio| {
        let row = nearest(rows, *ratio);
        let figure = |of: fn(&CurveRow) -> Option<f64>| row.and_then(of);
        interval(figure(|row| row.accuracy), figure(|row| row.accuracy_low), figure(|row| row.accuracy_high))
    }));
    let middle = nearest(rows, 0.3);
    cells.push(share(middle.and_then(|row| row.random_accuracy)));
    cells.push(share(middle.and_then(|row| row.oracle_accuracy)));
    cells.push(share(middle.and_then(|row| row.always_llm_accuracy)));
    cells
}
