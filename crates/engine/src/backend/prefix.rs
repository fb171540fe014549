//! What all prompts of a batch begin with, computed once.
//!
//! The prefix is always read alone and from its first token, in pieces of one size, so that a cache that
//! was kept from the batch before is to the bit what would be computed now.

use plimsoll_backend::{BackendError, TokenCount};

use super::LocalBackend;
use super::run::Watch;
use crate::cache::Cache;
use crate::step::{Positions, Row};

/// Prefixes are multiples of this: whatever the questions of two batches happen to begin with alike, their
/// exemplars are then the same prefix.
const GRAIN: usize = 32;

/// A prefix that is worth keeping.
pub(super) fn rounded(tokens: usize) -> usize {
    tokens - tokens % GRAIN
}

impl LocalBackend {
    /// A cache of the prefix, kept or computed.
    pub(super) fn prefix(&self, tokens: &[u32], watch: &mut Watch<'_>) -> Result<Cache, BackendError> {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(cache) = kept.as_mut().filter(|cache| cache.tokens() == tokens) {
            return Ok(cache.fork());
        }
        // What is kept of another dataset makes room first.
        *kept = None;
        let decoder = self.model.decoder();
        let mut cache = decoder.cache();
        for piece in tokens.chunks(self.limits.step_tokens.get()) {
            watch.check()?;
            let mut row = Row { logits: Positions::None, ..Row::new(piece, &mut cache) };
            decoder.step(std::slice::from_mut(&mut row)).map_err(|error| self.failed(error.into()))?;
            watch.count(TokenCount { prefilled: piece.len() as u64, ..TokenCount::default() });
        }
        let fork = cache.fork();
        *kept = Some(cache);
        Ok(fork)
    }
}
