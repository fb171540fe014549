//! One batch: a queue of work, and the sequences that are computed together.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_backend::{BackendError, BackendEvent, Batch, Control, Observation, RowKey, Sink, TokenCount};
use plimsoll_core::MissingSignal;
use rayon::prelude::*;

use super::LocalBackend;
use super::asked::{Asked, Begun, Shared, Work};
use super::encoder::{Encoded, shared_by_all};
use super::prefix::rounded;
use super::rows;
use super::running::Running;
use super::texts::Texts;
use crate::cache::Cache;
use crate::error::EngineError;
use crate::step::{Row, RowOutput};

/// Answers a batch.
pub(super) fn run(
    backend: &LocalBackend,
    batch: &Batch<'_>,
    sink: &mut dyn Sink,
    control: &Control<'_>,
) -> Result<(), BackendError> {
    let mut watch = Watch { backend, control };
    watch.check()?;
    let texts = Texts::new(batch).map_err(|error| backend.failed(error))?;
    let shared = Shared {
        id: &backend.id,
        model: &backend.model,
        encoder: backend.encoder(),
        texts,
        seed: batch.seed(),
        shares: backend.limits.shares,
    };
    let prompts: Vec<Result<Encoded, MissingSignal>> =
        batch.requests().par_iter().map(|request| shared.encoder.fitting(&request.prompt.messages)).collect();
    let fitting = prompts.iter().flatten().map(|prompt| prompt.tokens.as_slice());
    let length = if shared.shares { prefix_length(fitting.clone()) } else { 0 };
    let prefix = fitting.clone().next().filter(|_| length > 0).map(|prompt| &prompt[..length]);
    let prefix = prefix.map(|tokens| backend.prefix(tokens, &mut watch)).transpose()?;
    let mut run = Run::new(watch, shared, prefix, sink);
    for ((index, request), prompt) in batch.requests().iter().enumerate().zip(prompts) {
        match prompt {
            Ok(prompt) => {
                let asked = Asked::new(request, prompt, &run.shared);
                run.add(index, asked);
            }
            Err(reason) => {
                let key = RowKey::new(request, &backend.id);
                run.hand_over(rows::missing(&key, &request.question_id, &run.shared.texts, reason))?;
            }
        }
    }
    run.go()
}

/// Tokens of the prefix of prompts; the last token of each is always read apart.
fn prefix_length<'t>(prompts: impl Iterator<Item = &'t [u32]> + Clone) -> usize {
    let shortest = prompts.clone().map(<[u32]>::len).min().unwrap_or(0);
    rounded(shared_by_all(prompts).min(shortest.saturating_sub(1)))
}

/// Who looks on.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    backend: &'a LocalBackend,
    control: &'a Control<'a>,
}

impl Watch<'_> {
    /// Ends a batch that is cancelled.
    pub(super) fn check(&self) -> Result<(), BackendError> {
        if self.control.cancel.is_cancelled() { Err(BackendError::Cancelled) } else { Ok(()) }
    }

    /// Tells what was computed.
    pub(super) fn count(&mut self, tokens: TokenCount) {
        if tokens == TokenCount::default() {
            return;
        }
        self.backend.count(tokens);
        self.control.progress.event(&BackendEvent::Computed { tokens });
    }
}

/// Work of an ask; asks by their place in the batch.
type Key = (usize, Work);

struct Run<'a, 's> {
    watch: Watch<'a>,
    sink: &'s mut dyn Sink,
    shared: Shared<'a>,
    prefix: Option<Cache>,
    asked: BTreeMap<usize, Asked<'a>>,
    waiting: BTreeSet<Key>,
    running: BTreeMap<Key, Running<'a>>,
    /// Bytes that are set aside for caches.
    bytes: usize,
    bytes_of_token: usize,
    /// What the texts that ended would have cost alone; not told yet.
    unshared: u64,
}

impl<'a, 's> Run<'a, 's> {
    fn new(watch: Watch<'a>, shared: Shared<'a>, prefix: Option<Cache>, sink: &'s mut dyn Sink) -> Self {
        let decoder = shared.model.decoder();
        let spec = decoder.spec();
        let numbers = 2 * spec.layers.len() * spec.key_value_heads * spec.head_width;
        let bytes_of_token = numbers * decoder.placement().dtype.size_in_bytes();
        Self {
            bytes: prefix.as_ref().map_or(0, Cache::bytes),
            watch,
            sink,
            shared,
            prefix,
            asked: BTreeMap::new(),
            waiting: BTreeSet::new(),
            running: BTreeMap::new(),
            bytes_of_token,
            unshared: 0,
        }
    }

    fn add(&mut self, index: usize, asked: Asked<'a>) {
        self.asked.insert(index, asked);
        if self.shared.shares {
            self.wait(index, [Work::Prompt]);
        } else {
            self.wait(index, (0..self.shared.texts.list.len()).map(Work::Text));
        }
    }

    /// Puts work into the queue.
    fn wait(&mut self, index: usize, work: impl IntoIterator<Item = Work>) {
        let Some(asked) = self.asked.get_mut(&index) else { return };
        for work in work {
            asked.open += 1;
            self.waiting.insert((index, work));
        }
    }

    fn go(&mut self) -> Result<(), BackendError> {
        loop {
            self.admit()?;
            self.watch.check()?;
            if self.running.is_empty() {
                // Texts of one token end before any step.
                self.watch.count(TokenCount { unshared: self.unshared, ..TokenCount::default() });
                return Ok(());
            }
            self.step()?;
        }
    }

    /// Begins work in the order of the queue as long as there is room.
    fn admit(&mut self) -> Result<(), BackendError> {
        while let Some(key) = self.waiting.first().copied() {
            self.watch.check()?;
            let limits = &self.watch.backend.limits;
            let bytes = self.needed(key);
            let has_room = self.running.len() < limits.sequences.get()
                && self.bytes.saturating_add(bytes) <= limits.cache_bytes;
            if !has_room && !self.running.is_empty() {
                break;
            }
            self.waiting.remove(&key);
            let Some(asked) = self.asked.get_mut(&key.0) else { continue };
            let begun = asked.begin(key.1, self.prefix.as_mut(), &self.shared);
            let begun = begun.map_err(|error| self.watch.backend.failed(error))?;
            self.bytes += bytes;
            let Begun { mut running, has_ended } = begun;
            running.bytes = bytes;
            if has_ended {
                self.end(key, running)?;
            } else {
                self.running.insert(key, running);
            }
        }
        Ok(())
    }

    /// Bytes that a piece of work may come to hold beyond what it shares.
    fn needed(&self, key: Key) -> usize {
        let prefix = self.prefix.as_ref().map_or(0, Cache::len);
        let growth = self.asked.get(&key.0).map_or(0, |asked| asked.growth(key.1, prefix, &self.shared));
        self.bytes_with_room(growth)
    }

    /// A cache that grows has room for at most twice its tokens, and at least 32.
    fn bytes_with_room(&self, tokens: usize) -> usize {
        (2 * tokens).next_multiple_of(32).saturating_mul(self.bytes_of_token)
    }

    /// One step of the decoder: first those who write, then prompts as far as there is room.
    fn step(&mut self) -> Result<(), BackendError> {
        let backend = self.watch.backend;
        let counts = self.counts();
        let taking = self.running.values_mut().zip(&counts).filter(|(_, count)| **count > 0);
        let mut rows: Vec<Row<'_>> = taking.map(|(running, count)| running.row(*count)).collect();
        let outputs = backend.model.decoder().step(&mut rows);
        let outputs = outputs.map_err(|error| backend.failed(error.into()))?;
        let taking = self.running.iter_mut().zip(counts).filter(|(_, count)| *count > 0);
        let stepped: Vec<_> = taking.zip(outputs).collect();
        let mut tokens = TokenCount::default();
        for (((_, running), count), output) in &stepped {
            let read = if running.is_decoding() { &mut tokens.decoded } else { &mut tokens.prefilled };
            *read += *count as u64;
            tokens.prefilled += output.recomputed as u64;
        }
        let context = self.shared.encoder.context;
        let absorb = |(((key, running), count), output): (((&Key, &mut Running<'a>), usize), RowOutput)| {
            running.absorb(count, &output, context).map(|has_ended| (*key, has_ended))
        };
        // In parallel: to choose from a large vocabulary takes its time.
        let absorbed: Vec<Result<(Key, bool), EngineError>> = stepped.into_par_iter().map(absorb).collect();
        let ended = self.end_all(absorbed);
        tokens.unshared = std::mem::take(&mut self.unshared);
        self.watch.count(tokens);
        ended
    }

    fn end_all(&mut self, absorbed: Vec<Result<(Key, bool), EngineError>>) -> Result<(), BackendError> {
        for result in absorbed {
            let (key, has_ended) = result.map_err(|error| self.watch.backend.failed(error))?;
            if has_ended && let Some(running) = self.running.remove(&key) {
                self.end(key, running)?;
            }
        }
        Ok(())
    }

    /// Takes what has ended: its rows, its caches, and what is to be done because of it.
    fn end(&mut self, key: Key, running: Running<'a>) -> Result<(), BackendError> {
        let (index, work) = key;
        let (bytes, decoded) = (running.bytes, running.decoded);
        let Some(asked) = self.asked.get_mut(&index) else { return Ok(()) };
        let unshared = asked.prompt_of(work).map_or(0, |prompt| prompt as u64 + decoded);
        let next = asked.end(work, running, &self.shared);
        let next = next.map_err(|error| self.watch.backend.failed(error))?;
        // The prompt's cache and the answer's stay as long as the ask.
        if matches!(work, Work::Prompt | Work::Text(0)) {
            asked.held += bytes;
        } else {
            self.bytes -= bytes;
        }
        asked.open -= 1;
        self.unshared += unshared;
        self.wait(index, next);
        if self.asked.get(&index).is_some_and(|asked| asked.open == 0)
            && let Some(asked) = self.asked.remove(&index)
        {
            self.bytes -= asked.held;
            self.hand_over(asked.rows)?;
        }
        Ok(())
    }

    fn hand_over(&mut self, rows: Observation) -> Result<(), BackendError> {
        let model = self.shared.id;
        self.sink.take(rows).map_err(|source| BackendError::Sink { model: model.clone(), source })
    }

    /// How many tokens each running sequence reads in the next step.
    fn counts(&self) -> Vec<usize> {
        let single = self.running.values().filter(|running| running.left() == 1).count();
        let mut room = self.watch.backend.limits.step_tokens.get().saturating_sub(single);
        // However many write, somebody's prompt goes on.
        let mut least = 1;
        let share = |running: &Running<'_>| {
            if running.left() == 1 {
                return 1;
            }
            let count = running.left().min(room.max(least));
            room -= count.min(room);
            least = 0;
            count
        };
        self.running.values().map(share).collect()
    }
}
