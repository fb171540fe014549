//! `plimsoll model inspect`.

use clap::Args;
use plimsoll_engine::chat::ChatForm;
use plimsoll_pipeline::models::{engine_failure, hash_cache};
use serde::Serialize;

use crate::arguments::model::{ModelArguments, TemplateArguments};
use crate::console::Console;
use plimsoll_pipeline::Failure;

/// Say what a model is: architecture, parameters, types, layers, chat template, hashes.
///
/// `variables` are those that the chat template reads and --template-variable, or `template_variables` in a pipeline
/// file, may set. Given here they show in the template's hash, as a thresholds file holds it.
///
/// Reads headers and small files only; weights are read to hash them, once: the hashes are kept in the
/// user's cache folder until a file changes.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll model inspect --model models/SmolLM2-135M-Instruct
  plimsoll model inspect --model llama-3.2-1b-Q4_K_M.gguf --json
  plimsoll model inspect --model qwen3-0.6b-Q8_0.gguf --template-variable enable_thinking=false
  plimsoll model inspect --model hf://Qwen/Qwen2.5-0.5B-Instruct@main")]
pub(crate) struct InspectArguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    template: TemplateArguments,
    /// Leave out the hashes of the weights, which need the whole files to be read
    #[arg(long)]
    no_hashes: bool,
}

/// The JSON document.
#[derive(Debug, Serialize)]
struct Document {
    model: String,
    revision: Option<String>,
    architecture: String,
    parameters: u64,
    dtype: String,
    layers: usize,
    hidden: usize,
    vocabulary: usize,
    context: usize,
    chat_template: &'static str,
    chat_template_sha256: String,
    template_variables: Vec<String>,
    stop_tokens: Vec<u32>,
    weights_sha256: Option<String>,
    tokenizer_sha256: Option<String>,
    config_sha256: Option<String>,
    tokenizer_problem: Option<String>,
    files: Vec<String>,
}

/// Runs the command.
pub(super) fn run(arguments: &InspectArguments, console: &Console) -> Result<(), Failure> {
    let model = arguments.template.give(arguments.model.open(console)?)?;
    let described = model.opened.description();
    let hashes = if arguments.no_hashes {
        None
    } else {
        Some(model.opened.hashes(&hash_cache()).map_err(engine_failure)?)
    };
    let name =
        |path: &std::path::PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let document = Document {
        model: arguments.model.model.clone(),
        revision: model.commit,
        architecture: described.architecture,
        parameters: described.parameters,
        dtype: described.stored,
        layers: described.layers,
        hidden: described.hidden,
        vocabulary: described.vocabulary,
        context: described.context,
        chat_template: match described.form {
            ChatForm::Template => "template",
            ChatForm::Plain => "plain",
        },
        chat_template_sha256: described.chat_template_sha256,
        template_variables: model.opened.template_reads().into_iter().collect(),
        stop_tokens: described.stop_tokens,
        weights_sha256: hashes.as_ref().map(|hashes| hashes.weights_sha256.clone()),
        tokenizer_sha256: hashes.as_ref().and_then(|hashes| hashes.tokenizer_sha256.clone()),
        config_sha256: hashes.as_ref().and_then(|hashes| hashes.config_sha256.clone()),
        tokenizer_problem: described.tokenizer_problem,
        files: model.opened.weight_files().iter().map(name).collect(),
    };
    if console.json() { console.document(&document) } else { console.text(text(&document) + "\n") }
}

/// The document for people.
fn text(document: &Document) -> String {
    let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let mut lines = vec![
        ("model", document.model.clone()),
        ("revision", or_dash(&document.revision)),
        ("architecture", document.architecture.clone()),
        ("parameters", millions(document.parameters)),
        ("stored as", document.dtype.clone()),
        ("layers", format!("{} of {} wide", document.layers, document.hidden)),
        ("vocabulary", document.vocabulary.to_string()),
        ("context", format!("{} tokens", document.context)),
        ("chat", chat(document)),
        ("variables", variables(document)),
        ("stop tokens", document.stop_tokens.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
        ("weights", or_dash(&document.weights_sha256)),
        ("tokenizer", or_dash(&document.tokenizer_sha256)),
        ("config", or_dash(&document.config_sha256)),
        ("files", document.files.join(" ")),
    ];
    if let Some(problem) = &document.tokenizer_problem {
        lines.push(("problem", format!("{problem}; it cannot be run")));
    }
    lines.into_iter().map(|(name, value)| format!("{name:<13} {value}")).collect::<Vec<_>>().join("\n")
}

fn chat(document: &Document) -> String {
    match document.chat_template {
        "plain" => "no template; prompts are written as plain text".to_owned(),
        _ => format!("template {}", document.chat_template_sha256),
    }
}

/// What may be given by --template-variable.
fn variables(document: &Document) -> String {
    if document.template_variables.is_empty() {
        "-".to_owned()
    } else {
        document.template_variables.join(" ")
    }
}

/// A count of parameters, for people.
fn millions(count: u64) -> String {
    if count >= 1_000_000 { format!("{:.1} million", count as f64 / 1e6) } else { count.to_string() }
}
