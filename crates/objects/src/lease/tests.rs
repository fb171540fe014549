//! Holders that race, die, hang, and lie.

use super::*;
use crate::testing::{Fault, MemoryStore, Operation};

const SHORT: Duration = Duration::from_millis(120);

fn leases(memory: &MemoryStore) -> Leases {
    Leases::new(Arc::new(memory.sound().unwrap()), SHORT)
}

/// Takes a lease as soon as it can be had; says how long that took.
fn wait_for(leases: &Leases, name: &str) -> (Lease, Duration) {
    let start = Instant::now();
    loop {
        if let Some(lease) = leases.take(name).unwrap() {
            return (lease, start.elapsed());
        }
        assert!(start.elapsed() < Duration::from_secs(20), "never had");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_has_it_until_it_is_released() {
    let memory = MemoryStore::default();
    let (ours, theirs) = (leases(&memory), leases(&memory));
    let lease = ours.take("a").unwrap().unwrap();
    assert!(theirs.take("a").unwrap().is_none());
    assert!(theirs.take("b").unwrap().is_some(), "another name");
    lease.release().unwrap();
    let lease = theirs.take("a").unwrap().unwrap();
    assert!(ours.take("a").unwrap().is_none());
    lease.release().unwrap();
    assert_eq!(memory.sound().unwrap().list("a", 10).unwrap(), Vec::<String>::new());
}

#[test]
fn of_those_that_want_it_at_once_one_gets_it() {
    let memory = MemoryStore::default();
    for round in 0..20 {
        let name = format!("round-{round}");
        let holders: Vec<Leases> = (0..6).map(|_| leases(&memory)).collect();
        let race = || -> usize {
            let had: Vec<Option<Lease>> = thread::scope(|scope| {
                let threads: Vec<_> =
                    holders.iter().map(|leases| scope.spawn(|| leases.take(&name).unwrap())).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            had.iter().flatten().count()
        };
        assert_eq!(race(), 1, "a new one");
        if round < 3 {
            // All have seen it by now, and nobody beats: after its time it is taken over, by one again.
            race();
            thread::sleep(SHORT * 2);
            assert_eq!(race(), 1, "a lost one");
        }
    }
}

#[test]
fn it_is_kept_while_there_is_progress_and_lost_when_its_holder_hangs() {
    let memory = MemoryStore::default();
    let (ours, theirs) = (leases(&memory), leases(&memory));
    let lease = ours.take("a").unwrap().unwrap();
    let progress = lease.progress();
    let start = Instant::now();
    // A machine under load may be late for one beat, hence the margin of what is asserted.
    while start.elapsed() < SHORT * 6 {
        progress.made();
        assert!(theirs.take("a").unwrap().is_none(), "after {:?}", start.elapsed());
        thread::sleep(Duration::from_millis(2));
    }
    // The holder is alive, beats no more, and others take over.
    let (taken, waited) = wait_for(&theirs, "a");
    assert!(waited >= SHORT / 2, "{waited:?}");
    // It wakes up: it beats for nothing, and does not get the lease back.
    progress.made();
    thread::sleep(SHORT);
    taken.progress().made();
    assert!(ours.take("a").unwrap().is_none());
    lease.release().unwrap();
}

#[test]
fn what_is_no_lease_runs_out_and_blocks_nobody() {
    let memory = MemoryStore::default();
    let objects = memory.sound().unwrap();
    let endless = format!(r#"{{"holder":"x","beat":0,"milliseconds":{}}}"#, 50);
    for (name, bytes) in [
        ("empty", Vec::new()),
        ("garbage", vec![0xff; 100]),
        ("huge", vec![b'x'; 100_000]),
        ("short", endless.into_bytes()),
    ] {
        objects.replace(&format!("{name}/0.json"), bytes).unwrap();
        let (lease, _) = wait_for(&leases(&memory), name);
        assert_eq!(lease.generation, 1, "{name}");
    }
    let said = br#"{"holder":"x","beat":0,"milliseconds":18446744073709551615}"#;
    let leases = leases(&memory);
    assert!(!leases.is_lost("endless", 0, said.to_vec()));
    let mut seen = leases.seen.lock().unwrap();
    let hour_ago = Instant::now().checked_sub(Duration::from_secs(MAX_SECONDS));
    let Some(hour_ago) = hour_ago else { return };
    seen.get_mut("endless").unwrap().since = hour_ago;
    drop(seen);
    assert!(leases.is_lost("endless", 0, said.to_vec()), "after an hour, whatever it says");
}

#[test]
fn a_lost_reply_loses_no_lease() {
    let memory = MemoryStore::default();
    let first = AtomicBool::new(true);
    let faults = move |operation: Operation, _: &str| match operation {
        Operation::Write if first.swap(false, Ordering::Relaxed) => Fault::LostReply,
        _ => Fault::None,
    };
    let ours = Leases::new(Arc::new(memory.open(Arc::new(faults)).unwrap()), SHORT);
    assert!(ours.take("a").unwrap().is_some());
    assert!(leases(&memory).take("a").unwrap().is_none());
}
