//! Why a vocabulary cannot be used.

use super::header_error::shown;
use super::metadata::MetadataError;

/// Maximum length of a text of a token, in bytes.
pub(super) const MAX_TOKEN_BYTES: usize = 1024;

/// The most text of all tokens, in bytes. A quarter of a million tokens have some 3 MB.
pub(super) const MAX_VOCABULARY_BYTES: usize = 16 << 20;

/// Why a file's vocabulary cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VocabularyError {
    /// A key is missing or odd.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// Another kind of tokenizer.
    #[error("tokenizers of the kind `{}` are not read; `gpt2` and `llama` are", shown(kind))]
    Kind {
        /// `tokenizer.ggml.model`.
        kind: String,
    },
    /// A way to split text that is not known.
    #[error(
        "the pre-tokenizer `{}` is not known: put the model's tokenizer.json beside the file",
        shown(name)
    )]
    PreTokenizer {
        /// `tokenizer.ggml.pre`.
        name: String,
    },
    /// Two lists that belong together differ in length.
    #[error("`{key}` has {found} entries for {tokens} tokens")]
    Length {
        /// The key of the list.
        key: &'static str,
        /// Its length.
        found: usize,
        /// How many tokens there are.
        tokens: usize,
    },
    /// A text stands for two tokens.
    #[error("the tokens {first} and {second} are both `{}`", shown(text))]
    Duplicate {
        /// The text.
        text: String,
        /// The lower id.
        first: usize,
        /// The higher id.
        second: usize,
    },
    /// More text than a vocabulary has.
    #[error("the tokens have {bytes} bytes together; at most {MAX_VOCABULARY_BYTES} are allowed")]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// A token of an absurd length.
    #[error("token {id} has {bytes} bytes; at most {MAX_TOKEN_BYTES} are allowed")]
    LongToken {
        /// Its id.
        id: usize,
        /// Its length.
        bytes: usize,
    },
    /// A score that is not a number.
    #[error("the score of token {id} is not a number")]
    Score {
        /// Its id.
        id: usize,
    },
    /// A merge that is no pair.
    #[error("merge {index} is not two tokens with a space between")]
    Merge {
        /// Its index in the list.
        index: usize,
    },
    /// An id beyond the vocabulary.
    #[error("`{key}` is {id}, but there are {tokens} tokens")]
    Id {
        /// The key.
        key: &'static str,
        /// The id.
        id: u32,
        /// How many tokens there are.
        tokens: usize,
    },
}
