//! Models of a pipeline, checked: which keys each backend has, and whether they make sense.

use std::ffi::OsString;

use plimsoll_core::ModelId;
use plimsoll_engine::chat::TemplateVariables;
use plimsoll_hub::FileSource;
use plimsoll_remote::openai::{OpenAiSpec, Price};

use crate::compute::Device;
use crate::config::defaults::FREE;
use crate::config::models::{
    BackendName, Date, LocalModel, ModelBackend, ModelConfig, RecordedModel, RecordingConfig,
    ServedModelConfig,
};
use crate::config::problems::{Problems, required};
use crate::config::raw::inference::{RawModel, RawRecording};

/// A model as written, and the key at which it stands (`slms[0]`).
struct Written<'a> {
    raw: RawModel,
    key: &'a str,
}

impl Written<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.key)
    }
}

/// A model, unless something that it needs is not there.
pub(super) fn validate_model(raw: RawModel, key: &str, problems: &mut Problems) -> Option<ModelConfig> {
    let mut written = Written { raw, key };
    let id = required(written.raw.id.take(), &written.key("id"), problems);
    let id = id.and_then(|id| {
        ModelId::new(id).map_err(|problem| problems.add(&written.key("id"), problem.to_string())).ok()
    });
    let name = required(written.raw.backend, &written.key("backend"), problems);
    // Whatever else is wrong with it is reported even if its id is.
    refuse_foreign_keys(&written, name?, problems);
    let backend = match name? {
        BackendName::Candle => candle(&mut written, problems).map(ModelBackend::Candle),
        BackendName::Openai => openai(&mut written, problems).map(ModelBackend::OpenAi),
        BackendName::Replay => replay(&mut written, problems).map(ModelBackend::Replay),
    };
    let price = match name? {
        BackendName::Candle => Some(written.raw.price.unwrap_or(FREE)),
        BackendName::Openai | BackendName::Replay => written.raw.price,
    };
    let model = ModelConfig { id: id?, backend: backend?, price };
    match &model.backend {
        ModelBackend::OpenAi(served) => check_server(&model, served, key, problems),
        ModelBackend::Candle(_) | ModelBackend::Replay(_) => check_price(price, key, problems),
    }
    Some(model)
}

/// A key of another backend would be ignored, which nobody who wrote it expects.
fn refuse_foreign_keys(written: &Written<'_>, backend: BackendName, problems: &mut Problems) {
    use BackendName::{Candle, Openai, Replay};
    let raw = &written.raw;
    let keys = [
        ("source", raw.source.is_some(), Candle),
        ("dtype", raw.dtype.is_some(), Candle),
        ("device", raw.device.is_some(), Candle),
        ("template_date", raw.template_date.is_some(), Candle),
        ("base_url", raw.base_url.is_some(), Openai),
        ("model", raw.model.is_some(), Openai),
        ("api_key_env", raw.api_key_env.is_some(), Openai),
        ("limits", raw.limits.is_some(), Openai),
        ("top_logprobs", raw.top_logprobs.is_some(), Openai),
        ("token_limit", raw.token_limit.is_some(), Openai),
        ("send_seed", raw.send_seed.is_some(), Openai),
        ("same_fingerprint", raw.same_fingerprint.is_some(), Openai),
        ("extra_body", raw.extra_body.is_some(), Openai),
        ("files", raw.files.is_some(), Replay),
        ("recorded_as", raw.recorded_as.is_some(), Replay),
    ];
    for (key, given, owner) in keys {
        if given && owner != backend {
            let problem = format!("is a key of backend `{}`, and this is `{}`", owner.name(), backend.name());
            problems.add(&written.key(key), problem);
        }
    }
}

/// Names and values; whether a template reads them is seen when the model is opened.
fn template_variables(written: &mut Written<'_>, problems: &mut Problems) -> Option<TemplateVariables> {
    TemplateVariables::new(written.raw.template_variables.take().unwrap_or_default())
        .map_err(|error| problems.add(&written.key("template_variables"), error.to_string()))
        .ok()
}

fn candle(written: &mut Written<'_>, problems: &mut Problems) -> Option<LocalModel> {
    let source = required(written.raw.source.take(), &written.key("source"), problems);
    if let Some(error) = source.as_ref().and_then(|source| FileSource::parse(source).err()) {
        problems.add(&written.key("source"), error.to_string());
    }
    let template_date = match written.raw.template_date.take() {
        Some(text) => match Date::parse(&text) {
            Ok(day) => Some(day),
            Err(problem) => {
                problems.add(&written.key("template_date"), problem);
                None
            }
        },
        None => None,
    };
    let template_variables = template_variables(written, problems);
    Some(LocalModel {
        source: source?,
        dtype: written.raw.dtype,
        device: written.raw.device.unwrap_or(Device::Cpu),
        template_date,
        template_variables: template_variables?,
    })
}

fn openai(written: &mut Written<'_>, problems: &mut Problems) -> Option<ServedModelConfig> {
    let base_url = required(written.raw.base_url.take(), &written.key("base_url"), problems);
    let model = required(written.raw.model.take(), &written.key("model"), problems);
    let template_variables = template_variables(written, problems);
    Some(ServedModelConfig {
        base_url: base_url?,
        model: model?,
        api_key_env: written.raw.api_key_env.take(),
        limits: written.raw.limits.take(),
        top_logprobs: written.raw.top_logprobs,
        token_limit: written.raw.token_limit,
        send_seed: written.raw.send_seed,
        same_fingerprint: written.raw.same_fingerprint,
        template_variables: template_variables?,
        extra_body: written.raw.extra_body.take().unwrap_or_default(),
    })
}

fn check_server(model: &ModelConfig, served: &ServedModelConfig, key: &str, problems: &mut Problems) {
    // Pipelines are read where no key is set, to be printed or estimated.
    let stand_in = |name: &str| {
        (served.api_key_env.as_deref() == Some(name)).then(|| OsString::from("stands-in-for-a-key"))
    };
    let spec = OpenAiSpec::resolve(model.id.clone(), served.server(model.price), &stand_in);
    for problem in spec.err().into_iter().flatten() {
        problems.add(&format!("{key}.{}", problem.key), problem.problem);
    }
}

fn check_price(price: Option<Price>, key: &str, problems: &mut Problems) {
    let amounts = price.map(|price| [price.input_per_mtok, price.output_per_mtok]);
    if !amounts.into_iter().flatten().all(|amount| amount.is_finite() && amount >= 0.0) {
        problems.add(&format!("{key}.price"), "is not at least 0 in both values");
    }
}

fn replay(written: &mut Written<'_>, problems: &mut Problems) -> Option<RecordedModel> {
    if written.raw.template_variables.as_ref().is_some_and(|variables| !variables.is_empty()) {
        let problem = "is given to a chat template, and recordings were made with what they were made";
        problems.add(&written.key("template_variables"), problem);
    }
    let raw = written.raw.files.take().unwrap_or_default();
    if raw.is_empty() {
        problems.add(&written.key("files"), "names no file");
    }
    let files = recordings(raw, &written.key("files"), problems)?;
    Some(RecordedModel { files, recorded_as: written.raw.recorded_as.take() })
}

fn recordings(raw: Vec<RawRecording>, key: &str, problems: &mut Problems) -> Option<Vec<RecordingConfig>> {
    let mut files = Some(Vec::with_capacity(raw.len()));
    for (index, raw) in raw.into_iter().enumerate() {
        let path = required(raw.path, &format!("{key}[{index}].path"), problems);
        let format = required(raw.format, &format!("{key}[{index}].format"), problems);
        match (path, format, &mut files) {
            (Some(path), Some(format), Some(files)) => files.push(RecordingConfig {
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
