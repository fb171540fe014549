//! The values that a target can take in the explorer, each with the point of the curve that it asks for and the
//! operating point of the thresholds file, where there is one.

use plimsoll_core::records::CurveRow;
use plimsoll_router::Target;
use plimsoll_router::thresholds::OperatingPoint;
use serde::Serialize;

use crate::statistics::ROUTING_RATIO;

/// Steps of an accuracy.
const ACCURACY_STEP: f64 = 0.005;
/// Steps of a cost over its range, about.
const COST_STEPS: f64 = 40.0;
/// Distance at which two values are one.
const SAME: f64 = 1e-9;

/// A kind of target and the values that it takes.
#[derive(Debug, Serialize)]
pub(super) struct Kind {
    /// As the thresholds file names it.
    pub(super) kind: &'static str,
    pub(super) stops: Vec<Stop>,
}

/// A value of a target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Stop {
    #[serde(skip)]
    pub(super) value: f64,
    /// The value as a target writes it.
    pub(super) text: String,
    /// Index on the curve; `None` where the curve does not reach it.
    pub(super) grid: Option<usize>,
    /// Index among the operating points.
    pub(super) point: Option<usize>,
}

/// The kinds that a curve, sorted by its grid, and the operating points of a method offer.
pub(super) fn kinds(rows: &[&CurveRow], points: &[OperatingPoint]) -> Vec<Kind> {
    let of_kind = |kind: &&'static str| {
        let own: Vec<(usize, &OperatingPoint)> =
            points.iter().enumerate().filter(|(_, point)| point.target.kind() == *kind).collect();
        let stops = match *kind {
            ROUTING_RATIO => merged(ratios(rows), &own, &|value| nearest(rows, value)),
            "accuracy" => merged(accuracies(rows), &own, &|value| reaching(rows, value)),
            "llm_gap" => merged(gaps(rows, &own), &own, &|value| within(rows, value)),
            "cost" => merged(costs(rows), &own, &|value| affordable(rows, value)),
            _ => risks(rows, &own),
        };
        (!stops.is_empty()).then_some(Kind { kind, stops })
    };
    Target::KINDS.iter().filter_map(of_kind).collect()
}

/// A value and how it is written.
type Value = (f64, String);

fn ratios(rows: &[&CurveRow]) -> Vec<Value> {
    rows.iter().map(|row| written(row.grid_ratio, 4)).collect()
}

/// With so many digits after the point at most; what is written is what is meant.
fn written(value: f64, digits: usize) -> Value {
    let text = format!("{value:.digits$}");
    let value = text.parse().unwrap_or(value);
    (value, format!("{value}"))
}

/// Multiples of `step` from above `low` up to `high`.
fn multiples(low: f64, high: f64, step: f64, digits: usize) -> Vec<Value> {
    let mut values = Vec::new();
    let mut multiple = (low / step).floor() + 1.0;
    while multiple * step <= high + SAME {
        values.push(written(multiple * step, digits));
        multiple += 1.0;
    }
    values
}

fn accuracies(rows: &[&CurveRow]) -> Vec<Value> {
    let reached = rows.iter().filter_map(|row| row.accuracy);
    let best = reached.fold(f64::NEG_INFINITY, f64::max);
    let Some(first) = rows.iter().find_map(|row| row.accuracy) else { return Vec::new() };
    multiples(first, best, ACCURACY_STEP, 3)
}

fn gaps(rows: &[&CurveRow], own: &[(usize, &OperatingPoint)]) -> Vec<Value> {
    let levels = rows.iter().find_map(|row| row.always_llm_accuracy.zip(row.always_slm_accuracy));
    match levels {
        // Without a fitted gap nobody asked for it.
        Some((llm, slm)) if !own.is_empty() => multiples(-ACCURACY_STEP, llm - slm, ACCURACY_STEP, 3),
        _ => Vec::new(),
    }
}

fn costs(rows: &[&CurveRow]) -> Vec<Value> {
    let known =
        || rows.iter().filter(|row| row.accuracy.is_some()).filter_map(|row| row.usd_per_1k_questions);
    let (low, high) =
        known().fold((f64::INFINITY, 0.0_f64), |(low, high), usd| (low.min(usd), high.max(usd)));
    if !(low.is_finite() && high > low) {
        return Vec::new();
    }
    let (step, digits) = round_step((high - low) / COST_STEPS);
    multiples(low, high + step, step, digits)
}

/// 1, 2 or 5 times a power of ten, not below `step`, and the digits that its multiples need.
fn round_step(step: f64) -> (f64, usize) {
    let power = step.log10().floor();
    let unit = 10_f64.powf(power);
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * unit >= step).unwrap_or(10.0);
    let digits = (0..12).find(|digits| 10_f64.powi(*digits) * unit >= 1.0 - SAME).unwrap_or(12);
    (factor * unit, usize::try_from(digits).unwrap_or(0))
}

/// Values and fitted values in order, a fitted one once.
fn merged(
    values: Vec<Value>,
    own: &[(usize, &OperatingPoint)],
    grid: &dyn Fn(f64) -> Option<usize>,
) -> Vec<Stop> {
    let fitted = own.iter().map(|(index, point)| (point.target.value(), Some(*index)));
    let mut all: Vec<(f64, String, Option<usize>)> =
        fitted.map(|(value, point)| (value, format!("{value}"), point)).collect();
    for (value, text) in values {
        if !all.iter().any(|(other, ..)| (other - value).abs() < SAME) {
            all.push((value, text, None));
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.into_iter().map(|(value, text, point)| Stop { value, text, grid: grid(value), point }).collect()
}

/// The fitted bounds alone: a certificate is of a test, which a curve is not.
fn risks(rows: &[&CurveRow], own: &[(usize, &OperatingPoint)]) -> Vec<Stop> {
    let mut stops: Vec<Stop> = own
        .iter()
        .map(|(index, point)| Stop {
            value: point.target.value(),
            text: point
                .target
                .to_string()
                .split_once('=')
                .map(|(_, value)| value.to_owned())
                .unwrap_or_default(),
            grid: point.achieved.and_then(|of| nearest(rows, of.routing_ratio.value)),
            point: Some(*index),
        })
        .collect();
    stops.sort_by(|a, b| a.value.total_cmp(&b.value));
    stops
}

/// The point of the curve whose routing ratio is nearest.
fn nearest(rows: &[&CurveRow], ratio: f64) -> Option<usize> {
    let far = |row: &CurveRow| (row.grid_ratio - ratio).abs();
    let rows = rows.iter().enumerate();
    rows.min_by(|a, b| far(a.1).total_cmp(&far(b.1))).map(|(index, _)| index)
}

/// The first point that reaches an accuracy.
fn reaching(rows: &[&CurveRow], accuracy: f64) -> Option<usize> {
    rows.iter().position(|row| row.accuracy.is_some_and(|own| own >= accuracy - SAME))
}

/// The first point within a gap of the LLM.
fn within(rows: &[&CurveRow], gap: f64) -> Option<usize> {
    rows.iter().position(|row| {
        row.accuracy.zip(row.always_llm_accuracy).is_some_and(|(own, llm)| llm - own <= gap + SAME)
    })
}

/// The most accurate point within a budget, the cheapest of equals.
fn affordable(rows: &[&CurveRow], usd: f64) -> Option<usize> {
    let within = |row: &CurveRow| row.usd_per_1k_questions.is_some_and(|own| own <= usd + SAME);
    let known = rows.iter().enumerate().filter(|(_, row)| within(row));
    let accuracies = known.filter_map(|(index, row)| Some((index, row.accuracy?)));
    accuracies.reduce(|best, other| if other.1 > best.1 { other } else { best }).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ratio: f64, accuracy: f64) -> CurveRow {
        CurveRow {
            slm: "s".to_owned(),
            llm: Some("l".to_owned()),
            method: "m".to_owned(),
            dataset: "*".to_owned(),
            grid_ratio: ratio,
            routing_ratio: ratio,
            threshold: ratio,
            accuracy: Some(accuracy),
            accuracy_low: None,
            accuracy_high: None,
            random_accuracy: None,
            oracle_accuracy: None,
            always_slm_accuracy: Some(0.6),
            always_llm_accuracy: Some(0.8),
            pgr: None,
            kept_accuracy: None,
            relative_accuracy: None,
            usd_per_1k_questions: Some(0.001 + 0.004 * ratio),
            random_usd_per_1k_questions: None,
        }
    }

    /// Accuracy rises to 0.82 at half, and falls to the LLM's.
    fn curve() -> Vec<CurveRow> {
        [(0.0, 0.6), (0.25, 0.75), (0.5, 0.82), (0.75, 0.81), (1.0, 0.8)].map(|(x, y)| row(x, y)).to_vec()
    }

    fn stop<'a>(kinds: &'a [Kind], kind: &str, text: &str) -> &'a Stop {
        let kind = kinds.iter().find(|of| of.kind == kind).unwrap();
        kind.stops.iter().find(|stop| stop.text == text).unwrap()
    }

    #[test]
    fn each_target_asks_for_its_own_point_of_the_curve() {
        let (rows, points) = (curve(), plimsoll_router::conformance::example_thresholds());
        let rows: Vec<&CurveRow> = rows.iter().collect();
        let points = &points.methods[0].operating_points;
        let kinds = kinds(&rows, points);
        assert_eq!(stop(&kinds, "routing_ratio", "0.25").grid, Some(1));
        // A fitted value between two points of the grid is kept, with its point of the file.
        let fitted = stop(&kinds, "routing_ratio", "0.3");
        assert_eq!((fitted.grid, fitted.point.is_some()), (Some(1), true));
        assert_eq!(stop(&kinds, "accuracy", "0.605").grid, Some(1));
        assert_eq!(stop(&kinds, "accuracy", "0.755").grid, Some(2));
        assert_eq!(stop(&kinds, "accuracy", "0.82").grid, Some(2));
        // The budget of everything buys the best point, which is not the dearest.
        assert_eq!(kinds.iter().find(|of| of.kind == "cost").unwrap().stops.last().unwrap().grid, Some(2));
        assert_eq!(stop(&kinds, "cost", "0.0021").grid, Some(1));
        assert!(kinds.iter().any(|of| of.kind == "selective_error"), "{kinds:?}");
    }

    #[test]
    fn steps_are_round() {
        for (step, expected) in
            [(0.000_12, (0.000_2, 4)), (0.01, (0.01, 2)), (0.3, (0.5, 1)), (7.0, (10.0, 0))]
        {
            let (rounded, digits) = round_step(step);
            assert!((rounded - expected.0).abs() < SAME, "{step}: {rounded}");
            assert_eq!(digits, expected.1, "{step}");
        }
        assert_eq!(written(0.1 + 0.2, 4).1, "0.3");
    }
}
