//! Alignment against hand-worked figures and what is known by construction.

use super::*;
use plimsoll_core::Seed;
use plimsoll_fit::testing::{SyntheticScores, calibrated, table};

/// Sums of a few thousand shares.
const ROUNDING: f64 = 1e-12;

fn evaluated(rows: &[SyntheticScores], bootstrap: u32) -> SeriesAlignment {
    let table = table(rows);
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    alignment(&prepared, None, &EvaluationSettings { bootstrap, seed: Seed::new(1) })
}

fn row_of<'a>(evaluated: &'a SeriesAlignment, dataset: &str) -> &'a AlignmentRow {
    evaluated.alignment.iter().find(|row| row.dataset == dataset).unwrap()
}

fn in_dataset(dataset: &str, row: SyntheticScores) -> SyntheticScores {
    SyntheticScores { dataset: dataset.to_owned(), ..row }
}

#[test]
fn rows_are_counted_and_figures_use_what_is_scored_and_graded() {
    let rows = [
        in_dataset("a", SyntheticScores::new(0.9, true, true)),
        in_dataset("a", SyntheticScores::new(0.1, false, true)),
        in_dataset("a", SyntheticScores { confidence: None, ..SyntheticScores::new(0.0, true, true) }),
        in_dataset("a", SyntheticScores { slm: None, ..SyntheticScores::new(0.99, true, true) }),
        in_dataset("b", SyntheticScores::new(0.5, true, true)),
    ];
    let evaluated = evaluated(&rows, 0);
    let a = row_of(&evaluated, "a");
    assert_eq!((a.rows, a.missing, a.ungraded, a.accuracy), (4, 1, 1, Some(0.5)));
    // Only the first two have both a score and a label.
    assert_eq!((a.roc_auc, a.prr), (Some(1.0), Some(1.0)));
    assert!((a.brier_raw.unwrap() - 0.01).abs() < ROUNDING);
    assert_eq!(row_of(&evaluated, "b").roc_auc, None, "one class is undefined, not 0.5");
    let mean = row_of(&evaluated, "macro");
    assert_eq!((mean.roc_auc, mean.accuracy, mean.rows), (Some(1.0), Some(0.75), 5));
    let names: Vec<&str> = evaluated.alignment.iter().map(|row| row.dataset.as_str()).collect();
    assert_eq!(names, ["a", "b", "*", "macro"]);
}

#[test]
fn a_calibrated_confidence_is_found_calibrated() {
    let evaluated = evaluated(&calibrated(9000, 3, 2), 100);
    for row in &evaluated.alignment {
        // P(right) = c, c uniform: AUC 5/6, Brier 1/6.
        /// Five standard errors with 3,000 rows.
        const SAMPLING: f64 = 0.04;
        assert!((row.roc_auc.unwrap() - 5.0 / 6.0).abs() < SAMPLING);
        assert!((row.brier.unwrap() - 1.0 / 6.0).abs() < SAMPLING);
        assert!(row.ece.unwrap() < SAMPLING);
        assert!(row.roc_auc_low < row.roc_auc && row.roc_auc < row.roc_auc_high);
        assert!(row.brier_low < row.brier && row.brier < row.brier_high);
        assert_eq!(row.map_scheme.map(MapScheme::name), Some("leave_one_dataset_out"));
    }
    let width = |dataset: &str| {
        let row = row_of(&evaluated, dataset);
        row.roc_auc_high.unwrap() - row.roc_auc_low.unwrap()
    };
    // The mean of three datasets is as sure as the pool, and surer than a third of it.
    assert!(width("macro") < 0.8 * width("d0") && width("macro") < 1.5 * width("*"));
}

#[test]
fn every_map_is_judged_under_every_scheme() {
    let evaluated = evaluated(&calibrated(3000, 3, 2), 0);
    assert_eq!(evaluated.map_metrics.len(), 2 * 4 * 3);
    for row in &evaluated.map_metrics {
        let graded = if row.dataset == "*" { 3000 } else { 1000 };
        assert_eq!(row.rows, graded);
        /// Five standard errors with 1,000 rows.
        const SAMPLING: f64 = 0.05;
        assert!((row.brier.unwrap() - 1.0 / 6.0).abs() < SAMPLING, "{row:?}");
    }
    let alignment = row_of(&evaluated, "*").brier.unwrap();
    let scheme = |row: &&MapMetricRow| row.scheme == MapScheme::LeaveOneDatasetOut && row.map == "isotonic";
    let map_row = evaluated.map_metrics.iter().filter(scheme).find(|row| row.dataset == "*").unwrap();
    assert!((alignment - map_row.brier.unwrap()).abs() < ROUNDING);
}

#[test]
fn one_dataset_is_folded_by_cluster() {
    let evaluated = evaluated(&calibrated(300, 1, 2), 0);
    assert_eq!(row_of(&evaluated, "d0").map_scheme.map(MapScheme::name), Some("five_fold"));
    assert!(evaluated.map_metrics.iter().all(|row| row.scheme == MapScheme::FiveFold));
}

#[test]
fn a_file_s_own_maps_are_used_as_they_stand() {
    let table = table(&calibrated(400, 2, 2));
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let spec =
        plimsoll_fit::FitSpec { bins: 30, fraction: 1.0, targets: vec![], bootstrap: 0, seed: Seed::new(1) };
    let fitted = plimsoll_fit::fit_method(
        &prepared,
        &DatasetSelection::all(2),
        &spec,
        &plimsoll_fit::MethodIdentity::from_definition("m", "synthetic"),
    );
    let settings = EvaluationSettings { bootstrap: 0, seed: Seed::new(1) };
    let evaluated = alignment(&prepared, Some(&fitted.method), &settings);
    let map = fitted.method.maps.isotonic.as_ref().unwrap();
    let mut sum = 0.0;
    for row in 0..400u32 {
        let probability = map.apply(prepared.series.confidence(row as usize).unwrap()).unwrap();
        let right = f64::from(u8::from(prepared.outcomes(row).0.is_correct()));
        sum += (probability - right) * (probability - right);
    }
    assert!((row_of(&evaluated, "*").brier.unwrap() - sum / 400.0).abs() < ROUNDING);
    assert_eq!(row_of(&evaluated, "*").map_scheme.map(MapScheme::name), Some("file"));
}

#[test]
fn nothing_scored_is_undefined_everywhere() {
    let evaluated =
        evaluated(&[SyntheticScores { confidence: None, ..SyntheticScores::new(0.0, true, true) }], 20);
    for row in evaluated.alignment {
        assert_eq!((row.rows, row.missing, row.accuracy), (1, 1, Some(1.0)));
        assert_eq!((row.roc_auc, row.aurc, row.brier, row.map_scheme), (None, None, None, None));
    }
}
