//! A sequence that is being computed.

use std::sync::Arc;

use plimsoll_core::MissingSignal;

use super::spellings::{Masses, Spellings};
use crate::cache::Cache;
use crate::error::{EngineError, Result};
use crate::generation::{GenerationError, Sequence};
use crate::step::{Hidden, Positions, Row, RowOutput};

/// What is wanted of the place behind the tokens that are read.
#[derive(Debug)]
pub(super) enum Aim<'t> {
    /// The logits themselves, from which texts go on.
    Logits(Vec<f32>),
    /// A text.
    Text(Box<Sequence<'t>>),
    /// The masses of a reply's first token, and the reply if it is wanted.
    Reply { spellings: Option<Arc<Spellings>>, masses: Option<Masses>, text: Option<Box<Sequence<'t>>> },
    /// The state of a layer.
    State { layer: usize, vector: Vec<f32> },
}

/// A sequence with what it has read.
#[derive(Debug)]
pub(super) struct Running<'t> {
    pub(super) aim: Aim<'t>,
    pub(super) cache: Cache,
    /// What it reads now.
    unread: Vec<u32>,
    /// How much of that is read.
    read: usize,
    /// Bytes that are set aside for it.
    pub(super) bytes: usize,
    /// Generated tokens that were read; the one that is being read not counted.
    pub(super) decoded: u64,
    /// Whether what it reads was generated.
    is_decoding: bool,
    /// What spoiled it.
    pub(super) failure: Option<MissingSignal>,
}

impl<'t> Running<'t> {
    pub(super) fn new(aim: Aim<'t>, cache: Cache, unread: Vec<u32>) -> Self {
        Self { aim, cache, unread, read: 0, bytes: 0, decoded: 0, is_decoding: false, failure: None }
    }

    /// Tokens that it has yet to read.
    pub(super) fn left(&self) -> usize {
        self.unread.len() - self.read
    }

    /// Whether it writes.
    pub(super) fn is_decoding(&self) -> bool {
        self.is_decoding
    }

    /// Its part of a step that reads so many tokens.
    pub(super) fn row(&mut self, count: usize) -> Row<'_> {
        let is_last = count == self.left();
        let (logits, hidden) = match &self.aim {
            Aim::State { layer, .. } if is_last => {
                let hidden = Hidden { layer: *layer, positions: Positions::Last, before_norm: true };
                (Positions::None, Some(hidden))
            }
            Aim::Logits(_) | Aim::Text(_) | Aim::Reply { .. } if is_last => (Positions::Last, None),
            _ => (Positions::None, None),
        };
        let tokens = &self.unread[self.read..self.read + count];
        Row { tokens, cache: &mut self.cache, logits, hidden }
    }

    /// Takes what a step gave; says whether the sequence has ended.
    pub(super) fn absorb(&mut self, count: usize, output: &RowOutput, context: usize) -> Result<bool> {
        self.read += count;
        if self.is_decoding {
            self.decoded += count as u64;
        }
        if self.left() > 0 {
            return Ok(false);
        }
        let found = output.hidden.as_ref().or(output.logits.as_ref()).ok_or(EngineError::NoTokens)?;
        let numbers: Vec<f32> = found.flatten_all()?.to_vec1()?;
        if let Aim::State { vector, .. } = &mut self.aim {
            *vector = numbers;
            return Ok(true);
        }
        self.take(numbers, context)
    }

    /// Takes logits behind all that it has read; says whether the sequence has ended.
    pub(super) fn take(&mut self, logits: Vec<f32>, context: usize) -> Result<bool> {
        if let Aim::Logits(kept) = &mut self.aim {
            *kept = logits;
            return Ok(true);
        }
        self.go_on(&logits, context)
    }

    /// Goes on from logits that others go on from too.
    pub(super) fn go_on(&mut self, logits: &[f32], context: usize) -> Result<bool> {
        let sequence = match &mut self.aim {
            Aim::Text(sequence) => Some(sequence),
            Aim::Reply { spellings, masses, text } => {
                if let Some(spellings) = spellings.take() {
                    *masses = Some(spellings.masses(logits)?);
                }
                text.as_mut()
            }
            Aim::Logits(_) | Aim::State { .. } => None,
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
