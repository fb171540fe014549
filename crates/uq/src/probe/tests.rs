//! Probes against a slow f64 reference, by properties, and on bytes that are none.

use plimsoll_core::Seed;
use proptest::prelude::*;

use super::*;

mod reference;

/// Absolute, of a confidence: what 20 epochs of f32 sums leave of f64 ones.
const SAME_TRAINING: f64 = 2e-3;

const WIDTH: usize = 12;

/// Synthetic rows: the label is a noisy function of the first dimensions of the state.
fn rows(count: usize, seed: u64) -> Vec<(Vec<f32>, bool)> {
    let mut rng = Seed::new(seed).rng();
    let row = |_| {
        let state: Vec<f32> =
            (0..WIDTH).map(|feature| (rng.random::<f32>() - 0.5) * (feature as f32 + 1.0)).collect();
        let correct = state[0] - state[1] / 2.0 + (rng.random::<f32>() - 0.5) * 0.4 > 0.0;
        (state, correct)
    };
    (0..count).map(row).collect()
}

fn examples(rows: &[(Vec<f32>, bool)]) -> Vec<Example<'_>> {
    let of = |(row, key): (&'_ (Vec<f32>, bool), u64)| (key, row.1);
    rows.iter()
        .zip(0u64..)
        .map(|(row, key)| {
            let (key, correct) = of((row, key));
            Example { key, cluster: key / 2, state: &row.0, correct }
        })
        .collect()
}

fn spec() -> TrainingSpec {
    TrainingSpec::with_learning_rate(5e-4)
}

fn auc(scored: &[(f64, bool)]) -> f64 {
    let (right, wrong): (Vec<_>, Vec<_>) = scored.iter().partition(|(_, correct)| *correct);
    let wins: f64 = right
        .iter()
        .flat_map(|(high, _)| wrong.iter().map(move |(low, _)| if high > low { 1.0 } else { 0.0 }))
        .sum();
    wins / (right.len() * wrong.len()) as f64
}

#[test]
fn a_probe_learns_what_can_be_learnt_and_nothing_else() {
    let (training, other) = (rows(400, 1), rows(300, 2));
    let probe = Probe::train(&examples(&training), &spec(), &Seed::new(3)).unwrap();
    let score = |row: &(Vec<f32>, bool)| (probe.score(u64::MAX, &row.0).unwrap().get(), row.1);
    assert!(auc(&other.iter().map(score).collect::<Vec<_>>()) > 0.85);

    let mut shuffled = training.clone();
    for (index, row) in shuffled.iter_mut().enumerate() {
        row.1 = training[(index * 7 + 13) % training.len()].1;
    }
    let probe = Probe::train(&examples(&shuffled), &spec(), &Seed::new(3)).unwrap();
    let score = |row: &(Vec<f32>, bool)| (probe.score(u64::MAX, &row.0).unwrap().get(), row.1);
    assert!((0.3..0.7).contains(&auc(&other.iter().map(score).collect::<Vec<_>>())));
}

#[test]
fn training_is_what_the_slow_reference_does() {
    let (training, other) = (rows(70, 4), rows(20, 5));
    let short = TrainingSpec { epochs: 20, ..spec() };
    let probe = Probe::train(&examples(&training), &short, &Seed::new(6)).unwrap();
    let slow = reference::train(&examples(&training), &short, &Seed::new(6));
    for (state, _) in &other {
        let found = probe.score(u64::MAX, state).unwrap().get();
        let expected = slow.score(state);
        assert!((found - expected).abs() <= SAME_TRAINING, "{found} {expected}");
    }
}

#[test]
fn the_order_of_the_rows_and_the_threads_leave_no_trace() {
    let training = rows(120, 7);
    let forward = examples(&training);
    let backward: Vec<_> = forward.iter().copied().rev().collect();
    let first = Probe::train(&forward, &spec(), &Seed::new(8)).unwrap();
    let second = Probe::train(&backward, &spec(), &Seed::new(8)).unwrap();
    assert_eq!(first.network, second.network);
    let other = Probe::train(&forward, &spec(), &Seed::new(9)).unwrap();
    assert_ne!(first.network, other.network);
}

#[test]
fn a_row_of_the_training_set_is_refused() {
    let training = rows(60, 10);
    let probe = Probe::train(&examples(&training), &spec(), &Seed::new(1)).unwrap();
    // A planted leak: the same row, and another row of the same cluster.
    for cluster in [0, 29] {
        let leak = probe.score(cluster, &training[0].0);
        assert!(matches!(leak, Err(ProbeError::Leak { cluster: found }) if found == cluster));
    }
    assert!(probe.score(30, &training[0].0).is_ok());
}

#[test]
fn too_little_is_missing_with_a_reason() {
    let few = rows(49, 11);
    let refused = Probe::train(&examples(&few), &spec(), &Seed::new(1)).unwrap_err();
    assert_eq!(refused.to_string(), "too_few_probe_rows");
    let mut one_class = rows(60, 12);
    for (index, row) in one_class.iter_mut().enumerate() {
        row.1 = index >= 4;
    }
    let refused = Probe::train(&examples(&one_class), &spec(), &Seed::new(1)).unwrap_err();
    assert_eq!(refused.to_string(), "one_class_probe_rows");
}

#[test]
fn states_that_do_not_fit_are_refused() {
    let mut training = rows(60, 13);
    training[17].0[3] = f32::NAN;
    let refused = Probe::train(&examples(&training), &spec(), &Seed::new(1)).unwrap_err();
    assert!(matches!(refused, ProbeError::NotFinite { index: 3, .. }));
    training[17].0 = vec![0.0; WIDTH + 1];
    let refused = Probe::train(&examples(&training), &spec(), &Seed::new(1)).unwrap_err();
    assert!(matches!(refused, ProbeError::Width { found: 13, expected: 12, .. }));
    let steep = TrainingSpec { learning_rate: 1e30, ..spec() };
    let refused = Probe::train(&examples(&rows(60, 14)), &steep, &Seed::new(1)).unwrap_err();
    assert!(matches!(refused, ProbeError::Arithmetic { .. }));
}

#[test]
fn a_place_that_never_varies_says_nothing() {
    let mut training = rows(60, 15);
    for row in &mut training {
        row.0[5] = 3.0;
    }
    let probe = Probe::train(&examples(&training), &spec(), &Seed::new(1)).unwrap();
    let mut state = training[0].0.clone();
    let before = probe.score(u64::MAX, &state).unwrap();
    state[5] = 1e6;
    assert_eq!(probe.score(u64::MAX, &state).unwrap(), before);
}

fn origin() -> ProbeOrigin {
    ProbeOrigin {
        method: "ood_probe".into(),
        model: "tiny".into(),
        weights_sha256: "00".repeat(32),
        layer: -8,
        position: "last_prompt".into(),
        datasets: vec!["gsm8k".into()],
    }
}

#[test]
fn a_file_holds_the_whole_probe() {
    let training = rows(60, 16);
    let probe = Probe::train(&examples(&training), &spec(), &Seed::new(1)).unwrap();
    let bytes = probe.to_bytes(&origin()).unwrap();
    let (read, found) = Probe::from_bytes(&bytes).unwrap();
    assert_eq!(found, origin());
    assert_eq!(read.trained_on(), probe.trained_on());
    assert_eq!(read.score(99, &training[3].0).unwrap(), probe.score(99, &training[3].0).unwrap());
    assert_eq!(read.to_bytes(&origin()).unwrap(), bytes);
    let text = String::from_utf8_lossy(&bytes).find("version").unwrap();
    let mut newer = bytes.clone();
    newer[text..text + 14].copy_from_slice(
        &bytes[text..text + 14].iter().map(|b| if *b == b'1' { b'2' } else { *b }).collect::<Vec<_>>(),
    );
    assert!(Probe::from_bytes(&newer).unwrap_err().to_string().contains("version 2"));
}

#[test]
fn other_bytes_are_refused() {
    let training = rows(60, 17);
    let probe = Probe::train(&examples(&training), &spec(), &Seed::new(1)).unwrap();
    let bytes = probe.to_bytes(&origin()).unwrap();
    for end in (0..2000).chain((2000..bytes.len()).step_by(997)) {
        assert!(Probe::from_bytes(&bytes[..end]).is_err(), "{end}");
    }
    let mut lying = bytes.clone();
    lying[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(Probe::from_bytes(&lying).is_err());
    let mut nan = bytes.clone();
    let end = nan.len();
    nan[end - 400..].fill(0xff);
    assert!(Probe::from_bytes(&nan).is_err() || nan == bytes);
    assert!(Probe::from_bytes(b"{}").is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(flips in prop::collection::vec((0usize..4000, any::<u8>()), 1..20)) {
        let training = rows(60, 18);
        static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let bytes = BYTES.get_or_init(|| {
            Probe::train(&examples(&training), &TrainingSpec { epochs: 1, ..spec() }, &Seed::new(1))
                .unwrap()
                .to_bytes(&origin())
                .unwrap()
        });
        let mut bytes = bytes.clone();
        for (feature, value) in flips {
            bytes[feature] = value;
        }
        if let Ok((probe, _)) = Probe::from_bytes(&bytes) {
            let _ = probe.score(99, &training[0].0);
        }
    }
}
