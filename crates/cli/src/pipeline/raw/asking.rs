//! What a plan that asks models may hold, as written.

use std::collections::BTreeMap;

use plimsoll_ingest::pool::{Duplicates, Stratum};
use plimsoll_ingest::prompts::PromptStyle;
use plimsoll_remote::openai::{Price, RawLimits as RawServerLimits, TokenLimit};
use plimsoll_remote::replay::{RecordingFields, RecordingFormat};
use serde::Deserialize;
use serde_json::Value;

use crate::compute::{Device, Dtype};
use crate::pipeline::asking::BackendName;

/// An item of `datasets`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::pipeline) struct RawDataset {
    pub(in crate::pipeline) id: Option<String>,
    pub(in crate::pipeline) source: Option<String>,
    pub(in crate::pipeline) split: Option<String>,
    pub(in crate::pipeline) config: Option<String>,
    pub(in crate::pipeline) mapping: Option<String>,
    pub(in crate::pipeline) sample: Option<RawSample>,
    pub(in crate::pipeline) prompt: Option<RawPrompt>,
}

/// `datasets[N].sample`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::pipeline) struct RawSample {
    pub(in crate::pipeline) rows: Option<usize>,
    pub(in crate::pipeline) by: Option<Stratum>,
}

/// `prompt`, `datasets[N].prompt`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::pipeline) struct RawPrompt {
    pub(in crate::pipeline) style: Option<PromptStyle>,
    pub(in crate::pipeline) few_shot: Option<usize>,
}

/// `pool`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::pipeline) struct RawPool {
    pub(in crate::pipeline) duplicates: Option<Duplicates>,
    pub(in crate::pipeline) probe_rows: Option<f64>,
}

/// `decoding`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::pipeline) struct RawDecoding {
    pub(in crate::pipeline) temperature: Option<f64>,
    pub(in crate::pipeline) top_p: Option<f64>,
    pub(in crate::pipeline) max_new_tokens: Option<u32>,
}

/// `inference`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::pipeline) struct RawInference {
    pub(in crate::pipeline) chunk: Option<usize>,
    pub(in crate::pipeline) sequences: Option<usize>,
    pub(in crate::pipeline) cache_gib: Option<f64>,
}

/// An item of `slms` or `llms`, and `labels.judge`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::pipeline) struct RawModel {
    pub(in crate::pipeline) id: Option<String>,
    pub(in crate::pipeline) backend: Option<BackendName>,
    pub(in crate::pipeline) source: Option<String>,
    pub(in crate::pipeline) dtype: Option<Dtype>,
    pub(in crate::pipeline) device: Option<Device>,
    pub(in crate::pipeline) base_url: Option<String>,
    pub(in crate::pipeline) model: Option<String>,
    pub(in crate::pipeline) api_key_env: Option<String>,
    pub(in crate::pipeline) limits: Option<RawServerLimits>,
    pub(in crate::pipeline) top_logprobs: Option<u8>,
    pub(in crate::pipeline) token_limit: Option<TokenLimit>,
    pub(in crate::pipeline) send_seed: Option<bool>,
    pub(in crate::pipeline) same_fingerprint: Option<bool>,
    pub(in crate::pipeline) template_variables: Option<BTreeMap<String, Value>>,
    pub(in crate::pipeline) files: Option<Vec<RawRecording>>,
    pub(in crate::pipeline) recorded_as: Option<String>,
    pub(in crate::pipeline) price: Option<Price>,
}

/// `files[N]` of a model that is replayed
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::pipeline) struct RawRecording {
    pub(in crate::pipeline) path: Option<String>,
    pub(in crate::pipeline) format: Option<RecordingFormat>,
    pub(in crate::pipeline) questions: Option<String>,
    pub(in crate::pipeline) fields: Option<RecordingFields>,
}
