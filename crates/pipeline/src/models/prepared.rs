//! A model of a pipeline as a backend: located and identified before it is loaded.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

use plimsoll_backend::{Backend, Request};
use plimsoll_core::{Decoding, ModelId, SignalRequest};
use plimsoll_engine::chat::{Moment, TemplateVariables};
use plimsoll_engine::{LocalBackend, LocalLimits, ModelHashes, OpenedModel, Placement, TokenEstimate};
use plimsoll_remote::openai::{OpenAi, OpenAiSpec, RequestFields, Served, ServedDecoding};
use plimsoll_remote::replay::{RecordingFile, Replay, ReplaySpec};
use plimsoll_router::thresholds::ModelIdentity;
use serde_json::Value;

use super::{LocatedModel, ModelSource, engine_failure, hash_cache, open_model};
use crate::compute::{Device, Dtype, placement};
use crate::config::inference::ExecutionConfig;
use crate::config::models::{
    LocalModel, ModelBackend, ModelConfig, RecordedModel, ServedModelConfig, TEMPLATE_DATE,
};
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::locations::Locations;
use crate::observer::Observer;

/// A model of a pipeline, located but not loaded.
#[derive(Debug)]
pub(crate) struct PreparedModel<'a> {
    pub(crate) config: &'a ModelConfig,
    /// Hash of all that its answers depend on beside the requests.
    pub(crate) identity: String,
    backend: PreparedBackend,
}

#[derive(Debug)]
enum PreparedBackend {
    Local(Box<PreparedLocal>),
    Server(Box<OpenAiSpec>),
    Recorded(Box<Replay>),
}

#[derive(Debug)]
struct PreparedLocal {
    opened: OpenedModel,
    commit: Option<String>,
    hashes: ModelHashes,
    placement: Placement,
    now: Moment,
}

impl PreparedLocal {
    /// The identity with what the model's files say.
    fn describe(&self, identity: ModelIdentity) -> ModelIdentity {
        let described = self.opened.description();
        let weights = &self.hashes.weights_sha256;
        let tokenizer = self.hashes.tokenizer_sha256.as_ref().unwrap_or(weights);
        let mut identity = identity;
        identity.revision.clone_from(&self.commit);
        identity
            .with_weights_sha256(weights)
            .with_tokenizer_sha256(tokenizer)
            .with_chat_template_sha256(described.chat_template_sha256)
            .with_quantisation(quantisation(&described.stored, &self.placement))
    }
}

/// A model that is to be served in this process.
#[derive(Debug)]
pub struct ServingModel<'a> {
    /// A folder, a GGUF file, or an `hf://` address.
    pub address: &'a str,
    /// Where relative paths start; the current folder without it.
    pub base: Option<&'a Path>,
    /// Variables that its chat template is given.
    pub template_variables: BTreeMap<String, Value>,
}

/// A model that is served in this process, as a pipeline that leaves all but the type and the template's variables to its
/// defaults would run it: with its identity, in which decoding is left out. It is computed in the type that `recorded`, the
/// model of a thresholds file, was.
///
/// # Errors
/// A usage failure for an address that is none, an input failure for files that are missing or damaged.
pub fn load_for_serving(
    model: ServingModel<'_>,
    recorded: &ModelIdentity,
    observer: &dyn Observer,
) -> Result<(LocalBackend, ModelIdentity), Failure> {
    let ServingModel { address, base, template_variables } = model;
    let LocatedModel { opened, commit } =
        open_model(ModelSource { address, base, offline: false }, observer)?;
    let variables = TemplateVariables::new(template_variables).or_fail(FailureKind::Usage);
    let opened = with_variables(opened, variables.map_err(|failure| failure.during("template_variables"))?)?;
    if let Some(problem) = opened.description().tokenizer_problem {
        return Err(Failure::input(problem));
    }
    let id = Path::new(address)
        .file_stem()
        .map_or_else(|| address.to_owned(), |stem| stem.to_string_lossy().into_owned());
    let id = ModelId::new(id).or_fail(FailureKind::Usage)?;
    let dtype = recorded.quantisation.as_deref().and_then(computed_in);
    let placement = placement(dtype, Device::Cpu, opened.natural_dtype())?;
    let hashes = opened.hashes(&hash_cache()).map_err(engine_failure)?;
    let local = PreparedLocal { opened, commit, hashes, placement, now: TEMPLATE_DATE.moment() };
    let identity = local.describe(ModelIdentity::named(id.as_str()));
    let PreparedLocal { opened, hashes, placement, now, .. } = local;
    let model = opened.load(placement).map_err(engine_failure)?;
    Ok((LocalBackend::new(id, model, &hashes, now), identity))
}

/// A backend that can be opened, and its identity.
type Identified = (PreparedBackend, String);

impl<'a> PreparedModel<'a> {
    /// Locates a model: fetches what is not on this machine, reads headers, hashes weights, looks for keys.
    ///
    /// # Errors
    /// A usage failure for an address that is none or a key that is not set, an input failure for files that
    /// are missing or damaged; both name the model.
    pub(crate) fn locate(
        config: &'a ModelConfig,
        locations: Locations<'_>,
        observer: &dyn Observer,
    ) -> Result<Self, Failure> {
        let prepared = match &config.backend {
            ModelBackend::Candle(model) => local(model, locations, observer),
            ModelBackend::OpenAi(model) => served(config, model, locations),
            ModelBackend::Replay(model) => recorded(config, model, locations.base),
        };
        let (backend, identity) =
            prepared.map_err(|failure| failure.during(format!("model `{}`", config.id)))?;
        Ok(Self { config, identity, backend })
    }

    /// Tokens of requests of one dataset; `None` for models that run elsewhere.
    ///
    /// # Errors
    /// An input failure for a tokenizer that cannot be used.
    pub(crate) fn estimate(
        &self,
        requests: &[Request],
        signals: &SignalRequest,
        decoding: Decoding,
    ) -> Result<Option<TokenEstimate>, Failure> {
        let PreparedBackend::Local(local) = &self.backend else { return Ok(None) };
        let encoder = local.opened.encoder(local.now).map_err(|error| Failure::input(error.to_string()))?;
        Ok(Some(encoder.estimate(requests, signals, decoding)))
    }

    /// Whether it runs behind a server, which may be changed between two answers.
    pub(crate) const fn is_served(&self) -> bool {
        matches!(self.backend, PreparedBackend::Server(_))
    }

    /// Bytes of its weights in memory; `None` for models that run elsewhere.
    pub(crate) fn weight_bytes(&self) -> Option<u64> {
        let PreparedBackend::Local(local) = &self.backend else { return None };
        let files = local.opened.weight_files();
        let bytes = files.iter().filter_map(|path| std::fs::metadata(path).ok());
        Some(bytes.map(|metadata| metadata.len()).sum())
    }

    /// The model as a thresholds file names it.
    pub(crate) fn thresholds_identity(&self, decoding: &Decoding) -> ModelIdentity {
        let fields = match &self.backend {
            PreparedBackend::Server(spec) => spec.fields().clone(),
            PreparedBackend::Local(_) | PreparedBackend::Recorded(_) => RequestFields::default(),
        };
        let decoding = ServedDecoding { decoding: *decoding, fields }.text();
        let mut identity = ModelIdentity::named(self.config.id.as_str()).with_decoding(decoding);
        match (&self.backend, &self.config.backend) {
            (PreparedBackend::Local(local), _) => local.describe(identity),
            (_, ModelBackend::OpenAi(served)) => {
                identity.revision = Some(served.model.clone());
                identity
            }
            (_, ModelBackend::Replay(recorded)) => {
                identity.revision.clone_from(&recorded.recorded_as);
                identity
            }
            (_, ModelBackend::Candle(_)) => identity,
        }
    }

    /// Loads or opens it. `served` is what answered an earlier part of the run, if anything did: a change since then
    /// stops the run.
    pub(super) fn load(
        self,
        execution: &ExecutionConfig,
        served: Option<&Served>,
    ) -> Result<Box<dyn Backend>, Failure> {
        let id = &self.config.id;
        match self.backend {
            PreparedBackend::Local(local) => {
                tracing::info!(model = %id, "loading");
                let PreparedLocal { opened, hashes, placement, now, .. } = *local;
                let model = opened.load(placement).map_err(engine_failure);
                let model = model.map_err(|failure| failure.during(format!("model `{id}`")))?;
                let backend = LocalBackend::new(id.clone(), model, &hashes, now);
                Ok(Box::new(backend.with_limits(limits(execution))))
            }
            PreparedBackend::Server(spec) => {
                let server = OpenAi::new(*spec);
                if let Some(served) = served {
                    // Nothing was seen before, so nothing can differ.
                    server.resume(served).unwrap_or_default();
                }
                Ok(Box::new(server))
            }
            PreparedBackend::Recorded(replay) => Ok(replay),
        }
    }
}

fn limits(execution: &ExecutionConfig) -> LocalLimits {
    const GIB: f64 = 1_073_741_824.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; checked above 0")]
    let cache_bytes = (execution.cache_gib * GIB) as usize;
    let defaults = LocalLimits::default();
    LocalLimits {
        cache_bytes,
        sequences: NonZeroUsize::new(execution.sequences).unwrap_or(defaults.sequences),
        ..defaults
    }
}

/// How weights are held: packed as they are stored, or in the type in which they are computed.
fn quantisation(stored: &str, placement: &Placement) -> String {
    let computed = placement.dtype.as_str();
    if stored.eq_ignore_ascii_case(computed) {
        computed.to_owned()
    } else {
        format!("{stored} in {computed}")
    }
}

/// The type that [`quantisation`] names; `None` for texts of others.
fn computed_in(quantisation: &str) -> Option<Dtype> {
    match quantisation.rsplit(" in ").next() {
        Some("f32") => Some(Dtype::F32),
        Some("bf16") => Some(Dtype::Bf16),
        Some("f16") => Some(Dtype::F16),
        _ => None,
    }
}

/// The variables are part of the template's hash: they are given before anything is hashed.
fn with_variables(opened: OpenedModel, variables: TemplateVariables) -> Result<OpenedModel, Failure> {
    let opened = opened.with_variables(variables).or_fail(FailureKind::Usage);
    opened.map_err(|failure| failure.during("template_variables"))
}

fn local(
    model: &LocalModel,
    locations: Locations<'_>,
    observer: &dyn Observer,
) -> Result<Identified, Failure> {
    let source =
        ModelSource { address: &model.source, base: Some(locations.base), offline: locations.offline };
    let LocatedModel { opened, commit } = open_model(source, observer)?;
    let opened = with_variables(opened, model.template_variables.clone())?;
    if let Some(problem) = opened.description().tokenizer_problem {
        return Err(Failure::input(problem));
    }
    let placement = placement(model.dtype, model.device, opened.natural_dtype())?;
    let hashes = opened.hashes(&hash_cache()).map_err(engine_failure)?;
    let identity = opened.identity(&hashes, &placement, model.now());
    let local = PreparedLocal { opened, commit, hashes, placement, now: model.now() };
    Ok((PreparedBackend::Local(Box::new(local)), identity))
}

fn served(
    config: &ModelConfig,
    model: &ServedModelConfig,
    locations: Locations<'_>,
) -> Result<Identified, Failure> {
    let raw = model.server(config.price);
    let spec = OpenAiSpec::resolve(config.id.clone(), raw, &|name| std::env::var_os(name));
    let mut spec = spec.map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::usage(texts.join("; "))
    })?;
    spec.cache = Some(locations.replies());
    let identity = OpenAi::new(spec.clone()).identity();
    Ok((PreparedBackend::Server(Box::new(spec)), identity))
}

fn recorded(config: &ModelConfig, model: &RecordedModel, base: &Path) -> Result<Identified, Failure> {
    let file = |file: &crate::config::models::RecordingConfig| RecordingFile {
        path: base.join(&file.path),
        format: file.format,
        questions: file.questions.clone(),
        fields: file.fields.clone(),
    };
    let spec = ReplaySpec {
        id: config.id.clone(),
        recorded_as: model.recorded_as.clone().unwrap_or_else(|| config.id.to_string()),
        files: model.files.iter().map(file).collect(),
    };
    let replay = Replay::open(&spec).or_fail(FailureKind::Input)?;
    let identity = replay.identity();
    Ok((PreparedBackend::Recorded(Box::new(replay)), identity))
}
