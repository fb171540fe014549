//! Stores in memory and in folders, sound and faulty.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::*;
use crate::testing::{Fault, MemoryStore, Operation};

const RACERS: usize = 8;

/// Several write each of 20 objects; exactly one is told that it did, and its bytes are there.
fn race(stores: &[Objects]) {
    for number in 0..20 {
        let name = format!("race/{number}.json");
        let winners: Vec<usize> = thread::scope(|scope| {
            let (name, write) = (&name, |racer: usize| vec![u8::try_from(racer).unwrap(); 1000]);
            let threads: Vec<_> = (0..stores.len())
                .map(|racer| scope.spawn(move || stores[racer].create(name, write(racer)).unwrap()))
                .collect();
            let told: Vec<bool> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            (0..told.len()).filter(|racer| told[*racer]).collect()
        });
        assert_eq!(winners.len(), 1, "{name}");
        let found = stores[0].read(&name, 1000).unwrap().unwrap();
        assert!(found.iter().all(|byte| usize::from(*byte) == winners[0]));
    }
}

#[test]
fn of_those_that_create_the_same_one_wins() {
    let memory = MemoryStore::default();
    race(&(0..RACERS).map(|_| memory.sound().unwrap()).collect::<Vec<_>>());
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("new/store").display().to_string();
    race(&(0..RACERS).map(|_| Objects::open(&url).unwrap()).collect::<Vec<_>>());
}

/// The same against a bucket, if one is named: see `make store-test`.
#[cfg(feature = "cloud")]
#[test]
fn of_those_that_create_the_same_in_a_bucket_one_wins() {
    let Ok(url) = std::env::var("PLIMSOLL_TEST_STORE") else {
        eprintln!("skipped, needs PLIMSOLL_TEST_STORE=s3://BUCKET/PREFIX");
        return;
    };
    let url = format!("{url}/{:016x}", crate::patience::chance_bits());
    let stores: Vec<Objects> = (0..RACERS).map(|_| Objects::open(&url).unwrap()).collect();
    race(&stores);
    behaves(&stores[0]);
}

fn behaves(objects: &Objects) {
    assert_eq!(objects.read("a/none", 10).unwrap(), None);
    assert_eq!(objects.size("a/none").unwrap(), None);
    objects.remove("a/none").unwrap();
    assert_eq!(objects.list("a", 10).unwrap(), Vec::<String>::new());
    objects.replace("a/x", vec![1; 10]).unwrap();
    objects.replace("a/x", vec![2; 20]).unwrap();
    objects.replace("a/b/y", Vec::new()).unwrap();
    objects.replace("ab/z", Vec::new()).unwrap();
    assert_eq!(objects.size("a/x").unwrap(), Some(20));
    assert_eq!(objects.read("a/x", 20).unwrap(), Some(vec![2; 20]));
    assert!(matches!(objects.read("a/x", 19), Err(ObjectError::TooLarge { max: 19, .. })));
    assert_eq!(objects.list("a", 10).unwrap(), ["b/y", "x"]);
    assert_eq!(objects.list("a", 1).unwrap().len(), 1);
    objects.remove("a/x").unwrap();
    assert!(objects.create("a/x", Vec::new()).unwrap() && !objects.create("a/x", vec![1]).unwrap());
}

#[test]
fn memory_and_folder_behave_alike() {
    behaves(&MemoryStore::default().sound().unwrap());
    let folder = tempfile::tempdir().unwrap();
    behaves(&Objects::open(&format!("file://{}/store", folder.path().display())).unwrap());
}

/// A store whose first operations go wrong.
fn failing(fault: Fault, times: u32) -> (Objects, Arc<AtomicU32>) {
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let faults = move |_: Operation, _: &str| {
        if counted.fetch_add(1, Ordering::Relaxed) < times { fault } else { Fault::None }
    };
    (MemoryStore::default().open(Arc::new(faults)).unwrap(), count)
}

#[test]
fn a_busy_or_hanging_store_is_asked_again() {
    for fault in [Fault::Busy, Fault::Slow(Duration::from_mins(1))] {
        let (objects, count) = failing(fault, 3);
        assert!(objects.create("x", vec![1]).unwrap(), "{fault:?}");
        assert_eq!(count.load(Ordering::Relaxed), 4);
    }
    let (objects, count) = failing(Fault::Busy, u32::MAX);
    let error = objects.replace("x/y", vec![1]).unwrap_err().to_string();
    assert_eq!(count.load(Ordering::Relaxed), 5);
    for part in ["cannot write `memory/x/y` after 5 attempts", "503", "the same command goes on"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_slow_store_is_waited_for() {
    let (objects, count) = failing(Fault::Slow(Duration::from_millis(50)), u32::MAX);
    objects.replace("x", vec![1]).unwrap();
    assert_eq!(objects.read("x", 1).unwrap(), Some(vec![1]));
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[test]
fn what_stays_wrong_is_not_tried_again() {
    for (fault, part) in [(Fault::Forbidden, "credentials"), (Fault::Full, "free some space")] {
        let (objects, count) = failing(fault, u32::MAX);
        let error = objects.replace("x", vec![1]).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("attempts"), "{error}");
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn a_lost_reply_is_told_as_not_written() {
    let (objects, _) = failing(Fault::LostReply, 1);
    assert!(!objects.create("x", vec![1]).unwrap());
    assert_eq!(objects.read("x", 1).unwrap(), Some(vec![1]));
}

#[cfg(not(feature = "cloud"))]
#[test]
fn a_bucket_names_the_feature_that_it_needs() {
    let error = Objects::open("s3://bucket/x").unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("--features cloud"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let error = Objects::open(file.join("store").to_str().unwrap()).unwrap_err();
    assert!(!error.is_usage() && error.to_string().contains("file/store"), "{error}");
}

#[test]
fn names_do_not_leave_the_store() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "x").unwrap();
    let objects = Objects::open(folder.path().join("store").to_str().unwrap()).unwrap();
    assert_eq!(objects.read("../secret", 10).unwrap(), None);
}
