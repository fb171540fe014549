//! Target against achieved routing ratio on held-out datasets.

use std::collections::BTreeMap;

use plimsoll_core::records::TransferRow;

use super::{Grid, Plot};
use crate::drawing::{Axis, Ink, Panel, PlotMark};
use crate::error::ReportError;
use crate::statistics::{DATASET, ROUTING_RATIO, mean};
use crate::text::share;
use crate::view::{MethodView, PairView};

/// One panel per method; `None` without transfer.
pub(crate) fn plot(pair: &PairView<'_>, pair_part: &str) -> Result<Option<Plot>, ReportError> {
    let lines: Vec<(&MethodView<'_>, RatioPoints<'_>)> = pair
        .methods
        .values()
        .map(|method| (method, achieved(method)))
        .filter(|(_, of)| !of.is_empty())
        .collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let panels: Vec<Panel> = lines.iter().map(|(method, of)| panel(method.id, of)).collect();
    let about = "Each line is a held-out dataset, mean over the repeats: the achieved routing ratio against the one that \
                 the threshold was fitted for. On the dotted diagonal the \
                 target is met.";
    let legend = [
        (Ink::Faint, "a held-out dataset"),
        (Ink::Main, "mean over held-out datasets"),
        (Ink::Random, "target met"),
    ];
    let name = format!("{pair_part}.targets");
    let title = "Target and achieved routing ratio, held-out datasets".to_owned();
    let mut plot = Plot::new(name, title, about.to_owned(), &legend, &panels)?;
    plot.table = Grid::new(&["held out, mean |achieved − target|"]);
    plot.table.head.extend(lines.iter().map(|(method, _)| method.id.to_owned()));
    let mut names: Vec<&str> = lines.iter().flat_map(|(_, of)| of.keys().copied()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let mut cells = vec![name.to_owned()];
        cells.extend(lines.iter().map(|(_, of)| {
            let points = of.get(name).into_iter().flatten();
            share(mean(points.map(|(target, achieved)| (achieved - target).abs())))
        }));
        plot.table.rows.push(cells);
    }
    Ok(Some(plot))
}

/// Targets and what was achieved, by held-out dataset.
type RatioPoints<'a> = BTreeMap<&'a str, Vec<(f64, f64)>>;

fn achieved<'a>(method: &MethodView<'a>) -> RatioPoints<'a> {
    let mut of: RatioPoints<'_> = BTreeMap::new();
    let wanted = |row: &&&TransferRow| row.by == DATASET && row.target_kind == ROUTING_RATIO;
    let mut rows: Vec<&TransferRow> = method.transfer.iter().filter(wanted).copied().collect();
    rows.sort_by(|a, b| a.held_out.cmp(&b.held_out).then(a.target_value.total_cmp(&b.target_value)));
    for group in rows.chunk_by(|a, b| (&a.held_out, a.target_value) == (&b.held_out, b.target_value)) {
        let Some(first) = group.first() else { continue };
        if let Some(mean) = mean(group.iter().filter_map(|row| row.achieved_routing_ratio)) {
            of.entry(&first.held_out).or_default().push((first.target_value, mean));
        }
    }
    of
}

fn panel(method: &str, of: &RatioPoints<'_>) -> Panel {
    let mut marks: Vec<PlotMark> = of
        .values()
        .map(|points| PlotMark::Line { ink: Ink::Faint, width: 1, points: points.clone() })
        .collect();
    marks.push(PlotMark::line(Ink::Random, vec![(0.0, 0.0), (1.0, 1.0)]));
    let mut by_target: Vec<(f64, f64)> = of.values().flatten().copied().collect();
    by_target.sort_by(|a, b| a.0.total_cmp(&b.0));
    let means: Vec<(f64, f64)> = by_target
        .chunk_by(|a, b| a.0 == b.0)
        .filter_map(|group| Some((group.first()?.0, mean(group.iter().map(|(_, achieved)| *achieved))?)))
        .collect();
    marks.push(PlotMark::line(Ink::Main, means.clone()));
    marks.push(PlotMark::Dots { ink: Ink::Main, points: means });
    Panel { title: method.to_owned(), x: Axis::share("target"), y: Axis::share("achieved"), marks }
}
