//! Who learns from whom.

use std::collections::BTreeSet;

use plimsoll_core::signal::Position;
use plimsoll_core::{DatasetId, Seed};
use rand::Rng as _;

use super::*;
use crate::probe::TrainingSpec;

fn id(name: &str) -> DatasetId {
    DatasetId::new(name).unwrap()
}

fn ids(names: &[&str]) -> BTreeSet<DatasetId> {
    names.iter().map(|name| id(name)).collect()
}

fn method(kind: ProbeKind) -> ProbeMethod {
    let training = TrainingSpec { epochs: 2, ..TrainingSpec::with_learning_rate(1e-3) };
    ProbeMethod { kind, layer: -8, position: Position::LastPromptToken, training }
}

fn row((key, dataset, state, correct): &(u64, DatasetId, Vec<f32>, bool)) -> TrainingRow<'_> {
    TrainingRow { dataset, example: Example { key: *key, cluster: *key, state, correct: *correct } }
}

/// Rows of four datasets: key, cluster, dataset, state, label. `d` is too small to learn from.
struct Pool(Vec<(u64, DatasetId, Vec<f32>, bool)>);

impl Pool {
    fn new() -> Self {
        let mut rng = Seed::new(1).rng();
        let mut rows = Vec::new();
        for (name, count) in [("a", 60), ("b", 70), ("c", 80), ("d", 10)] {
            for _ in 0..count {
                let state: Vec<f32> = (0..4).map(|_| rng.random()).collect();
                let correct = state[0] > 0.5;
                rows.push((rows.len() as u64, id(name), state, correct));
            }
        }
        Self(rows)
    }

    fn rows(&self) -> Vec<TrainingRow<'_>> {
        self.0.iter().map(row).collect()
    }

    fn clusters(&self, names: &[&str]) -> BTreeSet<u64> {
        self.0.iter().filter(|row| names.contains(&row.1.as_str())).map(|row| row.0).collect()
    }
}

fn fitted(pool: &Pool, kind: ProbeKind, held_out: &[HeldOutDatasets]) -> CrossFitted {
    let all = ids(&["a", "b", "c", "d"]);
    CrossFitted::train(&method(kind), &all, &pool.rows(), held_out, (&Seed::new(50), &|_| ())).unwrap()
}

const STATE: [f32; 4] = [0.9, 0.1, 0.2, 0.3];
const UNSEEN: u64 = u64::MAX;

#[test]
fn an_ood_probe_never_saw_a_row_of_its_dataset_nor_of_what_is_held_out() {
    let pool = Pool::new();
    let held_out: Vec<HeldOutDatasets> = ["a", "b", "c", "d"].iter().map(|name| ids(&[name])).collect();
    let fitted = fitted(&pool, ProbeKind::OtherDatasets, &held_out);
    let all = ["a", "b", "c", "d"];
    for dataset in all {
        for held in all {
            let allowed: Vec<&str> =
                all.into_iter().filter(|name| *name != dataset && *name != held).collect();
            let sources = sources_of(ProbeKind::OtherDatasets, &fitted.datasets, &id(dataset), &ids(&[held]));
            assert_eq!(sources, ids(&allowed));
            let probe = fitted.probes[&sources].as_ref().unwrap();
            assert_eq!(*probe.trained_on(), pool.clusters(&allowed), "{dataset} without {held}");
        }
    }
    // 4 without one, 6 without two, 1 of all.
    assert_eq!(fitted.probes.len(), 11);
    assert_eq!(*fitted.shipped(&id("a")).unwrap().trained_on(), pool.clusters(&all));
}

#[test]
fn a_trained_probe_saw_its_own_dataset_only() {
    let pool = Pool::new();
    let fitted = fitted(&pool, ProbeKind::SameDataset, &[ids(&["a"])]);
    assert_eq!(fitted.probes.len(), 4);
    assert_eq!(*fitted.shipped(&id("b")).unwrap().trained_on(), pool.clusters(&["b"]));
    let few = fitted.score(&id("d"), &HeldOutDatasets::new(), UNSEEN, &STATE).unwrap();
    assert_eq!(few.unwrap_err(), TooFew::Rows);
}

#[test]
fn a_planted_leak_is_refused() {
    let pool = Pool::new();
    for kind in [ProbeKind::SameDataset, ProbeKind::OtherDatasets] {
        let fitted = fitted(&pool, kind, &[]);
        assert!(fitted.score(&id("a"), &HeldOutDatasets::new(), UNSEEN, &STATE).unwrap().is_ok());
        // A row to score that is also a training row of the probe: of its own dataset for the trained probe,
        // under another dataset's name for the other one.
        let planted = match kind {
            ProbeKind::SameDataset => *pool.clusters(&["a"]).first().unwrap(),
            ProbeKind::OtherDatasets => *pool.clusters(&["b"]).first().unwrap(),
        };
        let leak = fitted.score(&id("a"), &HeldOutDatasets::new(), planted, &STATE);
        assert!(matches!(leak, Err(ProbeError::Leak { cluster }) if cluster == planted), "{kind:?}");
    }
}

#[test]
fn what_was_not_trained_is_an_error() {
    let pool = Pool::new();
    let fitted = fitted(&pool, ProbeKind::OtherDatasets, &[]);
    let pair = fitted.score(&id("a"), &ids(&["b"]), UNSEEN, &STATE);
    assert!(matches!(pair, Err(ProbeError::NotTrained { .. })));
}

#[test]
fn another_dataset_shifts_no_probe_that_does_not_learn_from_it() {
    let pool = Pool::new();
    let (three, four) = (ids(&["a", "b", "c"]), ids(&["a", "b", "c", "d"]));
    let score = |all: &BTreeSet<DatasetId>, held_out: &HeldOutDatasets| {
        let seed = Seed::new(50);
        let groups = [held_out.clone()];
        let method = method(ProbeKind::OtherDatasets);
        let fitted = CrossFitted::train(&method, all, &pool.rows(), &groups, (&seed, &|_| ())).unwrap();
        fitted.score(&id("a"), held_out, UNSEEN, &STATE).unwrap().unwrap()
    };
    assert_eq!(score(&three, &HeldOutDatasets::new()), score(&four, &ids(&["d"])));
}

#[test]
fn threads_leave_no_trace() {
    let pool = Pool::new();
    let score = |threads: usize| {
        let workers = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let fitted = workers.install(|| fitted(&pool, ProbeKind::OtherDatasets, &[]));
        fitted.score(&id("a"), &HeldOutDatasets::new(), UNSEEN, &STATE).unwrap().unwrap()
    };
    assert_eq!(score(1), score(2));
}
