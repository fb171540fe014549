//! The settings as a YAML file has them, with their defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;

use plimsoll_remote::openai::{Price, RawOpenAi, RawServerLimits, TokenLimit};
use serde::Deserialize;
use serde_json::Value;

/// Tokens of an answer, where neither the file nor the settings say.
pub(super) const DEFAULT_MAX_TOKENS: u32 = 1024;
/// Requests that may wait for a model in this process.
pub(super) const DEFAULT_QUEUE: usize = 32;
/// Shorter keys are none.
pub(super) const MIN_KEY_BYTES: usize = 8;

/// The settings of a gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawGateway {
    /// The thresholds file.
    pub thresholds: PathBuf,
    /// The method of the default operating point.
    pub method: String,
    /// Its target, such as `routing_ratio=0.3`.
    pub target: String,
    /// The small model.
    pub slm: RawModel,
    /// The large model.
    pub llm: RawModel,
    /// Address of the interface.
    #[serde(default = "defaults::listen")]
    pub listen: String,
    /// Address of the metrics; `off` for none.
    #[serde(default = "defaults::metrics_listen")]
    pub metrics_listen: String,
    /// Environment variables that hold keys of which a client must show one.
    #[serde(default)]
    pub client_key_envs: Vec<String>,
    /// Whether identity fields that nobody verified are all right.
    #[serde(default)]
    pub accept_unverified: bool,
    /// Whether the SLM is stopped as soon as the decision is known; not for models that reason.
    #[serde(default)]
    pub early_exit: bool,
    /// Whether a tracker keeps to the point's routing ratio.
    #[serde(default)]
    pub track: bool,
    /// Share of the routes that a coin chooses.
    #[serde(default)]
    pub exploration: f64,
    /// Whose answer is shown, whatever is decided.
    #[serde(default)]
    pub shadow: Option<Incumbent>,
    /// What happens where the LLM fails.
    #[serde(default)]
    pub llm_failure: LlmFailure,
    /// Limits.
    #[serde(default)]
    pub limits: RawLimits,
    /// The decision log.
    #[serde(default)]
    pub log: Option<RawLog>,
    /// The state.
    #[serde(default)]
    pub state: Option<RawState>,
    /// Alarms.
    #[serde(default)]
    pub alarms: RawAlarms,
    /// How often the thresholds file is looked at.
    #[serde(default = "defaults::reload_seconds")]
    pub reload_seconds: f64,
}

/// Whose answer is shown in shadow mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Incumbent {
    /// The SLM's.
    Slm,
    /// The LLM's.
    Llm,
}

/// What happens where the LLM fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LlmFailure {
    /// The client gets an error.
    #[default]
    Error,
    /// The client gets the SLM's answer, if there is one, and the reply says so.
    SlmAnswer,
}

/// A model: a server, or a model in this process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawModel {
    /// A GGUF file, a folder, or `hf://OWNER/NAME`: a model in this process.
    #[serde(default)]
    pub in_process: Option<String>,
    /// Requests that may wait for it.
    #[serde(default)]
    pub queue: Option<usize>,
    /// Address of a server, up to and with its version.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The model's name there.
    #[serde(default)]
    pub model: Option<String>,
    /// Environment variable that holds the key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// What tokens cost.
    #[serde(default)]
    pub price: Option<Price>,
    /// The name of the field that bounds an answer's length.
    #[serde(default)]
    pub token_limit: TokenLimit,
    /// Whether a change of the server's fingerprint makes it another model.
    #[serde(default)]
    pub same_fingerprint: bool,
    /// Variables of the chat template: of a model in this process; of an SLM on a server, where the thresholds file does not
    /// record how answers were decoded; of an LLM on a server, where the client does not say.
    #[serde(default)]
    pub template_variables: BTreeMap<String, Value>,
    /// Other fields of requests to a server, likewise.
    #[serde(default)]
    pub extra_body: BTreeMap<String, Value>,
    /// Tokens of an answer: of the SLM, where the thresholds file does not record how answers were decoded; of an LLM in this
    /// process, where the client does not say.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// Time for a connection.
    #[serde(default = "defaults::connect_seconds")]
    pub connect_seconds: f64,
    /// Time from the request to the first token.
    #[serde(default = "defaults::first_token_seconds")]
    pub first_token_seconds: f64,
    /// Time for the whole reply.
    #[serde(default = "defaults::total_seconds")]
    pub total_seconds: f64,
    /// How often a request is sent again while nothing of a reply has come.
    #[serde(default = "defaults::retries")]
    pub retries: u32,
}

impl RawModel {
    /// As the reader of servers takes it; `None` without an address.
    pub(super) fn server(&self) -> Option<RawOpenAi> {
        Some(RawOpenAi {
            base_url: self.base_url.clone()?,
            model: self.model.clone().unwrap_or_default(),
            api_key_env: self.api_key_env.clone(),
            price: self.price,
            limits: RawServerLimits::default(),
            top_logprobs: None,
            token_limit: self.token_limit,
            send_seed: None,
            same_fingerprint: Some(self.same_fingerprint),
            template_variables: self.template_variables.clone(),
            extra_body: self.extra_body.clone(),
        })
    }
}

/// Limits.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLimits {
    /// Bytes of a request.
    pub body_bytes: usize,
    /// Bytes of a reply.
    pub reply_bytes: usize,
    /// Requests at once.
    pub concurrency: usize,
    /// How often a client is sent a sign that an answer is under way.
    pub keep_alive_seconds: f64,
    /// Decisions that a label may come back for.
    pub recent_decisions: usize,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            body_bytes: 10 << 20,
            reply_bytes: 32 << 20,
            concurrency: 256,
            keep_alive_seconds: 5.0,
            recent_decisions: 100_000,
        }
    }
}

/// The decision log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLog {
    /// The file.
    pub file: PathBuf,
    /// A file of this length is rotated.
    #[serde(default = "defaults::log_bytes")]
    pub max_bytes: u64,
    /// How many older files are kept.
    #[serde(default = "defaults::log_files")]
    pub files: u32,
    /// The longest time between a line and its sync.
    #[serde(default = "defaults::fsync_seconds")]
    pub fsync_seconds: f64,
}

/// The state.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawState {
    /// The file.
    pub file: PathBuf,
    /// How often it is written.
    #[serde(default = "defaults::state_seconds")]
    pub interval_seconds: f64,
}

/// Alarms.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawAlarms {
    /// Address that alarms are posted to.
    pub webhook: Option<String>,
}

/// The defaults; `RawGateway`'s documentation in `docs/serving.md` lists them.
mod defaults {
    pub(super) fn listen() -> String {
        "127.0.0.1:8080".to_owned()
    }
    pub(super) fn metrics_listen() -> String {
        "127.0.0.1:9464".to_owned()
    }
    pub(super) const fn reload_seconds() -> f64 {
        2.0
    }
    pub(super) const fn connect_seconds() -> f64 {
        5.0
    }
    pub(super) const fn first_token_seconds() -> f64 {
        30.0
    }
    pub(super) const fn total_seconds() -> f64 {
        300.0
    }
    pub(super) const fn retries() -> u32 {
        1
    }
    pub(super) const fn log_bytes() -> u64 {
        64 << 20
    }
    pub(super) const fn log_files() -> u32 {
        8
    }
    pub(super) const fn fsync_seconds() -> f64 {
        1.0
    }
    pub(super) const fn state_seconds() -> f64 {
        10.0
    }
}
