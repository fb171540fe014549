//! What a plan will take, told before anything is asked or fetched: questions, tokens, money, memory, disk, and
//! what is missing.

use std::fmt::Write as _;
use std::path::Path;

use plimsoll_backend::Request;
use plimsoll_core::{Decoding, SignalRequest};
use plimsoll_hub::{HubError, Options};
use serde::Serialize;

use super::asked::{AskSet, Asked};
use crate::backend::{Places, Prepared, REPLIES};
use crate::console::Console;
use crate::failure::Failure;
use crate::pipeline::Plan;
use crate::pipeline::asking::{Asking, ModelPlan};
use crate::text_table::{Side, TextTable};

/// Bytes of English text in a token, for models whose tokenizer is not at hand.
const BYTES_PER_TOKEN: u64 = 4;
/// Bytes that a row of an answer takes on disk beside its text, with its tokens and log-probs.
const BYTES_PER_ROW: u64 = 400;
const BYTES_PER_ANSWER_TOKEN: u64 = 12;
const MIB: f64 = 1_048_576.0;

/// The outlook of a plan.
#[derive(Debug, Serialize)]
pub(crate) struct Outlook {
    datasets: Vec<DatasetOutlook>,
    models: Vec<ModelOutlook>,
    /// What must be there before the plan can run.
    missing: Vec<String>,
    /// Bytes that the answers will take on disk, about.
    disk_bytes: u64,
}

#[derive(Debug, Serialize)]
struct DatasetOutlook {
    dataset: String,
    /// As the plan has it.
    split: Option<String>,
    questions: Option<u64>,
    probe_training: Option<u64>,
}

/// What one model will be asked.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ModelOutlook {
    model: String,
    backend: &'static str,
    /// Prompts, those of probe training and of confidences among them.
    prompts: u64,
    /// Of these, prompts that the model cannot take: too long for its context, or refused by its template.
    unanswerable: u64,
    /// Texts that are generated: answers, samples, replies.
    texts: u64,
    /// Whether tokens were counted by the model's own tokenizer.
    is_counted: bool,
    /// Tokens to read, where what prompts and texts share is read once; for models that run elsewhere about
    /// 4 bytes a token.
    prompt_tokens: u64,
    /// Tokens to read if every text read its whole prompt.
    unshared_prompt_tokens: u64,
    /// The most tokens that are generated.
    most_new_tokens: u64,
    /// US dollars, at most.
    most_usd: Option<f64>,
    /// Bytes of weights and caches in memory.
    memory_bytes: Option<u64>,
}

impl Outlook {
    /// Whether nothing is missing.
    pub(crate) fn is_ready(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Looks at a plan whose folder is `base`, for an output folder `out`. Nothing is fetched.
///
/// # Errors
/// What is wrong with the pool although every source is there.
pub(crate) fn look(
    asking: &Asking,
    plan: &Plan,
    (base, out): (&Path, &Path),
    console: &Console,
) -> Result<Outlook, Failure> {
    let (mut missing, mut is_there) = (Vec::new(), Vec::new());
    let mut present = asking.clone();
    present.datasets.retain(|dataset| {
        let found = Asked::find_dataset(dataset, base, console);
        is_there.push(found.is_ok());
        if let Err(failure) = &found {
            missing.push(absent(&format!("dataset `{}`", dataset.id), failure));
        }
        found.is_ok()
    });
    let replies = out.join(REPLIES);
    let places = Places { base, replies: &replies, offline: true };
    let judge = plan.labels.grading.as_ref().and_then(|grading| grading.judge.as_ref());
    let mut found = Vec::new();
    for model in asking.slms.iter().chain(&asking.llms).chain(judge) {
        match Prepared::find(model, places, console) {
            Ok(prepared) => found.push(prepared),
            Err(failure) => missing.push(absent(&format!("model `{}`", model.id), &failure)),
        }
    }
    let asked = if present.datasets.is_empty() {
        None
    } else {
        Some(Asked::gather(&present, plan.seed, (base, true), console)?)
    };
    // One row for each that is there, in their order: two splits of a dataset share its id.
    let mut rows = asked.iter().flat_map(|asked| &asked.datasets);
    let datasets = asking.datasets.iter().zip(is_there).map(|(dataset, is_there)| {
        let row = if is_there { rows.next() } else { None };
        DatasetOutlook {
            dataset: dataset.id.clone(),
            split: dataset.split.clone(),
            questions: row.map(|row| row.main),
            probe_training: row.map(|row| row.probe_training),
        }
    });
    let datasets = datasets.collect();
    let models: Vec<ModelOutlook> = match &asked {
        Some(asked) => of_models(asked, &found)?,
        None => Vec::new(),
    };
    let texts: u64 = models.iter().map(|model| model.texts).sum();
    let tokens: u64 = models.iter().map(|model| model.most_new_tokens).sum();
    let disk_bytes = texts * BYTES_PER_ROW + tokens * BYTES_PER_ANSWER_TOKEN;
    Ok(Outlook { datasets, models, missing, disk_bytes })
}

/// What is said of something that is not here. A run fetches it, unless the user wants nothing to be fetched.
fn absent(what: &str, failure: &Failure) -> String {
    let may_fetch = Options::from_env().is_ok_and(|options| !options.offline);
    match failure.cause::<HubError>() {
        Some(HubError::Offline { place, cache, .. }) if may_fetch => {
            format!("{what}: `{place}` is not in the cache `{}`; a run fetches it", cache.display())
        }
        _ => {
            let text = failure.to_string();
            if text.starts_with(what) { text } else { format!("{what}: {text}") }
        }
    }
}

/// What the models of a plan will be asked.
///
/// # Errors
/// An input failure for a tokenizer that cannot be used.
pub(crate) fn of_models(asked: &Asked<'_>, found: &[Prepared<'_>]) -> Result<Vec<ModelOutlook>, Failure> {
    let plans: Vec<&ModelPlan> = asked.models().collect();
    let mut models: Vec<ModelOutlook> = plans
        .iter()
        .map(|plan| ModelOutlook {
            model: plan.id.clone(),
            backend: plan.backend.name(),
            ..ModelOutlook::default()
        })
        .collect();
    let prepared = |id: &str| found.iter().find(|prepared| prepared.plan.id == id);
    for group in asked.groups() {
        let (set, decoding) = (&asked.sets[group.set], asked.asking.decoding);
        let model = &mut models[group.model];
        let counted = prepared(&model.model)
            .map(|prepared| prepared.estimate(&set.requests, &group.signals, decoding))
            .transpose()?;
        match counted.flatten() {
            Some(counted) => {
                model.is_counted = true;
                model.prompts += counted.requests;
                model.unanswerable += counted.unanswerable;
                model.texts += counted.texts;
                model.prompt_tokens += counted.prefill_tokens;
                model.unshared_prompt_tokens += counted.unshared_prefill_tokens;
                model.most_new_tokens += counted.most_new_tokens;
            }
            None => guess(model, set, &group.signals, decoding),
        }
    }
    for (model, plan) in models.iter_mut().zip(plans) {
        let tokens = (model.prompt_tokens, model.most_new_tokens);
        model.most_usd = plan.price.map(|price| price.cost_usd(tokens.0, tokens.1));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate above 0")]
        let caches = (asked.asking.inference.cache_gib * 1024.0 * MIB) as u64;
        let weights = prepared(&plan.id).and_then(Prepared::weight_bytes);
        model.memory_bytes = weights.map(|bytes| bytes + caches);
    }
    Ok(models)
}

/// Adds a set of asks to what a model will do whose tokenizer is not at hand. A server reads the whole prompt
/// of every text.
fn guess(model: &mut ModelOutlook, set: &AskSet, signals: &SignalRequest, decoding: Decoding) {
    let samples: u64 = signals.samples().iter().map(|samples| u64::from(samples.count)).sum();
    let texts = 1 + samples + signals.follow_ups().len() as u64;
    let replies: u64 =
        signals.follow_ups().values().map(|signal| u64::from(signal.text_tokens.unwrap_or(1))).sum();
    for ask in &set.requests {
        let whole = bytes(ask).div_ceil(BYTES_PER_TOKEN) * texts;
        model.prompts += 1;
        model.texts += texts;
        model.prompt_tokens += whole;
        model.unshared_prompt_tokens += whole;
        model.most_new_tokens += u64::from(decoding.max_new_tokens()) * (1 + samples) + replies;
    }
}

fn bytes(ask: &Request) -> u64 {
    ask.prompt.messages.iter().map(|message| message.text.len() as u64).sum()
}

/// The outlook for people.
pub(crate) fn text(outlook: &Outlook) -> String {
    let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let mut table = TextTable::new(&[
        ("dataset", Side::Left),
        ("split", Side::Left),
        ("questions", Side::Right),
        ("probe training", Side::Right),
    ]);
    for row in &outlook.datasets {
        let split = row.split.clone().unwrap_or_else(|| "-".to_owned());
        table.push([row.dataset.clone(), split, count(row.questions), count(row.probe_training)]);
    }
    let mut text = table.text(0);
    text.push('\n');
    // Writing to a `String` cannot fail.
    if outlook.models.is_empty() {
        text.push_str("what models are asked, and what that takes, is told once a dataset is there\n");
    } else {
        text.push_str(&models_table(&outlook.models).text(0));
        let _ = writeln!(text, "\ndisk, at most: about {:.0} MiB", outlook.disk_bytes as f64 / MIB);
    }
    for missing in &outlook.missing {
        let _ = writeln!(text, "missing: {missing}");
    }
    text.push('\n');
    text
}

/// What each model will be asked, for people.
pub(crate) fn models_table(models: &[ModelOutlook]) -> TextTable {
    let mut table = TextTable::new(&[
        ("model", Side::Left),
        ("prompts", Side::Right),
        ("too long", Side::Right),
        ("texts", Side::Right),
        ("tokens to read", Side::Right),
        ("unshared", Side::Right),
        ("to write, at most", Side::Right),
        ("US dollars, at most", Side::Right),
        ("memory", Side::Right),
    ]);
    for row in models {
        table.push([
            row.model.clone(),
            row.prompts.to_string(),
            row.unanswerable.to_string(),
            row.texts.to_string(),
            tokens(row, row.prompt_tokens),
            tokens(row, row.unshared_prompt_tokens),
            row.most_new_tokens.to_string(),
            row.most_usd.map_or_else(|| "-".to_owned(), |usd| format!("{usd:.2}")),
            row.memory_bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{:.0} MiB", bytes as f64 / MIB)),
        ]);
    }
    table
}

/// A count of tokens; guesses say so.
fn tokens(row: &ModelOutlook, count: u64) -> String {
    if row.is_counted { count.to_string() } else { format!("about {count}") }
}
