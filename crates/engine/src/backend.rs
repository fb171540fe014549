//! A loaded model as a backend: batches of asks with all their signals, computed together.
//!
//! ```no_run
//! use plimsoll_core::ModelId;
//! use plimsoll_engine::chat::Moment;
//! use plimsoll_engine::{HashCache, LocalBackend, Opened, Placement};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let opened = Opened::open("models/tiny".as_ref())?;
//! let hashes = opened.hashes(&HashCache::none())?;
//! let model = opened.load(Placement::cpu_f32())?;
//! let backend = LocalBackend::new(ModelId::new("tiny")?, model, &hashes, Moment::date(2025, 1, 1)?);
//! # Ok(())
//! # }
//! ```
//!
//! **What is computed once.** The tokens that all prompts of a batch begin with (instructions, exemplars) are
//! read once and kept for the next batch. The rest of a prompt is read once; the answer and the samples go on
//! from there. A follow-up goes on from the answer, as far as its tokens are the same.
//!
//! **How it goes on.** All texts of all asks are in one queue, in the order of the asks, those of one ask
//! before the prompt of the next. A step takes the next token of each text that is being written and,
//! as far as there is room, tokens of prompts. Whoever ends makes room at once.
//!
//! **What it depends on.** The same batch makes the same steps and the same bits. In another batch, order or
//! number of threads sums are rounded otherwise, so log-probs differ in their last digits, and a greedy text
//! may part where two tokens are as likely as each other.
//!
//! **Hidden states.** Layer k is the residual stream behind block k. For the last block this is the stream
//! *before* the final norm, where `hidden_states[-1]` of transformers is behind it; all others are the same
//! (-8 is `hidden_states[-8]`).

mod asked;
mod encoder;
mod estimate;
mod prefix;
mod rows;
mod run;
mod running;
mod spellings;
mod texts;

use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use plimsoll_backend::{
    Backend, BackendError, Batch, Capabilities, Control, Request, Sink, Support, TokenCount,
};
use plimsoll_core::canonical::canonical_sha256;
use plimsoll_core::{Decoding, ModelId, SignalRequest};
use serde_json::json;

use crate::cache::Cache;
use crate::chat::Moment;
use crate::error::EngineError;
use crate::model::{LanguageModel, ModelHashes};

pub use encoder::{Encoded, Encoder};
pub use estimate::Estimate;

/// How much is done at once. None of it changes what is answered, beyond the rounding of sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalLimits {
    /// The most bytes of keys and values, counted with the room that caches grow into. One sequence at a time
    /// is computed whatever it needs.
    pub cache_bytes: usize,
    /// The most sequences of a step.
    pub sequences: NonZeroUsize,
    /// The most tokens of a step; sequences that write come first, and one at least of each.
    pub step_tokens: NonZeroUsize,
    /// Whether what texts have in common is computed once. Without, each text reads its whole prompt, which
    /// is for comparison.
    pub shares: bool,
}

impl Default for LocalLimits {
    fn default() -> Self {
        const SEQUENCES: NonZeroUsize = NonZeroUsize::new(32).unwrap();
        const STEP_TOKENS: NonZeroUsize = NonZeroUsize::new(512).unwrap();
        Self { cache_bytes: 2 << 30, sequences: SEQUENCES, step_tokens: STEP_TOKENS, shares: true }
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
    kept: Mutex<Option<Cache>>,
    computed: Mutex<TokenCount>,
}

impl LocalBackend {
    /// Takes a loaded model, the hashes of its files, and what its chat template takes for now.
    pub fn new(id: ModelId, model: LanguageModel, hashes: &ModelHashes, now: Moment) -> Self {
        let template = model.template();
        let mut identity = json!({
            "backend": "engine 1",
            "weights_sha256": hashes.weights_sha256,
            "tokenizer_sha256": hashes.tokenizer_sha256,
            "config_sha256": hashes.config_sha256,
            "chat_template_sha256": plimsoll_core::canonical::hex(&template.sha256()),
            "stop_tokens": model.stop_tokens(),
            "dtype": model.decoder().placement().dtype.as_str(),
            // A date that no prompt shows changes no answer.
            "now": template.reads_now().then(|| now.format("%Y-%m-%dT%H:%M:%S").ok()),
        });
        if let Some(products) = model.packed_products() {
            identity["packed_products"] = products.into();
        }
        let identity = canonical_sha256(&identity);
        let (limits, kept) = (LocalLimits::default(), Mutex::default());
        Self { id, model, identity, now, limits, kept, computed: Mutex::default() }
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

    /// What was computed since the backend was made.
    pub fn computed(&self) -> TokenCount {
        *self.computed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it will take to answer asks that share a prefix, as those of one dataset do.
    pub fn estimate(&self, requests: &[Request], signals: &SignalRequest, decoding: Decoding) -> Estimate {
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
            // A vocabulary may lack the spellings, a model the layer.
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
        run::run(self, batch, sink, control)
    }
}
