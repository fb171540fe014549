//! The tables of a transfer, for people.

use plimsoll_core::records::{HoldOut, TransferRow};
use plimsoll_evaluate::{NewDatasetSummary, TransferSummary};
use plimsoll_pipeline::series_name::pair_name;
use serde::Serialize;

use crate::text_table::{Side, TextTable, number};

/// A transfer in a few numbers, for people.
pub(crate) fn transfer_text(summary: &[TransferSummary]) -> String {
    let mut text = String::new();
    for rows in summary.chunk_by(|a, b| (&a.slm, &a.llm) == (&b.slm, &b.llm)) {
        let Some(first) = rows.first() else { continue };
        text.push_str(&pair_name(&first.slm, first.llm.as_deref()));
        text.push('\n');
        text.push_str(&transfer_table(rows).text(2));
        let parts = [
            ("mean miss of a routing ratio on data not fitted on", ratio_table(rows)),
            (
                "guarantees on datasets not fitted on: share violated, and mean share deferred",
                guarantee_table(rows),
            ),
            (
                "what labels of the new data buy, besides 500 of its questions without a label",
                labels_table(rows),
            ),
        ];
        for (title, table) in parts {
            let table = table.text(2);
            if !table.is_empty() {
                text.extend(["  ", title, "\n", &table]);
            }
        }
        if rows.iter().any(has_no_dataset_guarantee) {
            text.push_str("  a guarantee about a new dataset is not available: the pool has one dataset\n");
        }
    }
    text
}

/// Whether a risk was fitted on a pool of one dataset.
fn has_no_dataset_guarantee(row: &TransferSummary) -> bool {
    row.by == HoldOut::Dataset && row.is_risk() && row.new_dataset.is_none()
}

/// The fixed threshold, adapting, and tracking.
fn ratio_table(rows: &[TransferSummary]) -> TextTable {
    let mut table = TextTable::new(&[
        ("method", Side::Left),
        ("held out", Side::Left),
        ("fixed", Side::Right),
        ("adapted 25", Side::Right),
        ("100", Side::Right),
        ("500", Side::Right),
        ("tracked 100", Side::Right),
        ("500", Side::Right),
        ("1000", Side::Right),
    ]);
    for row in rows.iter().filter(|row| row.tracked_ratio_error_500.is_some()) {
        table.push([
            row.method.clone(),
            row.by.to_string(),
            number(row.ratio_error),
            number(row.adapted_ratio_error_25),
            number(row.adapted_ratio_error_100),
            number(row.adapted_ratio_error_500),
            number(row.tracked_ratio_error_100),
            number(row.tracked_ratio_error_500),
            number(row.tracked_ratio_error_1000),
        ]);
    }
    table
}

/// Guarantees over rows beside those whose unit is the dataset.
fn guarantee_table(rows: &[TransferSummary]) -> TextTable {
    let mut table = TextTable::new(&[
        ("method", Side::Left),
        ("risk", Side::Left),
        ("over rows", Side::Right),
        ("over datasets, at most", Side::Right),
        ("violated", Side::Right),
        ("deferred", Side::Right),
        ("worst of K", Side::Right),
        ("deferred", Side::Right),
        ("t bound", Side::Right),
        ("deferred", Side::Right),
    ]);
    let with_guarantee = |row: &TransferSummary| Some((row.clone(), row.new_dataset.clone()?));
    for (row, of) in rows.iter().filter_map(with_guarantee) {
        let NewDatasetSummary { promised_violation_rate, violation_rate, routing_ratio, .. } = of;
        table.push([
            row.method,
            row.target_kind,
            number(row.violation_rate),
            number(promised_violation_rate),
            number(violation_rate),
            number(routing_ratio),
            number(of.worst_of_k_violation_rate),
            number(of.worst_of_k_routing_ratio),
            number(of.t_bound_violation_rate),
            number(of.t_bound_routing_ratio),
        ]);
    }
    table
}

/// How many labels buy what.
fn labels_table(rows: &[TransferSummary]) -> TextTable {
    let mut table = TextTable::new(&[
        ("method", Side::Left),
        ("held out", Side::Left),
        ("target", Side::Left),
        ("labels", Side::Right),
        ("mean miss", Side::Right),
        ("cautious: reached", Side::Right),
        ("deferred", Side::Right),
    ]);
    for row in rows {
        for of in &row.labels {
            table.push([
                row.method.clone(),
                row.by.to_string(),
                row.target_kind.clone(),
                of.labels.to_string(),
                number(Some(of.error)),
                number(Some(of.cautious_reached)),
                number(Some(of.cautious_ratio)),
            ]);
        }
    }
    table
}

fn transfer_table(rows: &[TransferSummary]) -> TextTable {
    let mut table = TextTable::new(&[
        ("method", Side::Left),
        ("held out", Side::Left),
        ("target", Side::Left),
        ("fits", Side::Right),
        ("|achieved-target|", Side::Right),
        ("over random", Side::Right),
        ("curve rmse", Side::Right),
        ("random rmse", Side::Right),
        ("KS", Side::Right),
        ("violated", Side::Right),
    ]);
    for row in rows {
        table.push([
            row.method.clone(),
            row.by.to_string(),
            row.target_kind.clone(),
            format!("{}/{}", row.with_threshold, row.rows),
            number(row.ratio_error),
            number(row.accuracy_over_random),
            number(row.curve_rmse),
            number(row.random_curve_rmse),
            number(row.ks),
            number(row.violation_rate),
        ]);
    }
    table
}

/// A row of `transfer` for scripts: its columns, and for a risk what is promised about a new dataset as one object.
#[derive(Debug, Serialize)]
pub(crate) struct JsonRow<'a> {
    #[serde(flatten)]
    row: &'a TransferRow,
    /// Absent for other targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_guarantee: Option<JsonPromise<'a>>,
}

/// What is promised about a new dataset; null where it is not available.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum JsonPromise<'a> {
    Made(JsonDatasetGuarantee<'a>),
    NotAvailable(()),
}

#[derive(Debug, Serialize)]
struct JsonDatasetGuarantee<'a> {
    kind: &'a str,
    k: u64,
    promise: f64,
    alpha: f64,
    threshold: f64,
    /// On the held-out dataset.
    routing_ratio: Option<f64>,
    violated: Option<bool>,
}

/// The rows for scripts.
pub(crate) fn json_rows(rows: &[TransferRow]) -> Vec<JsonRow<'_>> {
    rows.iter()
        .map(|row| JsonRow { row, dataset_guarantee: row.target_delta.map(|_| promise(row)) })
        .collect()
}

fn promise(row: &TransferRow) -> JsonPromise<'_> {
    dataset_guarantee(row).map_or(JsonPromise::NotAvailable(()), JsonPromise::Made)
}

fn dataset_guarantee(row: &TransferRow) -> Option<JsonDatasetGuarantee<'_>> {
    Some(JsonDatasetGuarantee {
        kind: row.dataset_guarantee_kind.as_deref()?,
        k: row.dataset_guarantee_k?,
        promise: row.dataset_guarantee_promise?,
        alpha: row.target_value,
        threshold: row.dataset_guarantee_threshold?,
        routing_ratio: row.dataset_guarantee_ratio,
        violated: row.dataset_guarantee_violated,
    })
}
