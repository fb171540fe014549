//! What accuracy costs, where the costs of every row are known.

use plimsoll_core::records::{CurveRow, POOL};

use super::{Grid, Plot};
use crate::drawing::{Axis, Ink, Panel, PlotMark, Tick};
use crate::error::ReportError;
use crate::statistics::nearest;
use crate::text::{dollars, share};
use crate::view::PairView;

/// Ratios that the table shows.
const SHOWN: [f64; 5] = [0.0, 0.2, 0.5, 0.8, 1.0];

/// One panel per method; `None` without costs.
pub(crate) fn plot(pair: &PairView<'_>, pair_part: &str) -> Result<Option<Plot>, ReportError> {
    let priced: Vec<(&str, &Vec<&CurveRow>)> = pair
        .methods
        .values()
        .filter_map(|method| Some((method.id, method.curves.get(POOL)?)))
        .filter(|(_, rows)| {
            rows.iter().any(|row| row.usd_per_1k_questions.is_some() && row.accuracy.is_some())
        })
        .collect();
    if priced.is_empty() {
        return Ok(None);
    }
    let panels: Vec<Panel> = priced.iter().map(|(method, rows)| panel(method, rows)).collect();
    let about = "Overall accuracy against the mean cost of 1,000 questions, all datasets together, from the SLM alone on \
                 the left to the LLM on the right. The SLM's answer and its confidence are paid for every question.";
    let legend = [(Ink::Main, "by confidence"), (Ink::Random, "at random")];
    let name = format!("{pair_part}.cost");
    let mut plot = Plot::new(name, "Accuracy against cost".to_owned(), about.to_owned(), &legend, &panels)?;
    plot.table = Grid::new(&["method", "deferred", "US dollars per 1,000", "accuracy", "at random"]);
    for (method, rows) in &priced {
        for row in SHOWN.iter().filter_map(|ratio| nearest(rows, *ratio)) {
            plot.table.rows.push(vec![
                (*method).to_owned(),
                share(Some(row.routing_ratio)),
                dollars(row.usd_per_1k_questions),
                share(row.accuracy),
                share(row.random_accuracy),
            ]);
        }
    }
    Ok(Some(plot))
}

fn panel(method: &str, rows: &[&CurveRow]) -> Panel {
    let line = |of: fn(&CurveRow) -> Option<(f64, f64)>| -> Vec<(f64, f64)> {
        rows.iter().step_by(2).filter_map(|row| of(row)).collect()
    };
    let own = line(|row| Some((row.usd_per_1k_questions?, row.accuracy?)));
    let random = line(|row| Some((row.random_usd_per_1k_questions?, row.random_accuracy?)));
    let both = || own.iter().chain(&random);
    let x = Axis::around("US dollars per 1,000 questions", Tick::Dollars, both().map(|(x, _)| *x));
    let y = Axis::around("accuracy", Tick::Percent, both().map(|(_, y)| *y));
    let marks = vec![PlotMark::line(Ink::Random, random), PlotMark::line(Ink::Main, own)];
    Panel { title: method.to_owned(), x, y, marks }
}
