//! What a run will take, before anything is asked or fetched: questions, tokens, money, memory, disk, and what is
//! missing.

use plimsoll_backend::Request;
use plimsoll_core::{Decoding, SignalRequest};
use plimsoll_hub::{HubError, HubOptions};
use serde::Serialize;

use crate::config::PipelineConfig;
use crate::config::inference::InferenceConfig;
use crate::config::models::ModelConfig;
use crate::failure::Failure;
use crate::locations::Locations;
use crate::model_estimate::ModelEstimate;
use crate::models::prepared::PreparedModel;
use crate::observer::Observer;
use crate::workload::{PromptSet, Workload, read_dataset};

/// Bytes of English text in a token, for models whose tokenizer is not at hand.
const BYTES_PER_TOKEN: u64 = 4;
/// Bytes that a row of an answer takes on disk beside its text, with its tokens and log-probs.
const BYTES_PER_ROW: u64 = 400;
const BYTES_PER_ANSWER_TOKEN: u64 = 12;
const MIB: f64 = 1_048_576.0;

/// What a run of a pipeline that asks models will take.
#[derive(Debug, Serialize)]
pub struct RunEstimate {
    /// The datasets, in the order of the pipeline.
    pub datasets: Vec<DatasetEstimate>,
    /// The models, small ones first; empty while no dataset can be read.
    pub models: Vec<ModelEstimate>,
    /// What must be there before the run can start.
    pub missing: Vec<String>,
    /// Bytes that the answers will take on disk, about.
    pub disk_bytes: u64,
}

/// The questions of one dataset.
#[derive(Debug, Serialize)]
pub struct DatasetEstimate {
    /// Id of the dataset.
    pub dataset: String,
    /// The split, if the pipeline names one.
    pub split: Option<String>,
    /// Questions that are asked; `None` while its source cannot be read.
    pub questions: Option<u64>,
    /// Rows set apart for probes.
    pub probe_training: Option<u64>,
}

impl RunEstimate {
    /// Whether nothing is missing.
    pub fn is_ready(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Estimates a run. Nothing is fetched.
///
/// # Errors
/// What is wrong with the pool although every source is there.
pub(crate) fn estimate(
    config: &PipelineConfig,
    inference: &InferenceConfig,
    locations: Locations<'_>,
    observer: &dyn Observer,
) -> Result<RunEstimate, Failure> {
    let locations = Locations { offline: true, ..locations };
    let (mut missing, mut is_there) = (Vec::new(), Vec::new());
    let mut present = inference.clone();
    present.datasets.retain(|dataset| {
        let found = read_dataset(dataset, locations, observer);
        is_there.push(found.is_ok());
        if let Err(failure) = &found {
            missing.push(absent(&format!("dataset `{}`", dataset.id), failure));
        }
        found.is_ok()
    });
    let judge = config.labels.grading.as_ref().and_then(|grading| grading.judge.as_ref());
    let mut found = Vec::new();
    for model in inference.slms.iter().chain(&inference.llms).chain(judge) {
        match PreparedModel::locate(model, locations, observer) {
            Ok(prepared) => found.push(prepared),
            Err(failure) => missing.push(absent(&format!("model `{}`", model.id), &failure)),
        }
    }
    let workload = if present.datasets.is_empty() {
        None
    } else {
        Some(Workload::gather(&present, config.seed, locations, observer)?)
    };
    // One row for each that is there, in their order: two splits of a dataset share its id.
    let mut rows = workload.iter().flat_map(|workload| &workload.datasets);
    let datasets = inference.datasets.iter().zip(is_there).map(|(dataset, is_there)| {
        let row = if is_there { rows.next() } else { None };
        DatasetEstimate {
            dataset: dataset.id.clone(),
            split: dataset.split.clone(),
            questions: row.map(|row| row.main),
            probe_training: row.map(|row| row.probe_training),
        }
    });
    let datasets = datasets.collect();
    let models: Vec<ModelEstimate> = match &workload {
        Some(workload) => model_estimates(workload, &found)?,
        None => Vec::new(),
    };
    let texts: u64 = models.iter().map(|model| model.texts).sum();
    let tokens: u64 = models.iter().map(|model| model.max_new_tokens).sum();
    let disk_bytes = texts * BYTES_PER_ROW + tokens * BYTES_PER_ANSWER_TOKEN;
    Ok(RunEstimate { datasets, models, missing, disk_bytes })
}

/// Something that is missing. A run fetches it, unless nothing may be fetched.
fn absent(what: &str, failure: &Failure) -> String {
    let may_fetch = HubOptions::from_env().is_ok_and(|options| !options.offline);
    match failure.cause::<HubError>() {
        Some(HubError::Offline { location, cache, .. }) if may_fetch => {
            format!("{what}: `{location}` is not in the cache `{}`; a run fetches it", cache.display())
        }
        _ => {
            let text = failure.to_string();
            if text.starts_with(what) { text } else { format!("{what}: {text}") }
        }
    }
}

/// What the models of a workload will be asked.
///
/// # Errors
/// An input failure for a tokenizer that cannot be used.
pub(crate) fn model_estimates(
    workload: &Workload<'_>,
    found: &[PreparedModel<'_>],
) -> Result<Vec<ModelEstimate>, Failure> {
    let configs: Vec<&ModelConfig> = workload.models().collect();
    let mut models: Vec<ModelEstimate> = configs
        .iter()
        .map(|config| ModelEstimate {
            model: config.id.to_string(),
            backend: config.backend.name().name(),
            ..ModelEstimate::default()
        })
        .collect();
    let prepared = |id: &str| found.iter().find(|prepared| prepared.config.id.as_str() == id);
    for task in workload.tasks() {
        let (set, decoding) = (&workload.sets[task.set], workload.inference.decoding);
        let model = &mut models[task.model];
        let counted = prepared(&model.model)
            .map(|prepared| prepared.estimate(&set.requests, &task.signals, decoding))
            .transpose()?;
        match counted.flatten() {
            Some(counted) => {
                model.is_counted = true;
                model.prompts += counted.requests;
                model.unanswerable += counted.unanswerable;
                model.texts += counted.texts;
                model.prompt_tokens += counted.prefill_tokens;
                model.unshared_prompt_tokens += counted.unshared_prefill_tokens;
                model.max_new_tokens += counted.max_new_tokens;
            }
            None => guess(model, set, &task.signals, decoding),
        }
    }
    for (model, config) in models.iter_mut().zip(configs) {
        let tokens = (model.prompt_tokens, model.max_new_tokens);
        model.max_usd = config.price.map(|price| price.cost_usd(tokens.0, tokens.1));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate above 0")]
        let caches = (workload.inference.execution.cache_gib * 1024.0 * MIB) as u64;
        let weights = prepared(config.id.as_str()).and_then(PreparedModel::weight_bytes);
        model.memory_bytes = weights.map(|bytes| bytes + caches);
    }
    Ok(models)
}

/// Adds a set of prompts to the estimate of a model whose tokenizer is not at hand. A server reads the whole prompt
/// of every text.
fn guess(model: &mut ModelEstimate, set: &PromptSet, signals: &SignalRequest, decoding: Decoding) {
    let samples: u64 = signals.samples().iter().map(|samples| u64::from(samples.count)).sum();
    let texts = 1 + samples + signals.follow_ups().len() as u64;
    let replies: u64 =
        signals.follow_ups().values().map(|signal| u64::from(signal.text_tokens.unwrap_or(1))).sum();
    for request in &set.requests {
        let whole = bytes(request).div_ceil(BYTES_PER_TOKEN) * texts;
        model.prompts += 1;
        model.texts += texts;
        model.prompt_tokens += whole;
        model.unshared_prompt_tokens += whole;
        model.max_new_tokens += u64::from(decoding.max_new_tokens()) * (1 + samples) + replies;
    }
}

fn bytes(request: &Request) -> u64 {
    request.prompt.messages.iter().map(|message| message.text.len() as u64).sum()
}
