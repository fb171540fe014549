//! Operating points and guarantees as tables.

use plimsoll_router::thresholds::{Achieved, Estimate, OperatingPoint};

use crate::figures::Grid;
use crate::statistics::violations;
use crate::text::{NONE, count, interval, share};
use crate::view::{MethodView, PairView};

fn estimate(of: Option<Estimate>) -> String {
    interval(of.map(|e| e.value), of.and_then(|e| e.low), of.and_then(|e| e.high))
}

/// The operating points of one method.
pub(crate) fn operating_points(points: &[OperatingPoint]) -> Grid {
    let costs = points.iter().filter_map(|point| point.achieved).any(|of| of.usd_per_1k_questions.is_some());
    let mut grid =
        Grid::new(&["target", "status", "threshold", "deferred", "accuracy", "SLM wrong, of the kept"]);
    if costs {
        grid.head.push("US dollars per 1,000".to_owned());
    }
    grid.head.push("remark".to_owned());
    for point in points {
        let of = |figure: fn(Achieved) -> Option<Estimate>| estimate(point.achieved.and_then(figure));
        let mut cells = vec![
            point.target.to_string(),
            point.status.name().to_owned(),
            point.threshold.map_or_else(|| NONE.to_owned(), |threshold| format!("{:.6}", threshold.get())),
            of(|achieved| Some(achieved.routing_ratio)),
            of(|achieved| achieved.accuracy),
            of(|achieved| achieved.selective_error),
        ];
        if costs {
            cells.push(of(|achieved| achieved.usd_per_1k_questions));
        }
        cells.push(remark(point));
        grid.rows.push(cells);
    }
    grid
}

fn remark(point: &OperatingPoint) -> String {
    let mut parts: Vec<String> = point.note.iter().cloned().collect();
    if let Some(tie) = &point.tie_break {
        parts.push(format!(
            "{} of the rows tied at {} would have to be deferred at random to reach the target",
            share(Some(tie.probability)),
            tie.tied_confidence
        ));
    }
    if let Some(twin) = &point.conservative {
        parts.push(format!(
            "lower 95 % limit reaches it at {:.6}, {} deferred",
            twin.threshold.get(),
            share(Some(twin.achieved.routing_ratio.value))
        ));
    }
    parts.join("; ")
}

/// The guarantees of all methods, with how often they were violated on held-out datasets.
pub(crate) fn guarantees(pair: &PairView<'_>) -> Grid {
    let mut grid = Grid::new(&[
        "method",
        "guarantee",
        "on the pool",
        "rows tested",
        "losses of trials",
        "upper limit",
        "rows of the pool needed",
        "violated, held-out datasets",
        "delta",
    ]);
    for method in pair.methods.values() {
        let failed = violations(method);
        for point in points(pair, method).iter().filter(|point| point.target.risk().is_some()) {
            let Some((risk, alpha, delta)) = point.target.risk() else { continue };
            let held_out = failed
                .iter()
                .find(|of| (of.kind.as_str(), of.alpha, of.delta) == (risk.name(), alpha, delta));
            let (tested, losses, limit) = match (&point.guarantee, &point.infeasible) {
                (Some(of), _) => (
                    count(of.rows_tested),
                    format!("{} of {}", of.losses, of.trials),
                    share(Some(of.upper_bound)),
                ),
                (None, Some(of)) => (count(of.rows_tested), NONE.to_owned(), NONE.to_owned()),
                (None, None) => (NONE.to_owned(), NONE.to_owned(), NONE.to_owned()),
            };
            let needed = point.infeasible.as_ref().and_then(|of| of.rows_pool_needed);
            grid.rows.push(vec![
                method.id.to_owned(),
                point.target.to_string(),
                point.status.name().to_owned(),
                tested,
                losses,
                limit,
                needed.map_or_else(|| NONE.to_owned(), count),
                held_out.map_or_else(
                    || NONE.to_owned(),
                    |of| format!("{} of {} with a threshold, of {}", of.failed, of.with_threshold, of.all),
                ),
                format!("{delta}"),
            ]);
        }
    }
    grid
}

/// The operating points of a method.
pub(crate) fn points<'a>(pair: &PairView<'a>, method: &MethodView<'_>) -> &'a [OperatingPoint] {
    let methods = pair.thresholds.map(|thresholds| thresholds.methods.as_slice()).unwrap_or_default();
    methods.iter().find(|of| of.id == method.id).map(|of| of.operating_points.as_slice()).unwrap_or_default()
}
