//! The definition by hand; the promise by repeated sampling, beside the pooled rule, which must fail the same test.

use plimsoll_core::Seed;

use super::*;

fn dataset(id: &str, rows: &[(f64, bool)]) -> DatasetLosses {
    let scored =
        rows.iter().map(|(confidence, loss)| (Confidence::new(*confidence).unwrap(), *loss)).collect();
    DatasetLosses { id: id.to_owned(), scored, rows: rows.len() as u64 }
}

#[test]
fn the_loosest_threshold_by_hand() {
    let rows = [(0.9, false), (0.8, true), (0.7, false), (0.7, false), (0.6, true), (0.2, false)];
    let data = dataset("a", &rows);
    let loosest = |risk, alpha| loosest_threshold(&data, risk, alpha).get();
    // Selective error: 0/1, 1/2, 1/4, 2/5, 2/6.
    assert_eq!(loosest(Risk::SelectiveError, 0.5), 0.0);
    assert_eq!(loosest(Risk::SelectiveError, 0.45), 0.9, "1/2 at 0.8 ends it, though 1/4 follows");
    // Joint error: 0, 1/6, 1/6, 2/6, 2/6.
    assert_eq!(loosest(Risk::JointError, 0.2), 0.7);
    assert_eq!(loosest(Risk::Regret, 0.1), 0.9);
    let wrong = dataset("b", &[(0.9, true), (0.1, false)]);
    assert_eq!(loosest_threshold(&wrong, Risk::JointError, 0.1), Threshold::DEFER_ALL);
    let right = dataset("c", &[(0.9, false), (0.1, false)]);
    assert_eq!(loosest_threshold(&right, Risk::SelectiveError, 0.1), Threshold::KEEP_ALL);
    assert_eq!(loosest_threshold(&dataset("d", &[]), Risk::JointError, 0.1), Threshold::KEEP_ALL);
}

#[test]
fn the_rank_follows_from_delta_and_the_promise_from_the_rank() {
    let datasets: Vec<DatasetLosses> = (0..19u32)
        .map(|index| {
            let wrong_from = f64::from(index) / 40.0;
            dataset(
                &format!("d{index:02}"),
                &[(0.9, false), (wrong_from + 0.2, false), (wrong_from + 0.1, true)],
            )
        })
        .collect();
    let at = |delta| dataset_guarantee(&datasets, Risk::JointError, 0.1, delta).unwrap();
    assert_eq!((at(0.05).j, at(0.1).j, at(0.01).j), (1, 2, 1));
    assert!((at(0.1).promise - 0.9).abs() < 1e-12 && (at(0.01).promise - 0.95).abs() < 1e-12);
    assert_eq!(at(0.05).deciding_dataset, "d18");
    assert_eq!(at(0.1).deciding_dataset, "d17");
    assert!(at(0.1).threshold.get() < at(0.05).threshold.get());
    assert!(dataset_guarantee(&datasets[..1], Risk::JointError, 0.1, 0.5).is_none());
}

/// Datasets that differ in how sure the model is of wrong answers.
fn drawn(seed: &Seed, rows: u64) -> DatasetLosses {
    let uniform = |key: u64| (seed.hash_key(key) >> 11) as f64 / 9_007_199_254_740_992.0;
    let tone = 0.5 + 2.5 * uniform(u64::MAX);
    let row = |index: u64| {
        let quality = uniform(2 * index);
        let wrong = uniform(2 * index + 1) > 0.35 + 0.6 * quality;
        (Confidence::new(quality.powf(tone)).unwrap(), wrong)
    };
    DatasetLosses { id: String::new(), scored: (0..rows).map(row).collect(), rows }
}

fn joint_error(dataset: &DatasetLosses, threshold: Threshold) -> f64 {
    let losses =
        dataset.scored.iter().filter(|(confidence, loss)| *loss && threshold.keeps(*confidence)).count();
    losses as f64 / dataset.rows as f64
}

/// Draws of K datasets and a new one.
const DRAWS: u64 = 600;
/// Three standard deviations of a share near 0.1 over so many draws.
const NOISE: f64 = 0.037;

#[test]
fn a_new_dataset_breaks_the_promise_as_rarely_as_promised_and_the_pooled_rule_does_not() {
    let (k, rows, alpha, delta) = (9u64, 150u64, 0.1, 0.1);
    let (mut broken, mut pooled_broken) = (0u32, 0u32);
    for draw in 0..DRAWS {
        let seed = Seed::new(77).derive_index(draw);
        let known: Vec<DatasetLosses> = (0..k).map(|index| drawn(&seed.derive_index(index), rows)).collect();
        let new = drawn(&seed.derive_index(k), rows);
        let guarantee = dataset_guarantee(&known, Risk::JointError, alpha, delta).unwrap();
        assert_eq!((guarantee.k, guarantee.j), (9, 1));
        broken += u32::from(joint_error(&new, guarantee.threshold) > alpha);
        let all = DatasetLosses {
            id: String::new(),
            scored: known.iter().flat_map(|dataset| dataset.scored.clone()).collect(),
            rows: k * rows,
        };
        pooled_broken +=
            u32::from(joint_error(&new, loosest_threshold(&all, Risk::JointError, alpha)) > alpha);
    }
    let share = |count: u32| f64::from(count) / DRAWS as f64;
    assert!(share(broken) <= delta + NOISE, "{}", share(broken));
    assert!(share(pooled_broken) > delta + NOISE, "{}", share(pooled_broken));
}
