//! `samples_TASK_DATE.jsonl` of lm-evaluation-harness (`--log_samples`). Its tasks with choices log the log-likelihood
//! of each choice; of a generated text it logs no probability, so that such files give grades alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use plimsoll_core::records::ScoreRow;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ForeignScores, ForeignTool};
use crate::error::ImportError;
use crate::files::{ROW_BYTES, open_text};
use crate::problem::{ImportProblem, KEPT_PROBLEMS, RowError, TextProblem};

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
///
/// # Errors
/// [`ImportError`] for files that cannot be read, lines that are no samples, and answers of two models to different
/// questions.
pub fn read_lm_eval(files: &LmEvalFiles) -> Result<ForeignScores, ImportError> {
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
    let (mut answers, mut problems, mut total) = (BTreeMap::new(), Vec::new(), 0);
    for path in paths {
        let task = task(path)?;
        let mut filter = None;
        let mut reader = BufReader::new(open_text(path)?);
        for number in 1.. {
            let mut line = Vec::new();
            let read = (&mut reader).take(ROW_BYTES + 1).read_until(b'\n', &mut line);
            if read.map_err(ImportError::io(path))? == 0 {
                break;
            }
            let refused =
                |problem| ImportError::Text { path: path.clone(), line: number, row: Some(number), problem };
            if line.len() as u64 > ROW_BYTES {
                return Err(refused(TextProblem::TooLong { limit_bytes: ROW_BYTES }));
            }
            let sample: Sample = serde_json::from_slice(&line).map_err(|error| {
                refused(TextProblem::Json { reason: error.to_string(), column: error.column() })
            })?;
            if filter.get_or_insert_with(|| sample.filter.clone()) != &sample.filter {
                notes.insert(format!("answers of `{task}` by the filter `{}` are left out", sample.filter));
                continue;
            }
            match answer(&sample, files, needs_choices) {
                Ok(answer) => {
                    answers.insert((task.clone(), sample.doc_id), answer);
                }
                Err(reason) => {
                    total += 1;
                    if problems.len() < KEPT_PROBLEMS {
                        problems.push(RowError {
                            file: Some(path.display().to_string()),
                            row: number,
                            line: Some(number),
                            question_id: Some(sample.doc_id.to_string()),
                            problem: ImportProblem::Foreign { reason },
                        });
                    }
                }
            }
        }
    }
    if total > 0 { Err(ImportError::Rows { problems, total }) } else { Ok(answers) }
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
    match files.correct_from {
        Some(from) => Ok(value >= from),
        None if value == 0.0 || value == 1.0 => Ok(value == 1.0),
        None => Err(format!(
            "the metric `{metric}` is {value}, neither 0 nor 1: say from which value on an answer is correct \
             (--correct-from), or which other metric says it (--metric): {}",
            known()
        )),
    }
}
