//! From the written part of a plan that asks models to the checked one.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_core::Decoding;
use plimsoll_core::id::check_id;
use plimsoll_ingest::pool::{Duplicates, Sample};
use plimsoll_uq::{METHODS, MethodConfig, method};
use serde_json::Value;

use super::models::resolve_model;
use super::required;
use crate::folder::safe;
use crate::pipeline::asking::{Asking, DatasetPlan, InferencePlan, ModelPlan, PoolPlan, PromptPlan};
use crate::pipeline::limits::{MAX_CHUNK, MAX_FEW_SHOT, MAX_SEQUENCES};
use crate::pipeline::problems::Problems;
use crate::pipeline::raw::RawPlan;
use crate::pipeline::raw::asking::{RawDataset, RawDecoding, RawInference, RawModel, RawPool, RawPrompt};

/// Probe-training rows for each main row, unless a plan says otherwise; recorded in the resolved plan.
const PROBE_ROWS: f64 = 0.2;
/// Operational defaults.
const CHUNK: usize = 32;
const SEQUENCES: usize = 32;
const CACHE_GIB: f64 = 2.0;

/// The part of a plan that asks models; `None` if something that it needs is not there.
pub(super) fn resolve_asking(raw: &mut RawPlan, problems: &mut Problems) -> Option<Asking> {
    let datasets = required(raw.datasets.take(), "datasets", problems)
        .and_then(|datasets| resolve_datasets(datasets, problems));
    let prompt =
        required(raw.prompt.take(), "prompt", problems).and_then(|prompt| resolve_prompt(&prompt, problems));
    let slms = required(raw.slms.take(), "slms", problems);
    if slms.as_ref().is_some_and(Vec::is_empty) {
        problems.add("slms", "names no model");
    }
    let slms = slms.map(|slms| resolve_models(slms, "slms", problems));
    let llms = resolve_models(raw.llms.take().unwrap_or_default(), "llms", problems);
    check_names(slms.iter().flatten().flatten().chain(llms.iter().flatten()), problems);
    let decoding = required(raw.decoding.take(), "decoding", problems)
        .and_then(|decoding| resolve_decoding(&decoding, problems));
    let methods = required(raw.methods.take(), "methods", problems)
        .and_then(|methods| resolve_methods(&methods, problems));
    let pool = resolve_pool(&raw.pool.take().unwrap_or_default(), problems);
    let inference = resolve_inference(&raw.inference.take().unwrap_or_default(), problems);
    let (datasets, prompt) = (datasets?, prompt?);
    let datasets: Vec<DatasetPlan> = datasets
        .into_iter()
        .map(|(mut dataset, own)| {
            dataset.prompt = own.map(|own| PromptPlan {
                style: own.style.unwrap_or(prompt.style),
                few_shot: own.few_shot.unwrap_or(prompt.few_shot),
            });
            dataset
        })
        .collect();
    check_prompts(&datasets, prompt, problems);
    Some(Asking {
        datasets,
        pool,
        prompt,
        slms: slms??,
        llms: llms?,
        decoding: decoding?,
        methods: methods?,
        inference,
    })
}

type WithPrompt = (DatasetPlan, Option<RawPrompt>);

fn resolve_datasets(raw: Vec<RawDataset>, problems: &mut Problems) -> Option<Vec<WithPrompt>> {
    if raw.is_empty() {
        problems.add("datasets", "names no dataset");
    }
    let (mut seen, mut names) = (BTreeSet::new(), BTreeMap::new());
    let mut all = Some(Vec::with_capacity(raw.len()));
    for (index, raw) in raw.into_iter().enumerate() {
        let place = |key: &str| format!("datasets[{index}].{key}");
        let id = required(raw.id, &place("id"), problems);
        let source = required(raw.source, &place("source"), problems);
        if let Some(id) = &id {
            if let Err(problem) = check_id(id) {
                problems.add(&place("id"), problem.to_string());
            }
            if !seen.insert((id.clone(), raw.split.clone())) {
                problems.add(&place("id"), format!("`{id}` is listed twice with the same split"));
            }
            match names.insert(file_name(id), id.clone()) {
                Some(other) if other != *id => problems.add(&place("id"), shared(&other, id)),
                _ => {}
            }
        }
        let sample = raw.sample.and_then(|sample| {
            let rows = required(sample.rows, &place("sample.rows"), problems)?;
            if rows == 0 {
                problems.add(&place("sample.rows"), "is 0: no question would be asked");
            }
            Some(Sample { rows, by: sample.by })
        });
        if let Some(prompt) = &raw.prompt {
            check_few_shot(prompt.few_shot, &place("prompt.few_shot"), problems);
        }
        match (id, source, &mut all) {
            (Some(id), Some(source), Some(all)) => {
                let (split, config, mapping) = (raw.split, raw.config, raw.mapping);
                all.push((
                    DatasetPlan { id, source, split, config, mapping, sample, prompt: None },
                    raw.prompt,
                ));
            }
            _ => all = None,
        }
    }
    all
}

/// The rows of all splits of a dataset are one pool and are asked in one way.
fn check_prompts(datasets: &[DatasetPlan], usual: PromptPlan, problems: &mut Problems) {
    for (index, dataset) in datasets.iter().enumerate() {
        let of = |dataset: &DatasetPlan| dataset.prompt.unwrap_or(usual);
        let first = datasets[..index].iter().find(|before| before.id == dataset.id);
        if first.is_some_and(|first| of(first) != of(dataset)) {
            let problem =
                format!("`{}` is listed before with another prompt; its splits are asked alike", dataset.id);
            problems.add(&format!("datasets[{index}].prompt"), problem);
        }
    }
}

fn check_few_shot(few_shot: Option<usize>, place: &str, problems: &mut Problems) {
    if few_shot.is_some_and(|few_shot| few_shot > MAX_FEW_SHOT) {
        problems.add(place, format!("must be at most {MAX_FEW_SHOT}"));
    }
}

fn resolve_prompt(raw: &RawPrompt, problems: &mut Problems) -> Option<PromptPlan> {
    let style = required(raw.style, "prompt.style", problems);
    let few_shot = required(raw.few_shot, "prompt.few_shot", problems);
    check_few_shot(few_shot, "prompt.few_shot", problems);
    Some(PromptPlan { style: style?, few_shot: few_shot? })
}

fn resolve_pool(raw: &RawPool, problems: &mut Problems) -> PoolPlan {
    let probe_rows = raw.probe_rows.unwrap_or(PROBE_ROWS);
    if !(probe_rows.is_finite() && (0.0..=10.0).contains(&probe_rows)) {
        problems.add("pool.probe_rows", "is a number of rows for each main row, from 0 to 10");
    }
    PoolPlan { duplicates: raw.duplicates.unwrap_or(Duplicates::Drop), probe_rows }
}

fn resolve_models(raw: Vec<RawModel>, list: &str, problems: &mut Problems) -> Option<Vec<ModelPlan>> {
    let resolved: Vec<Option<ModelPlan>> = raw
        .into_iter()
        .enumerate()
        .map(|(index, raw)| resolve_model(raw, &format!("{list}[{index}]"), problems))
        .collect();
    resolved.into_iter().collect()
}

/// A model's id is its name in tables and files: two of one name could not be told apart.
fn check_names<'a>(models: impl Iterator<Item = &'a ModelPlan>, problems: &mut Problems) {
    let mut seen = BTreeMap::new();
    for model in models {
        match seen.insert(file_name(&model.id), &model.id) {
            Some(other) if *other == model.id => {
                problems.add("slms", format!("two models have the id `{other}`"));
            }
            Some(other) => problems.add("slms", shared(other, &model.id)),
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

fn resolve_decoding(raw: &RawDecoding, problems: &mut Problems) -> Option<Decoding> {
    let temperature = required(raw.temperature, "decoding.temperature", problems);
    let top_p = required(raw.top_p, "decoding.top_p", problems);
    let most = required(raw.max_new_tokens, "decoding.max_new_tokens", problems);
    Decoding::new(temperature?, top_p?, most?)
        .map_err(|problem| problems.add("decoding", problem.to_string()))
        .ok()
}

fn resolve_methods(raw: &[Value], problems: &mut Problems) -> Option<Vec<MethodConfig>> {
    if raw.is_empty() {
        problems.add("methods", "names no method");
    }
    let mut seen = BTreeSet::new();
    let mut all = Some(Vec::with_capacity(raw.len()));
    for (index, entry) in raw.iter().enumerate() {
        let place = format!("methods[{index}]");
        let resolved =
            resolve_method(entry).map_err(|problem| problems.add(&place, problem)).ok().filter(|resolved| {
                let new = seen.insert(resolved.id);
                if !new {
                    problems.add(&place, format!("`{}` is listed twice", resolved.id));
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
fn resolve_method(entry: &Value) -> Result<MethodConfig, String> {
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

fn resolve_inference(raw: &RawInference, problems: &mut Problems) -> InferencePlan {
    let plan = InferencePlan {
        chunk: raw.chunk.unwrap_or(CHUNK),
        sequences: raw.sequences.unwrap_or(SEQUENCES),
        cache_gib: raw.cache_gib.unwrap_or(CACHE_GIB),
    };
    if !(1..=MAX_CHUNK).contains(&plan.chunk) {
        problems.add("inference.chunk", format!("must be from 1 to {MAX_CHUNK}"));
    }
    if !(1..=MAX_SEQUENCES).contains(&plan.sequences) {
        problems.add("inference.sequences", format!("must be from 1 to {MAX_SEQUENCES}"));
    }
    if !(plan.cache_gib.is_finite() && plan.cache_gib > 0.0) {
        problems.add("inference.cache_gib", "is a number above 0");
    }
    plan
}
