//! What can go wrong with a model.

use std::path::PathBuf;

use crate::spec_error::SpecError;
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
    /// A model whose kind is not known here.
    #[error("model type `{found}` is not supported; supported are {known}")]
    Architecture {
        /// The model type found.
        found: String,
        /// The known ones.
        known: String,
    },
    /// A value of the configuration that no model can have, or that is not supported.
    #[error("config: `{key}` {problem}")]
    Config {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Sizes or factors that make no sense together.
    #[error("config: {0}")]
    Spec(#[from] SpecError),
    /// Weights that are missing, damaged, or not as the configuration says.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// More tokens than the model was made for.
    #[error("{tokens} tokens are more than the model's context of {context}")]
    ContextTooLong {
        /// Tokens of the row.
        tokens: usize,
        /// The model's context.
        context: usize,
    },
    /// A token that the model does not have.
    #[error("token {token} is beyond the model's vocabulary of {vocabulary}")]
    Token {
        /// The token.
        token: u32,
        /// The vocabulary's size.
        vocabulary: usize,
    },
    /// A layer that the model does not have.
    #[error("layer {layer} of a model of {layers} layers")]
    Layer {
        /// The layer asked for.
        layer: i32,
        /// The layers of the model.
        layers: usize,
    },
    /// A request that makes no sense.
    #[error("{0}")]
    Request(&'static str),
    /// The arithmetic failed.
    #[error("the model's arithmetic failed")]
    Candle(#[from] candle_core::Error),
}

impl EngineError {
    /// Names the file behind an error of reading.
    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// A configuration value that cannot be.
    pub(crate) fn config(key: &'static str, problem: impl Into<String>) -> Self {
        Self::Config { key, problem: problem.into() }
    }
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, EngineError>;
