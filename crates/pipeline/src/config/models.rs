//! Models of a pipeline: a backend each, and what that backend needs.

use std::collections::BTreeMap;

use plimsoll_core::ModelId;
use plimsoll_engine::chat::{Moment, TemplateVariables};
use plimsoll_remote::openai::{Price, RawOpenAi, RawServerLimits, TokenLimit};
use plimsoll_remote::replay::{RecordingFields, RecordingFormat};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::compute::{Device, Dtype};

/// A date on the calendar as pipeline files write it, `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// The day that chat templates take for today: fixed, so that a prompt has the same tokens on any day.
/// 1 January 2025, unless a model's `template_date` says otherwise.
pub const TEMPLATE_DATE: Date = Date { year: 2025, month: 1, day: 1 };

impl Date {
    /// Reads a date.
    ///
    /// ```
    /// use plimsoll_pipeline::config::models::{Date, TEMPLATE_DATE};
    ///
    /// assert_eq!(Date::parse("2025-01-01"), Ok(TEMPLATE_DATE));
    /// assert!(Date::parse("2025-02-30").is_err() && Date::parse("today").is_err());
    /// ```
    ///
    /// # Errors
    /// What is wrong: another form, or a day that the calendar does not have.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = || "a day is written YYYY-MM-DD".to_owned();
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts.as_slice() else { return Err(form()) };
        let (Ok(year), Ok(month), Ok(day)) = (year.parse(), month.parse(), day.parse()) else {
            return Err(form());
        };
        Moment::date(year, month, day).map_err(|error| error.to_string())?;
        Ok(Self { year, month, day })
    }

    /// Midnight at its start.
    ///
    /// # Panics
    /// Never: a date is checked when it is read.
    #[expect(clippy::expect_used, reason = "`parse` refuses days that the calendar does not have")]
    pub fn moment(self) -> Moment {
        Moment::date(self.year, self.month, self.day).expect("a day of the calendar")
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// What runs a model, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BackendName {
    /// In this process.
    Candle,
    /// A server that speaks OpenAI's protocol.
    Openai,
    /// Recorded generations.
    Replay,
}

impl BackendName {
    /// The name in pipeline files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Candle => "candle",
            Self::Openai => "openai",
            Self::Replay => "replay",
        }
    }
}

/// A model.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// Its id in tables and files.
    pub id: ModelId,
    /// What runs it.
    pub backend: ModelBackend,
    /// US dollars for a million tokens. A model in process costs nothing unless the pipeline says otherwise; without
    /// one the costs of a server are those that it charges, if it says so.
    pub price: Option<Price>,
}

/// What runs a model, with all that this needs.
#[derive(Debug, Clone)]
pub enum ModelBackend {
    /// In this process.
    Candle(LocalModel),
    /// A server that speaks OpenAI's protocol.
    OpenAi(ServedModelConfig),
    /// Recorded generations.
    Replay(RecordedModel),
}

/// A model in this process.
#[derive(Debug, Clone)]
pub struct LocalModel {
    /// A folder, a GGUF file, or an `hf://` address.
    pub source: String,
    /// Type of weights and activations; the stored one without it.
    pub dtype: Option<Dtype>,
    /// Where it is computed.
    pub device: Device,
    /// The day that its chat template takes for today; [`TEMPLATE_DATE`] without it.
    pub template_date: Option<Date>,
    /// Variables that its chat template is given.
    pub template_variables: TemplateVariables,
}

impl LocalModel {
    /// What its chat template takes for now.
    pub(crate) fn now(&self) -> Moment {
        self.template_date.unwrap_or(TEMPLATE_DATE).moment()
    }
}

/// A model behind a server.
#[derive(Debug, Clone)]
pub struct ServedModelConfig {
    /// Address of the interface, up to and with its version.
    pub base_url: String,
    /// The model's name at the server.
    pub model: String,
    /// Environment variable that holds the key; none for a server that needs no key.
    pub api_key_env: Option<String>,
    /// Bounds on requests and money.
    pub limits: Option<RawServerLimits>,
    /// Likeliest tokens that are listed, 1 to 20.
    pub top_logprobs: Option<u8>,
    /// The field that bounds an answer's length.
    pub token_limit: Option<TokenLimit>,
    /// Whether requests carry a seed.
    pub send_seed: Option<bool>,
    /// Whether a change of the server's fingerprint stops the run.
    pub same_fingerprint: Option<bool>,
    /// Variables that the server's chat template is given.
    pub template_variables: TemplateVariables,
    /// Other fields that every request carries.
    pub extra_body: BTreeMap<String, Value>,
}

impl ServedModelConfig {
    /// The server as its client takes it.
    pub(crate) fn server(&self, price: Option<Price>) -> RawOpenAi {
        RawOpenAi {
            base_url: self.base_url.clone(),
            model: self.model.clone(),
            api_key_env: self.api_key_env.clone(),
            price,
            limits: self.limits.clone().unwrap_or_default(),
            top_logprobs: self.top_logprobs,
            token_limit: self.token_limit.unwrap_or_default(),
            send_seed: self.send_seed,
            same_fingerprint: self.same_fingerprint,
            template_variables: by_name(&self.template_variables),
            extra_body: self.extra_body.clone(),
        }
    }
}

/// A model whose generations were recorded.
#[derive(Debug, Clone)]
pub struct RecordedModel {
    /// The recordings, at least one.
    pub files: Vec<RecordingConfig>,
    /// The model's name in the recordings; its id without it.
    pub recorded_as: Option<String>,
}

/// A file of recordings.
#[derive(Debug, Clone, Serialize)]
pub struct RecordingConfig {
    /// The file; relative paths start at the pipeline's folder.
    pub path: String,
    /// How its lines are written.
    pub format: RecordingFormat,
    /// The beginning of the ids of its questions.
    pub questions: String,
    /// The names of its fields.
    pub fields: RecordingFields,
}

impl ModelBackend {
    /// Its name in pipeline files.
    pub const fn name(&self) -> BackendName {
        match self {
            Self::Candle(_) => BackendName::Candle,
            Self::OpenAi(_) => BackendName::Openai,
            Self::Replay(_) => BackendName::Replay,
        }
    }
}

/// Template variables by name.
pub(super) fn by_name(variables: &TemplateVariables) -> BTreeMap<String, Value> {
    variables.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// The flat mapping of pipeline files. Hashes are over it: keys that are not given are left out.
impl Serialize for ModelConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("backend", &self.backend.name())?;
        match &self.backend {
            ModelBackend::Candle(local) => {
                map.serialize_entry("source", &local.source)?;
                entry(&mut map, "dtype", local.dtype.as_ref())?;
                map.serialize_entry("device", &local.device)?;
                entry(&mut map, "template_date", local.template_date.map(|day| day.to_string()).as_ref())?;
                variables(&mut map, &local.template_variables)?;
            }
            ModelBackend::OpenAi(served) => {
                map.serialize_entry("base_url", &served.base_url)?;
                map.serialize_entry("model", &served.model)?;
                entry(&mut map, "api_key_env", served.api_key_env.as_ref())?;
                entry(&mut map, "limits", served.limits.as_ref())?;
                entry(&mut map, "top_logprobs", served.top_logprobs.as_ref())?;
                entry(&mut map, "token_limit", served.token_limit.as_ref())?;
                entry(&mut map, "send_seed", served.send_seed.as_ref())?;
                entry(&mut map, "same_fingerprint", served.same_fingerprint.as_ref())?;
                variables(&mut map, &served.template_variables)?;
                entry(&mut map, "extra_body", Some(&served.extra_body).filter(|fields| !fields.is_empty()))?;
            }
            ModelBackend::Replay(recorded) => {
                map.serialize_entry("files", &recorded.files)?;
                entry(&mut map, "recorded_as", recorded.recorded_as.as_ref())?;
            }
        }
        entry(&mut map, "price", self.price.as_ref())?;
        map.end()
    }
}

fn entry<M: serde::ser::SerializeMap, T: Serialize>(
    map: &mut M,
    key: &str,
    value: Option<&T>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, value))
}

fn variables<M: serde::ser::SerializeMap>(
    map: &mut M,
    variables: &TemplateVariables,
) -> Result<(), M::Error> {
    let given = (!variables.is_empty()).then(|| by_name(variables));
    entry(map, "template_variables", given.as_ref())
}

#[cfg(test)]
mod tests {
    use plimsoll_core::canonical::to_text;

    use crate::config::read;

    /// Hashes of pipelines are over this form.
    #[test]
    fn models_are_written_flat_and_without_keys_that_are_not_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.yaml");
        let text = "
name: p
seed: 1
datasets: [{id: gsm8k, source: test.jsonl}]
prompt: {style: direct, few_shot: 0}
slms:
  - {id: a, backend: candle, source: a.gguf}
  - id: b
    backend: candle
    source: b
    dtype: bf16
    device: cuda
    template_date: 2024-02-29
    template_variables: {enable_thinking: false}
    price: {input_per_mtok: 1, output_per_mtok: 2}
llms:
  - {id: c, backend: openai, base_url: 'http://localhost:1/v1', model: m}
  - {id: d, backend: openai, base_url: 'http://localhost:1/v1', model: m, top_logprobs: 5, send_seed: false, extra_body: {top_k: 0}}
  - {id: e, backend: replay, files: [{path: r.jsonl, format: lm_evaluation_harness}], recorded_as: r}
decoding: {temperature: 0, top_p: 1, max_new_tokens: 8}
methods: [perplexity]
calibration: {bins: 30, fraction: 0.1}
thresholds: {routing_ratio: [0.5]}
";
        std::fs::write(&path, text).unwrap();
        let config = read(&path, &[]).unwrap();
        let inference = config.inference().unwrap();
        let models: Vec<String> = inference.slms.iter().chain(&inference.llms).map(to_text).collect();
        let fields = to_text(&plimsoll_remote::replay::RecordingFields::default());
        assert_eq!(
            models,
            [
                r#"{"id":"a","backend":"candle","source":"a.gguf","device":"cpu","price":{"input_per_mtok":0.0,"output_per_mtok":0.0}}"#.to_owned(),
                r#"{"id":"b","backend":"candle","source":"b","dtype":"bf16","device":"cuda","template_date":"2024-02-29","template_variables":{"enable_thinking":false},"price":{"input_per_mtok":1.0,"output_per_mtok":2.0}}"#.to_owned(),
                r#"{"id":"c","backend":"openai","base_url":"http://localhost:1/v1","model":"m"}"#.to_owned(),
                r#"{"id":"d","backend":"openai","base_url":"http://localhost:1/v1","model":"m","top_logprobs":5,"send_seed":false,"extra_body":{"top_k":0}}"#.to_owned(),
                format!(r#"{{"id":"e","backend":"replay","files":[{{"path":"r.jsonl","format":"lm_evaluation_harness","questions":"","fields":{fields}}}],"recorded_as":"r"}}"#),
            ]
        );
        let failure = read(&path, &["slms.1.template_date=2025-02-30".to_owned()]).unwrap_err();
        assert!(failure.to_string().contains("slms[1].template_date: 2025-02-30 is no day"), "{failure}");
        let failure = read(&path, &["llms.0.template_date=2025-02-28".to_owned()]).unwrap_err();
        assert!(
            failure.to_string().contains("is a key of backend `candle`, and this is `openai`"),
            "{failure}"
        );
    }
}
