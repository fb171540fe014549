//! Why a training did not begin, go on or end.

use std::io;
use std::path::{Path, PathBuf};

use plimsoll_pocket::suite::SuiteError;

/// Why a training did not begin, go on or end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A vocabulary that is too small.
    #[error("a vocabulary of {size} tokens is too small; bytes, special tokens and phrases take {taken}")]
    Vocabulary {
        /// The requested size.
        size: usize,
        /// Tokens taken before the first merge.
        taken: usize,
    },
    /// A file that could not be read or written.
    #[error("cannot read or write {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file of the training that is not what it should be.
    #[error("{} is damaged or of another training: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A folder that holds a training already.
    #[error("{} holds a training; resume it, or name another folder", path.display())]
    AlreadyStarted {
        /// The folder.
        path: PathBuf,
    },
    /// A document of the stream.
    #[error("document {index} of the stream cannot be generated")]
    TrainingDocument {
        /// Index in the stream.
        index: u64,
        /// The cause.
        #[source]
        source: SuiteError,
    },
    /// A part of the suite.
    #[error("the suite does not give {what}")]
    Suite {
        /// What was requested.
        what: String,
        /// The cause.
        #[source]
        source: SuiteError,
    },
    /// Rows of the suite that do not read.
    #[error("the held-out rows of `{dataset}` cannot be read")]
    Rows {
        /// Id of the dataset.
        dataset: String,
        /// The cause.
        #[source]
        source: Box<plimsoll_ingest::IngestError>,
    },
    /// A text that cannot be tokenized.
    #[error("a text cannot be tokenized")]
    Tokenizer(#[source] plimsoll_engine::tokenizer::TokenizerError),
    /// A model that the engine cannot run.
    #[error("the model in {} cannot be run", path.display())]
    Engine {
        /// Its folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<plimsoll_engine::EngineError>,
    },
    /// A document that does not fit.
    #[error("a document has {tokens} tokens; the context has {context}")]
    Context {
        /// Number of tokens.
        tokens: usize,
        /// Maximum.
        context: usize,
    },
    /// Initial parameters that cannot be drawn.
    #[error("the initial parameters cannot be drawn")]
    Draw(#[source] rand_distr::NormalError),
    /// A model that does not recall within the tokens of its first phase.
    #[error(
        "after {tokens} tokens the model recalls {share:.2} of what stands in its context, not {required:.2}"
    )]
    Gate {
        /// Tokens trained on.
        tokens: u64,
        /// Share of right answers.
        share: f64,
        /// Share that is required.
        required: f64,
    },
    /// A loss that is not finite.
    #[error("the loss of step {step} is not finite")]
    Diverged {
        /// Steps before it, in all phases.
        step: u64,
    },
}

impl TrainError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn engine(path: &Path) -> impl FnOnce(plimsoll_engine::EngineError) -> Self {
        let path = path.to_owned();
        move |source| Self::Engine { path, source: Box::new(source) }
    }

    pub(crate) fn damaged<P: ToString + ?Sized>(path: &Path, problem: &P) -> Self {
        Self::Damaged { path: path.to_owned(), problem: problem.to_string() }
    }
}
