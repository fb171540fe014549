//! Models in one GGUF file, the format of llama.cpp.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use plimsoll_engine::gguf::{GgufFile, GgufWeights};
//!
//! # fn main() -> Result<(), plimsoll_engine::gguf::GgufError> {
//! let file = GgufFile::open(Path::new("model-Q4_K_M.gguf"))?;
//! let tokenizer_json = file.tokenizer_json()?;
//! let weights = GgufWeights::new(file)?; // a `Tensors`, with its `DecoderSpec`
//! println!("{} layers, {} bytes of vocabulary", weights.spec().layers.len(), tokenizer_json.len());
//! # Ok(())
//! # }
//! ```
//!
//! - **What is read.** Versions 2 and 3, little-endian, in one file; the formats of [`BlockFormat`]; the
//!   architectures of [`GgufArchitecture`]. Others are refused by name.
//! - **Untrusted input.** Counts and offsets are checked against the file's length before they are used. Tensors are
//!   inside the file, aligned and alone in their bytes; keys and names stand once.
//! - **Memory.** Opening reads the header only. A tensor is read on demand, straight into its
//!   final memory. Values and scales that are NaN or infinite are found then.
//! - **Packed products.** A packed matrix stays packed, and activations are rounded to 8 bits, block by block, as
//!   llama.cpp does. On the processor `plimsoll_kernels::packed` multiplies: a row has the same bits whatever rows stand
//!   beside it and whichever kernel computes it; the environment variable `PLIMSOLL_KERNEL` names one, otherwise it is
//!   the fastest that the processor has. On a device candle multiplies. Which of the two it is belongs to a model's
//!   identity (`packed_products`).
//! - **Same names, same rows.** Weights have the names, and the rows the order, that transformers gives
//!   them, so that the decoder knows nothing of GGUF.
//! - **Vocabulary.** Byte-level BPE and the BPE of `SentencePiece` become what a `tokenizer.json` would say;
//!   a `tokenizer.json` beside the file takes precedence.

mod architecture;
mod blocks;
mod cursor;
mod error;
mod file;
mod floats;
mod header;
mod header_error;
mod limits;
mod loading;
mod matrix;
mod metadata;
mod names;
mod pieces;
mod pre_tokenizer;
mod rows;
mod spec;
mod token_type;
mod value;
mod vocabulary;
mod vocabulary_error;
mod weights;

pub use architecture::GgufArchitecture;
pub use blocks::BlockFormat;
pub use cursor::CursorError;
pub use error::{GgufError, GgufSpecError, WeightError};
pub use file::GgufFile;
pub use header::{GgufHeader, TensorInfo};
pub use header_error::{HeaderError, TensorError};
pub use matrix::GgufMatrix;
pub use metadata::{Metadata, MetadataError};
pub use value::{Array, MetadataValue, TextArray, ValueError};
pub use vocabulary::{SpecialTokenIds, Vocabulary};
pub use vocabulary_error::VocabularyError;
pub use weights::GgufWeights;
