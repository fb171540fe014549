//! The part of a pipeline that asks models, checked.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_core::Decoding;
use plimsoll_core::id::check_id;
use plimsoll_ingest::pool::{Duplicates, SampleSpec};
use plimsoll_uq::{METHODS, MethodConfig, method};
use serde_json::Value;

use super::models::validate_model;
use crate::config::bounds::{MAX_CHUNK, MAX_FEW_SHOT, MAX_SEQUENCES};
use crate::config::defaults::{CACHE_GIB, CHUNK, PROBE_ROWS, SEQUENCES};
use crate::config::inference::{DatasetConfig, ExecutionConfig, InferenceConfig, PoolConfig, PromptConfig};
use crate::config::models::ModelConfig;
use crate::config::problems::{Problems, required};
use crate::config::raw::RawPipeline;
use crate::config::raw::inference::{RawDataset, RawDecoding, RawInference, RawModel, RawPool, RawPrompt};
use crate::file_name::safe;

/// The part of a pipeline that asks models; `None` if something that it needs is not there.
pub(super) fn validate_inference(raw: &mut RawPipeline, problems: &mut Problems) -> Option<InferenceConfig> {
    let datasets = required(raw.datasets.take(), "datasets", problems)
        .and_then(|datasets| validate_datasets(datasets, problems));
    let prompt =
        required(raw.prompt.take(), "prompt", problems).and_then(|prompt| validate_prompt(&prompt, problems));
    let slms = required(raw.slms.take(), "slms", problems);
    if slms.as_ref().is_some_and(Vec::is_empty) {
        problems.add("slms", "names no model");
    }
    let slms = slms.map(|slms| validate_models(slms, "slms", problems));
    let llms = validate_models(raw.llms.take().unwrap_or_default(), "llms", problems);
    check_names(slms.iter().flatten().flatten().chain(llms.iter().flatten()), problems);
    let decoding = required(raw.decoding.take(), "decoding", problems)
        .and_then(|decoding| validate_decoding(&decoding, problems));
    let methods = required(raw.methods.take(), "methods", problems)
        .and_then(|methods| validate_methods(&methods, problems));
    let pool = validate_pool(&raw.pool.take().unwrap_or_default(), problems);
    let execution = execution(&raw.inference.take().unwrap_or_default(), problems);
    let (datasets, prompt) = (datasets?, prompt?);
    let datasets: Vec<DatasetConfig> = datasets
        .into_iter()
        .map(|(mut dataset, written)| {
            dataset.prompt = written.map(|written| PromptConfig {
                style: written.style.unwrap_or(prompt.style),
                few_shot: written.few_shot.unwrap_or(prompt.few_shot),
                instruction: written.instruction.unwrap_or(prompt.instruction),
            });
            dataset
        })
        .collect();
    check_prompts(&datasets, prompt, problems);
    Some(InferenceConfig {
        datasets,
        pool,
        prompt,
        slms: slms??,
        llms: llms?,
        decoding: decoding?,
        methods: methods?,
        execution,
    })
}

type WithPrompt = (DatasetConfig, Option<RawPrompt>);

fn validate_datasets(raw: Vec<RawDataset>, problems: &mut Problems) -> Option<Vec<WithPrompt>> {
    if raw.is_empty() {
        problems.add("datasets", "names no dataset");
    }
    let (mut seen, mut names) = (BTreeSet::new(), BTreeMap::new());
    let mut all = Some(Vec::with_capacity(raw.len()));
    for (index, raw) in raw.into_iter().enumerate() {
        let key = |name: &str| format!("datasets[{index}].{name}");
        let id = required(raw.id, &key("id"), problems);
        let source = required(raw.source, &key("source"), problems);
        if let Some(id) = &id {
            if let Err(problem) = check_id(id) {
                problems.add(&key("id"), problem.to_string());
            }
            if !seen.insert((id.clone(), raw.split.clone())) {
                problems.add(&key("id"), format!("`{id}` is listed twice with the same split"));
            }
            match names.insert(file_name(id), id.clone()) {
                Some(other) if other != *id => problems.add(&key("id"), shared(&other, id)),
                _ => {}
            }
        }
        let sample = raw.sample.and_then(|sample| {
            let rows = required(sample.rows, &key("sample.rows"), problems)?;
            if rows == 0 {
                problems.add(&key("sample.rows"), "is 0: no question would be asked");
            }
            Some(SampleSpec { rows, by: sample.by })
        });
        if let Some(prompt) = &raw.prompt {
            check_few_shot(prompt.few_shot, &key("prompt.few_shot"), problems);
        }
        match (id, source, &mut all) {
            (Some(id), Some(source), Some(all)) => {
                let (split, config, mapping) = (raw.split, raw.config, raw.mapping);
                all.push((
                    DatasetConfig { id, source, split, config, mapping, sample, prompt: None },
                    raw.prompt,
                ));
            }
            _ => all = None,
        }
    }
    all
}

/// The rows of all splits of a dataset are one pool and are asked in one way.
fn check_prompts(datasets: &[DatasetConfig], usual: PromptConfig, problems: &mut Problems) {
    for (index, dataset) in datasets.iter().enumerate() {
        let prompt_for = |dataset: &DatasetConfig| dataset.prompt.unwrap_or(usual);
        let first = datasets[..index].iter().find(|before| before.id == dataset.id);
        if first.is_some_and(|first| prompt_for(first) != prompt_for(dataset)) {
            let problem =
                format!("`{}` is listed before with another prompt; its splits are asked alike", dataset.id);
            problems.add(&format!("datasets[{index}].prompt"), problem);
        }
    }
}

fn check_few_shot(few_shot: Option<usize>, key: &str, problems: &mut Problems) {
    if few_shot.is_some_and(|few_shot| few_shot > MAX_FEW_SHOT) {
        problems.add(key, format!("must be at most {MAX_FEW_SHOT}"));
    }
}

fn validate_prompt(raw: &RawPrompt, problems: &mut Problems) -> Option<PromptConfig> {
    let style = required(raw.style, "prompt.style", problems);
    let few_shot = required(raw.few_shot, "prompt.few_shot", problems);
    check_few_shot(few_shot, "prompt.few_shot", problems);
    let instruction = raw.instruction.unwrap_or_default();
    Some(PromptConfig { style: style?, few_shot: few_shot?, instruction })
}

fn validate_pool(raw: &RawPool, problems: &mut Problems) -> PoolConfig {
    let probe_rows = raw.probe_rows.unwrap_or(PROBE_ROWS);
    if !(probe_rows.is_finite() && (0.0..=10.0).contains(&probe_rows)) {
        problems.add("pool.probe_rows", "is a number of rows for each main row, from 0 to 10");
    }
    PoolConfig { duplicates: raw.duplicates.unwrap_or(Duplicates::Drop), probe_rows }
}

fn validate_models(raw: Vec<RawModel>, list: &str, problems: &mut Problems) -> Option<Vec<ModelConfig>> {
    let resolved: Vec<Option<ModelConfig>> = raw
        .into_iter()
        .enumerate()
        .map(|(index, raw)| validate_model(raw, &format!("{list}[{index}]"), problems))
        .collect();
    resolved.into_iter().collect()
}

/// A model's id is its name in tables and files: two of one name could not be told apart.
fn check_names<'a>(models: impl Iterator<Item = &'a ModelConfig>, problems: &mut Problems) {
    let mut seen = BTreeMap::new();
    for model in models {
        match seen.insert(file_name(model.id.as_str()), &model.id) {
            Some(other) if *other == model.id => {
                problems.add("slms", format!("two models have the id `{other}`"));
            }
            Some(other) => problems.add("slms", shared(other.as_str(), model.id.as_str())),
            None => {}
        }
    }
}

/// An id as files have it; some file systems do not tell upper from lower case.
fn file_name(id: &str) -> String {
    safe(id).to_lowercase()
}

fn shared(one: &str, other: &str) -> String {
    format!("`{one}` and `{other}` would share the names of files; rename one")
}

fn validate_decoding(raw: &RawDecoding, problems: &mut Problems) -> Option<Decoding> {
    let temperature = required(raw.temperature, "decoding.temperature", problems);
    let top_p = required(raw.top_p, "decoding.top_p", problems);
    let max_new_tokens = required(raw.max_new_tokens, "decoding.max_new_tokens", problems);
    Decoding::new(temperature?, top_p?, max_new_tokens?)
        .map_err(|problem| problems.add("decoding", problem.to_string()))
        .ok()
}

fn validate_methods(raw: &[Value], problems: &mut Problems) -> Option<Vec<MethodConfig>> {
    if raw.is_empty() {
        problems.add("methods", "names no method");
    }
    let mut seen = BTreeSet::new();
    let mut all = Some(Vec::with_capacity(raw.len()));
    for (index, entry) in raw.iter().enumerate() {
        let key = format!("methods[{index}]");
        let resolved =
            validate_method(entry).map_err(|problem| problems.add(&key, problem)).ok().filter(|resolved| {
                let new = seen.insert(resolved.id);
                if !new {
                    problems.add(&key, format!("`{}` is listed twice", resolved.id));
                }
                new
            });
        match (resolved, &mut all) {
            (Some(resolved), Some(all)) => all.push(resolved),
            _ => all = None,
        }
    }
    all
}

/// A name, or a mapping with one key: the name, and its parameters.
fn validate_method(entry: &Value) -> Result<MethodConfig, String> {
    let (id, parameters) = match entry {
        Value::String(id) => (id.as_str(), &Value::Null),
        Value::Object(map) if map.len() == 1 => {
            let (id, parameters) = map.iter().next().ok_or("is empty")?;
            (id.as_str(), parameters)
        }
        _ => return Err("is a method's name, or a mapping from one name to its parameters".to_owned()),
    };
    let found = method(id).ok_or_else(|| {
        let known = METHODS.iter().map(|method| method.id());
        let meant = plimsoll_import::nearest(id, known.clone());
        let meant = meant.map_or_else(String::new, |meant| format!("; is `{meant}` meant?"));
        let known: Vec<String> = known.map(|id| format!("`{id}`")).collect();
        format!("there is no method `{id}`{meant} (known: {})", known.join(", "))
    })?;
    found.resolve(parameters).map_err(|error| error.to_string())
}

fn execution(raw: &RawInference, problems: &mut Problems) -> ExecutionConfig {
    let execution = ExecutionConfig {
        chunk: raw.chunk.unwrap_or(CHUNK),
        sequences: raw.sequences.unwrap_or(SEQUENCES),
        cache_gib: raw.cache_gib.unwrap_or(CACHE_GIB),
    };
    if !(1..=MAX_CHUNK).contains(&execution.chunk) {
        problems.add("inference.chunk", format!("must be from 1 to {MAX_CHUNK}"));
    }
    if !(1..=MAX_SEQUENCES).contains(&execution.sequences) {
        problems.add("inference.sequences", format!("must be from 1 to {MAX_SEQUENCES}"));
    }
    if !(execution.cache_gib.is_finite() && execution.cache_gib > 0.0) {
        problems.add("inference.cache_gib", "is a number above 0");
    }
    execution
}
