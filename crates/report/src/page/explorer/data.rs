//! What the explorer shows, as the page embeds it. Shares are thousandths and amounts are texts, both made by the helpers
//! that write the tables, so that the explorer cannot round otherwise than they do.

use plimsoll_core::records::{CurveRow, POOL};
use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::{ModelIdentity, OperatingPoint};
use serde::Serialize;

use super::held_out::{HeldOut, HeldOutPoint, curves, entries, of_point, without_curves};
use super::stops::{Kind, kinds};
use crate::figures::pair_part;
use crate::page::points::{guarantee, operating_points, points};
use crate::statistics::{Violations, held_out_datasets, violations};
use crate::text::{clean, dollars, share};
use crate::view::{MethodView, PairView};

/// A share in thousandths, as [`share`] rounds it; `None` where it writes a dash.
pub(super) type Milli = Option<i32>;

/// Numbers of held-out curves that a page holds at most; beyond, each pair's best method alone has them.
const MAX_HELD_OUT_ENTRIES: usize = 600_000;
/// The routing ratio that is shown first.
const FIRST_RATIO: f64 = 0.3;

/// Everything that the explorer needs.
#[derive(Debug, Serialize)]
pub(super) struct Data {
    pub(super) pairs: Vec<PairData>,
    pub(super) start: Start,
}

/// What is shown first, as indices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Start {
    pub(super) pair: usize,
    pub(super) method: usize,
    pub(super) kind: usize,
    pub(super) stop: usize,
}

/// A pair of models.
#[derive(Debug, Serialize)]
pub(super) struct PairData {
    pub(super) slm: String,
    pub(super) llm: Option<String>,
    /// Name of its thresholds file; `None` without one.
    pub(super) file: Option<String>,
    /// The identity that the file records of the SLM, without what is unknown.
    pub(super) device: Vec<(&'static str, String)>,
    /// Index of the method that ranks best.
    pub(super) best: usize,
    pub(super) methods: Vec<MethodData>,
}

/// A method of a pair.
#[derive(Debug, Serialize)]
pub(super) struct MethodData {
    pub(super) id: String,
    /// Whether accuracies are those of the SLM on what it keeps, since no answer of an LLM is graded.
    pub(super) of_kept: bool,
    pub(super) curve: CurveData,
    pub(super) kinds: Vec<Kind>,
    pub(super) points: Vec<PointData>,
    pub(super) held_out: Vec<HeldOut>,
    /// Whether its held-out curves are left to the tables, since the page would be too large with them.
    pub(super) is_cut: bool,
}

/// The routing curve on the pool, one entry per point of the grid.
#[derive(Debug, Default, Serialize)]
pub(super) struct CurveData {
    pub(super) threshold: Vec<String>,
    pub(super) ratio: Vec<Milli>,
    pub(super) accuracy: Vec<Milli>,
    pub(super) low: Vec<Milli>,
    pub(super) high: Vec<Milli>,
    pub(super) random: Vec<Milli>,
    pub(super) kept_error: Vec<Milli>,
    pub(super) usd: Vec<String>,
    pub(super) random_usd: Vec<String>,
    pub(super) slm: Milli,
    pub(super) llm: Milli,
}

/// An operating point of the thresholds file.
#[derive(Debug, Serialize)]
pub(super) struct PointData {
    pub(super) target: String,
    /// Threshold, deferred, accuracy, error of the kept and cost, as the table of operating points has them.
    pub(super) cells: [String; 5],
    pub(super) has_threshold: bool,
    /// What is guaranteed, in words, and what is to be known of the fit.
    pub(super) guarantee: String,
    /// One entry per held-out dataset; empty where the curves say it.
    pub(super) held_out: Vec<HeldOutPoint>,
    /// For a risk: held-out splits that exceeded it, those with a threshold, and delta in thousandths.
    pub(super) violations: Option<(usize, usize, i32)>,
}

/// A share in thousandths.
pub(super) fn milli(value: Option<f64>) -> Milli {
    share(value).replace('.', "").parse().ok()
}

/// What the explorer shows of these pairs; `None` if no pair has a curve.
pub(super) fn data(pairs: &[PairView<'_>]) -> Option<Data> {
    let best_only = pairs.iter().map(|pair| pair.methods.values().map(entries).sum::<usize>()).sum::<usize>()
        > MAX_HELD_OUT_ENTRIES;
    let pairs: Vec<PairData> = pairs.iter().filter_map(|pair| pair_data(pair, best_only)).collect();
    let first = pairs.first()?;
    let start = start(first)?;
    Some(Data { pairs, start })
}

fn start(pair: &PairData) -> Option<Start> {
    let kinds = &pair.methods.get(pair.best)?.kinds;
    let kind = kinds.iter().position(|kind| kind.kind == "routing_ratio")?;
    let far = |value: f64| (value - FIRST_RATIO).abs();
    let stops = kinds.get(kind)?.stops.iter().enumerate();
    let (stop, _) = stops.min_by(|a, b| far(a.1.value).total_cmp(&far(b.1.value)))?;
    Some(Start { pair: 0, method: pair.best, kind, stop })
}

fn pair_data(pair: &PairView<'_>, best_only: bool) -> Option<PairData> {
    let best = pair.best().map(|best| best.id);
    let mut methods = Vec::new();
    let mut best_index = 0;
    for method in pair.methods.values() {
        let is_best = Some(method.id) == best;
        let Some(data) = method_data(pair, method, is_best || !best_only) else { continue };
        if is_best {
            best_index = methods.len();
        }
        methods.push(data);
    }
    (!methods.is_empty()).then(|| PairData {
        slm: clean(pair.slm),
        llm: pair.llm.map(clean),
        file: pair.thresholds.map(|_| format!("{}.thresholds.json", pair_part(pair))),
        device: pair.thresholds.map_or_else(|| vec![("id", clean(pair.slm))], device),
        best: best_index,
        methods,
    })
}

fn device(file: &Thresholds) -> Vec<(&'static str, String)> {
    type Field = (&'static str, fn(&ModelIdentity) -> Option<&str>);
    const FIELDS: [Field; 7] = [
        ("id", |of| Some(&of.id)),
        ("revision", |of| of.revision.as_deref()),
        ("weights_sha256", |of| of.weights_sha256.as_deref()),
        ("tokenizer_sha256", |of| of.tokenizer_sha256.as_deref()),
        ("chat_template_sha256", |of| of.chat_template_sha256.as_deref()),
        ("quantisation", |of| of.quantisation.as_deref()),
        ("decoding", |of| of.decoding.as_deref()),
    ];
    FIELDS.iter().filter_map(|(name, field)| Some((*name, clean(field(&file.slm)?)))).collect()
}

fn method_data(pair: &PairView<'_>, method: &MethodView<'_>, with_held_out: bool) -> Option<MethodData> {
    let mut rows: Vec<&CurveRow> = method.curves.get(POOL)?.clone();
    rows.sort_by(|a, b| a.grid_ratio.total_cmp(&b.grid_ratio));
    let points = points(pair, method);
    let kinds = kinds(&rows, points);
    let datasets = held_out_datasets(method);
    let held_out = if with_held_out { curves(method, &rows) } else { without_curves(&datasets) };
    Some(MethodData {
        id: clean(method.id),
        of_kept: rows.iter().all(|row| row.accuracy.is_none()),
        curve: curve(&rows),
        points: point_data(method, points, &datasets),
        kinds,
        held_out,
        is_cut: !with_held_out && entries(method) > 0,
    })
}

fn curve(rows: &[&CurveRow]) -> CurveData {
    let column = |of: &dyn Fn(&CurveRow) -> Option<f64>| rows.iter().map(|row| milli(of(row))).collect();
    let amounts = |of: fn(&CurveRow) -> Option<f64>| rows.iter().map(|row| dollars(of(row))).collect();
    let level = |of: fn(&CurveRow) -> Option<f64>| milli(rows.iter().find_map(|row| of(row)));
    let of_kept = rows.iter().all(|row| row.accuracy.is_none());
    CurveData {
        threshold: rows.iter().map(|row| threshold(row.threshold)).collect(),
        ratio: column(&|row| Some(row.routing_ratio)),
        accuracy: column(&|row| if of_kept { row.kept_accuracy } else { row.accuracy }),
        low: column(&|row| row.accuracy_low),
        high: column(&|row| row.accuracy_high),
        random: column(&|row| row.random_accuracy),
        kept_error: column(&|row| row.kept_accuracy.map(|accuracy| 1.0 - accuracy)),
        usd: amounts(|row| row.usd_per_1k_questions),
        random_usd: amounts(|row| row.random_usd_per_1k_questions),
        slm: level(|row| row.always_slm_accuracy),
        llm: level(|row| row.always_llm_accuracy),
    }
}

fn threshold(value: f64) -> String {
    if value.is_finite() { format!("{value:.6}") } else { crate::text::NONE.to_owned() }
}

fn point_data(method: &MethodView<'_>, points: &[OperatingPoint], datasets: &[&str]) -> Vec<PointData> {
    let table = operating_points(points);
    let column = |head: &str| table.head.iter().position(|name| name == head);
    let columns =
        ["threshold", "deferred", "accuracy", "SLM wrong, of the kept", "US dollars per 1,000"].map(column);
    let exceeded = violations(method);
    let violated = |point: &OperatingPoint| {
        let target = point.target.to_string();
        let of = exceeded.iter().find(|of: &&Violations| of.target() == target)?;
        Some((of.failed, of.with_threshold, milli(Some(of.delta))?))
    };
    let cell = |row: &[String], column: Option<usize>| {
        column.and_then(|column| row.get(column)).map_or_else(|| crate::text::NONE.to_owned(), Clone::clone)
    };
    let data = |(point, row): (&OperatingPoint, &Vec<String>)| PointData {
        target: point.target.to_string(),
        cells: columns.map(|column| cell(row, column)),
        has_threshold: point.threshold.is_some(),
        guarantee: clean(&guarantee(point)),
        held_out: of_point(method, &point.target, datasets),
        violations: violated(point),
    };
    points.iter().zip(&table.rows).map(data).collect()
}
