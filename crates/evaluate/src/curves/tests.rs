//! Curves against hand-worked and slow references.

use super::*;
use plimsoll_core::Seed;
use plimsoll_fit::testing::{SyntheticScores, calibrated, table};

/// Sums of a few thousand shares.
const ROUNDING: f64 = 1e-12;

fn evaluated(rows: &[SyntheticScores], bootstrap: u32) -> SeriesCurves {
    let table = table(rows);
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    curves(&prepared, &EvaluationSettings { bootstrap, seed: Seed::new(1) })
}

#[test]
fn a_curve_worked_by_hand() {
    // Ascending confidence; SLM right: 0 0 1 1, LLM right: 1 0 1 1.
    let rows = [
        SyntheticScores::new(0.1, false, true),
        SyntheticScores::new(0.2, false, false),
        SyntheticScores::new(0.3, true, true),
        SyntheticScores::new(0.4, true, true),
    ];
    let SeriesCurves { curves, areas } = evaluated(&rows, 0);
    assert_eq!((curves.len(), areas.len()), (2 * 101, 2));
    let at = |ratio: f64| curves.iter().find(|row| row.dataset == "*" && row.routing_ratio == ratio).unwrap();
    assert_eq!(
        [0.0, 0.25, 0.5, 0.75, 1.0].map(|ratio| at(ratio).accuracy.unwrap()),
        [0.5, 0.75, 0.75, 0.75, 0.75]
    );
    assert_eq!((at(0.5).random_accuracy, at(0.5).oracle_accuracy), (Some(0.625), Some(0.75)));
    assert_eq!(
        (at(0.25).pgr, at(0.5).kept_accuracy, at(0.5).relative_accuracy),
        (Some(1.0), Some(1.0), Some(2.0))
    );
    assert_eq!(at(1.0).kept_accuracy, None);
    let pool = &areas[1];
    assert_eq!((pool.only_llm_correct, pool.only_slm_correct), (Some(0.25), Some(0.0)));
    assert_eq!((pool.both_correct, pool.neither_correct), (Some(0.5), Some(0.25)));
    // Trapezoids: 0.25 * 0.625 + 0.75 * 0.75.
    assert_eq!(pool.area, Some(0.71875));
    assert_eq!(pool.apgr, Some((0.71875 - 0.5) / 0.25));
    assert_eq!((pool.cpt_20, pool.cpt_50, pool.cpt_80), (Some(0.25), Some(0.25), Some(0.25)));
    assert_eq!(pool.oracle_area, Some(0.5 + 0.25 - 0.03125));
    assert_eq!((pool.aiq, pool.aiq_axis.map(CostAxis::name)), (Some(0.71875), Some("routing_ratio")));
}

#[test]
fn missing_confidences_start_the_curve_at_their_share() {
    let mut rows = vec![SyntheticScores::new(0.5, true, true); 3];
    rows.push(SyntheticScores { confidence: None, ..SyntheticScores::new(0.0, false, true) });
    let SeriesCurves { curves, areas } = evaluated(&rows, 0);
    assert!(curves.iter().all(|row| row.routing_ratio == 0.25 || row.routing_ratio == 1.0));
    // From the SLM alone (0, 0.75) to (0.25, 1) and on to (1, 1).
    assert_eq!(areas[0].area, Some(0.25 * 0.875 + 0.75));
}

#[test]
fn without_a_better_llm_nothing_is_recovered() {
    let equal =
        evaluated(&[SyntheticScores::new(0.5, true, true), SyntheticScores::new(0.7, false, false)], 0);
    assert_eq!((equal.areas[0].apgr, equal.areas[0].cpt_50), (None, None));
    let no_llm = evaluated(&[SyntheticScores { llm: None, ..SyntheticScores::new(0.5, true, true) }], 0);
    assert_eq!((no_llm.areas[0].area, no_llm.areas[0].paired_rows), (None, 0));
    assert!(no_llm.curves.iter().all(|row| row.accuracy.is_none() && row.kept_accuracy != Some(0.0)));
}

#[test]
fn costs_are_on_the_axis_where_they_are_known() {
    let cost = |slm: f64, llm: f64, row: SyntheticScores| SyntheticScores { costs: Some((slm, llm)), ..row };
    let rows = [
        cost(0.001, 0.01, SyntheticScores::new(0.1, false, true)),
        cost(0.001, 0.03, SyntheticScores::new(0.9, true, true)),
    ];
    let SeriesCurves { curves, areas } = evaluated(&rows, 0);
    assert_eq!(areas[0].aiq_axis.map(CostAxis::name), Some("usd"));
    let half = curves.iter().find(|row| row.routing_ratio == 0.5).unwrap();
    assert!((half.usd_per_1k_questions.unwrap() - 6.0).abs() < ROUNDING);
    assert!((half.random_usd_per_1k_questions.unwrap() - 11.0).abs() < ROUNDING);
    // Costs 1, 6, 21; accuracies 0.5, 1, 1.
    assert!((areas[0].aiq.unwrap() - (5.0 * 0.75 + 15.0) / 20.0).abs() < ROUNDING);
}

#[test]
fn a_useful_confidence_beats_random_and_never_the_oracle() {
    let SeriesCurves { curves, areas } = evaluated(&calibrated(3000, 3, 5), 200);
    assert_eq!(areas.len(), 4);
    for row in &curves {
        assert!(row.accuracy.unwrap() <= row.oracle_accuracy.unwrap() + ROUNDING);
        assert!(row.accuracy_low.unwrap() <= row.accuracy.unwrap() + ROUNDING);
        assert!(row.accuracy.unwrap() <= row.accuracy_high.unwrap() + ROUNDING);
    }
    for row in &areas {
        assert!(row.apgr_low.unwrap() > 0.5, "random recovers half of the gap on average");
        assert!(row.apgr_low < row.apgr && row.apgr < row.apgr_high);
    }
}

#[test]
fn a_point_of_the_table_is_what_its_threshold_does() {
    let rows = calibrated(500, 1, 8);
    let SeriesCurves { curves, .. } = evaluated(&rows, 0);
    for row in curves.iter().filter(|row| row.dataset == "*") {
        let kept = |synthetic: &SyntheticScores| synthetic.confidence.unwrap() >= row.threshold;
        let right = |synthetic: &SyntheticScores| if kept(synthetic) { synthetic.slm } else { synthetic.llm };
        let ratio = rows.iter().filter(|synthetic| !kept(synthetic)).count() as f64 / 500.0;
        let accuracy = rows.iter().filter(|synthetic| right(synthetic) == Some(true)).count() as f64 / 500.0;
        assert!((row.routing_ratio - ratio).abs() < ROUNDING);
        assert!((row.accuracy.unwrap() - accuracy).abs() < ROUNDING);
    }
}
