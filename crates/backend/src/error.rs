//! Errors that stop a run. A failure of one row is a reason in that row
//! ([`MissingSignal`](plimsoll_core::MissingSignal)).

use std::error::Error;

use plimsoll_core::ModelId;

/// A failure of a sink.
pub type SinkError = Box<dyn Error + Send + Sync>;

/// Where the cause of a failure lies, which decides what a user can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Files or settings that the user gave.
    Input,
    /// The model, its server or this machine.
    Model,
}

/// Why a batch was not finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// Its [`Cancel`](crate::Cancel) token was used.
    #[error("the run was cancelled")]
    Cancelled,
    /// The sink refused an observation.
    #[error("answers of model `{model}` could not be kept")]
    Sink {
        /// The model.
        model: ModelId,
        /// The sink's error.
        #[source]
        source: SinkError,
    },
    /// The backend cannot answer any further request.
    #[error("model `{model}` cannot go on answering")]
    Failed {
        /// The model.
        model: ModelId,
        /// Where the cause lies.
        cause: Cause,
        /// The backend's own error.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl BackendError {
    /// A failure of the model, its server or this machine.
    pub fn from_model(model: ModelId, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { model, cause: Cause::Model, source: source.into() }
    }

    /// A failure that files or settings of the user cause.
    pub fn from_input(model: ModelId, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { model, cause: Cause::Input, source: source.into() }
    }
}
