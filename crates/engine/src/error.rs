//! What can go wrong with a model.

use std::path::PathBuf;

use crate::arch::ConfigError;
use crate::chat::{ChatError, VariableError};
use crate::generation::GenerationError;
use crate::gguf::GgufError;
use crate::step::StepError;
use crate::tokenizer::TokenizerError;
use crate::weights_error::WeightsError;

/// Why a model could not be read or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A file that cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file that a model needs and that is not there.
    #[error("no {what} in {}", folder.display())]
    Absent {
        /// What is missing.
        what: &'static str,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A file whose content is not what it should be.
    #[error("{}: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A configuration that cannot be used.
    #[error("cannot use {}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: ConfigError,
    },
    /// Weights that cannot be used.
    #[error("cannot load the weights")]
    Weights(#[source] Box<WeightsError>),
    /// A GGUF file that cannot be used.
    #[error("cannot use the GGUF file")]
    Gguf(#[source] Box<GgufError>),
    /// A tokenizer that cannot be used.
    #[error("cannot use the tokenizer")]
    Tokenizer(#[from] TokenizerError),
    /// A chat template that cannot be used.
    #[error("cannot use the chat template")]
    Chat(#[from] ChatError),
    /// A variable that the chat template cannot be given.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// A step that was not taken.
    #[error("the model cannot go on")]
    Step(#[from] StepError),
    /// An answer that could not go on.
    #[error("the answer cannot go on")]
    Generation(#[from] GenerationError),
    /// Text without a token.
    #[error("the text has no token")]
    NoTokens,
    /// The arithmetic failed.
    #[error("the model's arithmetic failed")]
    Candle(#[from] candle_core::Error),
}

impl From<WeightsError> for EngineError {
    fn from(error: WeightsError) -> Self {
        Self::Weights(Box::new(error))
    }
}

impl From<GgufError> for EngineError {
    fn from(error: GgufError) -> Self {
        Self::Gguf(Box::new(error))
    }
}

impl From<crate::sampling::SamplingError> for EngineError {
    fn from(error: crate::sampling::SamplingError) -> Self {
        Self::Generation(error.into())
    }
}

impl EngineError {
    /// Names the file behind an error of reading.
    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, EngineError>;
