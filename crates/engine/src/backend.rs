//! A loaded model as a backend: batches of requests with all their signals, computed together.
//!
//! ```no_run
//! use plimsoll_core::ModelId;
//! use plimsoll_engine::chat::TEMPLATE_DATE;
//! use plimsoll_engine::{HashCache, LocalBackend, OpenedModel, Placement};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let opened = OpenedModel::open("models/tiny".as_ref())?;
//! let hashes = opened.hashes(&HashCache::none())?;
//! let model = opened.load(Placement::cpu_f32())?;
//! let backend = LocalBackend::new(ModelId::new("tiny")?, model, &hashes, TEMPLATE_DATE);
//! # Ok(())
//! # }
//! ```
//!
//! **Prefix sharing.** The tokens that all prompts of a batch begin with (instructions, exemplars) are read once and
//! kept for the next batch. The rest of a prompt is read once; the answer and the samples continue from its cache. A
//! follow-up continues from the answer's cache, as far as its tokens are the same.
//!
//! **Continuous batching.** The tasks of all requests are in one queue, in the order of the requests, all tasks of one
//! before the prompt of the next. A step takes the next token of each sequence that decodes and, while there is room,
//! tokens of prompts. A sequence that ends makes room at once.
//!
//! **Determinism.** With packed weights on the processor what a question gets is the same to the bit in any batch, order and
//! number of threads. Otherwise the same batch makes the same steps and the same bits; in another batch or order sums are
//! rounded differently, so log-probs differ in their last digits, and a greedy text may diverge where two tokens are
//! equally likely.
//!
//! **Hidden states.** Layer k is the residual stream after block k. For the last block this is the stream *before* the
//! final norm, where `hidden_states[-1]` of transformers is after it; all others are the same (-8 is
//! `hidden_states[-8]`).

mod active_sequence;
mod estimate;
mod monitor;
mod outputs;
mod prefix;
mod request_state;
mod rows;
mod scheduler;
mod spellings;

use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use plimsoll_backend::{
    Backend, BackendError, Batch, Capabilities, Control, Request, Sink, Support, TokenCount,
};
use plimsoll_core::{Decoding, ModelId, SignalRequest};

use crate::cache::KvCache;
use crate::chat::Moment;
use crate::error::EngineError;
use crate::model::{Encoder, LanguageModel, ModelHashes};

pub use estimate::TokenEstimate;

/// Limits of memory and batching. None of them changes answers, beyond the rounding of sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalLimits {
    /// Maximum bytes of keys and values, counted with the capacity that caches grow into. One sequence is computed even
    /// if it needs more.
    pub cache_bytes: usize,
    /// Maximum number of sequences in a step.
    pub sequences: NonZeroUsize,
    /// Maximum number of tokens in a step. Decoding sequences come first, and each takes one.
    pub step_tokens: NonZeroUsize,
    /// Whether common prefixes are computed once. Without it each text reads its whole prompt, for comparisons.
    pub shares_prefixes: bool,
}

impl Default for LocalLimits {
    fn default() -> Self {
        const SEQUENCES: NonZeroUsize = NonZeroUsize::new(32).unwrap();
        const STEP_TOKENS: NonZeroUsize = NonZeroUsize::new(512).unwrap();
        Self { cache_bytes: 2 << 30, sequences: SEQUENCES, step_tokens: STEP_TOKENS, shares_prefixes: true }
    }
}

/// A model in this process; see the module.
#[derive(Debug)]
pub struct LocalBackend {
    id: ModelId,
    model: LanguageModel,
    identity: String,
    now: Moment,
    limits: LocalLimits,
    /// The prefix of the last batch that had one.
    cached_prefix: Mutex<Option<KvCache>>,
    computed: Mutex<TokenCount>,
}

impl LocalBackend {
    /// Takes a loaded model, the hashes of its files, and the date that its chat template sees.
    pub fn new(id: ModelId, model: LanguageModel, hashes: &ModelHashes, now: Moment) -> Self {
        let identity = model.identity(hashes, now);
        let limits = LocalLimits::default();
        Self { id, model, identity, now, limits, cached_prefix: Mutex::default(), computed: Mutex::default() }
    }

    /// The same under other limits.
    #[must_use]
    pub fn with_limits(self, limits: LocalLimits) -> Self {
        Self { limits, ..self }
    }

    /// The model.
    pub fn language_model(&self) -> &LanguageModel {
        &self.model
    }

    /// Tokens computed since the backend was created.
    pub fn computed(&self) -> TokenCount {
        *self.computed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Estimates the tokens of requests that share a prefix, as those of one dataset do.
    pub fn estimate(
        &self,
        requests: &[Request],
        signals: &SignalRequest,
        decoding: Decoding,
    ) -> TokenEstimate {
        self.encoder().estimate(requests, signals, decoding)
    }

    fn encoder(&self) -> Encoder<'_> {
        self.model.encoder(self.now)
    }

    fn count(&self, tokens: TokenCount) {
        *self.computed.lock().unwrap_or_else(PoisonError::into_inner) += tokens;
    }

    fn failed(&self, error: EngineError) -> BackendError {
        BackendError::from_model(self.id.clone(), error)
    }
}

impl Backend for LocalBackend {
    fn model(&self) -> &ModelId {
        &self.id
    }

    fn identity(&self) -> String {
        self.identity.clone()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            logprobs: Support::Yes,
            samples: Support::Yes,
            follow_up_texts: Support::Yes,
            // A vocabulary may lack the spellings, and a model the layer.
            follow_up_masses: Support::Unknown,
            hidden_states: Support::Unknown,
        }
    }

    fn answer(
        &self,
        batch: &Batch<'_>,
        sink: &mut dyn Sink,
        control: &Control<'_>,
    ) -> Result<(), BackendError> {
        scheduler::answer_batch(self, batch, sink, control)
    }
}
