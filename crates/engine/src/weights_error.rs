//! Why weights cannot be used.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use candle_core::DType;

use crate::spec_error::SpecError;

/// What is wrong with a container of weights, or with one tensor of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
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
    /// A file that is not what its name says.
    #[error("`{}` is no usable safetensors file: {problem}", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// The cause.
        problem: HeaderProblem,
    },
    /// An index that names what it should not.
    #[error("`{}` is no usable index of weights: {problem}", path.display())]
    Index {
        /// The index file.
        path: PathBuf,
        /// The cause.
        problem: IndexProblem,
    },
    /// A decoder that cannot be.
    #[error("the decoder of the weights is invalid")]
    Spec(#[source] SpecError),
    /// The decoder needs a tensor that is not there.
    #[error("the weights have no tensor `{}`", name.escape_debug())]
    Missing {
        /// Its name.
        name: String,
    },
    /// More than there is memory for.
    #[error("there is no memory for tensor `{}`: {bytes} bytes", name.escape_debug())]
    Memory {
        /// Its name.
        name: String,
        /// What it takes.
        bytes: usize,
    },
    /// A tensor of another shape.
    #[error("tensor `{}` has shape {found:?}; the configuration asks for {wanted:?}", name.escape_debug())]
    Shape {
        /// Its name.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that the configuration requires.
        wanted: Vec<usize>,
    },
    /// A tensor of a type that cannot be converted.
    #[error("tensor `{}` is stored as {stored}, which cannot be read as {wanted:?}", name.escape_debug())]
    Type {
        /// Its name.
        name: String,
        /// How it is stored, as the container spells it.
        stored: String,
        /// What was requested.
        wanted: DType,
    },
    /// A weight that is NaN or infinite.
    #[error("tensor `{}` holds {value} at element {element}", name.escape_debug())]
    NotFinite {
        /// Its name.
        name: String,
        /// NaN or an infinity, also one that came by conversion to a narrower type.
        value: f32,
        /// Which element, counted row by row from 0.
        element: usize,
    },
    /// A tensor that the decoder does not use. Ignoring it would silently change the answers.
    #[error("the weights hold tensor `{}`, which `{architecture}` does not use", name.escape_debug())]
    Surplus {
        /// Its name.
        name: String,
        /// The architecture.
        architecture: String,
    },
    /// The device failed.
    #[error("cannot place tensor `{}`", name.escape_debug())]
    Device {
        /// Its name.
        name: String,
        /// The cause.
        #[source]
        source: candle_core::Error,
    },
    /// Another container's own error.
    #[error("cannot read tensor `{}`", name.escape_debug())]
    Container {
        /// The tensor's name.
        name: String,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What is wrong with the header of a safetensors file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderProblem {
    /// Too short for a header.
    #[error("it has {bytes} bytes, and the header says {wanted}")]
    Truncated {
        /// Bytes of the file.
        bytes: u64,
        /// Bytes that there must be.
        wanted: u64,
    },
    /// A header beyond what is believed.
    #[error("its header has {bytes} bytes; at most {max} are allowed")]
    HeaderTooLarge {
        /// Bytes of the header.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// A header that is no JSON of the right form.
    #[error("its header cannot be read: {0}")]
    Json(serde_json::Error),
    /// A tensor whose bytes and shape disagree.
    #[error("tensor `{}`, {} of shape {shape:?}, does not fit its bytes {begin}..{end}", name.escape_debug(), stored.escape_debug())]
    Range {
        /// The tensor.
        name: String,
        /// The stored type.
        stored: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Where it begins.
        begin: u64,
        /// Where it ends.
        end: u64,
    },
    /// Tensors that share bytes, or bytes that no tensor has.
    #[error("tensor `{}` begins at {begin}, where {expected} is next", name.escape_debug())]
    Gap {
        /// The tensor.
        name: String,
        /// Where it begins.
        begin: u64,
        /// Where it should.
        expected: u64,
    },
    /// Bytes after the last tensor.
    #[error("it has {bytes} bytes; its tensors end at {wanted}")]
    Trailing {
        /// Bytes of the file.
        bytes: u64,
        /// Where they should end.
        wanted: u64,
    },
}

/// What is wrong with an index of sharded weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexProblem {
    /// An index beyond what is believed.
    #[error("it has {bytes} bytes; at most {max} are allowed")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// No JSON of the right form.
    #[error("it cannot be read: {0}")]
    Json(serde_json::Error),
    /// No tensors at all.
    #[error("it names no tensors")]
    Empty,
    /// A shard outside the folder.
    #[error("it names the file `{}`, which is not a plain name in its folder", file.escape_debug())]
    Outside {
        /// The name.
        file: String,
    },
    /// A tensor that the shard does not hold.
    #[error("it lists tensor `{}` in `{file}`, which does not hold it", name.escape_debug())]
    Misplaced {
        /// The tensor.
        name: String,
        /// The shard.
        file: String,
    },
}
