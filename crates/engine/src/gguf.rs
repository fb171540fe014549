//! Models in one GGUF file, the format of llama.cpp.

mod blocks;
mod cursor;
mod error;
mod file;
mod floats;
mod header;
mod header_error;
mod hyperparameters;
mod matrix;
mod metadata;
mod names;
mod pieces;
mod pre_tokenizer;
mod rows;
mod value;
mod vocabulary;
mod weights;

pub use blocks::BlockFormat;
pub use cursor::CursorError;
pub use error::{GgufError, HyperparameterError, WeightError};
pub use file::GgufFile;
pub use header::{Header, TensorInfo};
pub use header_error::{HeaderError, TensorError};
pub use hyperparameters::{Architecture, Hyperparameters, Multipliers, Rope, RopeScaling, Window};
pub use matrix::GgufMatrix;
pub use metadata::{Metadata, MetadataError};
pub use value::{Array, Texts, Value, ValueError};
pub use vocabulary::{SpecialTokens, Vocabulary, VocabularyError};
pub use weights::{GgufWeights, RopeFactors};
