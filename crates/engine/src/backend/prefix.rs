//! What all prompts of a batch begin with, computed once.
//!
//! The prefix is always read alone and from its first token, in chunks of one size, so that a cache kept from an
//! earlier batch is bit-exact with what would be computed now.

use plimsoll_backend::{BackendError, TokenCount};

use super::LocalBackend;
use super::monitor::Monitor;
use crate::cache::KvCache;
use crate::step::{Positions, StepRow};

/// Prefixes are multiples of this: whatever the questions of two batches happen to begin with alike, their
/// exemplars are then the same prefix.
const GRAIN: usize = 32;

/// The length of the prefix that is kept: a multiple of the grain.
pub(super) fn rounded(tokens: usize) -> usize {
    tokens - tokens % GRAIN
}

impl LocalBackend {
    /// A cache of the prefix, kept or computed.
    pub(super) fn prefix(&self, tokens: &[u32], monitor: &mut Monitor<'_>) -> Result<KvCache, BackendError> {
        let mut slot = self.cached_prefix.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(cache) = slot.as_mut().filter(|cache| cache.tokens() == tokens) {
            return Ok(cache.fork());
        }
        // The prefix of another dataset is dropped first.
        *slot = None;
        let decoder = self.model.decoder();
        let mut cache = decoder.cache();
        for chunk in tokens.chunks(self.limits.step_tokens.get()) {
            monitor.check()?;
            let mut row = StepRow { logits: Positions::None, ..StepRow::new(chunk, &mut cache) };
            decoder.step(std::slice::from_mut(&mut row)).map_err(|error| self.failed(error.into()))?;
            monitor.count(TokenCount { prefilled: chunk.len() as u64, ..TokenCount::default() });
        }
        let fork = cache.fork();
        *slot = Some(cache);
        Ok(fork)
    }
}
