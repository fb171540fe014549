//! One batch by continuous batching: a queue of tasks, and the sequences that are computed together.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_backend::{BackendError, Batch, Control, Observation, RowKey, Sink, TokenCount};
use plimsoll_core::MissingSignal;
use rayon::prelude::*;

use super::LocalBackend;
use super::active_sequence::ActiveSequence;
use super::monitor::Monitor;
use super::outputs::OutputSpec;
use super::prefix::rounded;
use super::request_state::{BatchContext, RequestState, Started, Task};
use super::rows;
use crate::cache::KvCache;
use crate::error::EngineError;
use crate::model::{Encoded, shared_by_all};
use crate::step::{RowOutput, StepRow};

/// Answers a batch.
pub(super) fn answer_batch(
    backend: &LocalBackend,
    batch: &Batch<'_>,
    sink: &mut dyn Sink,
    control: &Control<'_>,
) -> Result<(), BackendError> {
    let mut monitor = Monitor::new(backend, control);
    monitor.check()?;
    let outputs = OutputSpec::new(batch).map_err(|error| backend.failed(error))?;
    let context = BatchContext {
        id: &backend.id,
        model: &backend.model,
        encoder: backend.encoder(),
        outputs,
        seed: batch.seed(),
        shares_prefixes: backend.limits.shares_prefixes,
    };
    let prompts: Vec<Result<Encoded, MissingSignal>> = batch
        .requests()
        .par_iter()
        .map(|request| context.encoder.fitting(&request.prompt.messages))
        .collect();
    let fitting = prompts.iter().flatten().map(|prompt| prompt.tokens.as_slice());
    let length = if context.shares_prefixes { prefix_length(fitting.clone()) } else { 0 };
    let prefix = fitting.clone().next().filter(|_| length > 0).map(|prompt| &prompt[..length]);
    let prefix = prefix.map(|tokens| backend.prefix(tokens, &mut monitor)).transpose()?;
    let mut scheduler = Scheduler::new(monitor, context, prefix, sink);
    for ((index, request), prompt) in batch.requests().iter().enumerate().zip(prompts) {
        match prompt {
            Ok(prompt) => {
                let state = RequestState::new(request, prompt, &scheduler.batch);
                scheduler.add(index, state);
            }
            Err(reason) => {
                let key = RowKey::new(request, &backend.id);
                scheduler.emit(rows::missing(
                    &key,
                    &request.question_id,
                    &scheduler.batch.outputs,
                    reason,
                ))?;
            }
        }
    }
    scheduler.run()
}

/// Tokens of the prefix of prompts; the last token of each is always read apart.
fn prefix_length<'t>(prompts: impl Iterator<Item = &'t [u32]> + Clone) -> usize {
    let shortest = prompts.clone().map(<[u32]>::len).min().unwrap_or(0);
    rounded(shared_by_all(prompts).min(shortest.saturating_sub(1)))
}

/// A request, by its index in the batch, and one of its tasks. The order is that of the queue.
type TaskKey = (usize, Task);

struct Scheduler<'a, 's> {
    monitor: Monitor<'a>,
    sink: &'s mut dyn Sink,
    batch: BatchContext<'a>,
    prefix: Option<KvCache>,
    states: BTreeMap<usize, RequestState<'a>>,
    waiting: BTreeSet<TaskKey>,
    running: BTreeMap<TaskKey, ActiveSequence<'a>>,
    /// Bytes that are reserved for caches.
    bytes: usize,
    /// Tokens that the finished texts would have taken without prefix sharing; not reported yet.
    unshared: u64,
}

impl<'a, 's> Scheduler<'a, 's> {
    fn new(
        monitor: Monitor<'a>,
        batch: BatchContext<'a>,
        prefix: Option<KvCache>,
        sink: &'s mut dyn Sink,
    ) -> Self {
        Self {
            bytes: prefix.as_ref().map_or(0, KvCache::bytes),
            monitor,
            sink,
            batch,
            prefix,
            states: BTreeMap::new(),
            waiting: BTreeSet::new(),
            running: BTreeMap::new(),
            unshared: 0,
        }
    }

    fn add(&mut self, index: usize, state: RequestState<'a>) {
        self.states.insert(index, state);
        if self.batch.shares_prefixes {
            self.enqueue(index, [Task::Prompt]);
        } else {
            self.enqueue(index, (0..self.batch.outputs.texts.len()).map(Task::Text));
        }
    }

    /// Puts tasks into the queue.
    fn enqueue(&mut self, index: usize, tasks: impl IntoIterator<Item = Task>) {
        let Some(state) = self.states.get_mut(&index) else { return };
        for task in tasks {
            state.open_tasks += 1;
            self.waiting.insert((index, task));
        }
    }

    fn run(&mut self) -> Result<(), BackendError> {
        loop {
            self.admit()?;
            self.monitor.check()?;
            if self.running.is_empty() {
                // Texts of one token end before any step.
                self.monitor.count(TokenCount { unshared: self.unshared, ..TokenCount::default() });
                return Ok(());
            }
            self.step()?;
        }
    }

    /// Starts tasks in the order of the queue while there is room.
    fn admit(&mut self) -> Result<(), BackendError> {
        while let Some(key) = self.waiting.first().copied() {
            self.monitor.check()?;
            let limits = &self.monitor.backend().limits;
            let bytes = self.bytes_needed(key);
            let has_room = self.running.len() < limits.sequences.get()
                && self.bytes.saturating_add(bytes) <= limits.cache_bytes;
            if !has_room && !self.running.is_empty() {
                break;
            }
            self.waiting.remove(&key);
            let Some(state) = self.states.get_mut(&key.0) else { continue };
            let started = state.start(key.1, self.prefix.as_mut(), &self.batch);
            let started = started.map_err(|error| self.monitor.backend().failed(error))?;
            self.bytes += bytes;
            let Started { mut sequence, has_ended } = started;
            sequence.bytes = bytes;
            if has_ended {
                self.end(key, sequence)?;
            } else {
                self.running.insert(key, sequence);
            }
        }
        Ok(())
    }

    /// Maximum number of bytes that a task can come to hold beyond what it shares.
    fn bytes_needed(&self, key: TaskKey) -> usize {
        let prefix = self.prefix.as_ref().map_or(0, KvCache::len);
        let growth = self.states.get(&key.0).map_or(0, |state| state.growth(key.1, prefix, &self.batch));
        self.batch.model.decoder().cache_bytes(growth)
    }

    /// One step of the decoder: one token of each sequence that decodes, then prompt tokens while there is room.
    fn step(&mut self) -> Result<(), BackendError> {
        let backend = self.monitor.backend();
        let counts = self.counts();
        let taking = self.running.values_mut().zip(&counts).filter(|(_, count)| **count > 0);
        let mut rows: Vec<StepRow<'_>> = taking.map(|(sequence, count)| sequence.row(*count)).collect();
        let outputs = backend.model.decoder().step(&mut rows);
        let outputs = outputs.map_err(|error| backend.failed(error.into()))?;
        let taking = self.running.iter_mut().zip(counts).filter(|(_, count)| *count > 0);
        let stepped: Vec<_> = taking.zip(outputs).collect();
        let mut tokens = TokenCount::default();
        for (((_, sequence), count), output) in &stepped {
            let read = if sequence.is_decoding() { &mut tokens.decoded } else { &mut tokens.prefilled };
            *read += *count as u64;
            tokens.prefilled += output.recomputed as u64;
        }
        let context = self.batch.encoder.context;
        let advance =
            |(((key, sequence), count), output): (
                ((&TaskKey, &mut ActiveSequence<'a>), usize),
                RowOutput,
            )| { sequence.advance(count, &output, context).map(|has_ended| (*key, has_ended)) };
        // In parallel: sampling from a large vocabulary takes time.
        let advanced: Vec<Result<(TaskKey, bool), EngineError>> =
            stepped.into_par_iter().map(advance).collect();
        let ended = self.end_all(advanced);
        tokens.unshared = std::mem::take(&mut self.unshared);
        self.monitor.count(tokens);
        ended
    }

    fn end_all(&mut self, advanced: Vec<Result<(TaskKey, bool), EngineError>>) -> Result<(), BackendError> {
        for result in advanced {
            let (key, has_ended) = result.map_err(|error| self.monitor.backend().failed(error))?;
            if has_ended && let Some(sequence) = self.running.remove(&key) {
                self.end(key, sequence)?;
            }
        }
        Ok(())
    }

    /// Finishes a task: takes its rows and its caches, and queues the tasks that follow from it.
    fn end(&mut self, key: TaskKey, sequence: ActiveSequence<'a>) -> Result<(), BackendError> {
        let (index, task) = key;
        let (bytes, decoded) = (sequence.bytes, sequence.decoded);
        let Some(state) = self.states.get_mut(&index) else { return Ok(()) };
        let unshared = state.prompt_length(task).map_or(0, |prompt| prompt as u64 + decoded);
        let next = state.finish(task, sequence, &self.batch);
        let next = next.map_err(|error| self.monitor.backend().failed(error))?;
        // The prompt's cache and the answer's live as long as the request.
        if matches!(task, Task::Prompt | Task::Text(0)) {
            state.held_bytes += bytes;
        } else {
            self.bytes -= bytes;
        }
        state.open_tasks -= 1;
        self.unshared += unshared;
        self.enqueue(index, next);
        if self.states.get(&index).is_some_and(|state| state.open_tasks == 0)
            && let Some(state) = self.states.remove(&index)
        {
            self.bytes -= state.held_bytes;
            self.emit(state.rows)?;
        }
        Ok(())
    }

    fn emit(&mut self, rows: Observation) -> Result<(), BackendError> {
        let model = self.batch.id;
        self.sink.take(rows).map_err(|source| BackendError::Sink { model: model.clone(), source })
    }

    /// How many tokens each running sequence reads in the next step.
    fn counts(&self) -> Vec<usize> {
        let single = self.running.values().filter(|sequence| sequence.left() == 1).count();
        let mut room = self.monitor.backend().limits.step_tokens.get().saturating_sub(single);
        // However many sequences decode, at least one prefill makes progress per step.
        let mut min_prefill = 1;
        let share = |sequence: &ActiveSequence<'_>| {
            if sequence.left() == 1 {
                return 1;
            }
            let count = sequence.left().min(room.max(min_prefill));
            room -= count.min(room);
            min_prefill = 0;
            count
        };
        self.running.values().map(share).collect()
    }
}
