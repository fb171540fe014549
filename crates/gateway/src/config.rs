//! The settings of a gateway: as they are written, and checked.

mod raw;

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use plimsoll_core::ModelId;
use plimsoll_http::Secret;
use plimsoll_remote::openai::{OpenAiSpec, Price, RequestFields};
use plimsoll_router::{Exploration, Target};
use url::Url;

pub use raw::{Incumbent, LlmFailure, RawAlarms, RawGateway, RawLimits, RawLog, RawModel, RawState};

use crate::error::{ConfigProblem, GatewayError};
use crate::log::LogSettings;
use crate::point::PointSettings;
use crate::serving::ServingSettings;

/// A gateway's settings, checked.
#[derive(Debug)]
pub struct GatewayConfig {
    /// The thresholds file.
    pub thresholds: PathBuf,
    /// What is opened of it.
    pub serving: ServingSettings,
    /// Where the SLM is.
    pub slm: ModelLocation,
    /// The server of the LLM.
    pub llm: ModelLocation,
    /// What happens where the LLM fails.
    pub llm_failure: LlmFailure,
    /// Whose answer is shown whatever is decided; `None` outside of shadow mode.
    pub shadow: Option<Incumbent>,
    /// Address of the interface.
    pub listen: SocketAddr,
    /// Address of the metrics; `None` for none.
    pub metrics_listen: Option<SocketAddr>,
    /// Keys of which clients must show one.
    pub client_keys: Vec<Secret>,
    /// Limits.
    pub limits: Limits,
    /// The decision log; `None` for none.
    pub log: Option<LogSettings>,
    /// Where the state is kept, and how often it is written.
    pub state: Option<(PathBuf, Duration)>,
    /// Address that alarms are posted to.
    pub webhook: Option<Url>,
    /// How often the thresholds file is looked at for a change.
    pub reload: Duration,
}

/// Where a model is.
#[derive(Debug)]
pub enum ModelLocation {
    /// On a server.
    Server(Box<ServerConfig>),
    /// In this process.
    InProcess {
        /// The model, as the program that loads it names it.
        model: String,
        /// Requests that may wait.
        queue: usize,
        /// Time for an answer, waiting included.
        total: Duration,
        /// What tokens cost.
        price: Option<Price>,
        /// Tokens of an answer of which nothing else says how long it may be.
        max_tokens: u32,
    },
}

/// A server and how long it is waited for.
#[derive(Debug)]
pub struct ServerConfig {
    /// The server.
    pub spec: OpenAiSpec,
    /// For a connection.
    pub connect: Duration,
    /// From the request to the first token.
    pub first_token: Duration,
    /// For the whole reply.
    pub total: Duration,
    /// How often a request is sent again, as long as nothing of a reply has come.
    pub retries: u32,
}

/// Limits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a request.
    pub body_bytes: usize,
    /// Bytes of a reply.
    pub reply_bytes: usize,
    /// Requests at once; more are refused with 429.
    pub concurrency: usize,
    /// How often a client is sent a sign that an answer is under way.
    pub keep_alive: Duration,
    /// Decisions that a label may come back for.
    pub recent: usize,
}

/// Collects problems, so that all are reported together.
#[derive(Default)]
struct Checks(Vec<ConfigProblem>);

impl Checks {
    fn problem(&mut self, key: impl Into<String>, problem: impl fmt::Display) {
        self.0.push(ConfigProblem::new(key, problem));
    }

    fn keep<T>(&mut self, key: &str, found: Result<T, impl fmt::Display>) -> Option<T> {
        found.map_err(|problem| self.problem(key, problem)).ok()
    }

    fn seconds(&mut self, key: impl Into<String>, seconds: f64) -> Duration {
        match Duration::try_from_secs_f64(seconds) {
            Ok(duration) if !duration.is_zero() => duration,
            _ => {
                self.problem(key, "is no number of seconds above 0");
                Duration::from_secs(1)
            }
        }
    }

    fn positive(&mut self, key: &str, value: usize) -> usize {
        if value == 0 {
            self.problem(key, "is 0");
        }
        value
    }
}

/// Looks up a variable of the environment.
type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl GatewayConfig {
    /// Checks settings, with the keys of the environment.
    ///
    /// # Errors
    /// [`GatewayError::Config`] with every problem.
    pub fn resolve(raw: RawGateway, variable: Variable<'_>) -> Result<Self, GatewayError> {
        let mut checks = Checks::default();
        let serving = serving(&raw, &mut checks);
        let slm = location("slm", &raw.slm, variable, &mut checks);
        let llm = location("llm", &raw.llm, variable, &mut checks);
        let serving = serving.map(|serving| ServingSettings { fields: fields(slm.as_ref()), ..serving });
        let listen = checks.keep("listen", address(&raw.listen));
        let metrics_listen = match raw.metrics_listen.as_str() {
            "off" => None,
            text => checks.keep("metrics_listen", address(text)),
        };
        let client_keys = client_keys(&raw.client_key_envs, variable, &mut checks);
        let limits = limits(&raw.limits, &mut checks);
        let log = raw.log.as_ref().map(|log| log_settings(log, &mut checks));
        let state = raw.state.as_ref().map(|state| {
            (state.file.clone(), checks.seconds("state.interval_seconds", state.interval_seconds))
        });
        let webhook =
            raw.alarms.webhook.as_deref().and_then(|text| checks.keep("alarms.webhook", http_address(text)));
        let reload = checks.seconds("reload_seconds", raw.reload_seconds);
        if raw.shadow.is_some() && serving.as_ref().is_some_and(|serving| serving.point.exploration.is_some())
        {
            checks.problem(
                "exploration",
                "needs routes that are taken, and in shadow mode none is: leave one of both out",
            );
        }
        match (serving, slm, llm, listen) {
            (Some(serving), Some(slm), Some(llm), Some(listen)) if checks.0.is_empty() => Ok(Self {
                thresholds: raw.thresholds,
                serving,
                slm,
                llm,
                llm_failure: raw.llm_failure,
                shadow: raw.shadow,
                listen,
                metrics_listen,
                client_keys,
                limits,
                log,
                state,
                webhook,
                reload,
            }),
            _ => Err(GatewayError::Config(checks.0)),
        }
    }
}

fn serving(raw: &RawGateway, checks: &mut Checks) -> Option<ServingSettings> {
    let target = checks.keep("target", raw.target.parse::<Target>());
    let exploration = match raw.exploration {
        0.0 => None,
        share => checks.keep("exploration", Exploration::new(share)),
    };
    if raw.early_exit && exploration.is_some() {
        checks.problem(
            "early_exit",
            "leaves no answer to explore with: leave out one of `early_exit` and `exploration`",
        );
    }
    if raw.early_exit && raw.shadow == Some(Incumbent::Slm) {
        checks.problem("early_exit", "leaves no answer of the SLM to show: leave it out in shadow mode");
    }
    Some(ServingSettings {
        method: raw.method.clone(),
        target: target?,
        point: PointSettings { track: raw.track, exploration, early_exit: raw.early_exit },
        max_tokens: raw.slm.max_tokens.unwrap_or(raw::DEFAULT_MAX_TOKENS),
        fields: RequestFields::default(),
        accept_unverified: raw.accept_unverified,
    })
}

/// What requests carry beside, where the model is on a server.
fn fields(location: Option<&ModelLocation>) -> RequestFields {
    match location {
        Some(ModelLocation::Server(server)) => server.spec.fields().clone(),
        Some(ModelLocation::InProcess { .. }) | None => RequestFields::default(),
    }
}

fn location(
    name: &str,
    raw: &RawModel,
    variable: Variable<'_>,
    checks: &mut Checks,
) -> Option<ModelLocation> {
    let Some(model) = &raw.in_process else {
        return server(name, raw, variable, checks).map(|server| ModelLocation::Server(Box::new(server)));
    };
    let others = [
        ("base_url", raw.base_url.is_some()),
        ("model", raw.model.is_some()),
        ("api_key_env", raw.api_key_env.is_some()),
        ("extra_body", !raw.extra_body.is_empty()),
    ];
    for (key, _) in others.into_iter().filter(|(_, is_given)| *is_given) {
        checks.problem(
            format!("{name}.{key}"),
            "is for a server, and `in_process` for a model in this process: leave one out",
        );
    }
    Some(ModelLocation::InProcess {
        model: model.clone(),
        queue: checks.positive(&format!("{name}.queue"), raw.queue.unwrap_or(raw::DEFAULT_QUEUE)),
        total: checks.seconds(format!("{name}.total_seconds"), raw.total_seconds),
        price: raw.price,
        max_tokens: raw.max_tokens.unwrap_or(raw::DEFAULT_MAX_TOKENS),
    })
}

fn server(name: &str, raw: &RawModel, variable: Variable<'_>, checks: &mut Checks) -> Option<ServerConfig> {
    let connect = checks.seconds(format!("{name}.connect_seconds"), raw.connect_seconds);
    let first_token = checks.seconds(format!("{name}.first_token_seconds"), raw.first_token_seconds);
    let total = checks.seconds(format!("{name}.total_seconds"), raw.total_seconds);
    if raw.base_url.is_none() {
        checks.problem(
            format!("{name}.base_url"),
            "is missing: the server's address, up to and with its version",
        );
    }
    let spec = OpenAiSpec::resolve(ModelId::new(name).ok()?, raw.server()?, variable);
    let spec = spec.map_err(|problems| {
        checks.0.extend(problems.iter().map(|problem| ConfigProblem::below(name, problem)));
    });
    Some(ServerConfig { spec: spec.ok()?, connect, first_token, total, retries: raw.retries })
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "is no address with a port, such as 127.0.0.1:8080".to_owned())
}

fn http_address(text: &str) -> Result<Url, String> {
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    Url::parse(text).ok().filter(is_http).ok_or_else(|| "is no address such as https://host/path".to_owned())
}

fn client_keys(names: &[String], variable: Variable<'_>, checks: &mut Checks) -> Vec<Secret> {
    let mut keys = Vec::new();
    for name in names {
        let value = variable(name).and_then(|value| value.into_string().ok());
        match value.as_deref().map(str::trim) {
            Some(key) if key.len() >= raw::MIN_KEY_BYTES => keys.push(Secret::new(key)),
            Some(_) => checks.problem(
                "client_key_envs",
                format!("names {name}, whose value is shorter than 8 characters"),
            ),
            None => checks.problem("client_key_envs", format!("names {name}, which is not set or no text")),
        }
    }
    keys
}

fn limits(raw: &RawLimits, checks: &mut Checks) -> Limits {
    Limits {
        body_bytes: checks.positive("limits.body_bytes", raw.body_bytes),
        reply_bytes: checks.positive("limits.reply_bytes", raw.reply_bytes),
        concurrency: checks.positive("limits.concurrency", raw.concurrency),
        keep_alive: checks.seconds("limits.keep_alive_seconds", raw.keep_alive_seconds),
        recent: checks.positive("limits.recent_decisions", raw.recent_decisions),
    }
}

fn log_settings(raw: &RawLog, checks: &mut Checks) -> LogSettings {
    if raw.max_bytes == 0 {
        checks.problem("log.max_bytes", "is 0");
    }
    let fsync = checks.seconds("log.fsync_seconds", raw.fsync_seconds);
    LogSettings { file: raw.file.clone(), max_bytes: raw.max_bytes, files: raw.files, fsync }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn minimal() -> Value {
        json!({"thresholds": "t.json", "method": "perplexity", "target": "routing_ratio=0.3",
            "slm": {"base_url": "http://127.0.0.1:1/v1", "model": "small"},
            "llm": {"base_url": "https://h/v1", "model": "large", "api_key_env": "KEY"}})
    }

    fn resolve(value: Value) -> Result<GatewayConfig, String> {
        let raw: RawGateway = serde_json::from_value(value).map_err(|error| error.to_string())?;
        let variable = |name: &str| (name == "KEY").then(|| OsString::from("sk-secret-1"));
        GatewayConfig::resolve(raw, &variable).map_err(|error| error.to_string())
    }

    #[test]
    fn a_minimal_file_is_enough() {
        let config = resolve(minimal()).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        let ModelLocation::Server(llm) = &config.llm else { panic!("{config:?}") };
        assert_eq!((config.limits.body_bytes, llm.retries), (10 << 20, 1));
        assert!(config.log.is_none() && config.shadow.is_none());
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[test]
    fn all_problems_are_reported_together() {
        let mut value = minimal();
        value["target"] = json!("routing_ratio");
        value["listen"] = json!("localhost");
        value["exploration"] = json!(1.5);
        value["llm"]["base_url"] = json!("ftp://h");
        value["llm"]["total_seconds"] = json!(0);
        value["slm"] = json!({"in_process": "m.gguf", "base_url": "http://h"});
        value["client_key_envs"] = json!(["NONE"]);
        value["limits"] = json!({"concurrency": 0});
        let problems = resolve(value).unwrap_err();
        for key in [
            "`target`",
            "`listen`",
            "`exploration`",
            "`llm.base_url`",
            "`llm.total_seconds`",
            "`slm.base_url`",
            "`client_key_envs`",
            "`limits.concurrency`",
        ] {
            assert!(problems.contains(key), "{key}: {problems}");
        }
    }

    #[test]
    fn what_contradicts_itself_or_is_unknown_is_refused() {
        for (key, other, expected) in [
            (json!({"exploration": 0.1}), json!({"early_exit": true}), "early_exit"),
            (json!({"exploration": 0.1}), json!({"shadow": "llm"}), "exploration"),
            (json!({"tenants": 5}), json!({}), "unknown field `tenants`"),
            (json!({"llm": {"base_url": "http://h"}}), json!({}), "llm.model"),
            (json!({"llm": {"in_process": "m.gguf", "model": "m"}}), json!({}), "llm.model"),
            (json!({"llm": {"in_process": "m.gguf", "queue": 0}}), json!({}), "llm.queue"),
            (json!({"slm": {}}), json!({}), "slm.base_url"),
            (
                json!({"llm": {"in_process": "m.gguf", "extra_body": {"top_k": 0}}}),
                json!({}),
                "llm.extra_body",
            ),
            (
                json!({"slm": {"base_url": "http://h", "model": "m", "extra_body": {"temperature": 0}}}),
                json!({}),
                "slm.extra_body",
            ),
        ] {
            let mut value = minimal();
            for (name, setting) in key.as_object().unwrap().iter().chain(other.as_object().unwrap()) {
                value[name] = setting.clone();
            }
            let problem = resolve(value).unwrap_err();
            assert!(problem.contains(expected), "{expected}: {problem}");
        }
    }
}
