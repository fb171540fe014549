//! Models: from a path or a hub address to one that was opened, and of a pipeline's models to backends.

pub(crate) mod lazy;
pub(crate) mod prepared;

use std::path::{Path, PathBuf};

use plimsoll_engine::step::StepError;
use plimsoll_engine::{EngineError, HashCache, OpenedModel};
use plimsoll_hub::{FileSelection, FileSource, HubSource};

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::hub::fetch;
use crate::observer::Observer;

pub use prepared::{ServingModel, load_for_serving};

/// Files that a model in safetensors cannot be without.
const REQUIRED: [&str; 2] = ["config.json", "tokenizer.json"];

/// The others. Repositories hold the same weights in other forms too, which are not read here.
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

/// A model whose files are on this machine.
#[derive(Debug)]
pub struct LocatedModel {
    /// Its headers and small files.
    pub opened: OpenedModel,
    /// The commit, if it is on the hub.
    pub commit: Option<String>,
}

/// Where the files of a model may come from.
#[derive(Debug, Clone, Copy)]
pub struct ModelSource<'a> {
    /// A folder, a GGUF file, or an `hf://` address.
    pub address: &'a str,
    /// Where relative paths start; the working folder without it.
    pub base: Option<&'a Path>,
    /// Whether nothing may be fetched.
    pub offline: bool,
}

/// Fetches what is not on this machine, and opens the model. Its weights are not read.
///
/// # Errors
/// A usage failure for an address that is none, an input failure for files that are missing or damaged.
pub fn open_model(source: ModelSource<'_>, observer: &dyn Observer) -> Result<LocatedModel, Failure> {
    let (path, commit) = match FileSource::parse(source.address).or_fail(FailureKind::Usage)? {
        FileSource::Local(path) => (source.base.map_or_else(|| path.clone(), |base| base.join(&path)), None),
        FileSource::Hub(address) => fetch_model(address, source.offline, observer)?,
    };
    let opened = OpenedModel::open(&path).map_err(engine_failure)?;
    Ok(LocatedModel { opened, commit })
}

/// Fetches a model; gives its folder or file, and the commit.
fn fetch_model(
    source: HubSource,
    offline: bool,
    observer: &dyn Observer,
) -> Result<(PathBuf, Option<String>), Failure> {
    let owned = |names: &[&str]| names.iter().copied().map(str::to_owned).collect();
    let selection = FileSelection::Files { required: owned(&REQUIRED), optional: owned(&OPTIONAL) };
    let path = source.path.clone();
    let fetched = fetch(source, &selection, offline, observer).map_err(|failure| {
        failure.during("cannot fetch the model (a GGUF file is named as hf://OWNER/NAME/FILE.gguf)")
    })?;
    // A path may name a file, or a folder of the repository.
    let found = match (path, fetched.files.as_slice()) {
        (Some(_), [one]) => one.path.clone(),
        (Some(path), _) => fetched.folder.join(path),
        (None, _) => fetched.folder,
    };
    Ok((found, fetched.commit))
}

/// The user's cache of files' hashes; none if no folder for it is known.
pub fn hash_cache() -> HashCache {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = variable("XDG_CACHE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .or_else(|| variable("HOME").map(|home| home.join(".cache")));
    base.map_or_else(HashCache::none, |base| HashCache::new(base.join("plimsoll").join("hashes")))
}

/// Whose fault it is that a model cannot be used.
pub fn engine_failure(error: EngineError) -> Failure {
    let kind = match &error {
        EngineError::NoTokens | EngineError::Step(StepError::Context { .. }) => FailureKind::Usage,
        EngineError::Step(_) | EngineError::Candle(_) => FailureKind::Stage,
        _ => FailureKind::Input,
    };
    Failure::from_error(kind, error)
}
