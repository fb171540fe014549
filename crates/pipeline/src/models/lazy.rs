//! A model that is loaded when its first uncached chunk comes, and not before.

use std::collections::BTreeMap;

use plimsoll_backend::{Backend, BackendError, Batch, Cause, Control};
use plimsoll_core::records::GenerationRow;
use plimsoll_core::{ModelId, SignalRequest};
use plimsoll_remote::openai::Served;
use plimsoll_store::read_rows;
use plimsoll_store::tables::generations;

use super::prepared::PreparedModel;
use crate::cache::{Chunk, Chunks};
use crate::config::inference::ExecutionConfig;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::shared_chunks::{Found, SharedChunks};

/// A model that may turn out to have nothing left to answer.
#[derive(Debug)]
pub(crate) struct LazyModel<'a> {
    id: ModelId,
    identity: String,
    state: State<'a>,
    execution: ExecutionConfig,
    answers: Answers,
    /// Chunks that are not shared yet.
    withheld: Vec<Placed>,
    /// A chunk that other workers answered, if one was seen and not read.
    unread: Option<(String, SignalRequest)>,
}

/// A chunk, and what it was wanted for.
#[derive(Debug)]
struct Placed {
    address: String,
    signals: SignalRequest,
    chunk: Chunk,
}

#[derive(Debug)]
enum State<'a> {
    Prepared(Box<PreparedModel<'a>>),
    Loaded(Box<dyn Backend>),
    /// An attempt to load it failed, which ended the run.
    Failed,
}

/// Whether a model has answered anything, in this run and in earlier ones.
#[derive(Debug, Default)]
struct Answers {
    /// What served its first answers; `None` until there is an answer.
    served: Option<Served>,
    /// Why questions were not answered, while none was.
    reasons: BTreeMap<String, u64>,
    /// Chunks with what they were wanted for, while none holds an answer.
    chunks: Vec<(String, SignalRequest)>,
}

impl<'a> LazyModel<'a> {
    pub(crate) fn new(model: PreparedModel<'a>, execution: ExecutionConfig) -> Self {
        Self {
            id: model.config.id.clone(),
            identity: model.identity.clone(),
            state: State::Prepared(Box::new(model)),
            execution,
            answers: Answers::default(),
            withheld: Vec::new(),
            unread: None,
        }
    }

    /// The address of a batch's chunk.
    pub(crate) fn address(&self, batch: &Batch<'_>) -> String {
        Chunks::address(&self.identity, &self.id, batch)
    }

    /// The chunk of a batch, from the cache or answered now; says whether it was answered now.
    ///
    /// # Errors
    /// What stops a backend, or a disk that fails. Finished chunks stay.
    pub(crate) fn chunk(
        &mut self,
        chunks: &SharedChunks,
        batch: &Batch<'_>,
        control: &Control<'_>,
    ) -> Result<(Chunk, bool), Failure> {
        match self.find(chunks, batch)? {
            Some(chunk) => Ok((chunk, false)),
            None => Ok((self.answer(chunks, batch, control)?, true)),
        }
    }

    /// The chunk of a batch, if it is cached here or in the store.
    ///
    /// # Errors
    /// A disk or a store that fails.
    pub(crate) fn find(
        &mut self,
        chunks: &SharedChunks,
        batch: &Batch<'_>,
    ) -> Result<Option<Chunk>, Failure> {
        let (address, signals) = (self.address(batch), batch.signals());
        let Some(found) = chunks.find(&address, signals)? else { return Ok(None) };
        let (chunk, is_shared) = match found {
            Found::Near(chunk) => (chunk, false),
            Found::Fetched(chunk) => (chunk, true),
        };
        self.settle(chunks, Placed { address, signals: signals.clone(), chunk: chunk.clone() }, is_shared)?;
        Ok(Some(chunk))
    }

    /// Whether the store has the chunk of a batch, or has it now because this machine had it.
    ///
    /// # Errors
    /// A disk or a store that fails.
    pub(crate) fn is_stored(&mut self, chunks: &SharedChunks, batch: &Batch<'_>) -> Result<bool, Failure> {
        let address = self.address(batch);
        if chunks.is_stored(&address, batch.signals())? {
            self.unread.get_or_insert_with(|| (address, batch.signals().clone()));
            return Ok(true);
        }
        let Some(chunk) = chunks.cached(&address, batch.signals())? else { return Ok(false) };
        self.settle(chunks, Placed { address, signals: batch.signals().clone(), chunk }, false)?;
        Ok(true)
    }

    /// Answers a batch, whose chunk is neither here nor in the store.
    ///
    /// # Errors
    /// As [`LazyModel::chunk`].
    pub(crate) fn answer(
        &mut self,
        chunks: &SharedChunks,
        batch: &Batch<'_>,
        control: &Control<'_>,
    ) -> Result<Chunk, Failure> {
        let (address, signals) = (self.address(batch), batch.signals().clone());
        let backend = self.backend(chunks)?;
        let chunk = chunks.answer(&address, backend, batch, control).map_err(backend_failure)?;
        self.settle(chunks, Placed { address, signals, chunk: chunk.clone() }, false)?;
        Ok(chunk)
    }

    /// Counts a chunk, and shares it. A chunk without an answer is withheld until there is one: a worker that reaches no
    /// server would else fill the store with failures faster than others answer.
    fn settle(&mut self, chunks: &SharedChunks, placed: Placed, is_shared: bool) -> Result<(), Failure> {
        self.answers.add(&placed)?;
        if !is_shared {
            self.withheld.push(placed);
        }
        if self.answers.served.is_some() {
            for Placed { address, signals, chunk } in self.withheld.drain(..) {
                chunks.share(&address, &signals, &chunk)?;
            }
        }
        Ok(())
    }

    /// Ends the work of this model, once all chunks are there.
    ///
    /// # Errors
    /// A stage failure if there were requests and no answer: nothing could be made of that. Its chunks are removed
    /// from the cache, so that the same command asks again.
    pub(crate) fn finish(self, chunks: &SharedChunks) -> Result<(), Failure> {
        let Answers { served, reasons, chunks: unanswered } = self.answers;
        if served.is_some() || reasons.is_empty() {
            return Ok(());
        }
        for (address, signals) in &unanswered {
            chunks.forget(address, signals)?;
        }
        let counted: Vec<String> =
            reasons.iter().map(|(reason, count)| format!("{count} times `{reason}`")).collect();
        let total: u64 = reasons.values().sum();
        Err(Failure::new(
            FailureKind::Stage,
            format!(
                "model `{}` answered none of {total} questions ({}); mend what the notes above say of it, and the \
                 same command asks again",
                self.id,
                counted.join(", ")
            ),
        ))
    }

    /// The backend, loaded if it is not.
    fn backend(&mut self, chunks: &SharedChunks) -> Result<&dyn Backend, Failure> {
        if matches!(self.state, State::Prepared(_))
            && let State::Prepared(prepared) = std::mem::replace(&mut self.state, State::Failed)
        {
            let before = match (&self.answers.served, self.unread.take()) {
                (None, Some((address, signals))) if prepared.is_served() => {
                    served_elsewhere(chunks, &address, &signals)?
                }
                (served, _) => served.clone(),
            };
            self.state = State::Loaded(prepared.load(&self.execution, before.as_ref())?);
        }
        match &self.state {
            State::Loaded(backend) => Ok(backend.as_ref()),
            State::Prepared(_) | State::Failed => {
                Err(Failure::new(FailureKind::Stage, "the model could not be loaded before"))
            }
        }
    }
}

impl Answers {
    /// Adds a chunk, as long as there is no answer.
    fn add(&mut self, placed: &Placed) -> Result<(), Failure> {
        if self.served.is_some() {
            return Ok(());
        }
        let rows: Vec<GenerationRow> =
            read_rows(&placed.chunk.generations, &generations::TABLE).or_fail(FailureKind::Stage)?;
        // A recording may hold samples and no greedy answer.
        for row in rows {
            if row.text.is_some() {
                let Served { model, system_fingerprint } = self.served.take().unwrap_or_default();
                self.served = Some(Served {
                    model: model.or(row.served_model),
                    system_fingerprint: system_fingerprint.or(row.system_fingerprint),
                });
            } else if row.sample_index == 0 {
                *self
                    .reasons
                    .entry(row.failure.map_or_else(String::new, |reason| reason.to_string()))
                    .or_default() += 1;
            }
        }
        self.chunks.push((placed.address.clone(), placed.signals.clone()));
        Ok(())
    }
}

/// What served a chunk that another worker answered.
fn served_elsewhere(
    chunks: &SharedChunks,
    address: &str,
    signals: &SignalRequest,
) -> Result<Option<Served>, Failure> {
    let Some(Found::Near(chunk) | Found::Fetched(chunk)) = chunks.find(address, signals)? else {
        return Ok(None);
    };
    let mut answers = Answers::default();
    answers.add(&Placed { address: address.to_owned(), signals: signals.clone(), chunk })?;
    Ok(answers.served)
}

/// Whose fault it is that a backend cannot go on.
pub(crate) fn backend_failure(error: BackendError) -> Failure {
    match error {
        BackendError::Cancelled => Failure::new(
            FailureKind::Stage,
            "cancelled; what was finished is kept, and the same command goes on from there",
        ),
        BackendError::Failed { cause: Cause::Input, .. } => Failure::from_error(FailureKind::Input, error),
        _ => Failure::from_error(FailureKind::Stage, error),
    }
}
