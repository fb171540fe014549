//! Why a file cannot be used as a model.

use std::io;
use std::path::{Path, PathBuf};

use candle_core::DType;
use plimsoll_kernels::packed::KernelError;

use super::header_error::{HeaderError, shown};
use super::metadata::MetadataError;
use super::vocabulary_error::VocabularyError;
use crate::spec_error::SpecError;

/// What went wrong with a GGUF file, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GgufError {
    /// The file system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A folder, a pipe or a device.
    #[error("`{}` is no file", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// The header is damaged, or of a kind that is not read.
    #[error("cannot read the header of `{}`", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<HeaderError>,
    },
    /// One of several files of a model.
    #[error("`{}` is one of {count} parts of a split model: merge them first (llama-gguf-split --merge)", path.display())]
    Split {
        /// The file.
        path: PathBuf,
        /// How many there are.
        count: usize,
    },
    /// Metadata that do not describe a model that is run here.
    #[error("`{}` describes no model that can be run", path.display())]
    Spec {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<GgufSpecError>,
    },
    /// The vocabulary cannot be used.
    #[error("the vocabulary of `{}` cannot be used", path.display())]
    Vocabulary {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<VocabularyError>,
    },
    /// A tensor cannot be used.
    #[error("tensor `{}` of `{}`", shown(name), path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor, by the name in the file where it has one.
        name: String,
        /// The cause.
        #[source]
        source: Box<WeightError>,
    },
}

impl GgufError {
    /// For `map_err`: the file system refused `action` on `path`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// A tensor of the file, by its name there, cannot be used.
    pub(super) fn tensor(path: &Path, name: &str, source: WeightError) -> Self {
        Self::Tensor { path: path.to_owned(), name: name.to_owned(), source: Box::new(source) }
    }

    /// The metadata describe no model.
    pub(super) fn spec(path: &Path, source: GgufSpecError) -> Self {
        Self::Spec { path: path.to_owned(), source: Box::new(source) }
    }
}

/// What is wrong with a tensor's weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightError {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// Nothing here knows what it is for.
    #[error("is not part of a model of this architecture")]
    Unknown,
    /// More than there is memory for.
    #[error("takes {bytes} bytes, for which there is no memory")]
    Memory {
        /// What it takes.
        bytes: usize,
    },
    /// It has another shape.
    #[error("has the shape {found:?}, not {wanted:?}")]
    Shape {
        /// Its shape, outermost first.
        found: Vec<usize>,
        /// What the model needs.
        wanted: Vec<usize>,
    },
    /// Its rows cannot be the heads' rows.
    #[error("has {rows} rows, which are not {heads} heads of an even size")]
    Heads {
        /// Its rows.
        rows: usize,
        /// The heads.
        heads: usize,
    },
    /// A vector whose values would have to be reordered inside blocks.
    #[error("is a packed vector, which no model has here")]
    PackedVector,
    /// NaN or infinity among the weights or, in a packed format, the scales.
    #[error("holds NaN or infinity at row {row}, at or after column {column}")]
    NonFinite {
        /// The row, from 0.
        row: usize,
        /// The column, from 0; of a packed format, the first of its block.
        column: usize,
    },
    /// A value that does not fit into the type of the computation.
    #[error("holds a value at row {row}, column {column} that {dtype:?} cannot hold")]
    TooLarge {
        /// The row, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
        /// The type.
        dtype: DType,
    },
    /// The environment asks for a kernel that there is not.
    #[error("cannot be multiplied with as the environment variable {} asks", crate::kernel::VARIABLE)]
    Kernel(#[source] KernelError),
    /// It could not be read.
    #[error("cannot be read")]
    Io(#[source] io::Error),
    /// candle refused.
    #[error("cannot be loaded")]
    Candle(#[source] candle_core::Error),
}

/// What is wrong with the metadata of a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GgufSpecError {
    /// A key is missing or odd.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A size or a factor that makes no sense.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// Another architecture.
    #[error(
        "models of the architecture `{}` are not run; llama, phi3, qwen2, qwen3, granite and gemma3 are",
        shown(name)
    )]
    Architecture {
        /// `general.architecture`.
        name: String,
    },
    /// Something that is not done here.
    #[error("metadata key `{key}` asks for {feature}, which is not supported")]
    Unsupported {
        /// The key.
        key: String,
        /// What it asks for.
        feature: String,
    },
    /// A number that cannot be.
    #[error("metadata key `{key}` is {value}: {problem}")]
    Value {
        /// The key.
        key: String,
        /// Its value.
        value: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No embeddings, so that the size of the vocabulary is not known.
    #[error("tensor `token_embd.weight` is missing or no matrix")]
    Embeddings,
}

pub(super) fn no_memory(bytes: usize) -> WeightError {
    WeightError::Memory { bytes }
}
