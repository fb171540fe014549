//! Models in one GGUF file, the format of llama.cpp.

mod blocks;
mod cursor;
mod header;
mod header_error;
mod metadata;
mod pieces;
mod pre_tokenizer;
mod value;
mod vocabulary;

pub use blocks::BlockFormat;
pub use cursor::CursorError;
pub use header::{Header, TensorInfo};
pub use header_error::{HeaderError, TensorError};
pub use metadata::{Metadata, MetadataError};
pub use value::{Array, Texts, Value, ValueError};
pub use vocabulary::{SpecialTokens, Vocabulary, VocabularyError};
