//! All that a training needs to resume, in one file that is written atomically.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use super::error::TrainError;
use super::folder::whole;
use super::optimiser::OptimiserState;

/// How far a training has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingProgress {
    /// The phase that the next step belongs to.
    pub phase: Phase,
    /// Steps taken, in all phases.
    pub steps: u64,
    /// Steps taken in this phase.
    pub phase_steps: u64,
    /// Tokens read, in all phases.
    pub tokens: u64,
    /// Tokens read in this phase.
    pub phase_tokens: u64,
    /// Documents of the stream that were taken; in the last phase, samples of its list.
    pub documents: u64,
}

/// A phase of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Exercises in recall.
    Recall,
    /// Documents of everything.
    Everything,
    /// Questions about the model's own answers.
    FollowUps,
    /// Nothing is left to do.
    Done,
}

impl TrainingProgress {
    /// Before the first step.
    pub const BEGIN: Self =
        Self { phase: Phase::Recall, steps: 0, phase_steps: 0, tokens: 0, phase_tokens: 0, documents: 0 };

    /// At the beginning of another phase.
    #[must_use]
    pub fn enter(self, phase: Phase) -> Self {
        Self { phase, phase_steps: 0, phase_tokens: 0, documents: 0, ..self }
    }
}

/// A training that can be resumed.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// How far it has come.
    pub progress: TrainingProgress,
    /// The model's parameters.
    pub parameters: Vec<f32>,
    /// The state of its optimiser.
    pub state: OptimiserState,
}

const PROGRESS: &str = "progress";
const TRAINING: &str = "training";
/// Names of the tensors, which checkpoints that exist already have.
const NAMES: [&str; 3] = ["numbers", "first", "second"];

impl Checkpoint {
    /// Writes it; `training` identifies the training.
    ///
    /// # Errors
    /// [`TrainError::Io`], [`TrainError::Damaged`] for what cannot be written.
    pub fn write(&self, path: &Path, training: &str) -> Result<(), TrainError> {
        let damaged = |problem: String| TrainError::damaged(path, &problem);
        let progress = serde_json::to_string(&(self.progress, self.state.steps));
        let progress = progress.map_err(|error| damaged(error.to_string()))?;
        let mut tensors = BTreeMap::new();
        for (name, parameters) in
            NAMES.into_iter().zip([&self.parameters, &self.state.first, &self.state.second])
        {
            let tensor = Tensor::from_slice(parameters, parameters.len(), &Device::Cpu);
            tensors.insert(name, tensor.map_err(|error| damaged(error.to_string()))?);
        }
        let about = [(PROGRESS.to_owned(), progress), (TRAINING.to_owned(), training.to_owned())];
        let bytes = safetensors::serialize(tensors, Some(about.into()));
        whole(path, &bytes.map_err(|error| damaged(error.to_string()))?)
    }

    /// Reads the checkpoint of this training.
    ///
    /// # Errors
    /// [`TrainError::Io`], [`TrainError::Damaged`].
    pub fn read(path: &Path, training: &str) -> Result<Self, TrainError> {
        let bytes = fs::read(path).map_err(TrainError::io(path))?;
        let damaged = |problem: String| TrainError::damaged(path, &problem);
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
        let about = header.metadata().as_ref().ok_or_else(|| damaged("it has no metadata".to_owned()))?;
        let known = about.get(TRAINING).map_or("", String::as_str);
        if known != training {
            return Err(damaged(format!("its plan and seed are `{known}`, not `{training}`")));
        }
        let progress = about.get(PROGRESS).map_or("", String::as_str);
        let (progress, steps) = serde_json::from_str(progress).map_err(|error| damaged(error.to_string()))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
        let [parameters, first, second] = NAMES.map(|name| {
            let tensor = tensors.tensor(name).map_err(|error| damaged(error.to_string()))?;
            let chunks = tensor.data().as_chunks::<4>().0;
            Ok(chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<f32>>())
        });
        let (parameters, first, second): (_, Vec<f32>, Vec<f32>) = (parameters?, first?, second?);
        Ok(Self { progress, parameters, state: OptimiserState { steps, first, second } })
    }
}
