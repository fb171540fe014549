//! Transfer in a few numbers per method.

use plimsoll_core::records::{HoldOut, TransferRow};
use plimsoll_router::{Risk, Target};
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
    /// For an accuracy or a gap to the LLM: what labels of the held-out data would buy; empty for other targets.
    pub labels: Vec<LabelsSummary>,
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
    /// For a risk: what guarantees about a new dataset promised, how often they failed, and what they cost.
    pub new_dataset: Option<NewDatasetSummary>,
}

/// What a number of labelled questions of the held-out data would buy, besides 500 without a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelsSummary {
    /// Labelled questions.
    pub labels: u64,
    /// Mean distance from the target.
    pub error: f64,
    /// Share of adaptations that reach it with one standard deviation to spare.
    pub cautious_reached: f64,
    /// Mean routing ratio of that cautious choice.
    pub cautious_ratio: f64,
}

/// How guarantees about a new dataset, of the other datasets, did on those that were held out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewDatasetSummary {
    /// Mean share of datasets on which the guarantee may fail: 1 - promise.
    pub promised_violation_rate: Option<f64>,
    /// Share of held-out datasets on which it failed.
    pub violation_rate: Option<f64>,
    /// Mean routing ratio of its threshold on them.
    pub routing_ratio: Option<f64>,
    /// The same rate of the worst of K, whatever it promises.
    pub worst_of_k_violation_rate: Option<f64>,
    /// The same ratio of the worst of K.
    pub worst_of_k_routing_ratio: Option<f64>,
    /// The same rate of the bound by Student's t.
    pub t_bound_violation_rate: Option<f64>,
    /// The same ratio of the bound by Student's t.
    pub t_bound_routing_ratio: Option<f64>,
}

impl TransferSummary {
    /// Whether the target is a risk.
    pub fn is_risk(&self) -> bool {
        self.target_kind.parse::<Risk>().is_ok()
    }
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
        labels: labels(&mean),
        prediction_error: mean(&|row| distance(row.achieved_routing_ratio, row.predicted_routing_ratio)),
        accuracy_over_random: mean(&|row| Some(row.accuracy? - row.random_accuracy?)),
        accuracy_below_oracle: mean(&|row| Some(row.oracle_accuracy? - row.accuracy?)),
        curve_rmse: mean(&|row| row.curve_rmse),
        random_curve_rmse: mean(&|row| row.random_curve_rmse),
        ks: mean(&|row| row.ks),
        violation_rate: mean(&|row| row.violated.map(as_number)),
        new_dataset: new_dataset(rows, &mean),
    }
}

/// The mean of a figure over the rows that have it.
type Mean<'a> = dyn Fn(&dyn Fn(&TransferRow) -> Option<f64>) -> Option<f64> + 'a;

/// A figure of a row.
type Figure = fn(&TransferRow) -> Option<f64>;

/// By number of labels: error, share reached and ratio.
const LABELS: [(u64, [Figure; 3]); 5] = [
    (0, [|row| row.label_error_0, |row| row.cautious_reached_0, |row| row.cautious_ratio_0]),
    (20, [|row| row.label_error_20, |row| row.cautious_reached_20, |row| row.cautious_ratio_20]),
    (50, [|row| row.label_error_50, |row| row.cautious_reached_50, |row| row.cautious_ratio_50]),
    (100, [|row| row.label_error_100, |row| row.cautious_reached_100, |row| row.cautious_ratio_100]),
    (200, [|row| row.label_error_200, |row| row.cautious_reached_200, |row| row.cautious_ratio_200]),
];

fn labels(mean: &Mean<'_>) -> Vec<LabelsSummary> {
    let of = |(labels, [error, reached, ratio]): &(u64, [Figure; 3])| {
        Some(LabelsSummary {
            labels: *labels,
            error: mean(error)?,
            cautious_reached: mean(reached)?,
            cautious_ratio: mean(ratio)?,
        })
    };
    LABELS.iter().filter_map(of).collect()
}

/// `None` where no row has a guarantee about a new dataset: for other targets, and for a pool of one dataset.
fn new_dataset(rows: &[&TransferRow], mean: &Mean<'_>) -> Option<NewDatasetSummary> {
    rows.iter().any(|row| row.dataset_guarantee_k.is_some()).then(|| NewDatasetSummary {
        promised_violation_rate: mean(&|row| row.dataset_guarantee_promise.map(|promise| 1.0 - promise)),
        violation_rate: mean(&|row| row.dataset_guarantee_violated.map(as_number)),
        routing_ratio: mean(&|row| row.dataset_guarantee_ratio),
        worst_of_k_violation_rate: mean(&|row| row.worst_of_k_violated.map(as_number)),
        worst_of_k_routing_ratio: mean(&|row| row.worst_of_k_ratio),
        t_bound_violation_rate: mean(&|row| row.t_bound_violated.map(as_number)),
        t_bound_routing_ratio: mean(&|row| row.t_bound_ratio),
    })
}

fn as_number(is: bool) -> f64 {
    f64::from(u8::from(is))
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
