//! Leases: which process does a piece of work, so that no other does it too.
//!
//! A lease saves work and decides nothing: whoever loses one goes on, and the work is done twice. So it needs no more of
//! a store than [`Objects::create`], and no clock that two machines agree on.
//!
//! A lease is an object `NAME/GENERATION.json`. Creating generation 0 takes it; whoever takes it over creates the next
//! generation, and of several that try exactly one succeeds, on every store alike. (A conditional update would do the
//! same with one object, but the file system has none.) The holder rewrites its own generation, which nobody else
//! writes, with a higher count: a beat. The holder counts as gone once a watcher has seen the highest generation
//! unchanged for as long as the lease says, by the watcher's own monotonic clock. A clock that is an hour off is
//! therefore never noticed.
//!
//! The holder beats only while it makes progress ([`LeaseProgress::made`]). A process that hangs, stopped or within its own
//! work, loses its lease like one that was killed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::ObjectError;
use crate::objects::Objects;
use crate::patience::chance_bits;

/// Largest object that is read as a lease.
const MAX_BYTES: u64 = 4096;
/// Longest time that a lease of another is waited for, whatever it says.
const MAX_SECONDS: u64 = 3600;
/// Highest generation that is looked for. Each one is a holder that was lost.
const MAX_GENERATION: u32 = 1000;
/// Beats within the time of a lease.
const BEATS: u32 = 4;

/// What a lease says.
#[derive(Debug, Serialize, Deserialize)]
struct LeaseContent {
    holder: String,
    beat: u64,
    milliseconds: u64,
}

/// A generation of a lease of another, and since when it is unchanged.
#[derive(Debug)]
struct Sighting {
    generation: u32,
    bytes: Vec<u8>,
    since: Instant,
}

/// The leases of one process.
#[derive(Debug)]
pub struct Leases {
    objects: Arc<Objects>,
    holder: String,
    duration: Duration,
    seen: Mutex<BTreeMap<String, Sighting>>,
}

/// A lease that this process holds, until it is released or dropped. Dropped it stays in the store, and runs out.
#[derive(Debug)]
pub struct Lease {
    objects: Arc<Objects>,
    name: String,
    generation: u32,
    progress: LeaseProgress,
    stop: Option<Sender<()>>,
    beats: Option<JoinHandle<Result<(), ObjectError>>>,
}

/// Tells a lease that its holder makes progress.
#[derive(Debug, Clone, Default)]
pub struct LeaseProgress(Arc<AtomicBool>);

impl LeaseProgress {
    /// Something was done since the last beat.
    pub fn made(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Leases {
    /// Leases in a store. One is lost if its holder makes no progress for `duration`.
    pub fn new(objects: Arc<Objects>, duration: Duration) -> Self {
        let holder = format!("{:016x}{:016x}", chance_bits(), chance_bits());
        Self { objects, holder, duration, seen: Mutex::default() }
    }

    /// How long the holder of a lease may make no progress.
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// Takes a lease, if nobody has it or its holder is lost; `None` if another has it.
    ///
    /// # Errors
    /// [`ObjectError`] for a store that cannot be used.
    pub fn take(&self, name: &str) -> Result<Option<Lease>, ObjectError> {
        let mut generation = 0;
        if let Some((found, bytes)) = self.highest(name)? {
            if !self.is_lost(name, found, bytes) {
                return Ok(None);
            }
            generation = found + 1;
        }
        let first = said(&self.holder, 0, self.duration);
        let object = object(name, generation);
        let is_mine = self.objects.create(&object, first.clone())?
            // A reply may have been lost: then what is there is ours.
            || self.objects.read(&object, MAX_BYTES).is_ok_and(|found| found.as_ref() == Some(&first));
        if !is_mine {
            return Ok(None);
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.held(name, generation).map(Some)
    }

    /// The highest generation of a lease.
    fn highest(&self, name: &str) -> Result<Option<(u32, Vec<u8>)>, ObjectError> {
        let mut highest = None;
        for generation in 0..MAX_GENERATION {
            match self.objects.read(&object(name, generation), MAX_BYTES) {
                Ok(None) => break,
                Ok(Some(bytes)) => highest = Some((generation, bytes)),
                // No lease of ours; it runs out like one that nobody renews.
                Err(ObjectError::TooLarge { .. }) => highest = Some((generation, Vec::new())),
                Err(error) => return Err(error),
            }
        }
        Ok(highest)
    }

    /// Whether this generation was unchanged for as long as it says. What is no lease counts as one of our duration.
    fn is_lost(&self, name: &str, generation: u32, bytes: Vec<u8>) -> bool {
        let parsed = serde_json::from_slice::<LeaseContent>(&bytes).ok();
        let said = parsed.map_or(self.duration, |said| Duration::from_millis(said.milliseconds));
        let said = said.min(Duration::from_secs(MAX_SECONDS));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(name) {
            Some(seen) if seen.generation == generation && seen.bytes == bytes => {
                seen.since.elapsed() >= said
            }
            _ => {
                seen.insert(name.to_owned(), Sighting { generation, bytes, since: Instant::now() });
                false
            }
        }
    }

    /// Starts the beats.
    fn held(&self, name: &str, generation: u32) -> Result<Lease, ObjectError> {
        let (stop, stopped) = channel();
        let progress = LeaseProgress::default();
        let heart = Heart {
            objects: Arc::clone(&self.objects),
            object: object(name, generation),
            holder: self.holder.clone(),
            duration: self.duration,
            progress: progress.clone(),
        };
        let beats = thread::Builder::new().name("lease".to_owned()).spawn(move || heart.beat(&stopped));
        let beats =
            beats.map_err(|source| ObjectError::Start { store: self.objects.name().to_owned(), source })?;
        Ok(Lease {
            objects: Arc::clone(&self.objects),
            name: name.to_owned(),
            generation,
            progress,
            stop: Some(stop),
            beats: Some(beats),
        })
    }
}

impl Lease {
    /// What tells the lease of progress, from any thread.
    pub fn progress(&self) -> LeaseProgress {
        self.progress.clone()
    }

    /// Gives the lease back, so that nobody waits for it.
    ///
    /// # Errors
    /// [`ObjectError`] if a beat failed or the lease could not be removed. It then runs out by itself, and no more than
    /// time is lost.
    pub fn release(mut self) -> Result<(), ObjectError> {
        let beats = self.end();
        // From the highest on: while one is there, those below it say nothing.
        for generation in (0..=self.generation).rev() {
            self.objects.remove(&object(&self.name, generation))?;
        }
        beats
    }

    fn end(&mut self) -> Result<(), ObjectError> {
        // The thread ends when this is dropped.
        self.stop = None;
        // A beat that panicked is a beat that was not sent.
        self.beats.take().map_or(Ok(()), |beats| beats.join().unwrap_or(Ok(())))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop = None;
    }
}

/// What sends the beats of one lease.
struct Heart {
    objects: Arc<Objects>,
    object: String,
    holder: String,
    duration: Duration,
    progress: LeaseProgress,
}

impl Heart {
    /// Beats until it is stopped; gives the last error, if the last beat failed.
    fn beat(self, stopped: &Receiver<()>) -> Result<(), ObjectError> {
        let (mut beat, mut last) = (0, Ok(()));
        while stopped.recv_timeout(self.duration / BEATS) == Err(RecvTimeoutError::Timeout) {
            if self.progress.0.swap(false, Ordering::Relaxed) {
                beat += 1;
                last = self.objects.replace(&self.object, said(&self.holder, beat, self.duration));
            }
        }
        last
    }
}

fn object(name: &str, generation: u32) -> String {
    format!("{name}/{generation}.json")
}

fn said(holder: &str, beat: u64, duration: Duration) -> Vec<u8> {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let said = LeaseContent { holder: holder.to_owned(), beat, milliseconds };
    // A text and two numbers are always JSON; a lease without content would still run out.
    serde_json::to_vec(&said).unwrap_or_default()
}

#[cfg(test)]
mod tests;
