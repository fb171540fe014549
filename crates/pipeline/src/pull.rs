//! Pulling the chunks of a model: finding those that are there, answering those that are not, and leaving to other workers
//! what they have leased.

use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll_backend::{BackendError, BackendEvent, BackendObserver, Batch, Cancel, Control};
use plimsoll_core::Seed;
use plimsoll_objects::lease::LeaseProgress;
use plimsoll_objects::{Lease, Leases};

use crate::cache::Chunk;
use crate::chunk_store::ChunkStore;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::models::lazy::{LazyModel, backend_failure};
use crate::models::prepared::PreparedModel;
use crate::observer::{Observer, RequestProgress, TokenCounter};
use crate::shards::Shard;
use crate::shared_chunks::SharedChunks;
use crate::stages::infer::ChunkCounts;
use crate::workload::Workload;

/// Longest pause between two looks at what others have leased.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Looks within the time of a lease.
const LOOKS: u32 = 10;

/// What pulling is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Every chunk is needed on this machine.
    Tables,
    /// Every chunk shall be in the store.
    Stored,
}

/// What becomes of chunks that other workers have leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// They are waited for, and answered if their workers are lost.
    WaitedFor,
    /// They are left for later.
    Left,
}

/// How chunks are pulled.
#[derive(Debug)]
pub(crate) struct Pull<'a> {
    pub(crate) workload: &'a Workload<'a>,
    pub(crate) chunks: &'a SharedChunks,
    /// `None` if nobody else answers the same chunks.
    pub(crate) leases: Option<&'a Leases>,
    pub(crate) need: Need,
    pub(crate) cancel: &'a Cancel,
    pub(crate) observer: &'a dyn Observer,
}

/// What was pulled of one model.
#[derive(Debug)]
pub(crate) struct Pulled {
    pub(crate) counts: ChunkCounts,
    /// One for each shard; `None` for those that are not on this machine.
    pub(crate) chunks: Vec<Option<Chunk>>,
    /// Indices of the shards that others had leased.
    pub(crate) left: Vec<usize>,
}

/// What became of a shard.
enum ShardOutcome {
    /// Its chunk was there; on this machine, if tables are needed.
    Found(Option<Chunk>),
    Answered(Chunk),
    /// Another worker has leased it.
    Leased,
}

/// A model under way, with its progress.
struct Visit<'p, 'm> {
    pull: &'p Pull<'p>,
    model: LazyModel<'m>,
    progress: Arc<dyn RequestProgress>,
    events: Arc<dyn BackendObserver>,
}

impl Pull<'_> {
    /// Pulls the shards of one model, which is loaded only if it has something left to answer.
    ///
    /// # Errors
    /// What stops a backend, a disk or a store. Finished chunks stay.
    pub(crate) fn model(
        &self,
        model: PreparedModel<'_>,
        shards: &[&Shard<'_>],
        rest: Rest,
    ) -> Result<Pulled, Failure> {
        let id = model.config.id.clone();
        let total: usize = shards.iter().map(|shard| shard.requests.len()).sum();
        let progress = self.observer.requests(&id, total as u64);
        let counter = Arc::new(TokenCounter::new(Arc::clone(&progress)));
        let mut visit = Visit {
            pull: self,
            model: LazyModel::new(model, self.workload.inference.execution),
            progress,
            events: Arc::clone(&counter) as Arc<dyn BackendObserver>,
        };
        let mut pulled = Pulled {
            counts: ChunkCounts::default(),
            chunks: vec![None; shards.len()],
            left: (0..shards.len()).collect(),
        };
        let (start, mut answered, mut waits) = (Instant::now(), 0, false);
        loop {
            let before = pulled.left.len();
            answered += visit.lap(shards, &mut pulled)?;
            if pulled.left.is_empty() || rest == Rest::Left {
                break;
            }
            if pulled.left.len() == before {
                if !waits {
                    let left = pulled.left.len();
                    self.observer.note(&format!("{id}: waiting for {left} chunks that other workers answer"));
                }
                waits = true;
                self.pause()?;
            }
        }
        visit.model.finish(self.chunks)?;
        if answered > 0 {
            let seconds = start.elapsed().as_secs_f64();
            let tokens = match counter.tokens() {
                0 => String::new(),
                tokens => format!(", {:.0} tokens a second", tokens as f64 / seconds),
            };
            let rate = answered as f64 / seconds;
            self.observer.note(&format!(
                "{id}: {answered} prompts answered in {seconds:.1} s ({rate:.1} a second{tokens})"
            ));
        }
        Ok(pulled)
    }

    /// Waits a little for other workers.
    fn pause(&self) -> Result<(), Failure> {
        let pause = self.leases.map_or(MAX_PAUSE, |leases| (leases.duration() / LOOKS).min(MAX_PAUSE));
        self.cancel.sleep(pause);
        if self.cancel.is_cancelled() { Err(backend_failure(BackendError::Cancelled)) } else { Ok(()) }
    }
}

impl Visit<'_, '_> {
    /// Goes once through all shards that are left; gives the number of requests answered.
    fn lap(&mut self, shards: &[&Shard<'_>], pulled: &mut Pulled) -> Result<usize, Failure> {
        let mut answered = 0;
        for index in std::mem::take(&mut pulled.left) {
            let shard = shards[index];
            match self.shard(shard)? {
                ShardOutcome::Found(chunk) => {
                    pulled.counts.chunks_kept += 1;
                    self.progress.cached(shard.requests.len() as u64);
                    pulled.chunks[index] = chunk;
                }
                ShardOutcome::Answered(chunk) => {
                    pulled.counts.chunks_answered += 1;
                    answered += shard.requests.len();
                    pulled.chunks[index] = Some(chunk);
                }
                ShardOutcome::Leased => pulled.left.push(index),
            }
        }
        Ok(answered)
    }

    fn shard(&mut self, shard: &Shard<'_>) -> Result<ShardOutcome, Failure> {
        let workload = self.pull.workload;
        let seed = Seed::new(workload.seed).derive("infer");
        let batch = Batch::new(shard.requests, &shard.task.signals, workload.inference.decoding, seed);
        let batch = batch.or_fail(FailureKind::Stage)?;
        self.progress.dataset(&shard.set.dataset);
        if let Some(found) = self.find(&batch)? {
            return Ok(found);
        }
        let lease = match self.pull.leases {
            None => None,
            Some(leases) => {
                let name = ChunkStore::lease(&self.model.address(&batch), batch.signals());
                let Some(lease) = leases.take(&name).or_fail(FailureKind::Stage)? else {
                    return Ok(ShardOutcome::Leased);
                };
                Some(lease)
            }
        };
        // Whoever had the lease until now may have finished in the meantime.
        let found = if lease.is_some() { self.find(&batch)? } else { None };
        let outcome = match found {
            Some(found) => Ok(found),
            None => self.answer(&batch, lease.as_ref()),
        };
        if let Some(Err(error)) = lease.map(Lease::release) {
            tracing::warn!("a lease runs out by itself: {error}");
        }
        outcome
    }

    fn find(&mut self, batch: &Batch<'_>) -> Result<Option<ShardOutcome>, Failure> {
        let chunks = self.pull.chunks;
        match self.pull.need {
            Need::Tables => Ok(self.model.find(chunks, batch)?.map(|chunk| ShardOutcome::Found(Some(chunk)))),
            Need::Stored => Ok(self.model.is_stored(chunks, batch)?.then_some(ShardOutcome::Found(None))),
        }
    }

    fn answer(&mut self, batch: &Batch<'_>, lease: Option<&Lease>) -> Result<ShardOutcome, Failure> {
        tracing::info!("asking chunk={}, {} requests", self.model.address(batch), batch.requests().len());
        let events = match lease {
            None => Arc::clone(&self.events),
            Some(lease) => {
                let events = Beating { progress: lease.progress(), next: Arc::clone(&self.events) };
                Arc::new(events) as Arc<dyn BackendObserver>
            }
        };
        let control = Control { cancel: self.pull.cancel, progress: &events };
        self.model.answer(self.pull.chunks, batch, &control).map(ShardOutcome::Answered)
    }
}

/// Keeps a lease while the model makes progress, and passes every event on.
#[derive(Debug)]
struct Beating {
    progress: LeaseProgress,
    next: Arc<dyn BackendObserver>,
}

impl BackendObserver for Beating {
    fn event(&self, event: &BackendEvent<'_>) {
        self.progress.made();
        self.next.event(event);
    }
}
