//! A server in a pipeline file, raw and validated.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use plimsoll_core::ModelId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::key::ApiKey;
use super::network::NetworkSettings;
use super::request_fields::RequestFields;

/// The most tokens that the protocol lists at a position.
pub const MAX_TOP_LOGPROBS: u8 = 20;

/// A server as a plan has it. Keys stand in the environment, never here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOpenAi {
    /// Address of the interface, up to and with its version: `https://api.openai.com/v1`.
    pub base_url: String,
    /// The model's name at the server.
    pub model: String,
    /// Environment variable that holds the key; none for a server that needs no key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// What tokens cost.
    #[serde(default)]
    pub price: Option<Price>,
    /// Limits of requests and cost.
    #[serde(default)]
    pub limits: RawServerLimits,
    /// How many of the likeliest tokens are requested where p(True) needs them, 1 to 20; the more, the
    /// fewer masses are only bounded. Without it 20, which is what the protocol allows; a server that
    /// allows fewer and says so gets a request for as many as it allows.
    #[serde(default)]
    pub top_logprobs: Option<u8>,
    /// The name of the field that bounds an answer's length.
    #[serde(default)]
    pub token_limit: TokenLimit,
    /// Whether requests carry a seed; false for servers that refuse the field. Default true.
    #[serde(default)]
    pub send_seed: Option<bool>,
    /// Whether a change of the server's fingerprint (`system_fingerprint`) stops the run, as a change of the
    /// served model's name does. Default false: hosted models alternate between several fingerprints, and a
    /// server has another one after an update.
    #[serde(default)]
    pub same_fingerprint: Option<bool>,
    /// Variables of the server's chat template (`enable_thinking: false`), sent as `chat_template_kwargs`.
    #[serde(default)]
    pub template_variables: BTreeMap<String, Value>,
    /// Other fields that every request carries, such as the server's own samplers (`repeat_penalty: 1.0`).
    #[serde(default)]
    pub extra_body: BTreeMap<String, Value>,
}

/// Limits as a plan has them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ServerLimits")]
pub struct RawServerLimits {
    /// Asks that are worked on at once; default 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<usize>,
    /// Requests that are begun in a minute; default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// US dollars that are spent at most; needs a price. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_usd: Option<f64>,
    /// How often a failed request is retried; default 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Timeout of a whole reply in seconds; default 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
}

/// US dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// For tokens that are read.
    pub input_per_mtok: f64,
    /// For tokens that are generated.
    pub output_per_mtok: f64,
}

impl Price {
    /// US dollars of so many tokens.
    pub fn cost_usd(&self, input_tokens: u64, output_tokens: u64) -> f64 {
        (input_tokens as f64 * self.input_per_mtok + output_tokens as f64 * self.output_per_mtok) / 1e6
    }
}

/// The name of the field that bounds an answer's length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimit {
    /// `max_tokens`, which nearly every server knows.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which newer hosted models want.
    MaxCompletionTokens,
}

impl TokenLimit {
    /// The name of the field, and in pipeline files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}

/// What is wrong with one key of a pipeline file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct SpecProblem {
    /// The key, below the model.
    pub key: &'static str,
    /// What is wrong. Never holds a value that may be secret.
    pub problem: String,
}

/// A server, checked.
#[derive(Debug, Clone)]
pub struct OpenAiSpec {
    pub(super) id: ModelId,
    pub(super) base_url: Url,
    pub(super) served_as: String,
    pub(super) key: Option<ApiKey>,
    pub(super) price: Option<Price>,
    pub(super) budget_usd: Option<f64>,
    pub(super) concurrency: NonZeroUsize,
    pub(super) requests_per_minute: Option<NonZeroU32>,
    pub(super) top_logprobs: u8,
    pub(super) token_limit: TokenLimit,
    pub(super) send_seed: bool,
    pub(super) same_fingerprint: bool,
    pub(super) fields: RequestFields,
    /// How requests are sent and retried; operational, no row depends on it.
    pub network: NetworkSettings,
    /// Folder of the reply cache; `None` = no cache.
    pub cache: Option<PathBuf>,
}

impl OpenAiSpec {
    /// Validates an entry of a pipeline file, with the environment's key and proxy.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn resolve(
        id: ModelId,
        raw: RawOpenAi,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Vec<SpecProblem>> {
        let mut problems = SpecProblems::default();
        let base_url = problems.keep("base_url", base_url(&raw.base_url));
        let key =
            raw.api_key_env.as_deref().and_then(|name| problems.keep("api_key_env", key(name, variable)));
        let scheme = base_url.as_ref().map_or("https", Url::scheme);
        let mut network = problems.keep(
            "environment",
            NetworkSettings::from_variables(scheme, variable).map_err(|problem| problem.to_string()),
        );
        let limits = raw.limits.clone();
        if let Some(network) = &mut network {
            network.retries = limits.retries.unwrap_or(network.retries);
            network.timeout =
                limits.timeout_seconds.map_or(network.timeout, |seconds| Duration::from_secs(seconds.into()));
        }
        problems.check_values(&raw);
        let fields = RequestFields::new(raw.template_variables, raw.extra_body);
        let fields = problems.keep("extra_body", fields.map_err(|problem| problem.to_string()));
        let concurrency = NonZeroUsize::new(limits.concurrency.unwrap_or(4));
        match (base_url, network, concurrency, fields) {
            (Some(base_url), Some(network), Some(concurrency), Some(fields)) if problems.0.is_empty() => {
                Ok(Self {
                    id,
                    base_url,
                    served_as: raw.model,
                    key,
                    price: raw.price,
                    budget_usd: limits.budget_usd,
                    concurrency,
                    requests_per_minute: limits.requests_per_minute.and_then(NonZeroU32::new),
                    top_logprobs: raw.top_logprobs.unwrap_or(MAX_TOP_LOGPROBS),
                    token_limit: raw.token_limit,
                    send_seed: raw.send_seed.unwrap_or(true),
                    same_fingerprint: raw.same_fingerprint.unwrap_or(false),
                    fields,
                    network,
                    cache: None,
                })
            }
            _ => Err(problems.0),
        }
    }
}

/// What a client of its own needs of a server: a gateway sends the requests of others.
impl OpenAiSpec {
    /// Address up to and with the interface's version.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The model's name at the server.
    pub fn served_as(&self) -> &str {
        &self.served_as
    }

    /// The key.
    pub fn key(&self) -> Option<&ApiKey> {
        self.key.as_ref()
    }

    /// What tokens cost.
    pub fn price(&self) -> Option<Price> {
        self.price
    }

    /// The name of the field that bounds an answer's length.
    pub fn token_limit(&self) -> TokenLimit {
        self.token_limit
    }

    /// What requests carry beside the fields of the protocol that a run sets.
    pub fn fields(&self) -> &RequestFields {
        &self.fields
    }

    /// Whether a change of the fingerprint is a change of the model.
    pub fn same_fingerprint(&self) -> bool {
        self.same_fingerprint
    }
}

/// Problems, gathered so that all are reported together.
#[derive(Default)]
struct SpecProblems(Vec<SpecProblem>);

impl SpecProblems {
    fn keep<T>(&mut self, key: &'static str, found: Result<T, String>) -> Option<T> {
        found.map_err(|problem| self.0.push(SpecProblem { key, problem })).ok()
    }

    fn check_values(&mut self, raw: &RawOpenAi) {
        let limits = &raw.limits;
        self.require("model", !raw.model.trim().is_empty(), "is empty");
        self.require("limits.timeout_seconds", limits.timeout_seconds != Some(0), "is 0");
        let prices = raw.price.iter().flat_map(|price| [price.input_per_mtok, price.output_per_mtok]);
        self.require("price", prices.into_iter().all(is_amount), "is not at least 0 in both values");
        self.require("limits.budget_usd", limits.budget_usd.is_none_or(is_amount), "is not at least 0");
        let is_priced = limits.budget_usd.is_none() || raw.price.is_some();
        self.require("limits.budget_usd", is_priced, "needs a `price`");
        let is_listable = raw.top_logprobs.is_none_or(|count| (1..=MAX_TOP_LOGPROBS).contains(&count));
        self.require("top_logprobs", is_listable, "is not 1 to 20");
        self.require("limits.concurrency", limits.concurrency != Some(0), "is 0");
        self.require("limits.requests_per_minute", limits.requests_per_minute != Some(0), "is 0");
    }

    fn require(&mut self, key: &'static str, holds: bool, problem: &str) {
        if !holds {
            self.0.push(SpecProblem { key, problem: problem.to_owned() });
        }
    }
}

fn is_amount(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

fn base_url(text: &str) -> Result<Url, String> {
    let refused = |problem: &str| Err(problem.to_owned());
    let Ok(url) = Url::parse(text.trim()) else {
        return refused("is no address such as https://api.openai.com/v1");
    };
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        refused("does not begin with https:// or http:// and a host")
    } else if !url.username().is_empty() || url.password().is_some() {
        refused("holds a user name or a password; name a variable in `api_key_env` instead")
    } else if url.query().is_some() || url.fragment().is_some() {
        refused("holds `?` or `#`")
    } else {
        Ok(url)
    }
}

fn key(name: &str, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<ApiKey, String> {
    let value = variable(name).ok_or_else(|| format!("the environment variable {name} is not set"))?;
    let text = value.to_str().ok_or_else(|| format!("{name} cannot be used: it is not UTF-8"))?;
    ApiKey::new(text).map_err(|problem| format!("{name} cannot be used: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(json: &str, variables: &[(&str, &str)]) -> Result<OpenAiSpec, Vec<String>> {
        let raw = serde_json::from_str(json).map_err(|error| vec![error.to_string()])?;
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        OpenAiSpec::resolve(ModelId::new("m").unwrap(), raw, &find)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_entry_of_a_pipeline_file_is_read() {
        let spec = resolve(
            r#"{"base_url": "https://api.openai.com/v1", "model": "gpt-4o-mini", "api_key_env": "KEY",
                "price": {"input_per_mtok": 0.15, "output_per_mtok": 0.6},
                "limits": {"concurrency": 16, "requests_per_minute": 500, "budget_usd": 20}}"#,
            &[("KEY", "sk-secret-1")],
        )
        .unwrap();
        assert_eq!((spec.concurrency.get(), spec.top_logprobs, spec.send_seed), (16, 20, true));
        assert!((spec.price.unwrap().cost_usd(1_000_000, 500_000) - 0.45).abs() < 1e-12);
        assert!(!format!("{spec:?}").contains("secret"));
    }

    #[test]
    fn all_problems_are_reported_together_and_none_shows_a_secret() {
        let problems = resolve(
            r#"{"base_url": "https://u:hunter2@h/v1", "model": " ", "api_key_env": "KEY", "top_logprobs": 21,
                "limits": {"concurrency": 0, "requests_per_minute": 0, "budget_usd": 1, "timeout_seconds": 0}}"#,
            &[("KEY", "sk\u{e9}-hunter2")],
        )
        .unwrap_err();
        let keys: Vec<&str> = problems.iter().map(|text| text.split(": ").next().unwrap()).collect();
        assert_eq!(
            keys,
            [
                "base_url",
                "api_key_env",
                "model",
                "limits.timeout_seconds",
                "limits.budget_usd",
                "top_logprobs",
                "limits.concurrency",
                "limits.requests_per_minute"
            ]
        );
        assert!(!problems.concat().contains("hunter2"), "{problems:?}");
        let unset =
            resolve(r#"{"base_url": "http://h", "model": "x", "api_key_env": "KEY"}"#, &[]).unwrap_err();
        assert_eq!(unset, ["api_key_env: the environment variable KEY is not set"]);
        assert!(resolve(r#"{"base_url": "http://h", "model": "x", "api_key": "sk-1"}"#, &[]).is_err());
    }
}
