//! The definition by hand; the promise by repeated sampling, beside the pooled rule, which must fail the same test.

use plimsoll_core::Seed;

use super::*;
use crate::testing::{SyntheticScores, table};

fn loosest(rows: &[(f64, bool)], all: u64, risk: Risk, alpha: f64) -> f64 {
    let mut rows: Vec<LossRow> = rows
        .iter()
        .map(|(value, is_loss)| LossRow {
            confidence: Confidence::new(*value).unwrap(),
            dataset: 0,
            is_loss: *is_loss,
        })
        .collect();
    rows.sort_by(|left, right| right.confidence.get().total_cmp(&left.confidence.get()));
    loosest_thresholds(rows.into_iter(), &[all], risk, alpha)[0].get()
}

#[test]
fn the_loosest_threshold_by_hand() {
    let rows = [(0.9, false), (0.8, true), (0.7, false), (0.7, false), (0.6, true), (0.2, false)];
    let at = |risk, alpha| loosest(&rows, 6, risk, alpha);
    // Selective error: 0/1, 1/2, 1/4, 2/5, 2/6.
    assert_eq!(at(Risk::SelectiveError, 0.5), 0.0);
    assert_eq!(at(Risk::SelectiveError, 0.45), 0.9, "1/2 at 0.8 ends it, though 1/4 follows");
    // Joint error: 0, 1/6, 1/6, 2/6, 2/6.
    assert_eq!(at(Risk::JointError, 0.2), 0.7);
    assert_eq!(at(Risk::Regret, 0.1), 0.9);
    assert_eq!(loosest(&rows, 12, Risk::JointError, 0.1), 0.7, "six rows without a confidence count");
    let defer_all = Threshold::DEFER_ALL.get();
    assert_eq!(loosest(&[(0.9, true), (0.1, false)], 2, Risk::JointError, 0.1), defer_all);
    assert_eq!(loosest(&[(0.9, false), (0.1, false)], 2, Risk::SelectiveError, 0.1), 0.0);
    assert_eq!(loosest(&[], 0, Risk::JointError, 0.1), 0.0);
    assert_eq!(
        loosest(&[(0.9, true), (0.9, false)], 2, Risk::SelectiveError, 0.4),
        defer_all,
        "ties fall together"
    );
}

#[test]
fn the_rank_follows_from_delta_and_the_promise_from_the_rank() {
    let names: Vec<String> = (0..19u32).map(|index| format!("d{index:02}")).collect();
    let loosest: Vec<(Threshold, &str)> = (0u32..)
        .zip(&names)
        .map(|(i, name)| (Threshold::new(f64::from(i) / 20.0).unwrap(), name.as_str()))
        .collect();
    let at = |delta| ranked(loosest.clone(), 0.1, largest_rank(19, delta).max(1), delta).unwrap();
    assert_eq!((at(0.05).rank, at(0.1).rank, at(0.01).rank), (1, 2, 1));
    assert!((at(0.1).promise - 0.9).abs() < 1e-12 && (at(0.01).promise - 0.95).abs() < 1e-12);
    assert_eq!((at(0.1).datasets_needed, at(0.01).datasets_needed), (9, 99));
    assert_eq!(at(0.05).deciding_dataset, "d18");
    assert_eq!(at(0.1).deciding_dataset, "d17");
    assert!(at(0.1).threshold.get() < at(0.05).threshold.get());
    assert!(ranked(loosest[..1].to_vec(), 0.1, 1, 0.5).is_none());
}

#[test]
fn a_table_s_datasets_are_told_apart_and_ungraded_llm_answers_are_no_rows_of_a_regret() {
    let row = |dataset: &str, confidence: Option<f64>, slm, llm| SyntheticScores {
        dataset: dataset.to_owned(),
        confidence,
        llm,
        ..SyntheticScores::new(0.5, slm, true)
    };
    let rows = [
        row("a", Some(0.9), true, Some(true)),
        row("a", Some(0.8), false, Some(true)),
        row("a", None, false, Some(true)),
        row("b", Some(0.7), true, Some(true)),
        row("b", Some(0.6), false, None),
        row("b", Some(0.5), false, Some(false)),
    ];
    let table = table(&rows);
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let all = DatasetSelection::all(2);
    let at = |risk, alpha| dataset_guarantee(&prepared, &all, risk, alpha, 0.4).unwrap();
    // Joint error in a: 1 of 3 at 0.8; in b: 1 of 3 at 0.6, 2 of 3 at 0.5.
    let joint = at(Risk::JointError, 0.3);
    assert_eq!((joint.threshold.get(), joint.deciding_dataset.as_str(), joint.k), (0.9, "a", 2));
    assert_eq!(at(Risk::JointError, 0.4).deciding_dataset, "b");
    // Regret in b: none of two rows.
    let regret = at(Risk::Regret, 0.3);
    assert_eq!((regret.threshold.get(), regret.deciding_dataset.as_str()), (0.9, "a"));
    let one = DatasetSelection::from_flags(vec![true, false]);
    assert!(dataset_guarantee(&prepared, &one, Risk::JointError, 0.3, 0.4).is_none());
}

/// Rows of a dataset that differs from others in how sure the model is of wrong answers.
fn drawn(seed: &Seed, rows: u64, dataset: usize) -> Vec<LossRow> {
    let uniform = |key: u64| (seed.hash_key(key) >> 11) as f64 / 9_007_199_254_740_992.0;
    let tone = 0.5 + 2.5 * uniform(u64::MAX);
    let row = |index: u64| {
        let quality = uniform(2 * index);
        let is_loss = uniform(2 * index + 1) > 0.35 + 0.6 * quality;
        LossRow { confidence: Confidence::new(quality.powf(tone)).unwrap(), dataset, is_loss }
    };
    (0..rows).map(row).collect()
}

fn descending(mut rows: Vec<LossRow>) -> impl Iterator<Item = LossRow> {
    rows.sort_by(|left, right| right.confidence.get().total_cmp(&left.confidence.get()));
    rows.into_iter()
}

fn joint_error(rows: &[LossRow], threshold: Threshold) -> f64 {
    let losses = rows.iter().filter(|row| row.is_loss && threshold.keeps(row.confidence)).count();
    losses as f64 / rows.len() as f64
}

/// Draws of K datasets and a new one.
const DRAWS: u64 = 600;
/// Three standard deviations of a share near 0.1 over so many draws.
const NOISE: f64 = 0.037;

#[test]
fn a_new_dataset_breaks_the_promise_as_rarely_as_promised_and_the_pooled_rule_does_not() {
    let (k, rows, alpha, delta) = (9usize, 150u64, 0.1, 0.1);
    let (mut broken, mut pooled_broken) = (0u32, 0u32);
    for draw in 0..DRAWS {
        let seed = Seed::new(77).derive_index(draw);
        let known: Vec<LossRow> =
            (0..k).flat_map(|index| drawn(&seed.derive_index(index as u64), rows, index)).collect();
        let new = drawn(&seed.derive_index(k as u64), rows, 0);
        let loosest = loosest_thresholds(descending(known.clone()), &vec![rows; k], Risk::JointError, alpha);
        let guarantee = ranked(
            loosest.into_iter().map(|threshold| (threshold, "d")).collect(),
            alpha,
            largest_rank(9, delta),
            delta,
        )
        .unwrap();
        assert_eq!((guarantee.k, guarantee.rank), (9, 1));
        broken += u32::from(joint_error(&new, guarantee.threshold) > alpha);
        let pooled = known.into_iter().map(|row| LossRow { dataset: 0, ..row }).collect();
        let pooled = loosest_thresholds(descending(pooled), &[rows * k as u64], Risk::JointError, alpha)[0];
        pooled_broken += u32::from(joint_error(&new, pooled) > alpha);
    }
    let share = |count: u32| f64::from(count) / DRAWS as f64;
    assert!(share(broken) <= delta + NOISE, "{}", share(broken));
    assert!(share(pooled_broken) > delta + NOISE, "{}", share(pooled_broken));
}
