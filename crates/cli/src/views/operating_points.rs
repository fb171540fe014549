//! Operating points for people, and as rows for scripts.

use std::fmt::Write as _;

use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::{Estimate, Method, OperatingPoint};
use serde::Serialize;

use crate::text_table::{Side, TextTable, number};
use plimsoll_pipeline::series_name::pair_name;

/// An operating point as a row; names as in the tables.
#[derive(Debug, Serialize)]
pub(crate) struct PointRow<'a> {
    slm: &'a str,
    llm: Option<&'a str>,
    method: &'a str,
    target_kind: &'static str,
    target_value: f64,
    target_delta: Option<f64>,
    status: &'static str,
    threshold: Option<f64>,
    achieved_routing_ratio: Option<f64>,
    achieved_routing_ratio_low: Option<f64>,
    achieved_routing_ratio_high: Option<f64>,
    accuracy: Option<f64>,
    accuracy_low: Option<f64>,
    accuracy_high: Option<f64>,
}

/// The operating points of a file as rows.
pub(crate) fn rows(thresholds: &Thresholds) -> impl Iterator<Item = PointRow<'_>> {
    thresholds
        .methods
        .iter()
        .flat_map(|method| method.operating_points.iter().map(move |point| (method, point)))
        .map(move |(method, point)| row(thresholds, method, point))
}

fn row<'a>(thresholds: &'a Thresholds, method: &'a Method, point: &'a OperatingPoint) -> PointRow<'a> {
    let ratio = point.achieved.map(|achieved| achieved.routing_ratio);
    let accuracy = point.achieved.and_then(|achieved| achieved.accuracy);
    let value = |estimate: Option<Estimate>| estimate.map(|estimate| estimate.value);
    PointRow {
        slm: &thresholds.slm.id,
        llm: thresholds.llm.as_ref().map(|llm| llm.id.as_str()),
        method: &method.id,
        target_kind: point.target.kind(),
        target_value: point.target.value(),
        target_delta: point.target.risk().map(|(_, _, delta)| delta),
        status: point.status.name(),
        threshold: point.threshold.map(plimsoll_router::Threshold::get),
        achieved_routing_ratio: value(ratio),
        achieved_routing_ratio_low: ratio.and_then(|ratio| ratio.low),
        achieved_routing_ratio_high: ratio.and_then(|ratio| ratio.high),
        accuracy: value(accuracy),
        accuracy_low: accuracy.and_then(|accuracy| accuracy.low),
        accuracy_high: accuracy.and_then(|accuracy| accuracy.high),
    }
}

/// The methods of a file, each with its operating points.
pub(crate) fn text(thresholds: &Thresholds) -> String {
    let llm = thresholds.llm.as_ref().map(|llm| llm.id.as_str());
    let mut text = format!("{}\n", pair_name(&thresholds.slm.id, llm));
    for method in &thresholds.methods {
        // Writing to a `String` cannot fail.
        let rows = &method.rows;
        let _ = writeln!(
            text,
            "  {}: {} rows, {} without a confidence, {} drawn",
            method.id, rows.pool, rows.missing, rows.drawn
        );
        text.push_str(&points(method).text(4));
    }
    text
}

fn points(method: &Method) -> TextTable {
    let mut table = TextTable::new(&[
        ("target", Side::Left),
        ("threshold", Side::Right),
        ("deferred", Side::Left),
        ("accuracy", Side::Left),
        ("status", Side::Left),
    ]);
    for point in &method.operating_points {
        table.push([
            point.target.to_string(),
            point.threshold.map_or_else(|| "-".to_owned(), |threshold| format!("{:.6}", threshold.get())),
            estimate(point.achieved.map(|achieved| achieved.routing_ratio)),
            estimate(point.achieved.and_then(|achieved| achieved.accuracy)),
            status(point),
        ]);
    }
    table
}

/// An estimate with its interval.
pub(crate) fn estimate(estimate: Option<Estimate>) -> String {
    match estimate {
        Some(Estimate { value, low: Some(low), high: Some(high), .. }) => {
            format!("{value:.4} [{low:.4}, {high:.4}]")
        }
        other => number(other.map(|estimate| estimate.value)),
    }
}

/// The status, and what would help an infeasible risk.
fn status(point: &OperatingPoint) -> String {
    let name = point.status.name();
    match &point.infeasible {
        Some(infeasible) => match infeasible.rows_pool_needed {
            Some(rows) => format!("{name}: about {rows} pool rows would do"),
            None => format!("{name}: no number of rows would do"),
        },
        None => name.to_owned(),
    }
}
