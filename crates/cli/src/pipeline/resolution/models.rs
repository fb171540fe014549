//! Models of a plan: which keys each backend has, and whether they make sense.

use std::ffi::OsString;

use plimsoll_core::ModelId;
use plimsoll_engine::chat::Variables;
use plimsoll_hub::Source;
use plimsoll_remote::openai::{OpenAiSpec, Price, RawOpenAi};

use super::required;
use crate::compute::Device;
use crate::pipeline::asking::{BackendName, ModelPlan, RecordingPlan};
use crate::pipeline::problems::Problems;
use crate::pipeline::raw::asking::{RawModel, RawRecording};

/// What a model in process costs unless the plan says otherwise; recorded in the resolved plan.
const FREE: Price = Price { input_per_mtok: 0.0, output_per_mtok: 0.0 };

/// A model, unless something that it needs is not there.
pub(super) fn resolve_model(raw: RawModel, at: &str, problems: &mut Problems) -> Option<ModelPlan> {
    let place = |key: &str| format!("{at}.{key}");
    let id = required(raw.id.clone(), &place("id"), problems);
    if let Some(problem) = id.as_ref().and_then(|id| ModelId::new(id.as_str()).err()) {
        problems.add(&place("id"), problem.to_string());
    }
    let backend = required(raw.backend, &place("backend"), problems);
    let (id, backend) = (id?, backend?);
    refuse_foreign_keys(&raw, backend, at, problems);
    let files = resolve_files(raw.files.unwrap_or_default(), at, problems);
    let mut model = ModelPlan {
        id,
        backend,
        source: raw.source,
        dtype: raw.dtype,
        device: raw.device,
        base_url: raw.base_url,
        model: raw.model,
        api_key_env: raw.api_key_env,
        limits: raw.limits,
        top_logprobs: raw.top_logprobs,
        token_limit: raw.token_limit,
        send_seed: raw.send_seed,
        same_fingerprint: raw.same_fingerprint,
        template_variables: raw.template_variables.unwrap_or_default(),
        files: files?,
        recorded_as: raw.recorded_as,
        price: raw.price,
    };
    check_variables(&model, at, problems);
    match backend {
        BackendName::Candle => check_candle(&mut model, at, problems),
        BackendName::Openai => check_openai(&model, at, problems),
        BackendName::Replay => check_replay(&model, at, problems),
    }
    Some(model)
}

/// A key of another backend would be ignored, which nobody who wrote it expects.
fn refuse_foreign_keys(raw: &RawModel, backend: BackendName, at: &str, problems: &mut Problems) {
    use BackendName::{Candle, Openai, Replay};
    let keys = [
        ("source", raw.source.is_some(), Candle),
        ("dtype", raw.dtype.is_some(), Candle),
        ("device", raw.device.is_some(), Candle),
        ("base_url", raw.base_url.is_some(), Openai),
        ("model", raw.model.is_some(), Openai),
        ("api_key_env", raw.api_key_env.is_some(), Openai),
        ("limits", raw.limits.is_some(), Openai),
        ("top_logprobs", raw.top_logprobs.is_some(), Openai),
        ("token_limit", raw.token_limit.is_some(), Openai),
        ("send_seed", raw.send_seed.is_some(), Openai),
        ("same_fingerprint", raw.same_fingerprint.is_some(), Openai),
        ("files", raw.files.is_some(), Replay),
        ("recorded_as", raw.recorded_as.is_some(), Replay),
    ];
    for (key, given, owner) in keys {
        if given && owner != backend {
            let problem = format!("is a key of backend `{}`, and this is `{}`", owner.name(), backend.name());
            problems.add(&format!("{at}.{key}"), problem);
        }
    }
}

/// Names and values; whether a template reads them is seen when the model is opened.
fn check_variables(model: &ModelPlan, at: &str, problems: &mut Problems) {
    let at = format!("{at}.template_variables");
    if model.backend == BackendName::Replay {
        if !model.template_variables.is_empty() {
            problems
                .add(&at, "is given to a chat template, and recordings were made with what they were made");
        }
        return;
    }
    let variables = model.template_variables.iter().map(|(name, value)| (name.clone(), value.clone()));
    if let Err(error) = Variables::new(variables) {
        problems.add(&at, error.to_string());
    }
}

fn check_candle(model: &mut ModelPlan, at: &str, problems: &mut Problems) {
    match &model.source {
        None => problems.add(&format!("{at}.source"), "is missing"),
        Some(source) => {
            if let Err(error) = Source::parse(source) {
                problems.add(&format!("{at}.source"), error.to_string());
            }
        }
    }
    model.device.get_or_insert(Device::Cpu);
    check_price(*model.price.get_or_insert(FREE), at, problems);
}

fn check_price(price: Price, at: &str, problems: &mut Problems) {
    let amounts = [price.input_per_mtok, price.output_per_mtok];
    if !amounts.iter().all(|amount| amount.is_finite() && *amount >= 0.0) {
        problems.add(&format!("{at}.price"), "is not at least 0 in both numbers");
    }
}

fn check_openai(model: &ModelPlan, at: &str, problems: &mut Problems) {
    for (key, given) in [("base_url", model.base_url.is_some()), ("model", model.model.is_some())] {
        if !given {
            problems.add(&format!("{at}.{key}"), "is missing");
        }
    }
    let (Some(raw), Ok(id)) = (server(model), ModelId::new(model.id.as_str())) else { return };
    // Plans are read where no key is set, to be printed or planned.
    let stand_in = |name: &str| {
        (model.api_key_env.as_deref() == Some(name)).then(|| OsString::from("stands-in-for-a-key"))
    };
    for problem in OpenAiSpec::resolve(id, raw, &stand_in).err().into_iter().flatten() {
        problems.add(&format!("{at}.{}", problem.key), problem.problem);
    }
}

/// The server as the backend takes it; `None` without address or name.
pub(crate) fn server(model: &ModelPlan) -> Option<RawOpenAi> {
    Some(RawOpenAi {
        base_url: model.base_url.clone()?,
        model: model.model.clone()?,
        api_key_env: model.api_key_env.clone(),
        price: model.price,
        limits: model.limits.clone().unwrap_or_default(),
        top_logprobs: model.top_logprobs,
        token_limit: model.token_limit.unwrap_or_default(),
        send_seed: model.send_seed,
        same_fingerprint: model.same_fingerprint,
        template_variables: model.template_variables.clone(),
    })
}

fn check_replay(model: &ModelPlan, at: &str, problems: &mut Problems) {
    if model.files.is_empty() {
        problems.add(&format!("{at}.files"), "names no file");
    }
    if let Some(price) = model.price {
        check_price(price, at, problems);
    }
}

fn resolve_files(raw: Vec<RawRecording>, at: &str, problems: &mut Problems) -> Option<Vec<RecordingPlan>> {
    let mut files = Some(Vec::with_capacity(raw.len()));
    for (index, raw) in raw.into_iter().enumerate() {
        let place = |key: &str| format!("{at}.files[{index}].{key}");
        let path = required(raw.path, &place("path"), problems);
        let format = required(raw.format, &place("format"), problems);
        match (path, format, &mut files) {
            (Some(path), Some(format), Some(files)) => files.push(RecordingPlan {
                path,
                format,
                questions: raw.questions.unwrap_or_default(),
                fields: raw.fields.unwrap_or_default(),
            }),
            _ => files = None,
        }
    }
    files
}
