//! Every target and every status, by hand and against all thresholds.

use plimsoll_core::Seed;
use plimsoll_router::{Confidence, Route, decide};
use proptest::prelude::*;

use super::*;
use crate::draw::{Draw, DrawOrder, DrawSpec};
use crate::prepared::{DatasetSelection, PreparedSeries};
use crate::testing::{SyntheticScores, calibrated, table};

/// Of a ratio of small whole numbers.
const ROUNDING: f64 = 1e-12;

/// Fits on all rows, weight one.
fn fit(rows: &[SyntheticScores], targets: &[&str]) -> Vec<TargetFit> {
    let table = table(rows);
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let (all, seed) = (DatasetSelection::all(table.questions.datasets().len()), Seed::new(1));
    let order = DrawOrder::new(&prepared, 30, &seed);
    let draw = Draw::new(&order, &prepared, &all, DrawSpec { fraction: 1.0, seed });
    let (sample, undrawn) = WeightedSample::drawn(&prepared, &all, &draw);
    let tests = TestSet::new(&prepared, &draw, &undrawn, &seed);
    let inputs = FitInputs { sample: &sample, curve: &Curve::new(&sample), tests: &tests };
    targets.iter().map(|target| fit_target(inputs, target.parse().unwrap())).collect()
}

fn one(rows: &[SyntheticScores], target: &str) -> TargetFit {
    fit(rows, &[target]).remove(0)
}

fn at(confidences: &[f64]) -> Vec<SyntheticScores> {
    confidences.iter().map(|c| SyntheticScores::new(*c, true, true)).collect()
}

fn missing(count: usize) -> Vec<SyntheticScores> {
    vec![SyntheticScores { confidence: None, ..SyntheticScores::new(0.5, false, true) }; count]
}

/// Share deferred and overall accuracy, row by row.
fn applied(rows: &[SyntheticScores], threshold: Threshold) -> (f64, f64) {
    let deferred = |row: &&SyntheticScores| {
        decide(threshold, row.confidence.map(|c| Confidence::new(c).unwrap())).route == Route::Llm
    };
    let right =
        |row: &&SyntheticScores| if deferred(row) { row.llm == Some(true) } else { row.slm == Some(true) };
    let count = rows.len() as f64;
    (rows.iter().filter(deferred).count() as f64 / count, rows.iter().filter(right).count() as f64 / count)
}

#[test]
fn a_reachable_ratio_is_reached_between_two_rows() {
    let rows = at(&[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
    let fits = fit(&rows, &["routing_ratio=0.3", "routing_ratio=0", "routing_ratio=1", "routing_ratio=0.34"]);
    assert!(fits.iter().all(|fit| fit.status == Status::Reached && fit.tie_break.is_none()));
    assert_eq!(fits[0].threshold, Some(Threshold::new(0.25).unwrap()));
    assert_eq!(fits[1].threshold, Some(Threshold::KEEP_ALL));
    assert_eq!(fits[2].threshold, Some(Threshold::DEFER_ALL));
    // 0.34 is missed by less than half a row.
    assert_eq!(fits[3].threshold, fits[0].threshold);
}

#[test]
fn a_ratio_amid_ties_names_the_tie_break() {
    // Reachable: 0 (0), 0.5 (0.4) and 1.
    let rows = at(&[0.2, 0.2, 0.6, 0.6]);
    let fits = fit(&rows, &["routing_ratio=0.25", "routing_ratio=0.7", "routing_ratio=0.8"]);
    assert!(fits.iter().all(|fit| fit.status == Status::Tied));
    let expected = [
        // As near to 0 as to 0.5: the lower.
        (Threshold::KEEP_ALL, Threshold::KEEP_ALL, 0.2, 0.5),
        (Threshold::new(0.4).unwrap(), Threshold::new(0.4).unwrap(), 0.6, 0.4),
        // Nearer to 1, but the tie-break starts from the candidate under the target.
        (Threshold::DEFER_ALL, Threshold::new(0.4).unwrap(), 0.6, 0.6),
    ];
    for (fit, (threshold, under, tied, probability)) in fits.iter().zip(expected) {
        let tie_break = fit.tie_break.unwrap();
        assert_eq!(fit.threshold, Some(threshold));
        assert_eq!((tie_break.threshold, tie_break.tied_confidence), (under, tied));
        assert!((tie_break.probability - probability).abs() < ROUNDING);
    }
}

#[test]
fn missing_rows_bound_the_ratio_from_below() {
    let rows = [at(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]), missing(3)].concat();
    let fits =
        fit(&rows, &["routing_ratio=0.1", "routing_ratio=0.3", "routing_ratio=0.4", "routing_ratio=1"]);
    assert_eq!(fits[0].status, Status::MissingShare);
    assert_eq!(fits[0].threshold, Some(Threshold::KEEP_ALL));
    assert!(fits[0].note.as_deref().unwrap().starts_with("0.3000 of the questions"));
    assert!(fits[1..].iter().all(|fit| fit.status == Status::Reached));
    assert_eq!(fits[1].threshold, Some(Threshold::KEEP_ALL));
    assert_eq!(applied(&rows, fits[2].threshold.unwrap()).0, 0.4);
    assert_eq!(fits[3].threshold, Some(Threshold::DEFER_ALL));
}

#[test]
fn the_smallest_ratio_that_reaches_an_accuracy() {
    // The SLM is right where it is sure; the LLM is right but for two.
    let mut rows: Vec<SyntheticScores> =
        (0..10).map(|i| SyntheticScores::new(f64::from(i) / 10.0, i >= 6, i > 1)).collect();
    let fits = fit(&rows, &["accuracy=0.4", "accuracy=0.5", "accuracy=0.8", "accuracy=0.81"]);
    assert_eq!(fits[0].threshold, Some(Threshold::KEEP_ALL));
    // Rows 0 and 1 gain nothing, row 2 is the first gain: 0.5 from a ratio of 0.3 on.
    assert_eq!(applied(&rows, fits[1].threshold.unwrap()), (0.3, 0.5));
    assert_eq!(applied(&rows, fits[2].threshold.unwrap()), (0.6, 0.8));
    assert_eq!((fits[3].status, fits[3].threshold), (Status::NotReached, None));
    assert!(fits[3].note.as_deref().unwrap().contains("0.8000"));
    // A model that is worse than the small one: keeping all is best.
    for row in &mut rows {
        row.llm = Some(false);
    }
    assert_eq!(one(&rows, "accuracy=0.4").threshold, Some(Threshold::KEEP_ALL));
    assert_eq!(one(&rows, "accuracy=0.41").status, Status::NotReached);
}

#[test]
fn the_smallest_ratio_within_a_gap_of_the_llm() {
    // The SLM is right where it is sure; the LLM is right but for two, which no deferral mends.
    let rows: Vec<SyntheticScores> =
        (0..10).map(|i| SyntheticScores::new(f64::from(i) / 10.0, i >= 6, i > 1)).collect();
    let fits = fit(&rows, &["llm_gap=0.4", "llm_gap=0.3", "llm_gap=0.05", "llm_gap=0", "llm_gap=1"]);
    assert!(fits.iter().all(|fit| fit.status == Status::Reached));
    let applied: Vec<(f64, f64)> = fits.iter().map(|fit| applied(&rows, fit.threshold.unwrap())).collect();
    assert_eq!(applied, [(0.0, 0.4), (0.3, 0.5), (0.6, 0.8), (0.6, 0.8), (0.0, 0.4)]);
    let without: Vec<SyntheticScores> =
        rows.iter().map(|row| SyntheticScores { llm: None, ..row.clone() }).collect();
    assert_eq!(one(&without, "llm_gap=0.1").status, Status::NeedsLlm);
}

#[test]
fn the_most_accurate_point_within_a_budget() {
    // 1 dollar for the SLM and 10 for the LLM per 1,000 questions.
    let costs = Some((0.001, 0.01));
    let rows: Vec<SyntheticScores> = (0..10)
        .map(|i| SyntheticScores { costs, ..SyntheticScores::new(f64::from(i) / 10.0, i >= 4, i != 3) })
        .collect();
    let fits = fit(&rows, &["cost=0.99", "cost=1", "cost=3", "cost=4", "cost=11"]);
    assert_eq!((fits[0].status, fits[0].threshold), (Status::NotReached, None));
    assert!(fits[0].note.as_deref().unwrap().contains("1.0000 US dollars"));
    let ratios: Vec<f64> = fits[1..].iter().map(|fit| applied(&rows, fit.threshold.unwrap()).0).collect();
    // Deferring row 3 gains nothing, nor does any later one: 0.3 is as accurate as any and cheapest.
    assert_eq!(ratios, [0.0, 0.2, 0.3, 0.3]);
    let costless: Vec<SyntheticScores> =
        rows.iter().map(|row| SyntheticScores { costs: None, ..row.clone() }).collect();
    assert_eq!(one(&costless, "cost=3").status, Status::NeedsCosts);
}

/// The router may bring kinds of targets that this crate has never heard of; those of its own version it fits.
#[test]
fn every_kind_of_target_is_fitted() {
    let rows: Vec<SyntheticScores> = calibrated(400, 1, 3)
        .into_iter()
        .map(|row| SyntheticScores { costs: Some((1.0, 10.0)), ..row })
        .collect();
    let example = |kind: &&str| match *kind {
        "routing_ratio" => "routing_ratio=0.5",
        "accuracy" => "accuracy=0.1",
        "llm_gap" => "llm_gap=0.3",
        "cost" => "cost=100000",
        "selective_error" => "selective_error=0.3:0.1",
        "joint_error" => "joint_error=0.3:0.1",
        "regret" => "regret=0.3:0.1",
        other => panic!("write the fit of {other}, and an easy target of it here"),
    };
    let targets: Vec<&str> = Target::KINDS.iter().map(example).collect();
    for fit in fit(&rows, &targets) {
        assert!(fit.status == Status::Reached && fit.threshold.is_some(), "{fit:?}");
        assert_eq!(fit.guarantee.is_some(), fit.target.risk().is_some(), "{}", fit.target);
    }
}

#[test]
fn without_an_llm_three_kinds_of_target_remain() {
    let rows: Vec<SyntheticScores> =
        calibrated(400, 1, 3).into_iter().map(|row| SyntheticScores { llm: None, ..row }).collect();
    let targets = [
        "accuracy=0.8",
        "cost=1",
        "regret=0.1:0.1",
        "routing_ratio=0.5",
        "selective_error=0.3:0.1",
        "joint_error=0.3:0.1",
    ];
    let fits = fit(&rows, &targets);
    assert!(fits[..3].iter().all(|fit| fit.status == Status::NeedsLlm && fit.threshold.is_none()));
    assert!(fits[0].note.as_deref().unwrap().contains("llm_correct"));
    assert!(fits[3..].iter().all(|fit| fit.status == Status::Reached));
    assert!(fits[4..].iter().all(|fit| fit.guarantee.is_some()));
}

#[test]
fn without_a_scored_row_there_is_no_threshold() {
    for fit in fit(&missing(5), &["routing_ratio=0.5", "accuracy=0.1", "cost=1", "joint_error=0.1:0.1"]) {
        assert_eq!((fit.status, fit.threshold), (Status::NoRows, None));
        assert!(fit.note.is_some());
    }
}

#[test]
fn a_risk_that_only_handing_over_bounds_says_so() {
    let rows: Vec<SyntheticScores> = at(&[0.5])
        .into_iter()
        .cycle()
        .take(90)
        .map(|row| SyntheticScores { slm: Some(false), ..row })
        .collect();
    let fits = fit(
        &rows,
        &["joint_error=0.1:0.1", "regret=0.1:0.1", "selective_error=0.1:0.1", "joint_error=0.01:0.01"],
    );
    for fit in &fits[..2] {
        assert_eq!((fit.status, fit.threshold), (Status::Reached, Some(Threshold::DEFER_ALL)));
        assert!(fit.note.as_deref().unwrap().contains("only if every question is deferred"));
    }
    assert_eq!((fits[2].status, fits[2].threshold), (Status::Infeasible, None));
    assert!(fits[2].note.as_deref().unwrap().contains("no number of rows would do"), "{:?}", fits[2].note);
    // 459 rows without a loss would be needed even for deferring everything.
    assert_eq!(fits[3].status, Status::Infeasible);
}

fn rows() -> impl Strategy<Value = Vec<SyntheticScores>> {
    let row = (prop::option::weighted(0.9, 0u8..=16), any::<bool>(), any::<bool>());
    prop::collection::vec(row, 1..60).prop_map(|rows| {
        rows.into_iter()
            .map(|(c, slm, llm)| SyntheticScores {
                confidence: c.map(|c| f64::from(c) / 16.0),
                ..SyntheticScores::new(0.5, slm, llm)
            })
            .collect()
    })
}

/// Every decision that a threshold can make on these rows.
fn all_thresholds(rows: &[SyntheticScores]) -> Vec<Threshold> {
    let own = rows.iter().filter_map(|row| row.confidence).filter_map(|c| Threshold::new(c).ok());
    own.chain([Threshold::KEEP_ALL, Threshold::DEFER_ALL]).collect()
}

proptest! {
    #[test]
    fn no_threshold_is_nearer_to_a_ratio(rows in rows(), ratio in 0.0f64..=1.0) {
        prop_assume!(rows.iter().any(|row| row.confidence.is_some()));
        let fit = one(&rows, &format!("routing_ratio={ratio}"));
        let off = |threshold| (applied(&rows, threshold).0 - ratio).abs();
        let own = off(fit.threshold.unwrap());
        prop_assert!(all_thresholds(&rows).into_iter().all(|threshold| own <= off(threshold) + ROUNDING));
        let half_a_row = 0.5 / rows.len() as f64;
        prop_assert_eq!(fit.status == Status::Reached, own <= half_a_row + ROUNDING, "{} {:?}", own, fit);
        if fit.status == Status::Tied {
            let tie_break = fit.tie_break.unwrap();
            let tied = rows.iter().filter(|row| row.confidence == Some(tie_break.tied_confidence)).count() as f64;
            let reached = applied(&rows, tie_break.threshold).0 + tie_break.probability * tied / rows.len() as f64;
            prop_assert!((reached - ratio).abs() < ROUNDING);
            prop_assert!((0.0..=1.0).contains(&tie_break.probability));
            prop_assert!(tie_break.threshold.keeps(Confidence::new(tie_break.tied_confidence).unwrap()));
        }
    }

    #[test]
    fn no_smaller_ratio_reaches_the_accuracy(rows in rows(), accuracy in 0.0f64..=1.0) {
        prop_assume!(rows.iter().any(|row| row.confidence.is_some()));
        let fit = one(&rows, &format!("accuracy={accuracy}"));
        let reaching = all_thresholds(&rows).into_iter().map(|threshold| applied(&rows, threshold));
        let min = reaching.filter(|(_, right)| *right >= accuracy - ROUNDING).map(|(ratio, _)| ratio).reduce(f64::min);
        prop_assert_eq!(fit.threshold.map(|threshold| applied(&rows, threshold).0), min);
    }
}
