//! A model of a plan as a backend: one arm for each kind. What a model is can be told before it is loaded.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use plimsoll_backend::{Backend, BackendError, Batch, Cause, Control, Request};
use plimsoll_core::canonical::{canonical_sha256, to_text};
use plimsoll_core::records::GenerationRow;
use plimsoll_core::{Decoding, ModelId, SignalRequest};
use plimsoll_engine::chat::{Moment, Variables};
use plimsoll_engine::{Estimate, LocalBackend, LocalLimits, ModelHashes, Opened, Placement};
use plimsoll_pipeline::{Chunk, Chunks};
use plimsoll_remote::openai::{OpenAi, OpenAiSpec, Served};
use plimsoll_remote::replay::{RecordingFile, Replay, ReplaySpec};
use plimsoll_router::thresholds::ModelIdentity;
use plimsoll_store::read_rows;
use plimsoll_store::tables::generations;
use serde_json::json;

use crate::compute::{Device, placement};
use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::models::{Found, engine_failure, hash_cache, open_model};
use crate::pipeline::asking::{BackendName, InferencePlan, ModelPlan};
use crate::pipeline::resolution::models::server;

/// A model of a plan, found but not loaded.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    /// As the plan has it.
    pub(crate) plan: &'a ModelPlan,
    /// Its id.
    pub(crate) id: ModelId,
    /// Hash of all that its answers depend on beside what it is asked.
    pub(crate) identity: String,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Local(Box<Local>),
    Server(Box<OpenAiSpec>),
    Recorded(Box<Replay>),
}

#[derive(Debug)]
struct Local {
    opened: Opened,
    commit: Option<String>,
    hashes: ModelHashes,
    placement: Placement,
}

/// Where servers' replies are kept in an output folder.
pub(crate) const REPLIES: &str = ".work/replies";

/// Where things lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    /// The folder of the plan, where relative paths start.
    pub(crate) base: &'a Path,
    /// Where servers' replies are kept.
    pub(crate) replies: &'a Path,
    /// Whether nothing may be fetched.
    pub(crate) offline: bool,
}

impl<'a> Prepared<'a> {
    /// Finds a model: fetches what is not here, reads headers, hashes weights, looks for keys.
    ///
    /// # Errors
    /// A usage failure for an address that is none or a key that is not set, an input failure for files that
    /// are missing or damaged; both name the model.
    pub(crate) fn find(plan: &'a ModelPlan, places: Places<'_>, console: &Console) -> Result<Self, Failure> {
        let during = |failure: Failure| failure.during(format!("model `{}`", plan.id));
        let id = ModelId::new(plan.id.as_str()).or_fail(Kind::Usage).map_err(during)?;
        let (form, identity) = match plan.backend {
            BackendName::Candle => local(plan, places, console),
            BackendName::Openai => hosted(plan, &id, places.replies),
            BackendName::Replay => recorded(plan, &id, places.base),
        }
        .map_err(during)?;
        Ok(Self { plan, id, identity, form })
    }

    /// What it will take to answer asks of one dataset; `None` for models that run elsewhere.
    ///
    /// # Errors
    /// An input failure for a tokenizer that cannot be used.
    pub(crate) fn estimate(
        &self,
        asks: &[Request],
        signals: &SignalRequest,
        decoding: Decoding,
    ) -> Result<Option<Estimate>, Failure> {
        let Form::Local(local) = &self.form else { return Ok(None) };
        let encoder = local.opened.encoder(today()?).map_err(|error| Failure::input(error.to_string()))?;
        Ok(Some(encoder.estimate(asks, signals, decoding)))
    }

    /// Bytes of its weights in memory; `None` for models that run elsewhere.
    pub(crate) fn weight_bytes(&self) -> Option<u64> {
        let Form::Local(local) = &self.form else { return None };
        let files = local.opened.weight_files();
        let bytes = files.iter().filter_map(|path| std::fs::metadata(path).ok());
        Some(bytes.map(|metadata| metadata.len()).sum())
    }

    /// The model as a thresholds file names it.
    pub(crate) fn named(&self, decoding: &Decoding) -> ModelIdentity {
        let decoding = to_text(decoding);
        let mut named = ModelIdentity::named(self.plan.id.as_str()).with_decoding(decoding);
        match &self.form {
            Form::Local(local) => {
                let described = local.opened.description();
                let weights = &local.hashes.weights_sha256;
                let tokenizer = local.hashes.tokenizer_sha256.as_ref().unwrap_or(weights);
                named.revision.clone_from(&local.commit);
                named
                    .with_weights_sha256(weights)
                    .with_tokenizer_sha256(tokenizer)
                    .with_chat_template_sha256(described.chat_template_sha256)
                    .with_quantisation(quantisation(&described.stored, &local.placement))
            }
            Form::Server(_) => {
                named.revision.clone_from(&self.plan.model);
                named
            }
            Form::Recorded(_) => {
                named.revision.clone_from(&self.plan.recorded_as);
                named
            }
        }
    }

    /// Loads or opens it. `served` is what an earlier part of the run was answered by, if any: a change since
    /// then stops the run.
    fn load(self, inference: &InferencePlan, served: Option<&Served>) -> Result<Box<dyn Backend>, Failure> {
        match self.form {
            Form::Local(local) => {
                tracing::info!(model = %self.id, "loading");
                let Local { opened, hashes, placement, .. } = *local;
                let model = opened.load(placement).map_err(engine_failure);
                let model = model.map_err(|failure| failure.during(format!("model `{}`", self.id)))?;
                let backend = LocalBackend::new(self.id, model, &hashes, today()?);
                Ok(Box::new(backend.with_limits(limits(inference))))
            }
            Form::Server(spec) => {
                let server = OpenAi::new(*spec);
                if let Some(served) = served {
                    // Nothing was seen before, so nothing can differ.
                    server.resume(served).unwrap_or_default();
                }
                Ok(Box::new(server))
            }
            Form::Recorded(replay) => Ok(replay),
        }
    }
}

/// A model that is loaded when it is first needed, and not before.
#[derive(Debug)]
pub(crate) struct Lazy<'a> {
    id: ModelId,
    identity: String,
    waiting: Option<Prepared<'a>>,
    backend: Option<Box<dyn Backend>>,
    inference: InferencePlan,
    so_far: SoFar,
}

/// What a model has answered, in this run and in earlier ones.
#[derive(Debug, Default)]
struct SoFar {
    /// By what it was served; `None` until an answer is there.
    answered_by: Option<Served>,
    /// Why questions were not answered, while none was.
    reasons: BTreeMap<String, u64>,
    /// The chunks without an answer.
    chunks: Vec<String>,
}

impl<'a> Lazy<'a> {
    /// A model that may turn out to have nothing left to answer.
    pub(crate) fn new(model: Prepared<'a>, inference: InferencePlan) -> Self {
        Self {
            id: model.id.clone(),
            identity: model.identity.clone(),
            waiting: Some(model),
            backend: None,
            inference,
            so_far: SoFar::default(),
        }
    }

    /// The chunk of a batch: as an earlier run finished it, or answered now. Says whether it was answered now.
    ///
    /// # Errors
    /// What stops a backend, or a disk that fails. Chunks that are finished stay.
    pub(crate) fn chunk(
        &mut self,
        chunks: &Chunks,
        batch: &Batch<'_>,
        control: &Control<'_>,
    ) -> Result<(Chunk, bool), Failure> {
        let address = Chunks::address(&self.identity, &self.id, batch);
        let found = chunks.find(&address, batch.signals()).or_fail(Kind::Stage)?;
        let is_new = found.is_none();
        let chunk = match found {
            Some(chunk) => chunk,
            None => chunks.answer(&address, self.get()?, batch, control).map_err(backend_failure)?,
        };
        self.so_far.take(&chunk, address)?;
        Ok((chunk, is_new))
    }

    /// Ends the work of this model, once all chunks are there.
    ///
    /// # Errors
    /// A stage failure if it was asked and answered nothing: what follows would be made of nothing. Its chunks are
    /// forgotten, so that the same command asks again.
    pub(crate) fn finish(self, chunks: &Chunks) -> Result<(), Failure> {
        let SoFar { answered_by, reasons, chunks: addresses } = self.so_far;
        if answered_by.is_some() || reasons.is_empty() {
            return Ok(());
        }
        for address in &addresses {
            chunks.forget(address).or_fail(Kind::Stage)?;
        }
        let counted: Vec<String> =
            reasons.iter().map(|(reason, count)| format!("{count} times `{reason}`")).collect();
        let total: u64 = reasons.values().sum();
        Err(Failure::new(
            Kind::Stage,
            format!(
                "model `{}` answered none of {total} questions ({}); mend what the notes above say of it, and the \
                 same command asks again",
                self.id,
                counted.join(", ")
            ),
        ))
    }

    /// The model, loaded.
    fn get(&mut self) -> Result<&dyn Backend, Failure> {
        if let Some(prepared) = self.waiting.take() {
            self.backend = Some(prepared.load(&self.inference, self.so_far.answered_by.as_ref())?);
        }
        self.backend
            .as_deref()
            .ok_or_else(|| Failure::new(Kind::Stage, "the model could not be loaded before"))
    }
}

impl SoFar {
    /// Takes notice of a chunk, as long as nothing was answered.
    fn take(&mut self, chunk: &Chunk, address: String) -> Result<(), Failure> {
        if self.answered_by.is_some() {
            return Ok(());
        }
        let rows: Vec<GenerationRow> =
            read_rows(&chunk.generations, &generations::TABLE).or_fail(Kind::Stage)?;
        // A recording may hold samples and no greedy answer.
        for row in rows {
            if row.text.is_some() {
                let Served { model, system_fingerprint } = self.answered_by.take().unwrap_or_default();
                self.answered_by = Some(Served {
                    model: model.or(row.served_model),
                    system_fingerprint: system_fingerprint.or(row.system_fingerprint),
                });
            } else if row.sample_index == 0 {
                *self.reasons.entry(row.failure.unwrap_or_default()).or_default() += 1;
            }
        }
        self.chunks.push(address);
        Ok(())
    }
}

/// Whose fault it is that a backend cannot go on.
fn backend_failure(error: BackendError) -> Failure {
    match error {
        BackendError::Cancelled => Failure::new(
            Kind::Stage,
            "cancelled; what was finished is kept, and the same command goes on from there",
        ),
        BackendError::Failed { cause: Cause::Input, .. } => Failure::from_error(Kind::Input, error),
        _ => Failure::from_error(Kind::Stage, error),
    }
}

/// The day that chat templates take for today: fixed, so that a prompt has the same tokens on any day.
fn today() -> Result<Moment, Failure> {
    Moment::date(2025, 1, 1).or_fail(Kind::Stage)
}

fn limits(inference: &InferencePlan) -> LocalLimits {
    const GIB: f64 = 1_073_741_824.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; checked above 0")]
    let cache_bytes = (inference.cache_gib * GIB) as usize;
    let usual = LocalLimits::default();
    LocalLimits {
        cache_bytes,
        sequences: NonZeroUsize::new(inference.sequences).unwrap_or(usual.sequences),
        ..usual
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

fn local(plan: &ModelPlan, places: Places<'_>, console: &Console) -> Result<(Form, String), Failure> {
    let source = plan.source.as_deref().unwrap_or_default();
    let Found { opened, commit } = open_model(source, (Some(places.base), places.offline), console)?;
    let opened = with_variables(opened, plan)?;
    let described = opened.description();
    if let Some(problem) = &described.tokenizer_problem {
        return Err(Failure::input(problem.clone()));
    }
    let placement = placement(plan.dtype, plan.device.unwrap_or_default(), opened.natural_dtype())?;
    let hashes = opened.hashes(&hash_cache()).map_err(engine_failure)?;
    let mut identity = json!({
        "backend": "candle 1",
        "weights": hashes.weights_sha256, "tokenizer": hashes.tokenizer_sha256, "config": hashes.config_sha256,
        "chat_template": described.chat_template_sha256, "stop_tokens": described.stop_tokens,
        "dtype": placement.dtype.as_str(), "device": plan.device.unwrap_or(Device::Cpu),
    });
    if let Some(products) = opened.packed_products(&placement.device) {
        identity["packed_products"] = products.into();
    }
    let identity = canonical_sha256(&identity);
    Ok((Form::Local(Box::new(Local { opened, commit, hashes, placement })), identity))
}

/// The model with the variables that the plan gives its chat template. They are part of the template's hash.
fn with_variables(opened: Opened, plan: &ModelPlan) -> Result<Opened, Failure> {
    let variables = plan.template_variables.iter().map(|(name, value)| (name.clone(), value.clone()));
    let variables = Variables::new(variables).or_fail(Kind::Usage);
    let during = |failure: Failure| failure.during("template_variables");
    let opened = opened.with_variables(variables.map_err(during)?).or_fail(Kind::Usage);
    opened.map_err(during)
}

fn hosted(plan: &ModelPlan, id: &ModelId, replies: &Path) -> Result<(Form, String), Failure> {
    let raw = server(plan).ok_or_else(|| Failure::usage("has no address or no name"))?;
    let mut spec =
        OpenAiSpec::resolve(id.clone(), raw, &|name| std::env::var_os(name)).map_err(|problems| {
            let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::usage(texts.join("; "))
        })?;
    spec.cache = Some(replies.to_owned());
    let identity = OpenAi::new(spec.clone()).identity();
    Ok((Form::Server(Box::new(spec)), identity))
}

fn recorded(plan: &ModelPlan, id: &ModelId, base: &Path) -> Result<(Form, String), Failure> {
    let file = |file: &crate::pipeline::asking::RecordingPlan| RecordingFile {
        path: base.join(PathBuf::from(&file.path)),
        format: file.format,
        questions: file.questions.clone(),
        fields: file.fields.clone(),
    };
    let spec = ReplaySpec {
        id: id.clone(),
        recorded_as: plan.recorded_as.clone().unwrap_or_else(|| plan.id.clone()),
        files: plan.files.iter().map(file).collect(),
    };
    let replay = Replay::open(&spec).or_fail(Kind::Input)?;
    let identity = replay.identity();
    Ok((Form::Recorded(Box::new(replay)), identity))
}
