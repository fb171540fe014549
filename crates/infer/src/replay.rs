//! Generations recorded earlier, by Plimsoll or by others, as a backend.
//!
//! A recording answers an ask if it is of the same question (by id, or by row of its source file), of the
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

use plimsoll_core::{Missing, ModelId};
use sha2::{Digest as _, Sha256};

use crate::ask::Batch;
use crate::backend::{Backend, Sink};
use crate::capability::{Capabilities, Support};
use crate::control::Control;
use crate::error::BackendError;
use index::Index;
use matching::Matching;

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
        BackendError::Replay { model: self.model.clone(), source: Box::new(source) }
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
        crate::hexadecimal::hexadecimal(&hasher.finalize())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            logprobs: Support::Unknown,
            samples: Support::Unknown,
            follow_up_texts: Support::Unknown,
            follow_up_masses: Support::Unknown,
            hidden_states: Support::No(Missing::HiddenStatesUnsupported),
        }
    }

    fn answer(
        &self,
        batch: &Batch<'_>,
        sink: &mut dyn Sink,
        control: &Control<'_>,
    ) -> Result<(), BackendError> {
        for ask in batch.asks() {
            if control.cancel.is_cancelled() {
                return Err(BackendError::Cancelled);
            }
            let found = self.index.find(ask.question_id.as_str(), ask.source_row);
            let found = found.map_err(|error| self.failed(error))?;
            let matching = Matching::new(batch, ask, &self.model, found);
            let answered = matching.answered().map_err(|error| self.failed(error))?;
            let model = self.model.clone();
            sink.take(answered).map_err(|source| BackendError::Sink { model, source })?;
        }
        Ok(())
    }
}
