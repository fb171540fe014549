//! `plimsoll serve`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use plimsoll_gateway::config::{Incumbent, RawGateway, RawModel};
use plimsoll_gateway::{Gateway, GatewayConfig, GatewayError, Listening, LoadedModel, LoadedModels};
use plimsoll_pipeline::config::read_settings;
use plimsoll_pipeline::models::{ServingModel, load_for_serving};
use plimsoll_pipeline::threshold_files::read_file;
use plimsoll_pipeline::{Failure, FailureKind};
use plimsoll_router::{ModelIdentity, Target};
use serde_json::{Map, Value, json};

use crate::arguments::values;
use crate::console::Console;

/// Answer OpenAI requests: keep the small model's answer, or defer to the large one.
///
/// Clients speak OpenAI's chat completions, streamed or not, and ask for the model `plimsoll`. The small model (SLM) is asked
/// first, with its log-probabilities. If its confidence is at least the threshold of the operating point, its answer is
/// kept; otherwise, or if the confidence is missing, the request goes to the large model (LLM). Each reply says which model
/// answered and why: in headers (`x-plimsoll-route`, `x-plimsoll-reason`, `x-plimsoll-id`) and under the key `plimsoll` of
/// the body.
///
/// Requests that the thresholds file was not made for are deferred: another temperature, tools, several completions,
/// images, a response format. So are those whose SLM failed, stalled, or gave no log-probabilities.
///
/// Each model is a server (`--slm http://..` with `--slm-model`) or a model in this process (`--slm FILE.gguf`). The hashes of an
/// SLM in this process are held against the thresholds file. A server tells no more than a name: compare the rest
/// yourself, and say --accept-unverified. An LLM in this process answers with one text: tools, images and the like are refused.
///
/// POST /v1/feedback with {"id": .., "correct": true} labels an answer; `plimsoll thresholds check --decisions` and `plimsoll
/// fit --decisions` read the log. SIGHUP, or a change of the file, takes a new thresholds file without dropping a request.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll serve --thresholds slm--llm.thresholds.json --method perplexity --target routing_ratio=0.3 \\
      --slm SmolLM2-135M-Instruct.Q4_1.gguf \\
      --llm https://api.openai.com/v1 --llm-model gpt-4o-mini --llm-key-env OPENAI_API_KEY
  plimsoll serve --config gateway.yaml
  curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' \\
      -d '{\"model\": \"plimsoll\", \"messages\": [{\"role\": \"user\", \"content\": \"What is 2 + 2?\"}]}'

The settings of a file are more: prices, timeouts, limits, log rotation, alarms; see docs/serving.md.")]
pub(crate) struct ServeArguments {
    /// Settings as YAML, instead of the options below
    #[arg(long, value_name = "FILE", conflicts_with_all = ["thresholds", "method", "target", "slm", "llm"])]
    config: Option<PathBuf>,
    /// Check settings and thresholds file, bind the SLM's identity, and end
    #[arg(long)]
    dry_run: bool,
    /// The thresholds file
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    thresholds: Option<PathBuf>,
    /// Method of the operating point
    #[arg(long, value_name = "M", required_unless_present = "config")]
    method: Option<String>,
    /// Operating point: `routing_ratio=R`, `accuracy=A`, `cost=USD`, `selective_error=ALPHA:DELTA`, `joint_error=..`, `regret=..`
    #[arg(long, value_name = "T", value_parser = values::target, required_unless_present = "config")]
    target: Option<Target>,
    /// The SLM: a server's address up to and with its version, or a GGUF file, folder or hf:// address
    #[arg(long, value_name = "ADDRESS", required_unless_present = "config")]
    slm: Option<String>,
    /// The LLM: likewise
    #[arg(long, value_name = "ADDRESS", required_unless_present = "config")]
    llm: Option<String>,
    #[command(flatten)]
    options: ServeOptions,
}

/// What may be left out.
#[derive(Debug, Args)]
#[command(next_help_heading = "With the options above")]
struct ServeOptions {
    /// The SLM's name at its server
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    slm_model: Option<String>,
    /// Environment variable with the key of the SLM's server
    #[arg(long, value_name = "VARIABLE", conflicts_with = "config")]
    slm_key_env: Option<String>,
    /// The LLM's name at its server
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    llm_model: Option<String>,
    /// Environment variable with the key of the LLM's server
    #[arg(long, value_name = "VARIABLE", conflicts_with = "config")]
    llm_key_env: Option<String>,
    /// Environment variable with a key that clients must show; may be given several times
    #[arg(long, value_name = "VARIABLE", conflicts_with = "config")]
    client_key_env: Vec<String>,
    /// Address of the interface
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080", conflicts_with = "config")]
    listen: String,
    /// Address of /metrics; `off` for none
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9464", conflicts_with = "config")]
    metrics_listen: String,
    /// Decision log, JSON lines
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    log: Option<PathBuf>,
    /// Keep what trackers and monitors learn in FILE, and go on from it
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    state: Option<PathBuf>,
    /// Move the threshold so that the routing ratio is that of the target on this traffic
    #[arg(long, conflicts_with = "config")]
    track: bool,
    /// Stop the SLM as soon as its answer must be deferred; not for models that reason
    #[arg(long, conflicts_with = "config")]
    early_exit: bool,
    /// Share of the requests whose route a coin chooses, so that the log can be fitted anew
    #[arg(long, value_name = "SHARE", value_parser = values::share, conflicts_with = "config")]
    exploration: Option<f64>,
    /// Decide and count, but show this model's answers
    #[arg(long, value_name = "MODEL", value_enum, conflicts_with = "config")]
    shadow: Option<Shown>,
    /// Serve although nothing verifies parts of the SLM's identity
    #[arg(long, conflicts_with = "config")]
    accept_unverified: bool,
}

/// Whose answers are shown in shadow mode, as typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shown {
    /// The SLM's.
    Slm,
    /// The LLM's.
    Llm,
}

/// Runs the command.
pub(super) fn run(arguments: &ServeArguments, console: &Console) -> Result<(), Failure> {
    let raw = match &arguments.config {
        Some(path) => from_file(path)?,
        None => from_options(arguments)?,
    };
    let base = arguments.config.as_deref().and_then(Path::parent).map(Path::to_owned);
    let in_process = [&raw.slm, &raw.llm].map(LocalModel::of);
    let config = GatewayConfig::resolve(raw, &|name| std::env::var_os(name)).map_err(failure)?;
    let loaded = load(in_process, base.as_deref(), &config, console)?;
    if arguments.dry_run {
        let gateway = Gateway::new(config, loaded).map_err(failure)?;
        return report(console, &gateway, None);
    }
    let announce = |gateway: &Gateway, listening: Listening| {
        if let Err(failure) = report(console, gateway, Some(listening)) {
            console.failure(&failure);
        }
    };
    plimsoll_gateway::serve(config, loaded, announce).map_err(failure)
}

/// Paths in a file start at the file.
fn from_file(path: &Path) -> Result<RawGateway, Failure> {
    let mut raw: RawGateway = read_settings(path, "gateway settings")?;
    let base = path.parent().unwrap_or(Path::new("."));
    raw.thresholds = base.join(&raw.thresholds);
    if let Some(log) = &mut raw.log {
        log.file = base.join(&log.file);
    }
    if let Some(state) = &mut raw.state {
        state.file = base.join(&state.file);
    }
    Ok(raw)
}

fn from_options(arguments: &ServeArguments) -> Result<RawGateway, Failure> {
    let options = &arguments.options;
    let model = |address: Option<&str>, name: &Option<String>, key: &Option<String>| {
        let is_server =
            address.is_some_and(|text| text.starts_with("http://") || text.starts_with("https://"));
        let address_key = if is_server { "base_url" } else { "in_process" };
        present(json!({address_key: address, "model": name, "api_key_env": key}))
    };
    let slm = model(arguments.slm.as_deref(), &options.slm_model, &options.slm_key_env);
    let llm = model(arguments.llm.as_deref(), &options.llm_model, &options.llm_key_env);
    let file = |path: &Option<PathBuf>| path.as_ref().map(|path| json!({"file": path}));
    let settings = present(json!({
        "thresholds": arguments.thresholds,
        "method": arguments.method,
        "target": arguments.target.map(|target| target.to_string()),
        "slm": slm,
        "llm": llm,
        "listen": options.listen,
        "metrics_listen": options.metrics_listen,
        "client_key_envs": options.client_key_env,
        "log": file(&options.log),
        "state": file(&options.state),
        "track": options.track,
        "early_exit": options.early_exit,
        "exploration": options.exploration,
        "accept_unverified": options.accept_unverified,
    }));
    let mut raw: RawGateway =
        serde_json::from_value(settings).map_err(|error| Failure::usage(error.to_string()))?;
    raw.shadow = options.shadow.map(|shown| match shown {
        Shown::Slm => Incumbent::Slm,
        Shown::Llm => Incumbent::Llm,
    });
    Ok(raw)
}

/// A mapping without the keys whose value is null.
fn present(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// A model that is to run in this process.
struct LocalModel {
    address: String,
    template_variables: BTreeMap<String, Value>,
}

impl LocalModel {
    /// `None` for a model on a server.
    fn of(raw: &RawModel) -> Option<Self> {
        let address = raw.in_process.clone()?;
        Some(Self { address, template_variables: raw.template_variables.clone() })
    }
}

/// Loads what is to run in this process.
fn load(
    [slm, llm]: [Option<LocalModel>; 2],
    base: Option<&Path>,
    config: &GatewayConfig,
    console: &Console,
) -> Result<LoadedModels, Failure> {
    let mut loaded = LoadedModels::default();
    if slm.is_none() && llm.is_none() {
        return Ok(loaded);
    }
    let thresholds = read_file(&config.thresholds)?;
    let one = |local: LocalModel, recorded: &ModelIdentity| -> Result<LoadedModel, Failure> {
        let LocalModel { address, template_variables } = local;
        let model = ServingModel { address: &address, base, template_variables };
        let (backend, identity) = load_for_serving(model, recorded, console)?;
        Ok(LoadedModel { backend: Box::new(backend), identity })
    };
    loaded.slm = slm.map(|local| one(local, &thresholds.slm)).transpose()?;
    let recorded = thresholds.llm.unwrap_or_default();
    loaded.llm = llm.map(|local| one(local, &recorded)).transpose()?;
    if let (Some(LoadedModel { identity, .. }), Some(weights)) = (&loaded.llm, &recorded.weights_sha256)
        && identity.weights_sha256.as_ref() != Some(weights)
    {
        console.note(format_args!(
            "the LLM is not {}, which the thresholds were fitted with: they defer as often, but what they say of accuracy \
             and cost is of that one",
            recorded.id
        ));
    }
    Ok(loaded)
}

/// What is served, and where.
fn report(console: &Console, gateway: &Gateway, listening: Option<Listening>) -> Result<(), Failure> {
    let serving = gateway.serving();
    let point = &serving.usual().router().point().id;
    let unverified = serving.unverified();
    if !unverified.is_empty() {
        console.note(format_args!("taken on trust of the SLM's identity: {}", unverified.join(", ")));
    }
    let place = match listening {
        Some(Listening { interface, metrics: Some(metrics) }) => {
            format!("http://{interface}/v1, metrics at http://{metrics}/metrics")
        }
        Some(Listening { interface, metrics: None }) => format!("http://{interface}/v1"),
        None => "the settings are valid".to_owned(),
    };
    console.text(format!("{point}: {place}\n"))?;
    console.document(&json!({
        "threshold_id": point,
        "thresholds_sha256": serving.thresholds_sha256(),
        "unverified": unverified,
        "listen": listening.map(|listening| listening.interface.to_string()),
        "metrics_listen": listening.and_then(|listening| listening.metrics).map(|address| address.to_string()),
    }))
}

/// Settings and identity are the user's to mend; files and addresses are this machine's.
fn failure(error: GatewayError) -> Failure {
    let kind = match &error {
        GatewayError::Config(_) | GatewayError::Method { .. } | GatewayError::Unverified { .. } => {
            FailureKind::Usage
        }
        GatewayError::Thresholds(_)
        | GatewayError::Decoding(_)
        | GatewayError::State { .. }
        | GatewayError::File(_) => FailureKind::Input,
        _ => FailureKind::Stage,
    };
    Failure::from_error(kind, error)
}
