//! A model that is loaded when its first uncached chunk comes, and not before.

use std::collections::BTreeMap;

use plimsoll_backend::{Backend, BackendError, Batch, Cause, Control};
use plimsoll_core::ModelId;
use plimsoll_core::records::GenerationRow;
use plimsoll_remote::openai::Served;
use plimsoll_store::read_rows;
use plimsoll_store::tables::generations;

use super::prepared::PreparedModel;
use crate::cache::{Chunk, Chunks};
use crate::config::inference::ExecutionConfig;
use crate::failure::{Failure, FailureKind, OrFail as _};

/// A model that may turn out to have nothing left to answer.
#[derive(Debug)]
pub(crate) struct LazyModel<'a> {
    id: ModelId,
    identity: String,
    state: State<'a>,
    execution: ExecutionConfig,
    answers: Answers,
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
    /// The addresses of chunks, while none holds an answer.
    chunks: Vec<String>,
}

impl<'a> LazyModel<'a> {
    pub(crate) fn new(model: PreparedModel<'a>, execution: ExecutionConfig) -> Self {
        Self {
            id: model.config.id.clone(),
            identity: model.identity.clone(),
            state: State::Prepared(Box::new(model)),
            execution,
            answers: Answers::default(),
        }
    }

    /// The chunk of a batch, from the cache or answered now; says whether it was answered now.
    ///
    /// # Errors
    /// What stops a backend, or a disk that fails. Finished chunks stay.
    pub(crate) fn chunk(
        &mut self,
        chunks: &Chunks,
        batch: &Batch<'_>,
        control: &Control<'_>,
    ) -> Result<(Chunk, bool), Failure> {
        let address = Chunks::address(&self.identity, &self.id, batch);
        let cached = chunks.find(&address, batch.signals()).or_fail(FailureKind::Stage)?;
        let is_new = cached.is_none();
        let chunk = match cached {
            Some(chunk) => chunk,
            None => chunks.answer(&address, self.backend()?, batch, control).map_err(backend_failure)?,
        };
        self.answers.add(&chunk, address)?;
        Ok((chunk, is_new))
    }

    /// Ends the work of this model, once all chunks are there.
    ///
    /// # Errors
    /// A stage failure if there were requests and no answer: nothing could be made of that. Its chunks are removed
    /// from the cache, so that the same command asks again.
    pub(crate) fn finish(self, chunks: &Chunks) -> Result<(), Failure> {
        let Answers { served, reasons, chunks: addresses } = self.answers;
        if served.is_some() || reasons.is_empty() {
            return Ok(());
        }
        for address in &addresses {
            chunks.forget(address).or_fail(FailureKind::Stage)?;
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
    fn backend(&mut self) -> Result<&dyn Backend, Failure> {
        if matches!(self.state, State::Prepared(_))
            && let State::Prepared(prepared) = std::mem::replace(&mut self.state, State::Failed)
        {
            self.state = State::Loaded(prepared.load(&self.execution, self.answers.served.as_ref())?);
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
    fn add(&mut self, chunk: &Chunk, address: String) -> Result<(), Failure> {
        if self.served.is_some() {
            return Ok(());
        }
        let rows: Vec<GenerationRow> =
            read_rows(&chunk.generations, &generations::TABLE).or_fail(FailureKind::Stage)?;
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
        self.chunks.push(address);
        Ok(())
    }
}

/// Whose fault it is that a backend cannot go on.
fn backend_failure(error: BackendError) -> Failure {
    match error {
        BackendError::Cancelled => Failure::new(
            FailureKind::Stage,
            "cancelled; what was finished is kept, and the same command goes on from there",
        ),
        BackendError::Failed { cause: Cause::Input, .. } => Failure::from_error(FailureKind::Input, error),
        _ => Failure::from_error(FailureKind::Stage, error),
    }
}
