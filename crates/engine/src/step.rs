//! What goes into a step of the decoder, and what comes out.

use candle_core::Tensor;

use crate::cache::KvCache;

/// One sequence's part of a step.
#[derive(Debug)]
pub struct StepRow<'a> {
    /// The tokens that come now, at least one.
    pub tokens: &'a [u32],
    /// What came before; the tokens are added to it.
    pub cache: &'a mut KvCache,
    /// Where logits are wanted.
    pub logits: Positions,
    /// Where a hidden state is wanted.
    pub hidden: Option<Hidden>,
}

impl<'a> StepRow<'a> {
    /// A row that wants the logits after its last token.
    pub fn new(tokens: &'a [u32], cache: &'a mut KvCache) -> Self {
        Self { tokens, cache, logits: Positions::Last, hidden: None }
    }
}

/// Places among the tokens of one row of one step, counted from 0 at the first token of the step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Positions {
    /// None.
    None,
    /// The last token.
    Last,
    /// Every token, in order.
    All,
    /// These, in this order; one may come twice.
    List(Vec<usize>),
}

/// Which hidden state is wanted, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// As transformers counts `hidden_states`: 0 is the scaled embedding, `i` the residual stream after
    /// block `i` (counted from 1), and the number of layers the stream after the last block *and the final
    /// norm*.
    pub layer: usize,
    /// These positions.
    pub positions: Positions,
    /// Whether the final norm is left out of the last layer, so that it too is the residual stream. Without
    /// meaning for the others.
    pub before_norm: bool,
}

/// What a row gets back.
#[derive(Debug, Clone)]
pub struct RowOutput {
    /// `[positions, vocabulary]`, F32, in the order requested; `None` if none were.
    pub logits: Option<Tensor>,
    /// `[positions, hidden]`, F32, in the order requested; `None` if none were.
    pub hidden: Option<Tensor>,
    /// How many tokens of the cache were computed anew since the sequence crossed from the rotary embedding
    /// of short sequences to that of long ones, or back. 0 in nearly every step.
    pub recomputed: usize,
}

/// Why a step was not taken, or did not end. The caches are as before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// A row without tokens.
    #[error("row {row} has no tokens")]
    NoTokens {
        /// The row, from 0.
        row: usize,
    },
    /// A token that the embedding does not have.
    #[error("row {row} has token {token} at {position}; the model's vocabulary has {vocabulary}")]
    Token {
        /// The row, from 0.
        row: usize,
        /// Its index among the row's tokens.
        position: usize,
        /// The token.
        token: u32,
        /// Tokens of the vocabulary.
        vocabulary: usize,
    },
    /// A sequence beyond the model's context.
    #[error("row {row} would have {tokens} tokens; the model's context has {context}")]
    Context {
        /// The row, from 0.
        row: usize,
        /// Tokens with those of its cache.
        tokens: usize,
        /// The limit.
        context: usize,
    },
    /// A position that the row does not have.
    #[error("row {row} asks for position {position} of {tokens} tokens")]
    Position {
        /// The row, from 0.
        row: usize,
        /// The position.
        position: usize,
        /// Tokens of the row in this step.
        tokens: usize,
    },
    /// A hidden state that the model does not have.
    #[error("row {row} asks for the hidden state of layer {layer}; the model has 0 to {layers}")]
    Layer {
        /// The row, from 0.
        row: usize,
        /// The layer.
        layer: usize,
        /// The last.
        layers: usize,
    },
    /// A cache made by another decoder.
    #[error("the cache of row {row} was made by another decoder")]
    Cache {
        /// The row, from 0.
        row: usize,
    },
    /// The device failed.
    #[error("the decoder cannot compute")]
    Device(#[source] candle_core::Error),
}

impl Positions {
    /// The positions as indices, each below `tokens`.
    pub(crate) fn list(&self, row: usize, tokens: usize) -> Result<Vec<usize>, StepError> {
        match self {
            Self::None => Ok(Vec::new()),
            Self::Last => Ok(vec![tokens - 1]),
            Self::All => Ok((0..tokens).collect()),
            Self::List(list) => match list.iter().find(|position| **position >= tokens) {
                Some(&position) => Err(StepError::Position { row, position, tokens }),
                None => Ok(list.clone()),
            },
        }
    }
}
