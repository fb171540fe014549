//! Transfer in a few numbers per method.

use plimsoll_core::records::{HoldOut, TransferRow};
use plimsoll_router::Target;
use serde::Serialize;

/// How the thresholds of one (SLM, LLM, method) for one kind of target did on held-out data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransferSummary {
    /// Id of the small model.
    pub slm: String,
    /// Id of the large model, if there is one.
    pub llm: Option<String>,
    /// Id of the method.
    pub method: String,
    /// `dataset` or `domain`.
    pub by: HoldOut,
    /// Kind of the target.
    pub target_kind: String,
    /// Rows of `transfer` that it summarises.
    pub rows: u64,
    /// Of these, rows with a threshold.
    pub with_threshold: u64,
    /// Mean |achieved - target| routing ratio; for `routing_ratio` targets only.
    pub ratio_error: Option<f64>,
    /// Mean distance from the ratio after adapting to 25 unlabelled questions; for `routing_ratio` targets only.
    pub adapted_ratio_error_25: Option<f64>,
    /// The same after 50.
    pub adapted_ratio_error_50: Option<f64>,
    /// The same after 100.
    pub adapted_ratio_error_100: Option<f64>,
    /// The same after 500.
    pub adapted_ratio_error_500: Option<f64>,
    /// Mean distance from the ratio of what a tracker routed of the first 100 questions; for `routing_ratio` targets
    /// only.
    pub tracked_ratio_error_100: Option<f64>,
    /// The same of the first 500.
    pub tracked_ratio_error_500: Option<f64>,
    /// The same of the first 1,000.
    pub tracked_ratio_error_1000: Option<f64>,
    /// Mean |achieved - predicted| routing ratio: ties, which no threshold can help, do not enter.
    pub prediction_error: Option<f64>,
    /// Mean accuracy above random routing at the same ratio.
    pub accuracy_over_random: Option<f64>,
    /// Mean accuracy below the held-out data's own best threshold for the same target.
    pub accuracy_below_oracle: Option<f64>,
    /// Mean root-mean-square distance of predicted and true curve.
    pub curve_rmse: Option<f64>,
    /// The same of the random line.
    pub random_curve_rmse: Option<f64>,
    /// Mean KS distance between pool and held-out confidences.
    pub ks: Option<f64>,
    /// For a risk: share of thresholds whose held-out risk exceeds alpha.
    pub violation_rate: Option<f64>,
}

/// Summarises transfer rows, in the order in which their groups first appear.
pub fn summarise(rows: &[TransferRow]) -> Vec<TransferSummary> {
    let mut groups: Vec<Vec<&TransferRow>> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| key(group[0]) == key(row)) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups.iter().map(|group| summary(group)).collect()
}

fn key(row: &TransferRow) -> (&str, Option<&str>, &str, HoldOut, &str) {
    (&row.slm, row.llm.as_deref(), &row.method, row.by, &row.target_kind)
}

fn summary(rows: &[&TransferRow]) -> TransferSummary {
    let mean = |figure: &dyn Fn(&TransferRow) -> Option<f64>| {
        let values: Vec<f64> = rows.iter().filter_map(|row| figure(row)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let first = rows[0];
    TransferSummary {
        slm: first.slm.clone(),
        llm: first.llm.clone(),
        method: first.method.clone(),
        by: first.by,
        target_kind: first.target_kind.clone(),
        rows: rows.len() as u64,
        with_threshold: rows.iter().filter(|row| row.threshold.is_some()).count() as u64,
        ratio_error: mean(&|row| {
            let aimed = (row.target_kind == ROUTING_RATIO).then_some(row.target_value);
            distance(row.achieved_routing_ratio, aimed)
        }),
        adapted_ratio_error_25: mean(&|row| row.adapted_ratio_error_25),
        adapted_ratio_error_50: mean(&|row| row.adapted_ratio_error_50),
        adapted_ratio_error_100: mean(&|row| row.adapted_ratio_error_100),
        adapted_ratio_error_500: mean(&|row| row.adapted_ratio_error_500),
        tracked_ratio_error_100: mean(&|row| row.tracked_ratio_error_100),
        tracked_ratio_error_500: mean(&|row| row.tracked_ratio_error_500),
        tracked_ratio_error_1000: mean(&|row| row.tracked_ratio_error_1000),
        prediction_error: mean(&|row| distance(row.achieved_routing_ratio, row.predicted_routing_ratio)),
        accuracy_over_random: mean(&|row| Some(row.accuracy? - row.random_accuracy?)),
        accuracy_below_oracle: mean(&|row| Some(row.oracle_accuracy? - row.accuracy?)),
        curve_rmse: mean(&|row| row.curve_rmse),
        random_curve_rmse: mean(&|row| row.random_curve_rmse),
        ks: mean(&|row| row.ks),
        violation_rate: mean(&|row| row.violated.map(|violated| f64::from(u8::from(violated)))),
    }
}

/// The kind of a ratio target.
const ROUTING_RATIO: &str = Target::RoutingRatio { value: 0.0 }.kind();

fn distance(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.zip(b).map(|(a, b)| (a - b).abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_over_what_is_defined() {
        let row = |value: f64, achieved: Option<f64>| TransferRow {
            target_kind: "routing_ratio".to_owned(),
            target_value: value,
            threshold: achieved,
            achieved_routing_ratio: achieved,
            predicted_routing_ratio: Some(0.5),
            ..TransferRow::default()
        };
        let risk = |violated| TransferRow {
            target_kind: "regret".to_owned(),
            violated: Some(violated),
            achieved_routing_ratio: Some(0.9),
            ..TransferRow::default()
        };
        let rows = [row(0.5, Some(0.75)), risk(true), row(0.25, Some(0.25)), row(0.9, None), risk(false)];
        let summaries = summarise(&rows);
        assert_eq!(summaries.len(), 2);
        assert_eq!((summaries[0].rows, summaries[0].with_threshold), (3, 2));
        assert_eq!((summaries[0].ratio_error, summaries[0].prediction_error), (Some(0.125), Some(0.25)));
        assert_eq!((summaries[0].accuracy_over_random, summaries[0].violation_rate), (None, None));
        assert_eq!((summaries[1].ratio_error, summaries[1].violation_rate), (None, Some(0.5)));
    }
}
