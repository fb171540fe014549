//! Operating points and guarantees as tables.

use std::fmt::Write as _;

use plimsoll_router::thresholds::{Achieved, Estimate, Infeasible, OperatingPoint};

use crate::figures::Grid;
use crate::statistics::violations;
use crate::text::{NONE, count, dollars_within, interval, share};
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
            let usd = point.achieved.and_then(|achieved| achieved.usd_per_1k_questions);
            cells.push(dollars_within(
                usd.map(|usd| usd.value),
                usd.and_then(|usd| usd.low),
                usd.and_then(|usd| usd.high),
            ));
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

/// What is guaranteed of a point, in words, with the remark of its fit.
pub(crate) fn guarantee(point: &OperatingPoint) -> String {
    let mut parts = vec![match (point.target.risk(), &point.guarantee, &point.infeasible) {
        (Some((risk, alpha, delta)), Some(of), _) => format!(
            "{} is at most {alpha} with probability at least 1 − {delta} on data like the pool: {} losses in {} trials, upper \
             limit {}.",
            risk.name(),
            count(of.losses),
            count(of.trials),
            share(Some(of.upper_bound))
        ),
        (Some(_), None, Some(of)) => infeasible(of),
        (Some(_), None, None) => format!("None: {}.", point.status.name()),
        (None, ..) => "None: a target of this kind bounds no risk.".to_owned(),
    }];
    if let Some(of) = &point.dataset_guarantee {
        let how = if of.threshold.get() > 1.0 {
            "by deferring every question alone".to_owned()
        } else {
            let ratio = share(Some(of.routing_ratio));
            format!("by another threshold, {:.6}, which defers {ratio} of the pool", of.threshold.get())
        };
        parts.push(format!(
            "Of a new dataset drawn like the pool's {}, it is promised with probability {} {how}.",
            of.k,
            share(Some(of.promise))
        ));
    }
    let remark = remark(point);
    if !remark.is_empty() {
        parts.push(format!("{remark}."));
    }
    parts.join(" ")
}

fn infeasible(of: &Infeasible) -> String {
    let mut text = format!("Not certified: no threshold passes on {} rows.", count(of.rows_tested));
    if let (Some(risk), Some(rows)) = (of.best_observed_risk, of.rows_pool_needed) {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            " If the smallest observed risk, {}, is the true one, a pool of {} rows would do.",
            share(Some(risk)),
            count(rows)
        );
    }
    text
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
