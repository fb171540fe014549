//! Any server that speaks OpenAI's chat completions: hosted ones, vLLM, llama.cpp, Ollama.
//!
//! - **Keys** come from the environment, go into one header, and are blotted out of whatever the server
//!   sends back before anything else sees it. Redirects are not followed.
//! - **Errors are no answers**, with whatever status they come. What passes (429, 5xx, timeouts, cut
//!   connections, damaged replies) is asked again with backoff, jitter and `Retry-After`; then the row
//!   has a reason, or the run stops if every other row would fail alike.
//! - **Money**: before a request the most that it may cost is set aside, so a budget is never exceeded.
//!   A lost reply counts at that bound.
//! - **Refusals**: an optional field that a server refuses is left out or asked for with less, once and with a
//!   note; a prompt that is too long or filtered is a reason of its row, and its samples are not asked for. Many
//!   questions in a row that fail, with none answered in between, stop the run.
//! - **Kept replies**: with a cache, a request that was answered, or refused for a reason of its row, is never
//!   made again, and a second run gives the same rows, latencies included.
//! - **One model**: a change of the served model's name stops the run. Its fingerprint is recorded; a pipeline
//!   may ask that it does not change either (`same_fingerprint`).
//! - What a server does not give (log-probs, usage, names) is missing with a reason, never made up.

mod cache;
mod client;
mod conversation;
mod error;
mod exchange;
mod failures;
mod field;
mod key;
mod ledger;
mod masses;
mod network;
mod pace;
mod refusal;
mod reply;
mod request;
mod served;
mod spec;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use plimsoll_core::{MissingSignal, ModelId};
use serde::Serialize;
use serde_json::Value;

use exchange::Exchange;
use plimsoll_backend::backend::{Backend, Sink};
use plimsoll_backend::capability::{Capabilities, Support};
use plimsoll_backend::control::Control;
use plimsoll_backend::error::BackendError;
use plimsoll_backend::request::Batch;
use plimsoll_core::canonical::{sha256_hex, to_text};

pub use error::{OpenAiError, RequestError};
pub use field::RefusedField;
pub use key::ApiKey;
pub use network::Network;
pub use served::Served;
pub use spec::{MAX_TOP_LOGPROBS, OpenAiSpec, Price, RawLimits, RawOpenAi, SpecProblem, TokenLimit};

/// A model behind an OpenAI-compatible server.
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
    /// Left out if there are none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    template_variables: &'a BTreeMap<String, Value>,
}

impl OpenAi {
    /// A backend; nothing is asked yet.
    pub fn new(spec: OpenAiSpec) -> Self {
        Self { exchange: Arc::new(Exchange::new(spec)) }
    }

    /// Says that an earlier part of the run was answered, and by what it was served: a change since then stops
    /// it too, and a refusal now speaks of its row.
    ///
    /// # Errors
    /// What was said before, if that is another model.
    pub fn resume(&self, served: &Served) -> Result<(), Served> {
        self.exchange.failures.answered();
        self.exchange.served.see(served).map_err(|change| change.before)
    }

    /// What the server has said of its model so far.
    pub fn served(&self) -> Served {
        self.exchange.served.get()
    }

    /// US dollars that requests of this backend cost since it was made, lost replies at their upper bound
    /// and kept ones at nothing; 0 without a price.
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
            template_variables: &spec.template_variables,
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
        work::run(&self.exchange, batch, sink, control)
    }
}
