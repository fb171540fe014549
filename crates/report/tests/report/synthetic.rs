//! Rows of a run that never took place.

use plimsoll_core::records::{
    AlignmentRow, CurveAreaRow, CurveRow, HoldOut, InDomainLabels, MACRO, OtherSlmRow, POOL,
    TransferCurveRow, TransferRow,
};
use plimsoll_report::ReportInputs;
use plimsoll_report::inputs::{
    ColumnFacts, DatasetCounts, DatasetFacts, RunProvenance, SeriesCounts, TableFacts,
};
use plimsoll_router::conformance::example_thresholds;
use plimsoll_router::thresholds::Status;

/// Names of models that would do harm where they are not escaped.
pub(crate) const HOSTILE: [&str; 2] = [
    "<img src=x onerror=\"alert(1)\">&'`|*[x](y)",
    "</title><script>alert(1)</script>\u{202e}\u{0}\n---\n]]>",
];

const BINS: usize = 30;
const LLM: &str = "large";

/// A number in [0, 1) that depends on these numbers alone.
fn noise(a: usize, b: usize) -> f64 {
    ((a * 7919 + b * 104_729) % 1000) as f64 / 1000.0
}

/// A run of these SLMs with one LLM, so many methods `m0`, .. and datasets `d0`, ..; with the names of [`HOSTILE`],
/// methods and datasets have hostile names, too.
pub(crate) fn synthetic(slms: &[&str], methods: usize, datasets: usize) -> ReportInputs {
    let ending = if slms == HOSTILE { HOSTILE[0] } else { "" };
    let datasets: Vec<String> = (0..datasets).map(|number| format!("d{number}{ending}")).collect();
    let mut inputs = ReportInputs {
        provenance: RunProvenance {
            pipeline: format!("synthetic{ending}"),
            pipeline_sha256: "0".repeat(64),
            pipeline_yaml: Some(format!("name: synthetic{ending}\nseed: 50\n")),
            program_version: "0.1.0".to_owned(),
            excluded_ungraded: 0,
        },
        datasets: datasets.iter().enumerate().map(|(number, id)| facts(number, id)).collect(),
        tables: tables(),
        ..ReportInputs::default()
    };
    for (index, slm) in slms.iter().enumerate() {
        let mut thresholds = example_thresholds();
        (*slm).clone_into(&mut thresholds.slm.id);
        let example = thresholds.methods.remove(0);
        for method in 0..methods {
            let id = format!("m{method}{ending}");
            let mut own = example.clone();
            own.id.clone_from(&id);
            thresholds.methods.push(own);
            add_series(&mut inputs, Series { slm, method: &id }, &datasets, index * 10 + method);
            let others = slms.iter().filter(|other| *other != slm);
            inputs.other_slm.extend(others.map(|other| other_slm((*slm, *other), &id)));
        }
        inputs.thresholds.push(thresholds);
    }
    inputs
}

fn other_slm((slm, other_slm): (&str, &str), method: &str) -> OtherSlmRow {
    OtherSlmRow {
        slm: slm.to_owned(),
        other_slm: other_slm.to_owned(),
        llm: Some(LLM.to_owned()),
        method: method.to_owned(),
        questions: 500,
        median_distance: Some(0.0125),
        points: 9,
        mean_ratio_shift: Some(0.211),
        ..OtherSlmRow::default()
    }
}

fn facts(number: usize, id: &str) -> DatasetFacts {
    DatasetFacts {
        id: id.to_owned(),
        domain: "math".to_owned(),
        source: Some("hf://datasets/synthetic/rows@main".to_owned()),
        commit: Some("c".repeat(40)),
        split: Some("test".to_owned()),
        licence: (number > 0).then(|| "MIT".to_owned()).or(Some("CC-BY-4.0".to_owned())),
        rows: Some(500),
        refused: Some(3),
        dropped: Some(2),
    }
}

fn tables() -> Vec<TableFacts> {
    let column = |name: &str, kind: &str, about: &str| ColumnFacts {
        name: name.to_owned(),
        kind: kind.to_owned(),
        about: about.to_owned(),
    };
    vec![
        TableFacts {
            name: "calibration".to_owned(),
            files: "tables/calibration.parquet".to_owned(),
            about: "The calibration set.".to_owned(),
            rows: Some(1234),
            columns: vec![
                column("slm", "Utf8", "Small model."),
                column("confidence", "Float64", "Confidence in [0, 1]."),
            ],
        },
        TableFacts {
            name: "generations".to_owned(),
            files: "tables/generations/*.parquet".to_owned(),
            about: "What the models wrote.".to_owned(),
            rows: None,
            columns: vec![column("text", "Utf8", "The text; null | empty are two things.")],
        },
    ]
}

/// The keys of a series.
#[derive(Clone, Copy)]
struct Series<'a> {
    slm: &'a str,
    method: &'a str,
}

fn add_series(inputs: &mut ReportInputs, series: Series<'_>, datasets: &[String], seed: usize) {
    let Series { slm, method } = series;
    let counts = datasets.iter().enumerate().map(|(index, dataset)| counts(dataset, seed + index)).collect();
    inputs.series.push(SeriesCounts {
        slm: slm.to_owned(),
        llm: Some(LLM.to_owned()),
        method: method.to_owned(),
        datasets: counts,
    });
    let all = [POOL, MACRO].into_iter().chain(datasets.iter().map(String::as_str));
    for (index, dataset) in all.enumerate() {
        let auc = 0.55 + 0.3 * noise(seed, index);
        inputs.alignment.push(AlignmentRow {
            slm: slm.to_owned(),
            llm: Some(LLM.to_owned()),
            method: method.to_owned(),
            dataset: dataset.to_owned(),
            rows: 500,
            accuracy: Some(0.5),
            roc_auc: Some(auc),
            roc_auc_low: Some(auc - 0.02),
            roc_auc_high: Some(auc + 0.02),
            ..AlignmentRow::default()
        });
        if dataset != MACRO {
            curves(inputs, series, dataset, auc);
        }
    }
    for dataset in datasets {
        transfer(inputs, series, dataset, seed);
    }
}

fn counts(dataset: &str, seed: usize) -> DatasetCounts {
    let mut counts = DatasetCounts::new(dataset, BINS);
    for bin in 0..BINS {
        let rows = 1 + (seed * 7 + bin * 13) as u64 % 30;
        counts.right[bin] = rows * bin as u64 / BINS as u64;
        counts.wrong[bin] = rows - counts.right[bin];
    }
    counts.ungraded[4] = 2;
    counts.missing.insert("no_logprobs".to_owned(), 3);
    counts.slm_right = counts.right.iter().sum();
    counts.slm_ungraded = 2;
    counts
}

fn curves(inputs: &mut ReportInputs, Series { slm, method }: Series<'_>, dataset: &str, auc: f64) {
    for grid in 0..=100 {
        let ratio = f64::from(grid) / 100.0;
        let random = 0.5 + 0.3 * ratio;
        let accuracy = random + (auc - 0.5) * ratio * (1.0 - ratio);
        inputs.curves.push(CurveRow {
            slm: slm.to_owned(),
            llm: Some(LLM.to_owned()),
            method: method.to_owned(),
            dataset: dataset.to_owned(),
            grid_ratio: ratio,
            routing_ratio: ratio,
            threshold: ratio,
            accuracy: Some(accuracy),
            accuracy_low: Some(accuracy - 0.03),
            accuracy_high: Some(accuracy + 0.03),
            random_accuracy: Some(random),
            oracle_accuracy: Some((0.5 + ratio).min(0.9)),
            always_slm_accuracy: Some(0.5),
            always_llm_accuracy: Some(0.8),
            pgr: None,
            kept_accuracy: (ratio < 1.0).then_some(0.5 + 0.3 * ratio),
            relative_accuracy: (ratio < 1.0).then_some(1.0 + 0.6 * ratio),
            usd_per_1k_questions: Some(0.1 + ratio),
            random_usd_per_1k_questions: Some(0.1 + ratio),
        });
    }
    inputs.curve_areas.push(CurveAreaRow {
        slm: slm.to_owned(),
        llm: Some(LLM.to_owned()),
        method: method.to_owned(),
        dataset: dataset.to_owned(),
        rows: 500,
        paired_rows: 498,
        always_slm_accuracy: Some(0.5),
        always_llm_accuracy: Some(0.8),
        both_correct: Some(0.45),
        only_slm_correct: Some(0.05),
        only_llm_correct: Some(0.35),
        neither_correct: Some(0.15),
        ..CurveAreaRow::default()
    });
}

fn transfer(inputs: &mut ReportInputs, Series { slm, method }: Series<'_>, dataset: &str, seed: usize) {
    let row = TransferRow {
        slm: slm.to_owned(),
        llm: Some(LLM.to_owned()),
        method: method.to_owned(),
        by: HoldOut::Dataset,
        held_out: dataset.to_owned(),
        status: Status::Reached,
        rows: 500,
        curve_rmse: Some(0.02),
        random_curve_rmse: Some(0.05),
        ks: Some(0.1),
        in_domain_labels: InDomainLabels::Unknown,
        ..TransferRow::default()
    };
    for (index, target) in [0.1, 0.3, 0.5].into_iter().enumerate() {
        inputs.transfer.push(TransferRow {
            target_kind: "routing_ratio".to_owned(),
            target_value: target,
            achieved_routing_ratio: Some(target + 0.1 * noise(seed, index) - 0.05),
            accuracy: Some(0.6 + 0.1 * target),
            random_accuracy: Some(0.55 + 0.1 * target),
            ..row.clone()
        });
    }
    inputs.transfer.push(TransferRow {
        target_kind: "selective_error".to_owned(),
        target_value: 0.1,
        target_delta: Some(0.1),
        violated: Some(noise(seed, dataset.len()) > 0.5),
        ..row
    });
    for grid in 0..=100 {
        let ratio = f64::from(grid) / 100.0;
        let own = 0.5 + 0.3 * ratio.sqrt();
        inputs.transfer_curves.push(TransferCurveRow {
            slm: slm.to_owned(),
            llm: Some(LLM.to_owned()),
            method: method.to_owned(),
            by: HoldOut::Dataset,
            held_out: dataset.to_owned(),
            grid_ratio: ratio,
            threshold: ratio,
            predicted_routing_ratio: ratio,
            achieved_routing_ratio: ratio,
            predicted_accuracy: Some(own + 0.03),
            transferred_accuracy: Some(own - 0.01),
            own_accuracy: Some(own),
            random_accuracy: Some(0.5 + 0.3 * ratio),
            ..TransferCurveRow::default()
        });
    }
}
