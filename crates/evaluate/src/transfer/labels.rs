//! What labels of the held-out dataset would buy: how far an accuracy, or a gap to the LLM, is missed after adapting to
//! some of its questions, and what caution costs.

use plimsoll_core::Seed;
use plimsoll_core::records::TransferRow;
use plimsoll_fit::adapt::{ExpectedCurve, ExpectedPoint, PoolMaps, TrafficRow};
use plimsoll_fit::maps::{GradedConfidence, fit_isotonic};
use plimsoll_fit::{Curve, DatasetSelection, PreparedSeries};
use plimsoll_router::{Target, Threshold};

/// Numbers of labelled questions, besides the unlabelled ones.
const LABELS: [u64; 5] = [0, 20, 50, 100, 200];
/// Unlabelled questions of the held-out dataset.
const UNLABELLED: u64 = 500;
/// Streams that a figure averages over.
const STREAMS: u64 = 8;
/// Rounding of sums of weights.
const ROUNDING: f64 = 1e-9;

/// The curves that are expected of the held-out dataset, by number of labels and stream.
#[derive(Debug)]
pub(super) struct LabelledTraffic(Vec<Vec<ExpectedCurve>>);

/// What a number of labels gave for a target.
#[derive(Debug, Clone, Copy)]
struct Bought {
    error: f64,
    cautious_reached: f64,
    cautious_ratio: f64,
}

impl LabelledTraffic {
    /// `None` where the pool has no maps, or the held-out dataset no scored row.
    pub(super) fn new(
        prepared: &PreparedSeries<'_>,
        held_out: &DatasetSelection,
        pool: &DatasetSelection,
        seed: &Seed,
    ) -> Option<Self> {
        let slm = fit_isotonic(&graded(prepared, pool, |outcomes| Some(outcomes.0.is_correct()))).ok()?;
        let llm = fit_isotonic(&graded(prepared, pool, |outcomes| outcomes.1.as_bool())).ok()?;
        let maps = PoolMaps { slm: &slm, llm: &llm };
        let label = |row| {
            let (slm, llm) = prepared.outcomes(row);
            Some((slm.is_correct(), llm.as_bool()?))
        };
        let scored = prepared.scored(held_out);
        let mut rows: Vec<TrafficRow> = scored
            .map(|(confidence, row)| TrafficRow { confidence: Some(confidence), u: 0.0, graded: label(row) })
            .collect();
        let missing = prepared.missing(held_out);
        rows.extend(missing.map(|row| TrafficRow { confidence: None, u: 0.0, graded: label(row) }));
        let count = u64::try_from(rows.len()).ok().filter(|count| *count > 0)?;
        let curve = |labels: u64, stream: u64| {
            let seed = seed.derive_index(stream);
            let drawn = |index: u64| rows.get(usize::try_from(seed.hash_key(index) % count).ok()?).copied();
            // The labelled questions are the same whatever their number, so that more of them are more.
            let labelled = (0..labels).filter_map(drawn);
            let unlabelled = (LABELS[LABELS.len() - 1]..).take(usize::try_from(UNLABELLED).ok()?);
            let unlabelled = unlabelled.filter_map(drawn).map(|row| TrafficRow { graded: None, ..row });
            ExpectedCurve::new(maps, &labelled.chain(unlabelled).collect::<Vec<_>>())
        };
        let of_streams = |labels: u64| (0..STREAMS).map(|stream| curve(labels, stream)).collect();
        LABELS.iter().map(|labels| of_streams(*labels)).collect::<Option<Vec<_>>>().map(Self)
    }

    /// A row of a target with what labels buy, against the true curve; `None` for other kinds of targets, and where the
    /// target is kept by keeping everything or by nothing.
    pub(super) fn row(&self, target: &Target, truth: &Curve) -> Option<TransferRow> {
        is_between(target, truth)?;
        let bought: Vec<Bought> =
            self.0.iter().filter_map(|streams| bought(target, truth, streams)).collect();
        let [none, of_20, of_50, of_100, of_200] = bought[..] else { return None };
        Some(TransferRow {
            label_error_0: Some(none.error),
            label_error_20: Some(of_20.error),
            label_error_50: Some(of_50.error),
            label_error_100: Some(of_100.error),
            label_error_200: Some(of_200.error),
            cautious_reached_0: Some(none.cautious_reached),
            cautious_reached_20: Some(of_20.cautious_reached),
            cautious_reached_50: Some(of_50.cautious_reached),
            cautious_reached_100: Some(of_100.cautious_reached),
            cautious_reached_200: Some(of_200.cautious_reached),
            cautious_ratio_0: Some(none.cautious_ratio),
            cautious_ratio_20: Some(of_20.cautious_ratio),
            cautious_ratio_50: Some(of_50.cautious_ratio),
            cautious_ratio_100: Some(of_100.cautious_ratio),
            cautious_ratio_200: Some(of_200.cautious_ratio),
            ..TransferRow::default()
        })
    }
}

/// Whether a target lies between what keeping everything gives and the best that there is.
fn is_between(target: &Target, truth: &Curve) -> Option<()> {
    let points = truth.points();
    let keeping = truth.keep_all().accuracy?;
    let best = points.iter().filter_map(|point| point.accuracy).fold(0.0, f64::max);
    let accuracy = match target {
        Target::Accuracy { value } => *value,
        Target::LlmGap { value } => truth.defer_all().accuracy? - value,
        _ => return None,
    };
    (keeping < accuracy && accuracy <= best + ROUNDING).then_some(())
}

fn bought(target: &Target, truth: &Curve, streams: &[ExpectedCurve]) -> Option<Bought> {
    let mut bought = Bought { error: 0.0, cautious_reached: 0.0, cautious_ratio: 0.0 };
    let share = 1.0 / streams.len().max(1) as f64;
    for curve in streams {
        let chosen = |deviations: f64| {
            let found = find(target, curve, deviations).map(|point| point.threshold);
            truth.at(found.unwrap_or(Threshold::DEFER_ALL))
        };
        bought.error += share * shortfall(target, truth, chosen(0.0).accuracy?)?.abs();
        let cautious = chosen(1.0);
        let is_reached = shortfall(target, truth, cautious.accuracy?)? <= ROUNDING;
        bought.cautious_reached += share * f64::from(u8::from(is_reached));
        bought.cautious_ratio += share * cautious.routing_ratio;
    }
    Some(bought)
}

fn find(target: &Target, curve: &ExpectedCurve, deviations: f64) -> Option<ExpectedPoint> {
    match target {
        Target::Accuracy { value } => curve.first_reaching(*value, deviations),
        Target::LlmGap { value } => curve.first_within(*value, deviations),
        _ => None,
    }
}

/// By how much an accuracy falls short of the target.
fn shortfall(target: &Target, truth: &Curve, accuracy: f64) -> Option<f64> {
    match target {
        Target::Accuracy { value } => Some(value - accuracy),
        Target::LlmGap { value } => Some(truth.defer_all().accuracy? - value - accuracy),
        _ => None,
    }
}

fn graded(
    prepared: &PreparedSeries<'_>,
    pool: &DatasetSelection,
    correct: impl Fn((plimsoll_core::Outcome, plimsoll_core::Outcome)) -> Option<bool>,
) -> Vec<GradedConfidence> {
    let scored = prepared.scored(pool);
    let row = |(confidence, row)| {
        Some(GradedConfidence { confidence, correct: correct(prepared.outcomes(row))?, weight: 1.0 })
    };
    scored.filter_map(row).collect()
}
