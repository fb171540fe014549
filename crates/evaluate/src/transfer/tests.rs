//! Transfer against what is known by construction.

use super::*;
use plimsoll_core::ScoreTable;
use plimsoll_fit::testing::{SyntheticScores, calibrated, table};
use plimsoll_router::Target;

mod cross_fitted;

/// Sums of a few thousand shares.
const ROUNDING: f64 = 1e-12;

fn spec(targets: Vec<Target>, by: Vec<HoldOut>, repeats: u32) -> TransferSpec {
    let fit = FitSpec { bins: 30, fraction: 0.5, targets, bootstrap: 50, seed: Seed::new(7) };
    TransferSpec { fit, by, repeats }
}

fn run(table: &ScoreTable, spec: &TransferSpec) -> Vec<TransferRow> {
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    transfer(&TransferScores::same(&prepared, InDomainLabels::Unknown), spec, &|| ()).unwrap().rows
}

fn ratios() -> Vec<Target> {
    [0.2, 0.5, 0.8].map(|value| Target::RoutingRatio { value }).to_vec()
}

#[test]
fn thresholds_hold_where_nothing_changes() {
    let table = table(&calibrated(12_000, 4, 3));
    let rows = run(&table, &spec(ratios(), vec![HoldOut::Dataset], 2));
    assert_eq!(rows.len(), 4 * 2 * 3);
    for row in &rows {
        /// Five standard errors of a share of 3,000 held-out rows, and of the draw of 4,500.
        const SAMPLING: f64 = 0.06;
        let achieved = row.achieved_routing_ratio.unwrap();
        assert!((achieved - row.target_value).abs() < SAMPLING, "{row:?}");
        assert!((row.predicted_accuracy.unwrap() - row.accuracy.unwrap()).abs() < SAMPLING, "{row:?}");
        assert!(row.accuracy.unwrap() > row.random_accuracy.unwrap());
        assert!(row.accuracy.unwrap() <= row.upper_bound_accuracy.unwrap() + ROUNDING);
        assert!(row.curve_rmse.unwrap() < row.random_curve_rmse.unwrap() / 3.0);
        assert!(row.ks.unwrap() < SAMPLING && row.psi.unwrap() < SAMPLING);
        assert!(row.achieved_routing_ratio_low.unwrap() <= achieved);
        assert!(achieved <= row.achieved_routing_ratio_high.unwrap());
    }
}

#[test]
fn a_shifted_dataset_is_seen() {
    let mut rows = calibrated(4000, 4, 3);
    for row in rows.iter_mut().filter(|row| row.dataset == "d0") {
        row.confidence = row.confidence.map(|confidence| confidence / 2.0);
    }
    let table = table(&rows);
    let rows = run(&table, &spec(ratios(), vec![HoldOut::Dataset], 1));
    let of = |name: &str| rows.iter().find(|row| row.held_out == name && row.target_value == 0.5).unwrap();
    assert!(of("d0").ks.unwrap() > 0.4 && of("d0").psi.unwrap() > 1.0);
    assert!(of("d0").achieved_routing_ratio.unwrap() > 0.9);
    assert!(of("d1").ks.unwrap() < 0.2);
}

#[test]
fn the_held_out_rows_never_reach_the_fit() {
    // With other labels and confidences in d0 the thresholds for d0 stay as they are.
    let rows = calibrated(2000, 3, 9);
    let mut changed = rows.clone();
    for row in changed.iter_mut().filter(|row| row.dataset == "d0") {
        row.confidence = row.confidence.map(|confidence| confidence * confidence);
        row.slm = row.slm.map(|right| !right);
        row.llm = Some(false);
    }
    let mut targets = ratios();
    targets.push(Target::Accuracy { value: 0.8 });
    targets.push(Target::SelectiveError { alpha: 0.3, delta: 0.1 });
    let spec = spec(targets, vec![HoldOut::Dataset], 2);
    let thresholds = |rows: &[SyntheticScores]| -> Vec<Option<f64>> {
        let rows = run(&table(rows), &spec);
        rows.iter().filter(|row| row.held_out == "d0").map(|row| row.threshold).collect()
    };
    let before = thresholds(&rows);
    assert!(before.iter().any(Option::is_some));
    assert_eq!(before, thresholds(&changed));
}

#[test]
fn figures_are_those_of_the_threshold() {
    let rows = calibrated(900, 3, 4);
    let targets = vec![Target::RoutingRatio { value: 0.4 }, Target::JointError { alpha: 0.2, delta: 0.1 }];
    for row in run(&table(&rows), &spec(targets, vec![HoldOut::Dataset], 1)) {
        let threshold = row.threshold.unwrap();
        let held_out: Vec<&SyntheticScores> =
            rows.iter().filter(|synthetic| synthetic.dataset == row.held_out).collect();
        let count = held_out.len() as f64;
        let kept = |synthetic: &&&SyntheticScores| synthetic.confidence.unwrap() >= threshold;
        let wrong = held_out.iter().filter(kept).filter(|row| row.slm == Some(false)).count() as f64;
        let kept = held_out.iter().filter(kept).count() as f64;
        assert_eq!(row.rows, held_out.len() as u64);
        assert!((row.achieved_routing_ratio.unwrap() - (1.0 - kept / count)).abs() < ROUNDING);
        assert!((row.selective_error.unwrap() - wrong / kept).abs() < ROUNDING);
        assert!((row.joint_error.unwrap() - wrong / count).abs() < ROUNDING);
        assert_eq!(row.violated, (row.target_kind == "joint_error").then_some(wrong / count > 0.2));
    }
}

#[test]
fn domains_are_held_out_whole() {
    let mut builder = plimsoll_core::ScoreTableBuilder::new();
    for (index, row) in calibrated(400, 4, 2).iter().enumerate() {
        let domain = if row.dataset.as_str() < "d2" { "low" } else { "high" };
        let raw = plimsoll_core::RawScore {
            question_id: &format!("q{index}"),
            dataset: &row.dataset,
            domain: Some(domain),
            method: "m",
            confidence: row.confidence,
            slm_correct: row.slm,
            ..plimsoll_core::RawScore::default()
        };
        builder.push(&raw).unwrap();
    }
    let table = builder.finish();
    assert_eq!(
        (splits(&table.questions, HoldOut::Dataset), splits(&table.questions, HoldOut::Domain)),
        (4, 2)
    );
    let spec = spec(ratios(), vec![HoldOut::Domain], 1);
    let rows = run(&table, &spec);
    assert_eq!(rows.len(), 2 * 3);
    for row in rows {
        assert_eq!((row.by.name(), row.rows), ("domain", 200));
        assert_eq!((row.accuracy, row.curve_rmse), (None, None), "there is no LLM");
        assert!(row.achieved_routing_ratio.is_some());
    }
}

#[test]
fn one_dataset_offers_no_split() {
    let table = table(&calibrated(50, 1, 1));
    assert_eq!(splits(&table.questions, HoldOut::Dataset), 0);
    assert!(run(&table, &spec(ratios(), vec![HoldOut::Dataset], 1)).is_empty());
}

#[test]
fn every_split_is_reported_and_threads_do_not_matter() {
    let table = table(&calibrated(600, 3, 6));
    let spec = spec(ratios(), vec![HoldOut::Dataset, HoldOut::Domain], 2);
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let rows = |threads| {
        let finished = std::sync::atomic::AtomicUsize::new(0);
        let count = || {
            finished.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let rows = pool.install(|| {
            transfer(&TransferScores::same(&prepared, InDomainLabels::False), &spec, &count).unwrap()
        });
        // The draws, and three splits by dataset and as many by domain.
        assert_eq!(finished.into_inner(), 2 * (1 + 3 + 3));
        assert_eq!(transfer_steps(&table.questions, &spec), 2 * (1 + 3 + 3));
        rows
    };
    assert_eq!(rows(1), rows(3));
}

#[test]
fn a_dataset_without_scores_is_deferred() {
    let mut rows = calibrated(300, 3, 6);
    for row in rows.iter_mut().filter(|row| row.dataset == "d1") {
        row.confidence = None;
    }
    let rows = run(&table(&rows), &spec(ratios(), vec![HoldOut::Dataset], 1));
    let row = rows.iter().find(|row| row.held_out == "d1").unwrap();
    assert_eq!((row.rows, row.missing, row.achieved_routing_ratio), (100, 100, Some(1.0)));
    assert_eq!((row.ks, row.psi), (None, None));
}

#[test]
fn curves_are_what_their_distance_is_taken_of() {
    let table = table(&calibrated(900, 3, 4));
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let scored = TransferScores::same(&prepared, InDomainLabels::Unknown);
    let of = transfer(&scored, &spec(ratios(), vec![HoldOut::Dataset], 2), &|| ()).unwrap();
    assert_eq!(of.curves.len(), 3 * 101);
    for points in of.curves.chunks(101) {
        let row = of.rows.iter().find(|row| row.repeat == 0 && row.held_out == points[0].held_out).unwrap();
        let distance = |accuracy: fn(&TransferCurveRow) -> Option<f64>| {
            let square = |point| (accuracy(point).unwrap() - point.own_accuracy.unwrap()).powi(2);
            (points.iter().map(square).sum::<f64>() / 101.0).sqrt()
        };
        assert!((distance(|point| point.transferred_accuracy) - row.curve_rmse.unwrap()).abs() < ROUNDING);
        assert!((distance(|point| point.random_accuracy) - row.random_curve_rmse.unwrap()).abs() < ROUNDING);
        assert_eq!((points[0].grid_ratio, points[100].grid_ratio), (0.0, 1.0));
        assert_eq!(points[100].achieved_routing_ratio, 1.0);
    }
}

#[test]
fn guarantees_about_a_new_dataset_are_those_of_the_others_on_the_held_out_one() {
    let alpha = 0.15;
    let risk = Target::JointError { alpha, delta: 0.1 };
    let mut targets = ratios();
    targets.push(risk);
    let mut data = calibrated(3_000, 6, 5);
    // A dataset on which the model is surer than it may be: the others' guarantees must fail there.
    for row in data.iter_mut().filter(|row| row.dataset == "d0") {
        row.slm = Some(false);
    }
    let rows = run(&table(&data), &spec(targets, vec![HoldOut::Dataset, HoldOut::Domain], 2));
    let (of_risk, others): (Vec<&TransferRow>, Vec<&TransferRow>) =
        rows.iter().partition(|row| row.target_kind == "joint_error" && row.by == HoldOut::Dataset);
    assert!(others.iter().all(|row| row.dataset_guarantee_k.is_none() && row.t_bound_ratio.is_none()));
    assert_eq!(of_risk.len(), 6 * 2);
    for row in of_risk {
        assert_eq!(
            (row.dataset_guarantee_k, row.dataset_guarantee_kind.as_deref()),
            (Some(5), Some("worst_of_k"))
        );
        assert!((row.dataset_guarantee_promise.unwrap() - 5.0 / 6.0).abs() < ROUNDING);
        assert!(row.t_bound_ratio.is_some());
        let held_out: Vec<&SyntheticScores> = data.iter().filter(|of| of.dataset == row.held_out).collect();
        let threshold = row.dataset_guarantee_threshold.unwrap();
        let kept = held_out.iter().filter(|of| of.confidence.is_some_and(|c| c >= threshold));
        let (mut count, mut wrong) = (0u32, 0u32);
        for of in kept {
            count += 1;
            wrong += u32::from(of.slm != Some(true));
        }
        let rows = held_out.len() as f64;
        assert!((row.dataset_guarantee_ratio.unwrap() - (1.0 - f64::from(count) / rows)).abs() < ROUNDING);
        assert_eq!(row.dataset_guarantee_violated, Some(f64::from(wrong) / rows > alpha), "{}", row.held_out);
        assert_eq!(row.worst_of_k_violated, row.dataset_guarantee_violated);
        assert_eq!(row.dataset_guarantee_violated, Some(row.held_out == "d0"), "{}", row.held_out);
    }
}

#[test]
fn a_pool_of_one_dataset_promises_nothing_of_a_new_one() {
    let targets = vec![Target::JointError { alpha: 0.3, delta: 0.1 }];
    let rows = run(&table(&calibrated(600, 2, 5)), &spec(targets, vec![HoldOut::Dataset], 1));
    assert_eq!(rows.len(), 2);
    assert!(
        rows.iter()
            .all(|row| row.dataset_guarantee_kind.is_none() && row.dataset_guarantee_violated.is_none())
    );
    let summary = crate::summarise(&rows);
    assert!(summary[0].is_risk() && summary[0].new_dataset.is_none());
}

#[test]
fn labels_mend_an_accuracy_that_the_pool_s_maps_get_wrong() {
    let mut data = calibrated(6_000, 3, 8);
    // The model is right less often there than it sounds.
    for (index, row) in data.iter_mut().filter(|row| row.dataset == "d0").enumerate() {
        row.slm = row.slm.map(|right| right && index % 4 > 0);
    }
    let held_out: Vec<&SyntheticScores> = data.iter().filter(|row| row.dataset == "d0").collect();
    let share = |right: fn(&SyntheticScores) -> Option<bool>| {
        held_out.iter().filter(|row| right(row) == Some(true)).count() as f64 / held_out.len() as f64
    };
    // Between keeping all and deferring all.
    let between = f64::midpoint(share(|row| row.slm), share(|row| row.llm));
    let targets = vec![Target::Accuracy { value: between }, Target::Accuracy { value: 0.01 }];
    let rows = run(&table(&data), &spec(targets, vec![HoldOut::Dataset], 1));
    let row = |value: f64| rows.iter().find(|row| row.held_out == "d0" && row.target_value == value).unwrap();
    assert_eq!(row(0.01).label_error_0, None, "keeping everything is more accurate already");
    let of = row(between);
    assert!(of.label_error_200.unwrap() < of.label_error_0.unwrap() / 1.5, "{of:?}");
    // The maps are off by more than the deviation of 20 questions: caution alone does not reach it, labels do.
    assert!(of.cautious_reached_0.unwrap() < 0.5 && of.cautious_reached_200.unwrap() >= 0.5, "{of:?}");
    assert!((0.0..=1.0).contains(&of.cautious_ratio_200.unwrap()));
}
