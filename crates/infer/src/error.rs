//! What stops a run. What spoils one row only is a reason in that row
//! ([`Missing`](plimsoll_core::Missing)).

use std::error::Error;

use plimsoll_core::ModelId;

use crate::openai::OpenAiError;
use crate::replay::ReplayError;

/// What a sink cannot go on with.
pub type SinkError = Box<dyn Error + Send + Sync>;

/// Why a batch was not finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// Somebody asked for it.
    #[error("the run was cancelled")]
    Cancelled,
    /// What was answered could not be taken.
    #[error("answers of model `{model}` could not be kept")]
    Sink {
        /// The model.
        model: ModelId,
        /// Why not.
        #[source]
        source: SinkError,
    },
    /// An OpenAI-compatible server.
    #[error("model `{model}` cannot go on answering")]
    OpenAi {
        /// The model.
        model: ModelId,
        /// Why not.
        #[source]
        source: Box<OpenAiError>,
    },
    /// A recording.
    #[error("the recordings of model `{model}` cannot be used")]
    Replay {
        /// The model.
        model: ModelId,
        /// Why not.
        #[source]
        source: Box<ReplayError>,
    },
    /// An engine in this process.
    #[error("the engine of model `{model}` failed")]
    Engine {
        /// The model.
        model: ModelId,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}
