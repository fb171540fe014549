//! What a pipeline that asks models may hold, as written.

use std::collections::BTreeMap;

use plimsoll_ingest::pool::{Duplicates, Stratum};
use plimsoll_ingest::prompts::{InstructionOrder, PromptStyle};
use plimsoll_remote::openai::{Price, RawServerLimits, TokenLimit};
use plimsoll_remote::replay::{RecordingFields, RecordingFormat};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::compute::{Device, Dtype};
use crate::config::bounds::{MAX_CHUNK, MAX_FEW_SHOT, MAX_SEQUENCES};
use crate::config::defaults::{CACHE_GIB, CHUNK, PROBE_ROWS, SEQUENCES};
use crate::config::models::{BackendName, TEMPLATE_DATE};

/// A dataset, or one split of it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Dataset")]
pub(in crate::config) struct RawDataset {
    /// Id of a built-in dataset (`plimsoll datasets list`), or with `mapping` a name of your own.
    #[schemars(required)]
    pub(in crate::config) id: Option<String>,
    /// A file or folder, an `hf://datasets/OWNER/NAME[@REVISION][/FILE]` address, or `pocket` for the generated suite.
    #[schemars(required)]
    pub(in crate::config) source: Option<String>,
    /// The split. Default: what the file's name says.
    pub(in crate::config) split: Option<String>,
    /// The configuration of a hub repository. Default: the one by which the dataset is known.
    pub(in crate::config) config: Option<String>,
    /// The YAML file that maps the columns of your own table.
    pub(in crate::config) mapping: Option<String>,
    /// How many rows are asked. Default: all.
    pub(in crate::config) sample: Option<RawSample>,
    /// How its questions are asked. Default: as `prompt` of the pipeline.
    pub(in crate::config) prompt: Option<RawPrompt>,
}

/// A sample of a dataset's rows.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sample")]
pub(in crate::config) struct RawSample {
    /// Rows that are asked at most.
    #[schemars(required, range(min = 1))]
    pub(in crate::config) rows: Option<usize>,
    /// What the sample is stratified by. Default: nothing.
    pub(in crate::config) by: Option<Stratum>,
}

/// How questions are asked.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Prompt")]
pub(in crate::config) struct RawPrompt {
    /// With or without reasoning. Required in `prompt` of the pipeline.
    pub(in crate::config) style: Option<PromptStyle>,
    /// Exemplars before each question. Required in `prompt` of the pipeline.
    #[schemars(range(max = MAX_FEW_SHOT))]
    pub(in crate::config) few_shot: Option<usize>,
    /// Where the prompt says how to answer. Default: first.
    pub(in crate::config) instruction: Option<InstructionOrder>,
}

/// Which questions are asked.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Pool")]
pub(in crate::config) struct RawPool {
    /// What is done with duplicates. Default: drop.
    #[schemars(extend("default" = "drop"))]
    pub(in crate::config) duplicates: Option<Duplicates>,
    /// Probe-training rows drawn for each main row. Default: 0.2.
    #[schemars(range(min = 0.0, max = 10.0), extend("default" = PROBE_ROWS))]
    pub(in crate::config) probe_rows: Option<f64>,
}

/// How answers are decoded.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Decoding")]
pub(in crate::config) struct RawDecoding {
    /// What logits are divided by; 0 takes the likeliest token.
    #[schemars(required, range(min = 0.0))]
    pub(in crate::config) temperature: Option<f64>,
    /// Tokens are drawn from the smallest set whose probability reaches this, in (0, 1].
    #[schemars(required, range(max = 1.0), extend("exclusiveMinimum" = 0))]
    pub(in crate::config) top_p: Option<f64>,
    /// Tokens of an answer at most.
    #[schemars(required, range(min = 1))]
    pub(in crate::config) max_new_tokens: Option<u32>,
}

/// How the work is done.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Inference")]
pub(in crate::config) struct RawInference {
    /// Questions of a chunk: what is lost at most when the process is killed. Default: 32.
    #[schemars(range(min = 1, max = MAX_CHUNK), extend("default" = CHUNK))]
    pub(in crate::config) chunk: Option<usize>,
    /// Sequences that a model in process works on at once. Default: 32.
    #[schemars(range(min = 1, max = MAX_SEQUENCES), extend("default" = SEQUENCES))]
    pub(in crate::config) sequences: Option<usize>,
    /// Memory for caches of keys and values, GiB. Default: 2.
    #[schemars(extend("exclusiveMinimum" = 0, "default" = CACHE_GIB))]
    pub(in crate::config) cache_gib: Option<f64>,
}

/// A model. Which keys it has depends on its backend; a key of another backend is refused.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Model")]
#[schemars(transform = crate::config::schema::keys_by_backend)]
pub(in crate::config) struct RawModel {
    /// Its id in tables and files.
    #[schemars(required)]
    pub(in crate::config) id: Option<String>,
    /// What runs it.
    #[schemars(required)]
    pub(in crate::config) backend: Option<BackendName>,
    /// candle: a folder, a GGUF file, or `hf://OWNER/NAME[@REVISION][/FILE.gguf]`.
    pub(in crate::config) source: Option<String>,
    /// candle: type of weights and activations. Default: bf16 for weights stored so, otherwise f32; packed GGUF weights
    /// stay packed.
    pub(in crate::config) dtype: Option<Dtype>,
    /// candle: where it is computed. Default: cpu.
    #[schemars(extend("default" = "cpu"))]
    pub(in crate::config) device: Option<Device>,
    /// candle: the day that its chat template takes for today, YYYY-MM-DD. Fixed, so that a prompt has the same tokens
    /// on any day. Default: 2025-01-01.
    #[schemars(regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), extend("default" = TEMPLATE_DATE.to_string()))]
    pub(in crate::config) template_date: Option<String>,
    /// openai: address of the interface, up to and with its version.
    pub(in crate::config) base_url: Option<String>,
    /// openai: the model's name at the server.
    pub(in crate::config) model: Option<String>,
    /// openai: the environment variable that holds the key. Default: no key.
    pub(in crate::config) api_key_env: Option<String>,
    /// openai: bounds on requests and money.
    pub(in crate::config) limits: Option<RawServerLimits>,
    /// openai: likeliest tokens that are listed where p(True) needs them. Default: 20, or what the server allows.
    #[schemars(range(min = 1, max = 20))]
    pub(in crate::config) top_logprobs: Option<u8>,
    /// openai: the field that bounds an answer's length. Default: `max_tokens`.
    #[schemars(extend("default" = "max_tokens"))]
    pub(in crate::config) token_limit: Option<TokenLimit>,
    /// openai: whether requests carry a seed. Default: true.
    #[schemars(extend("default" = true))]
    pub(in crate::config) send_seed: Option<bool>,
    /// openai: whether a change of the server's fingerprint stops the run. Default: false.
    #[schemars(extend("default" = false))]
    pub(in crate::config) same_fingerprint: Option<bool>,
    /// candle, openai: variables that the chat template is given, by name.
    pub(in crate::config) template_variables: Option<BTreeMap<String, Value>>,
    /// openai: other fields that every request carries, by name: a server's own samplers (`repeat_penalty: 1.0`), and what
    /// else it knows. Default: none.
    pub(in crate::config) extra_body: Option<BTreeMap<String, Value>>,
    /// replay: the recordings.
    #[schemars(length(min = 1))]
    pub(in crate::config) files: Option<Vec<RawRecording>>,
    /// replay: the model's name in the recordings. Default: its id.
    pub(in crate::config) recorded_as: Option<String>,
    /// US dollars for a million tokens. Default: 0 for candle, otherwise unknown.
    pub(in crate::config) price: Option<Price>,
}

/// A file of recordings.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Recording")]
pub(in crate::config) struct RawRecording {
    /// The file; relative paths start at the pipeline's folder.
    #[schemars(required)]
    pub(in crate::config) path: Option<String>,
    /// How its lines are written.
    #[schemars(required)]
    pub(in crate::config) format: Option<RecordingFormat>,
    /// The beginning of the ids of its questions. Default: nothing.
    pub(in crate::config) questions: Option<String>,
    /// The names of its fields, for files of another program.
    pub(in crate::config) fields: Option<RecordingFields>,
}
