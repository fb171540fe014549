//! Text to tokens and back.
//!
//! A `tokenizer.json` says everything: special tokens are added by its post-processor only, as
//! `tokenizer(text)` does in transformers, never by a rule of ours. What it says of truncation and padding
//! is left aside: nothing is cut or filled in silence.

mod expressions;
mod limits;
mod parts;

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokenizers::{Encoding, Model as _, OffsetType, Tokenizer as Inner};

pub use parts::TokenizerParts;

use expressions::Expressions;

/// The largest `tokenizer.json` that is read. The largest known ones have 30 MB.
const MAX_BYTES: usize = 256 << 20;

/// Why text could not become tokens, or tokens text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// A file beyond what is believed.
    #[error("the tokenizer has {bytes} bytes; at most {MAX_BYTES} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A file that describes no tokenizer.
    #[error("the tokenizer cannot be read: {problem}")]
    Unreadable {
        /// The cause.
        problem: String,
    },
    /// A tokenizer of another, larger model.
    #[error("the tokenizer can emit token {token} (`{}`), beyond the model's vocabulary of {vocabulary}", text.escape_debug())]
    Beyond {
        /// The largest token.
        token: u32,
        /// Its text.
        text: String,
        /// The model's vocabulary.
        vocabulary: usize,
    },
    /// A text that cannot be encoded.
    #[error("cannot turn a text of {bytes} bytes into tokens: {problem}")]
    Encode {
        /// Its size.
        bytes: usize,
        /// What went wrong.
        problem: String,
    },
    /// Tokens that cannot be decoded.
    #[error("cannot turn {tokens} tokens into a text: {problem}")]
    Decode {
        /// How many.
        tokens: usize,
        /// What went wrong.
        problem: String,
    },
}

/// A token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedToken {
    /// Its id.
    pub id: u32,
    /// First byte in the text, and the byte after the last; the same where it stands for no byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A tokenizer that fits its model.
#[derive(Debug)]
pub struct Tokenizer {
    inner: Inner,
    expressions: Expressions,
}

impl Tokenizer {
    /// Reads a `tokenizer.json` for a model of so many tokens. A model may have more tokens than the
    /// tokenizer knows.
    ///
    /// # Errors
    /// [`TokenizerError`] for bytes that describe none, one that can emit a token the model does not have, or one
    /// that could make a text endless or have other tokens each time.
    pub fn from_json(bytes: &[u8], vocabulary: usize) -> Result<Self, TokenizerError> {
        if bytes.len() > MAX_BYTES {
            return Err(TokenizerError::TooLarge { bytes: bytes.len() });
        }
        let unreadable = |problem: String| TokenizerError::Unreadable { problem };
        let may_give_up = limits::check(bytes).map_err(unreadable)?;
        let mut inner = guarded(|| Inner::from_bytes(bytes)).map_err(unreadable)?;
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| unreadable(error.to_string()))?;
        let largest = inner.get_vocab(true).into_iter().max_by_key(|(_, token)| *token);
        let largest = largest.ok_or_else(|| unreadable("it has no token".to_owned()))?;
        Self::fitting(inner, Expressions::new(may_give_up), largest, vocabulary)
    }

    /// A tokenizer whose largest token is `largest`, if a model of so many tokens has all that it can emit.
    fn fitting(
        inner: Inner,
        expressions: Expressions,
        largest: (String, u32),
        vocabulary: usize,
    ) -> Result<Self, TokenizerError> {
        let unreadable = |problem: String| TokenizerError::Unreadable { problem };
        let tokenizer = Self { inner, expressions };
        // The post-processor has numbers of its own, whatever the vocabulary says.
        let around = tokenizer.guarded_encode("", true).map_err(unreadable)?;
        let added = around.get_ids().iter().zip(around.get_tokens()).map(|(id, text)| (text.clone(), *id));
        match added.chain([largest]).find(|(_, token)| *token as usize >= vocabulary) {
            Some((text, token)) => Err(TokenizerError::Beyond { token, text, vocabulary }),
            None => Ok(tokenizer),
        }
    }

    /// The tokens of a text. `special` adds what the post-processor adds (a beginning, an end): wanted for
    /// plain text, not for a rendered chat template, which says them itself.
    ///
    /// # Errors
    /// [`TokenizerError::Encode`].
    pub fn encode(&self, text: &str, special: bool) -> Result<Vec<EncodedToken>, TokenizerError> {
        let encoded = self.guarded_encode(text, special);
        let encoded = encoded.map_err(|problem| TokenizerError::Encode { bytes: text.len(), problem })?;
        let pieces = encoded.get_ids().iter().zip(encoded.get_offsets());
        Ok(pieces.map(|(id, (start, end))| EncodedToken { id: *id, start: *start, end: *end }).collect())
    }

    fn guarded_encode(&self, text: &str, special: bool) -> Result<Encoding, String> {
        guarded(|| {
            // The library's own way, but for what is looked at on it: a text is taken apart once.
            let mut pieces = self.expressions.pieces(&self.inner, text)?;
            self.inner.get_model().tokenize_in_pretokenized(&mut pieces, None)?;
            self.inner.post_process(pieces.into_encoding(None, 0, OffsetType::Byte)?, None, special)
        })
    }

    /// The text of tokens, special ones left out.
    ///
    /// # Errors
    /// [`TokenizerError::Decode`].
    pub fn decode(&self, tokens: &[u32]) -> Result<String, TokenizerError> {
        let decoded = guarded(|| self.inner.decode(tokens, true));
        decoded.map_err(|problem| TokenizerError::Decode { tokens: tokens.len(), problem })
    }

    /// A token as the vocabulary spells it.
    pub fn spelling(&self, token: u32) -> Option<String> {
        self.inner.id_to_token(token)
    }

    /// The token of a spelling, special ones included.
    pub fn token(&self, spelling: &str) -> Option<u32> {
        self.inner.token_to_id(spelling)
    }

    /// Tokens that it knows.
    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
    }
}

/// The library checks little of what a file says before it computes with it; what it stumbles over is a
/// damaged tokenizer, not the end of the program.
fn guarded<T>(work: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("its parts contradict each other".to_owned()),
    }
}

#[cfg(test)]
mod tests;
