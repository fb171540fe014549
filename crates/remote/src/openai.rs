//! Servers with OpenAI's chat completions API: hosted ones, vLLM, llama.cpp, Ollama.
//!
//! - **Keys** come from the environment, go into one header, and are redacted from responses before
//!   parsing. Redirects are not followed.
//! - **Errors are not answers**, whatever their status. Transient failures (429, 5xx, timeouts, cut connections, damaged
//!   replies) are retried with backoff, jitter and `Retry-After`; after that the row has a reason, or the run stops if
//!   every other row would fail the same way.
//! - **Budget**: before a request its maximum cost is reserved, so a budget is never exceeded. A lost reply counts at that
//!   bound.
//! - **Refusals**: an optional field that a server refuses is left out or reduced, once and with a
//!   notice; a prompt that is too long or filtered is a reason of its row, and its samples are not requested. Many
//!   questions in a row that fail, with none answered in between, stop the run.
//! - **Reply cache**: with a cache, a request that was answered, or refused for a reason of its row, is never sent
//!   again, and a second run gives the same rows, latencies included.
//! - **One model**: a change of the served model's name stops the run. Its fingerprint is recorded; a pipeline
//!   may require that it does not change either (`same_fingerprint`).
//! - What a server leaves out (log-probs, usage, names) is missing with a reason, never invented.

mod cache;
mod client;
mod conversation;
mod error;
mod exchange;
mod failures;
mod field;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod greedy;
mod key;
mod ledger;
mod logprob_selection;
mod masses;
mod network;
mod pace;
mod reading;
mod refusal;
mod reply;
mod request;
mod request_fields;
mod served;
mod spec;
mod workers;

use std::sync::Arc;

use plimsoll_core::{MissingSignal, ModelId};
use serde::Serialize;

use exchange::Exchange;
use plimsoll_backend::backend::{Backend, Sink};
use plimsoll_backend::capability::{Capabilities, Support};
use plimsoll_backend::control::Control;
use plimsoll_backend::error::BackendError;
use plimsoll_backend::request::Batch;
use plimsoll_core::canonical::{sha256_hex, to_text};

pub use error::{ChatRequestError, OpenAiError};
pub use field::RefusedField;
pub use key::ApiKey;
pub use network::NetworkSettings;
pub use reading::ReplyReader;
pub use request_fields::{RequestFieldProblem, RequestFields, ServedDecoding};
pub use served::{Served, ServedChange, ServedModelTracker};
pub use spec::{MAX_TOP_LOGPROBS, OpenAiSpec, Price, RawOpenAi, RawServerLimits, SpecProblem, TokenLimit};

/// A model on an OpenAI-compatible server.
#[derive(Debug)]
pub struct OpenAi {
    exchange: Arc<Exchange>,
}

#[derive(Serialize)]
struct Identity<'a> {
    backend: &'static str,
    base_url: &'a str,
    model: &'a str,
    top_logprobs: u8,
    send_seed: bool,
    /// Those that there are.
    #[serde(flatten)]
    fields: &'a RequestFields,
}

impl OpenAi {
    /// A backend; nothing is sent yet.
    pub fn new(spec: OpenAiSpec) -> Self {
        Self { exchange: Arc::new(Exchange::new(spec)) }
    }

    /// Continues a run that was served by `served` before: a change since then stops it, and a refusal concerns its row
    /// alone.
    ///
    /// # Errors
    /// The model that was seen before, if it is another one.
    pub fn resume(&self, served: &Served) -> Result<(), Served> {
        self.exchange.failures.answered();
        self.exchange.served.see(served).map_err(|change| change.before)
    }

    /// The served model, as far as replies have named it.
    pub fn served(&self) -> Served {
        self.exchange.served.get()
    }

    /// US dollars that requests of this backend cost since it was created, lost replies at their upper
    /// bound and cached ones at 0; 0 without a price.
    pub fn spent_usd(&self) -> f64 {
        self.exchange.ledger.spent_usd()
    }
}

impl Backend for OpenAi {
    fn model(&self) -> &ModelId {
        &self.exchange.spec.id
    }

    fn identity(&self) -> String {
        let spec = &self.exchange.spec;
        let identity = Identity {
            backend: "openai",
            base_url: spec.base_url.as_str(),
            model: &spec.served_as,
            top_logprobs: spec.top_logprobs,
            send_seed: spec.send_seed,
            fields: &spec.fields,
        };
        sha256_hex(to_text(&identity).as_bytes())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            logprobs: Support::Unknown,
            samples: Support::Yes,
            follow_up_texts: Support::Yes,
            follow_up_masses: Support::Unknown,
            hidden_states: Support::No(MissingSignal::HiddenStatesUnsupported),
        }
    }

    fn answer(
        &self,
        batch: &Batch<'_>,
        sink: &mut dyn Sink,
        control: &Control<'_>,
    ) -> Result<(), BackendError> {
        workers::answer_batch(&self.exchange, batch, sink, control)
    }
}
