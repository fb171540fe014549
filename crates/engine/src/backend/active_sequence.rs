//! A sequence that is being computed.

use std::sync::Arc;

use plimsoll_core::MissingSignal;

use super::spellings::{FollowUpMasses, Spellings};
use crate::cache::KvCache;
use crate::error::{EngineError, Result};
use crate::generation::{GenerationError, Sequence};
use crate::step::{Hidden, Positions, RowOutput, StepRow};

/// What a sequence produces after its prompt tokens are read.
#[derive(Debug)]
pub(super) enum Goal<'t> {
    /// The logits after the last token, from which several texts continue.
    Logits(Vec<f32>),
    /// A generated text.
    Text(Box<Sequence<'t>>),
    /// The masses of a reply's first token, and the reply if it is requested.
    Reply {
        spellings: Option<Arc<Spellings>>,
        masses: Option<FollowUpMasses>,
        text: Option<Box<Sequence<'t>>>,
    },
    /// The hidden state of a layer at the last token.
    State { layer: usize, vector: Vec<f32> },
}

/// A sequence with what it has read.
#[derive(Debug)]
pub(super) struct ActiveSequence<'t> {
    pub(super) goal: Goal<'t>,
    pub(super) cache: KvCache,
    /// Tokens to read.
    unread: Vec<u32>,
    /// How many of these were read.
    read: usize,
    /// Bytes reserved for its cache.
    pub(super) bytes: usize,
    /// Generated tokens that were read; the one that is being read not counted.
    pub(super) decoded: u64,
    /// Whether what it reads was generated.
    is_decoding: bool,
    /// Why it produced nothing, if it failed.
    pub(super) failure: Option<MissingSignal>,
}

impl<'t> ActiveSequence<'t> {
    pub(super) fn new(goal: Goal<'t>, cache: KvCache, unread: Vec<u32>) -> Self {
        Self { goal, cache, unread, read: 0, bytes: 0, decoded: 0, is_decoding: false, failure: None }
    }

    /// Tokens that it has yet to read.
    pub(super) fn left(&self) -> usize {
        self.unread.len() - self.read
    }

    /// Whether its next token was generated, not part of a prompt.
    pub(super) fn is_decoding(&self) -> bool {
        self.is_decoding
    }

    /// Its row in a step that reads its next `count` tokens.
    pub(super) fn row(&mut self, count: usize) -> StepRow<'_> {
        let is_last = count == self.left();
        let (logits, hidden) = match &self.goal {
            Goal::State { layer, .. } if is_last => {
                let hidden = Hidden { layer: *layer, positions: Positions::Last, before_norm: true };
                (Positions::None, Some(hidden))
            }
            Goal::Logits(_) | Goal::Text(_) | Goal::Reply { .. } if is_last => (Positions::Last, None),
            _ => (Positions::None, None),
        };
        let tokens = &self.unread[self.read..self.read + count];
        StepRow { tokens, cache: &mut self.cache, logits, hidden }
    }

    /// Takes the output of a step that read `count` tokens; true if the sequence has ended.
    pub(super) fn advance(&mut self, count: usize, output: &RowOutput, context: usize) -> Result<bool> {
        self.read += count;
        if self.is_decoding {
            self.decoded += count as u64;
        }
        if self.left() > 0 {
            return Ok(false);
        }
        let tensor = output.hidden.as_ref().or(output.logits.as_ref()).ok_or(EngineError::NoTokens)?;
        let values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
        if let Goal::State { vector, .. } = &mut self.goal {
            *vector = values;
            return Ok(true);
        }
        self.take_logits(values, context)
    }

    /// Takes the logits after its last token; true if the sequence has ended.
    pub(super) fn take_logits(&mut self, logits: Vec<f32>, context: usize) -> Result<bool> {
        if let Goal::Logits(stored) = &mut self.goal {
            *stored = logits;
            return Ok(true);
        }
        self.continue_from(&logits, context)
    }

    /// Continues from logits that other sequences may continue from too; true if it has ended.
    pub(super) fn continue_from(&mut self, logits: &[f32], context: usize) -> Result<bool> {
        let sequence = match &mut self.goal {
            Goal::Text(sequence) => Some(sequence),
            Goal::Reply { spellings, masses, text } => {
                if let Some(spellings) = spellings.take() {
                    *masses = Some(spellings.masses(logits)?);
                }
                text.as_mut()
            }
            Goal::Logits(_) | Goal::State { .. } => None,
        };
        let Some(sequence) = sequence else { return Ok(true) };
        match sequence.advance(logits) {
            // A text that fills the context ends there, by its length.
            Ok(Some(token)) if self.cache.len() < context => {
                (self.unread, self.read, self.is_decoding) = (vec![token], 0, true);
                Ok(false)
            }
            Ok(_) => Ok(true),
            Err(GenerationError::Tokenizer(_)) => {
                self.failure = Some(MissingSignal::TokenizerFailed);
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
    }
}
