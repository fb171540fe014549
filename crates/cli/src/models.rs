//! Models in: from a path or a hub address to a model that was opened.

use std::path::{Path, PathBuf};

use clap::Args;
use plimsoll_engine::chat::Variables;
use plimsoll_engine::step::StepError;
use plimsoll_engine::{EngineError, HashCache, LanguageModel, Opened};
use plimsoll_hub::{FileSelection, HubSource, Options, Source};
use serde_json::Value;

use crate::compute::{Device, Dtype, placement};
use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::progress::Downloads;
use crate::questions::hub_failure;

/// Files that a model in safetensors cannot be without.
const REQUIRED: [&str; 2] = ["config.json", "tokenizer.json"];

/// The others. Repositories hold the same weights in other forms too, which nobody reads here.
const OPTIONAL: [&str; 8] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*.safetensors",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "generation_config.json",
    "chat_template.*",
    "additional_chat_templates/*.jinja",
];

/// Which model, and how it is held.
#[derive(Debug, Args)]
pub(crate) struct ModelArguments {
    /// The model
    #[arg(
        long,
        value_name = "M",
        help = "A folder with config.json and safetensors, a .gguf file, or hf://OWNER/NAME[@REVISION][/FILE.gguf]"
    )]
    pub(crate) model: String,
}

/// What its chat template is given.
#[derive(Debug, Args)]
pub(crate) struct TemplateArguments {
    #[arg(
        long = "template-variable",
        value_name = "NAME=JSON",
        value_parser = variable,
        help = "A variable for the chat template, such as enable_thinking=false; may be given several times",
        long_help = "A variable for the chat template, such as enable_thinking=false; may be given several times\n\n\
                     The value is JSON: false, 3, '\"low\"' or '[\"a\", \"b\"]'. `plimsoll model inspect` lists the \
                     variables that a template reads; another is refused, since the template would go on as if it \
                     were not there."
    )]
    variables: Vec<(String, Value)>,
}

/// A variable as typed.
fn variable(text: &str) -> Result<(String, Value), String> {
    let (name, json) = text.split_once('=').ok_or("a variable is written NAME=JSON")?;
    let value = serde_json::from_str(json).map_err(|_| {
        format!(
            "`{json}` is not JSON: false, 3 and [\"a\"] are, and a text stands in quotes, {name}='\"{json}\"'"
        )
    })?;
    Ok((name.to_owned(), value))
}

/// How it is held in memory and computed.
#[derive(Debug, Args)]
pub(crate) struct ComputeArguments {
    /// Type of weights and activations [default: bf16 for weights stored so, otherwise f32; packed GGUF weights stay packed]
    #[arg(long, value_enum, value_name = "TYPE")]
    dtype: Option<Dtype>,
    /// Where to compute; cuda and metal need a program built with the feature of that name
    #[arg(long, value_enum, default_value = "cpu", value_name = "DEVICE")]
    device: Device,
}

/// A model that was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its headers and small files.
    pub(crate) opened: Opened,
    /// The commit, if it is on the hub.
    pub(crate) commit: Option<String>,
}

impl ModelArguments {
    /// Fetches what is not here, and opens it.
    ///
    /// # Errors
    /// A usage failure for an address that is none, an input failure for files that are missing or damaged.
    pub(crate) fn open(&self, console: &Console) -> Result<Found, Failure> {
        open_model(&self.model, (None, false), console)
    }
}

impl TemplateArguments {
    /// The model, whose template is given the variables.
    ///
    /// # Errors
    /// A usage failure for a variable that stands twice, that cannot be set, or that the template does not read.
    pub(crate) fn give(&self, found: Found) -> Result<Found, Failure> {
        let mut names: Vec<&str> = self.variables.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let mut pairs = names.iter().zip(names.iter().skip(1));
        if let Some((twice, _)) = pairs.find(|(name, next)| name == next) {
            return Err(Failure::usage(format!("--template-variable {twice} is given twice")));
        }
        let variables = Variables::new(self.variables.iter().cloned()).or_fail(Kind::Usage)?;
        let opened = found.opened.with_variables(variables).or_fail(Kind::Usage)?;
        Ok(Found { opened, ..found })
    }
}

impl ComputeArguments {
    /// Reads the weights of a model.
    pub(crate) fn load(&self, found: Found, console: &Console) -> Result<LanguageModel, Failure> {
        let placement = placement(self.dtype, self.device, found.opened.natural_dtype())?;
        tracing::info!(dtype = ?placement.dtype, "loading");
        if found.opened.description().form == plimsoll_engine::chat::Form::Plain {
            console.note("the model has no chat template; prompts are written as plain text");
        }
        found.opened.load(placement).map_err(engine_failure)
    }
}

/// Fetches what is not here (unless `offline`), and opens it. Relative paths start at `base`.
///
/// # Errors
/// As [`ModelArguments::open`].
pub(crate) fn open_model(
    source: &str,
    (base, offline): (Option<&Path>, bool),
    console: &Console,
) -> Result<Found, Failure> {
    let (path, commit) = match Source::parse(source).or_fail(Kind::Usage)? {
        Source::Local(path) => (base.map_or_else(|| path.clone(), |base| base.join(&path)), None),
        Source::Hub(source) => fetch(source, offline, console)?,
    };
    let opened = Opened::open(&path).map_err(engine_failure)?;
    Ok(Found { opened, commit })
}

/// Fetches a model, and gives where it lies.
fn fetch(source: HubSource, offline: bool, console: &Console) -> Result<(PathBuf, Option<String>), Failure> {
    let owned = |names: &[&str]| names.iter().copied().map(str::to_owned).collect();
    let selection = FileSelection::Files { required: owned(&REQUIRED), optional: owned(&OPTIONAL) };
    let mut options = Options::from_env().or_fail(Kind::Usage)?;
    options.offline |= offline;
    let downloads = Downloads::new(console);
    let path = source.path.clone();
    let fetched = plimsoll_hub::resolve(&Source::Hub(source), &selection, &options, &downloads);
    drop(downloads);
    let fetched = fetched.map_err(hub_failure).map_err(|failure| {
        failure.during("cannot fetch the model (a GGUF file is named as hf://OWNER/NAME/FILE.gguf)")
    })?;
    // A path may name a file, or a folder of the repository.
    let place = match (path, fetched.files.as_slice()) {
        (Some(_), [one]) => one.path.clone(),
        (Some(path), _) => fetched.folder.join(path),
        (None, _) => fetched.folder,
    };
    Ok((place, fetched.commit))
}

/// Where hashes of files are kept; nowhere if no folder for that is known.
pub(crate) fn hash_cache() -> HashCache {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = variable("XDG_CACHE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| variable("HOME").map(|home| home.join(".cache")));
    base.map_or_else(HashCache::none, |base| HashCache::new(base.join("plimsoll").join("hashes")))
}

/// Whose fault it is that a model cannot be used.
pub(crate) fn engine_failure(error: EngineError) -> Failure {
    let kind = match &error {
        EngineError::NoTokens | EngineError::Step(StepError::Context { .. }) => Kind::Usage,
        EngineError::Step(_) | EngineError::Candle(_) => Kind::Stage,
        _ => Kind::Input,
    };
    Failure::from_error(kind, error)
}
