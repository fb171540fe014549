//! Workers that race for a chunk, stores that are damaged, busy, full, or lie.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use plimsoll_backend::conformance::Scripted;
use plimsoll_backend::control::{BackendObserver, Cancel};
use plimsoll_core::signal::Position;
use plimsoll_core::{Decoding, Seed};
use plimsoll_objects::testing::{Fault, MemoryStore, Operation};
use plimsoll_objects::{Leases, Objects};

use super::*;
use crate::cache::echo::{echo, requests};

/// A worker with a folder and a model of its own.
struct TestWorker {
    folder: tempfile::TempDir,
    shared: SharedChunks,
    model: Scripted,
}

impl TestWorker {
    fn new(objects: Objects, model: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let near = Chunks::new(folder.path().to_owned(), 1, "0.0.0");
        let shared = SharedChunks::new(near, Some(ChunkStore::new(Arc::new(objects))));
        Self { folder, shared, model: echo(model) }
    }

    /// Finds or answers, and shares, the chunk of a seed; gives its tables.
    fn get(&self, signals: &SignalRequest, seed: u64) -> Result<ChunkTables, Failure> {
        let requests = requests();
        let decoding = Decoding::new(0.0, 1.0, 8).unwrap();
        let batch = Batch::new(&requests, signals, decoding, Seed::new(seed)).unwrap();
        let address = address(&batch);
        let chunk = match self.shared.find(&address, signals)? {
            Some(Found::Near(chunk) | Found::Fetched(chunk)) => chunk,
            None => {
                let (cancel, progress) = (Cancel::new(), Arc::new(()) as Arc<dyn BackendObserver>);
                let control = Control { cancel: &cancel, progress: &progress };
                let chunk = self.shared.answer(&address, &self.model, &batch, &control).unwrap();
                self.shared.share(&address, signals, &chunk)?;
                chunk
            }
        };
        Ok(read(&chunk).unwrap())
    }

    fn asked(&self) -> usize {
        self.model.asked()
    }
}

fn address(batch: &Batch<'_>) -> String {
    let model = echo("");
    Chunks::address(&model.identity(), model.model(), batch)
}

fn signals() -> SignalRequest {
    SignalRequest::answer().with_hidden_state(-8, Position::LastPromptToken)
}

/// The tables of a run without a store.
fn alone(model: &str, seed: u64) -> ChunkTables {
    TestWorker::new(MemoryStore::default().sound().unwrap(), model).get(&signals(), seed).unwrap()
}

#[test]
fn what_one_answers_others_find() {
    let memory = MemoryStore::default();
    let (first, second) =
        (TestWorker::new(memory.sound().unwrap(), ""), TestWorker::new(memory.sound().unwrap(), ""));
    let tables = first.get(&signals(), 1).unwrap();
    assert_eq!(tables, alone("", 1));
    assert_eq!(second.get(&signals(), 1).unwrap(), tables);
    assert_eq!((first.asked(), second.asked()), (5, 0));
    second.get(&SignalRequest::answer(), 1).unwrap();
    let third = TestWorker::new(memory.sound().unwrap(), "");
    third.get(&SignalRequest::answer(), 1).unwrap();
    assert_eq!(
        (second.asked(), third.asked()),
        (0, 0),
        "a smaller request is covered, here and in the store"
    );
    let wider = signals().with_samples(2, 1.0).unwrap();
    third.get(&wider, 1).unwrap();
    assert_eq!(third.asked(), 5, "a larger one is not, and is written beside");
    let fourth = TestWorker::new(memory.sound().unwrap(), "");
    fourth.get(&signals(), 1).unwrap();
    fourth.get(&wider, 1).unwrap();
    assert_eq!(fourth.asked(), 0);
}

/// Two workers whose answers differ answer every chunk at the same moment. All must end with the tables of one of them,
/// record and tables of the same.
fn race(open: &(dyn Fn() -> Objects + Sync)) {
    const CHUNKS: u64 = 12;
    let workers = [TestWorker::new(open(), " by a"), TestWorker::new(open(), " by b")];
    let got: Vec<Vec<ChunkTables>> = thread::scope(|scope| {
        let threads: Vec<_> = workers
            .iter()
            .map(|worker| {
                scope.spawn(move || (0..CHUNKS).map(|seed| worker.get(&signals(), seed).unwrap()).collect())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let reader = TestWorker::new(open(), " by nobody");
    for seed in 0..CHUNKS {
        let index = usize::try_from(seed).unwrap();
        let stored = reader.get(&signals(), seed).unwrap();
        assert!(
            [alone(" by a", seed), alone(" by b", seed)].contains(&stored),
            "chunk {seed} is of one worker"
        );
        for (worker, tables) in got.iter().enumerate() {
            assert_eq!(tables[index], stored, "worker {worker} goes on with what is stored of chunk {seed}");
        }
    }
    assert_eq!(reader.asked(), 0);
}

#[test]
fn workers_that_race_end_with_the_tables_of_one() {
    let memory = MemoryStore::default();
    race(&|| memory.sound().unwrap());
    let folder = tempfile::tempdir().unwrap();
    race(&|| Objects::open(folder.path().to_str().unwrap()).unwrap());
}

#[test]
fn a_busy_slow_and_forgetful_store_changes_nothing() {
    let memory = MemoryStore::default();
    let faults = |operation: Operation, name: &str| {
        // By chance, and often: each of five attempts fails with one in three.
        let bits = u64::from_str_radix(
            &plimsoll_core::canonical::sha256_hex(
                format!("{:?}{name}", std::time::Instant::now()).as_bytes(),
            )[..8],
            16,
        )
        .unwrap();
        match (bits % 9, operation) {
            (0, _) => Fault::Busy,
            (1, Operation::Write) => Fault::LostReply,
            (2, _) => Fault::Slow(Duration::from_millis(3)),
            _ => Fault::None,
        }
    };
    race(&|| memory.open(Arc::new(faults)).unwrap());
}

#[test]
fn with_leases_each_chunk_is_asked_once() {
    const CHUNKS: u64 = 10;
    let memory = MemoryStore::default();
    let workers: Vec<TestWorker> = (0..3).map(|_| TestWorker::new(memory.sound().unwrap(), "")).collect();
    thread::scope(|scope| {
        for worker in &workers {
            let leases = Leases::new(Arc::new(memory.sound().unwrap()), Duration::from_secs(30));
            scope.spawn(move || {
                let mut left: Vec<u64> = (0..CHUNKS).collect();
                while let Some(seed) = left.pop() {
                    match leases.take(&format!("leases/{seed}")).unwrap() {
                        None => {
                            left.insert(0, seed);
                            thread::sleep(Duration::from_millis(1));
                        }
                        Some(lease) => {
                            worker.get(&signals(), seed).unwrap();
                            lease.release().unwrap();
                        }
                    }
                }
            });
        }
    });
    assert_eq!(workers.iter().map(TestWorker::asked).sum::<usize>(), 5 * usize::try_from(CHUNKS).unwrap());
}

/// The files of a store in a folder, records first.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.join("chunks")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort_by_key(|path| path.extension().is_none_or(|extension| extension != "json"));
    found
}

#[test]
fn what_is_damaged_is_answered_again_and_mended() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Objects::open(folder.path().to_str().unwrap()).unwrap();
    let whole = TestWorker::new(open(), "").get(&signals(), 1).unwrap();
    let paths = files(folder.path());
    assert_eq!(paths.len(), 3);
    let originals: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let record = String::from_utf8(originals[0].clone()).unwrap();
    let sha256 = plimsoll_core::canonical::sha256_hex(&whole.generations);
    let mut damages: Vec<(usize, Option<Vec<u8>>)> = Vec::new();
    for (index, original) in originals.iter().enumerate() {
        let mut flipped = original.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        damages.extend([
            (index, None),
            (index, Some(Vec::new())),
            (index, Some(original[..original.len() / 2].to_vec())),
            (index, Some(flipped)),
            (index, Some([original.clone(), vec![0; 100_000]].concat())),
        ]);
    }
    for (from, to) in [
        (sha256.as_str(), "../../../../etc/passwd"),
        (sha256.as_str(), "0000000000000000000000000000000000000000000000000000000000000000"),
        ("\"bytes\":", "\"bytes\":99999"),
        ("\"bytes\":", "\"bytes\":-"),
        ("\"version\":", "\"version\":9"),
        ("\"address\":\"", "\"address\":\"00"),
        ("{", "{\"unknown\":1,"),
    ] {
        let changed = record.replacen(from, to, 1);
        assert_ne!(changed, record, "{from}");
        damages.push((0, Some(changed.into_bytes())));
    }
    for (number, (index, bytes)) in damages.into_iter().enumerate() {
        match bytes {
            None => fs::remove_file(&paths[index]).unwrap(),
            Some(bytes) => fs::write(&paths[index], bytes).unwrap(),
        }
        let worker = TestWorker::new(open(), "");
        assert_eq!(worker.get(&signals(), 1).unwrap(), whole, "damage {number}");
        // A flipped bit of the record may be one that says the same.
        assert!(worker.asked() == 5 || index == 0, "damage {number}: answered again");
        let reader = TestWorker::new(open(), "");
        assert_eq!(reader.get(&signals(), 1).unwrap(), whole, "damage {number}: mended");
        assert_eq!(reader.asked(), 0, "damage {number}: mended");
    }
}

#[test]
fn a_full_store_is_said_and_leaves_no_record() {
    let memory = MemoryStore::default();
    let full = |operation: Operation, name: &str| match operation {
        Operation::Write if name.contains("hidden_states") => Fault::Full,
        _ => Fault::None,
    };
    let failure =
        TestWorker::new(memory.open(Arc::new(full)).unwrap(), "").get(&signals(), 1).unwrap_err().to_string();
    assert!(failure.contains("cannot write") && failure.contains("free some space"), "{failure}");
    let other = TestWorker::new(memory.sound().unwrap(), "");
    other.get(&signals(), 1).unwrap();
    assert_eq!(other.asked(), 5);
}

#[test]
fn a_worker_that_was_killed_before_the_record_leaves_nothing_that_others_use() {
    let memory = MemoryStore::default();
    let killed = |operation: Operation, name: &str| match operation {
        Operation::Write if name.contains(".json") => Fault::Forbidden,
        _ => Fault::None,
    };
    let worker = TestWorker::new(memory.open(Arc::new(killed)).unwrap(), " by one that is gone");
    worker.get(&signals(), 1).unwrap_err();
    let other = TestWorker::new(memory.sound().unwrap(), "");
    assert_eq!(other.get(&signals(), 1).unwrap(), alone("", 1));
    // With its folder it goes on, and takes what is stored meanwhile once it shares.
    assert!(worker.folder.path().is_dir());
}
