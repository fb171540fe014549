//! Generations recorded earlier, by Plimsoll or by others, as a backend.
//!
//! A recording answers a request if it is of the same question (by id, or by row of its source file), of the
//! same model where that is recorded, and of the same prompt and decoding parameters where their hashes
//! are. Whatever is not recorded is a row with a reason. Files are indexed, never held: 24 bytes a line.

mod error;
mod index;
mod line;
mod lines;
mod matching;
mod recording;
mod spec;
mod text;

use plimsoll_core::{MissingSignal, ModelId};
use sha2::{Digest as _, Sha256};

use index::Index;
use matching::Matching;
use plimsoll_backend::backend::{Backend, Sink};
use plimsoll_backend::capability::{Capabilities, Support};
use plimsoll_backend::control::Control;
use plimsoll_backend::error::BackendError;
use plimsoll_backend::request::Batch;

pub use error::ReplayError;
pub use spec::{RecordingFields, RecordingFile, RecordingFormat, ReplaySpec};

/// A model whose answers were recorded.
#[derive(Debug)]
pub struct Replay {
    model: ModelId,
    index: Index,
}

impl Replay {
    /// Reads every file once, to find its lines again.
    ///
    /// # Errors
    /// [`ReplayError`], with file and line, for a file that cannot be read and a line that is no recording.
    pub fn open(spec: &ReplaySpec) -> Result<Self, ReplayError> {
        Ok(Self { model: spec.id.clone(), index: Index::build(spec)? })
    }

    /// How many lines are recordings of this model.
    pub fn recordings(&self) -> usize {
        self.index.len()
    }

    fn failed(&self, source: ReplayError) -> BackendError {
        BackendError::from_input(self.model.clone(), source)
    }
}

impl Backend for Replay {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn identity(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update("replay");
        self.index.hashes.iter().for_each(|hash| hasher.update(hash));
        plimsoll_core::canonical::hex(&hasher.finalize())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            logprobs: Support::Unknown,
            samples: Support::Unknown,
            follow_up_texts: Support::Unknown,
            follow_up_masses: Support::Unknown,
            hidden_states: Support::No(MissingSignal::HiddenStatesUnsupported),
        }
    }

    fn answer(
        &self,
        batch: &Batch<'_>,
        sink: &mut dyn Sink,
        control: &Control<'_>,
    ) -> Result<(), BackendError> {
        for request in batch.requests() {
            if control.cancel.is_cancelled() {
                return Err(BackendError::Cancelled);
            }
            let found = self.index.find(request.question_id.as_str(), request.source_row);
            let found = found.map_err(|error| self.failed(error))?;
            let matching = Matching::new(batch, request, &self.model, found);
            let observation = matching.observation().map_err(|error| self.failed(error))?;
            let model = self.model.clone();
            sink.take(observation).map_err(|source| BackendError::Sink { model, source })?;
        }
        Ok(())
    }
}
