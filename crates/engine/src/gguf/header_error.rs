//! Why a header is not one.

use super::cursor::CursorError;
use super::limits::{MAX_DIMENSIONS, MAX_KEY_BYTES, MAX_NAME_BYTES};
use super::value::ValueError;

/// What is wrong with a header, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// No file of this kind.
    #[error("it is no GGUF file: it does not begin with `GGUF`")]
    NotGguf,
    /// Written for machines of the other byte order.
    #[error("it is big-endian; only little-endian files are read")]
    BigEndian,
    /// A version that is not read.
    #[error("it is GGUF version {version}; versions 2 and 3 are read")]
    Version {
        /// The version.
        version: u32,
    },
    /// The fixed part is damaged.
    #[error("the counts are damaged")]
    Counts(#[source] CursorError),
    /// More of something than a model has.
    #[error("{count} {what} are announced; at most {max} are allowed")]
    TooMany {
        /// How many.
        count: u64,
        /// Of what.
        what: &'static str,
        /// The limit.
        max: u64,
    },
    /// The key of a pair is damaged.
    #[error("the key of metadata pair {index} is damaged")]
    Key {
        /// The pair, from 0.
        index: u64,
        /// How.
        #[source]
        source: CursorError,
    },
    /// A key that is empty or too long.
    #[error("the key of metadata pair {index} has {bytes} bytes, not 1 to {MAX_KEY_BYTES}")]
    KeyLength {
        /// The pair, from 0.
        index: u64,
        /// Its length.
        bytes: usize,
    },
    /// The value of a key is damaged.
    #[error("the value of metadata key `{}` is damaged", shown(key))]
    Value {
        /// The key.
        key: String,
        /// How.
        #[source]
        source: ValueError,
    },
    /// A key that stands twice.
    #[error("metadata key `{}` stands twice", shown(key))]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// Tensors are to be aligned to something odd.
    #[error("`general.alignment` is not a power of two of at most 2^20")]
    Alignment,
    /// The description of a tensor ends too early.
    #[error("the description of tensor {index} is damaged")]
    Description {
        /// The tensor, from 0.
        index: u64,
        /// How.
        #[source]
        source: CursorError,
    },
    /// The name of a tensor is empty or too long.
    #[error("the name of tensor {index} has {bytes} bytes, not 1 to {MAX_NAME_BYTES}")]
    NameLength {
        /// The tensor, from 0.
        index: u64,
        /// Its length.
        bytes: usize,
    },
    /// A tensor that cannot be.
    #[error("tensor `{}`", shown(name))]
    Tensor {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: TensorError,
    },
}

/// What is wrong with the description of a tensor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// Another tensor has the name.
    #[error("is described twice")]
    Duplicate,
    /// No dimension, or too many.
    #[error("has {dimensions} dimensions, not 1 to {MAX_DIMENSIONS}")]
    Dimensions {
        /// How many.
        dimensions: u32,
    },
    /// A dimension of zero, or more values than can be counted.
    #[error("has the shape {shape:?} (innermost first), which holds nothing or too much")]
    Shape {
        /// Its dimensions in the file's order.
        shape: Vec<u64>,
    },
    /// A format that is not read.
    #[error(
        "is of type {name} ({id}); F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and Q2_K to Q6_K are read"
    )]
    Format {
        /// The number in the file.
        id: u32,
        /// The format's name, or `unknown`.
        name: &'static str,
    },
    /// A row that is not of whole blocks.
    #[error("is of type {format}, whose blocks have {block} values, but its rows have {row}")]
    Row {
        /// The format.
        format: &'static str,
        /// Values in a block.
        block: usize,
        /// Values in a row.
        row: u64,
    },
    /// An offset between two aligned ones.
    #[error("begins at offset {offset}, which is no multiple of the alignment {alignment}")]
    Misaligned {
        /// The offset in the data.
        offset: u64,
        /// The alignment.
        alignment: u64,
    },
    /// It lies outside the file.
    #[error("has {bytes} bytes at offset {offset} of the data, but the file has {data} bytes of data")]
    OutOfFile {
        /// The offset in the data.
        offset: u64,
        /// Its bytes.
        bytes: u64,
        /// The bytes that there are.
        data: u64,
    },
    /// It shares bytes with another.
    #[error("overlaps tensor `{}`", shown(other))]
    Overlap {
        /// The other.
        other: String,
    },
}

/// A name out of a file, as it may stand in a message: escaped and not too long.
pub(super) fn shown(name: &str) -> String {
    const MOST: usize = 80;
    let mut text: String = name.chars().take(MOST).flat_map(char::escape_debug).collect();
    if name.chars().nth(MOST).is_some() {
        text.push('…');
    }
    text
}
