//! `samples_TASK_DATE.jsonl` of lm-evaluation-harness (`--log_samples`). Its tasks with choices log the log-likelihood
//! of each choice; of a generated text it logs no probability, so that such files give grades alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use plimsoll_core::records::ScoreRow;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::grade::grade;
use super::json_rows::{RefusedRows, read_json_lines};
use super::{ForeignScores, ForeignTool};
use crate::error::ImportError;

const PROBABILITY: &str = "choice_probability";
const MARGIN: &str = "choice_margin";
/// With this metric the choices are followed by the same choices without their question.
const WITH_UNCONDITIONAL: &str = "acc_mutual_info";

/// What a method of this tool is.
pub(super) fn definition(name: &str) -> Option<&'static str> {
    match name {
        PROBABILITY => Some(
            "the largest probability of a choice, of the softmax over the log-likelihoods of the choices as \
             lm-evaluation-harness logs them",
        ),
        MARGIN => Some(
            "the largest less the second largest probability of a choice, of the softmax over the log-likelihoods of the \
             choices as lm-evaluation-harness logs them",
        ),
        _ => None,
    }
}

/// The files of two models on the same tasks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LmEvalFiles {
    /// The small model's, with choices.
    pub slm: Vec<PathBuf>,
    /// The large model's, if there are any; their answers need no choices.
    pub llm: Vec<PathBuf>,
    /// Name of the small model.
    pub slm_id: Option<String>,
    /// Name of the large model.
    pub llm_id: Option<String>,
    /// The metric that says whether an answer is correct; without one it is the first of a file.
    pub metric: Option<String>,
    /// The value from which an answer is correct, of a metric that is not 0 or 1 alone.
    pub correct_from: Option<f64>,
}

/// A line, as far as it is read.
#[derive(Debug, Deserialize)]
struct Sample {
    doc_id: u64,
    doc_hash: String,
    #[serde(default)]
    filter: String,
    metrics: Vec<String>,
    filtered_resps: Value,
    #[serde(flatten)]
    values: Map<String, Value>,
}

/// What is known of an answer.
#[derive(Debug)]
struct Answer {
    doc_hash: String,
    /// Of each choice; `None` without choices.
    log_likelihoods: Option<Vec<f64>>,
    correct: bool,
}

/// A question: its task and its number there.
type Key = (String, u64);

/// Reads the files.
pub(super) fn read(files: &LmEvalFiles) -> Result<ForeignScores, ImportError> {
    let mut notes = BTreeSet::new();
    let slm = answers(&files.slm, files, &mut notes, true)?;
    let llm = answers(&files.llm, files, &mut notes, false)?;
    let mut rows = Vec::new();
    for ((task, doc_id), answer) in &slm {
        let Some(log_likelihoods) = &answer.log_likelihoods else { continue };
        let of_llm = llm.get(&(task.clone(), *doc_id));
        if of_llm.is_some_and(|other| other.doc_hash != answer.doc_hash) {
            return Err(ImportError::OtherQuestion { task: task.clone(), doc_id: *doc_id });
        }
        let (probability, margin) = of_choices(log_likelihoods);
        for (name, confidence) in [(PROBABILITY, probability), (MARGIN, margin)] {
            rows.push(ScoreRow {
                question_id: doc_id.to_string(),
                dataset: task.clone(),
                slm: files.slm_id.clone(),
                llm: of_llm.map(|_| files.llm_id.clone().unwrap_or_else(|| "llm".to_owned())),
                method: ForeignTool::LmEval.method_id(name, None),
                confidence: Some(confidence),
                slm_correct: Some(answer.correct),
                llm_correct: of_llm.map(|answer| answer.correct),
                cluster_id: Some(answer.doc_hash.clone()),
                ..ScoreRow::default()
            });
        }
    }
    let unanswered = slm.keys().filter(|key| !llm.contains_key(*key)).count();
    if !files.llm.is_empty() && unanswered > 0 {
        notes.insert(format!("{unanswered} questions have no answer of the LLM: its grade is missing"));
    }
    Ok(ForeignScores { rows, notes: notes.into_iter().collect() })
}

/// The largest probability, and how far it is above the second.
fn of_choices(log_likelihoods: &[f64]) -> (f64, f64) {
    let max = log_likelihoods.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut weights: Vec<f64> = log_likelihoods.iter().map(|value| (value - max).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.sort_by(|a, b| b.total_cmp(a));
    let second = weights.get(1).copied().unwrap_or(0.0);
    (1.0 / sum, (1.0 - second) / sum)
}

/// The task of a file: `samples_TASK_DATE.jsonl`.
fn task(path: &Path) -> Result<String, ImportError> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let task =
        stem.strip_prefix("samples_").and_then(|rest| rest.rsplit_once('_')).map(|(task, _)| task.to_owned());
    task.filter(|task| !task.is_empty()).ok_or_else(|| ImportError::NoTask { path: path.to_owned() })
}

fn answers(
    paths: &[PathBuf],
    files: &LmEvalFiles,
    notes: &mut BTreeSet<String>,
    needs_choices: bool,
) -> Result<BTreeMap<Key, Answer>, ImportError> {
    let (mut answers, mut refused) = (BTreeMap::new(), RefusedRows::default());
    for path in paths {
        let task = task(path)?;
        let mut filter = None;
        read_json_lines(path, |line, sample: Sample| {
            if filter.get_or_insert_with(|| sample.filter.clone()) != &sample.filter {
                notes.insert(format!("answers of `{task}` by the filter `{}` are left out", sample.filter));
                return;
            }
            match answer(&sample, files, needs_choices) {
                Ok(answer) => {
                    answers.insert((task.clone(), sample.doc_id), answer);
                }
                Err(reason) => refused.push(path, line, Some(line), reason),
            }
        })?;
    }
    refused.none()?;
    Ok(answers)
}

fn answer(sample: &Sample, files: &LmEvalFiles, needs_choices: bool) -> Result<Answer, String> {
    let log_likelihoods = log_likelihoods(sample);
    if needs_choices && log_likelihoods.is_none() {
        return Err("there are no log-likelihoods of choices, and lm-eval logs no probability of a generated text: no \
                    confidence can be had. Give a file of a task of output_type multiple_choice, or this one as the \
                    LLM's"
            .to_owned());
    }
    Ok(Answer { doc_hash: sample.doc_hash.clone(), log_likelihoods, correct: correct(sample, files)? })
}

/// Of each choice: a list of pairs, a log-likelihood as text and whether it is the greedy text.
fn log_likelihoods(sample: &Sample) -> Option<Vec<f64>> {
    let pairs = sample.filtered_resps.as_array()?;
    let number = |pair: &Value| -> Option<f64> {
        let [value, is_greedy] = &pair.as_array()?[..] else { return None };
        let is_flag = is_greedy.is_boolean() || matches!(is_greedy.as_str(), Some("True" | "False"));
        let value = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
        (is_flag && value.is_finite()).then_some(value)
    };
    let mut all: Vec<f64> = pairs.iter().map(number).collect::<Option<_>>()?;
    if sample.metrics.iter().any(|metric| metric == WITH_UNCONDITIONAL) {
        all.truncate(all.len() / 2);
    }
    (all.len() >= 2).then_some(all)
}

fn correct(sample: &Sample, files: &LmEvalFiles) -> Result<bool, String> {
    let known = || sample.metrics.join(", ");
    let metric = files.metric.as_ref().or(sample.metrics.first()).ok_or("there is no metric")?;
    let value = sample.values.get(metric).and_then(Value::as_f64);
    let value = value
        .ok_or_else(|| format!("there is no number of the metric `{metric}`; there are: {}", known()))?;
    let other = format!(", or which other metric says it (--metric): {}", known());
    grade(&format!("the metric `{metric}`"), value, files.correct_from, &other)
}
