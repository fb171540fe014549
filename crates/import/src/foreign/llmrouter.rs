//! Files of LLMRouter: routing data (`routing_data_*.jsonl`, a grade of each model for each question) with the scores of a
//! hybrid router (`llmrouter infer`), and what AutoMix's self-verification writes
//! (`router_automix_llamapair_ver_outputs.jsonl`), which has grades and confidence in one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use plimsoll_core::canonical::sha256_hex;
use plimsoll_core::records::ScoreRow;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::grade::{confidence, grade};
use super::json_rows::{RefusedRows, read_json_lines};
use super::{ForeignScores, ForeignTool};
use crate::error::ImportError;

const SCORE: &str = "router_score";
const VERIFIED: &str = "p_ver_13b";
/// What a response begins with when there was none; LLMRouter grades it like an answer, with 0.
const NO_ANSWER: [&str; 2] = ["API Error", "ERROR"];
/// What a verification must say to count.
const VERDICT: &str = "the ai generated answer is";

/// What a method of this tool is.
pub(super) fn definition(name: &str) -> Option<&'static str> {
    match name {
        SCORE => Some(
            "the score of LLMRouter's hybrid router, that the small model answers no worse than the large one, predicted from \
             the question alone",
        ),
        VERIFIED => Some(
            "the share of the self-verifications of LLMRouter's AutoMix in which the small model calls its own answer correct",
        ),
        _ => None,
    }
}

/// The files, and the two models of many that are routed between.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LlmRouterFiles {
    /// Routing data, or outputs of AutoMix's self-verification.
    pub data: Vec<PathBuf>,
    /// Outputs of `llmrouter infer` with scores of a hybrid router, for routing data.
    pub routing: Vec<PathBuf>,
    /// The small model: its `model_name` in routing data.
    pub slm_id: String,
    /// The large model: its `model_name` in routing data.
    pub llm_id: String,
    /// The value from which an answer is correct, of grades that are not 0 or 1 alone.
    pub correct_from: Option<f64>,
}

/// A line of routing data, as far as it is read.
#[derive(Debug, Deserialize)]
struct Graded {
    task_name: String,
    query: String,
    model_name: String,
    response: Option<String>,
    performance: Option<f64>,
}

/// A line of AutoMix's, as far as it is read. The models' names are the program's, whatever the models are.
#[derive(Debug, Deserialize)]
struct Verified {
    question: String,
    dataset: String,
    llama13b_pred_ans: Option<String>,
    llama70b_pred_ans: Option<String>,
    #[serde(default)]
    llama13b_ver: Option<Vec<Option<String>>>,
    p_ver_13b: Option<f64>,
    llama13b_f1: Option<f64>,
    llama70b_f1: Option<f64>,
}

/// A question of routing data.
#[derive(Debug, Default)]
struct Question {
    id: usize,
    slm: Answer,
    llm: Answer,
}

/// A model's answer to a question of routing data.
#[derive(Debug, Clone, Copy, Default)]
enum Answer {
    /// There is no line of it.
    #[default]
    Absent,
    /// Nobody can say whether it is right.
    Ungraded,
    Graded(bool),
}

impl Answer {
    fn new(grade: Option<bool>) -> Self {
        grade.map_or(Self::Ungraded, Self::Graded)
    }

    fn grade(self) -> Option<bool> {
        if let Self::Graded(correct) = self { Some(correct) } else { None }
    }
}

/// Task and text.
type Key = (String, String);

#[derive(Debug, Default)]
struct Reading {
    questions: BTreeMap<Key, Question>,
    models: BTreeSet<String>,
    rows: Vec<ScoreRow>,
    refused: RefusedRows,
    /// Answers that are none.
    unanswered: u64,
    /// Answers of a model to a question that it had answered.
    repeated: u64,
    /// Verified answers without a verdict.
    unverified: u64,
}

/// Reads the files.
pub(super) fn read(files: &LlmRouterFiles) -> Result<ForeignScores, ImportError> {
    let mut reading = Reading::default();
    for path in &files.data {
        let mut row = 0;
        read_json_lines(path, |line, value: Map<String, Value>| {
            if let Err(reason) = reading.take(files, path, row, value) {
                reading.refused.push(path, line, Some(line), reason);
            }
            row += 1;
        })?;
    }
    if !reading.questions.is_empty() {
        reading.join(files)?;
    }
    let Reading { rows, refused, unanswered, repeated, unverified, .. } = reading;
    refused.none()?;
    let notes = [
        (
            unanswered,
            "answers are errors of a server, which LLMRouter grades as wrong: their grade is missing",
        ),
        (repeated, "answers are of a model to a question that it had answered before: the last one counts"),
        (
            unverified,
            "verifications came to no verdict, which LLMRouter counts as 0: their confidence is missing",
        ),
    ];
    let notes =
        notes.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    Ok(ForeignScores { rows, notes: notes.collect() })
}

impl Reading {
    fn take(
        &mut self,
        files: &LlmRouterFiles,
        path: &Path,
        row: u64,
        line: Map<String, Value>,
    ) -> Result<(), String> {
        let unread = |error: serde_json::Error| {
            format!("this is neither routing data nor an output of AutoMix's self-verification: {error}")
        };
        if line.contains_key(VERIFIED) {
            self.verified(files, path, row, serde_json::from_value(Value::Object(line)).map_err(unread)?)
        } else {
            self.graded(files, serde_json::from_value(Value::Object(line)).map_err(unread)?)
        }
    }

    fn graded(&mut self, files: &LlmRouterFiles, line: Graded) -> Result<(), String> {
        let is_answer =
            line.response.as_ref().is_some_and(|text| !NO_ANSWER.iter().any(|start| text.starts_with(start)));
        self.models.insert(line.model_name.clone());
        if line.model_name != files.slm_id && line.model_name != files.llm_id {
            return Ok(());
        }
        self.unanswered += u64::from(!is_answer);
        let performance = line.performance.filter(|_| is_answer);
        let correct =
            performance.map(|value| grade("`performance`", value, files.correct_from, "")).transpose()?;
        let id = self.questions.len();
        let question = self
            .questions
            .entry((line.task_name, line.query))
            .or_insert_with(|| Question { id, ..Question::default() });
        let answer = if line.model_name == files.slm_id { &mut question.slm } else { &mut question.llm };
        let before = std::mem::replace(answer, Answer::new(correct));
        self.repeated += u64::from(!matches!(before, Answer::Absent));
        Ok(())
    }

    fn verified(
        &mut self,
        files: &LlmRouterFiles,
        path: &Path,
        row: u64,
        line: Verified,
    ) -> Result<(), String> {
        let graded = |name: &str, answer: Option<&String>, value: Option<f64>| {
            let value = value.filter(|_| answer.is_some());
            value.map(|value| grade(name, value, files.correct_from, "")).transpose()
        };
        let slm_correct = graded("`llama13b_f1`", line.llama13b_pred_ans.as_ref(), line.llama13b_f1)?;
        let llm_correct = graded("`llama70b_f1`", line.llama70b_pred_ans.as_ref(), line.llama70b_f1)?;
        let is_verdict =
            |text: &Option<String>| text.as_ref().is_some_and(|text| text.to_lowercase().contains(VERDICT));
        let has_verdict = line.llama13b_ver.is_none_or(|texts| texts.iter().any(is_verdict));
        self.unverified += u64::from(!has_verdict);
        let share =
            line.p_ver_13b.filter(|_| has_verdict).map(|value| confidence(VERIFIED, value)).transpose()?;
        let file = path.file_stem().unwrap_or_default().to_string_lossy();
        self.rows.push(ScoreRow {
            question_id: format!("{file}:{row}"),
            dataset: line.dataset,
            slm: Some(files.slm_id.clone()),
            llm: Some(files.llm_id.clone()),
            method: ForeignTool::LlmRouter.method_id(VERIFIED, None),
            confidence: share,
            slm_correct,
            llm_correct,
            cluster_id: Some(sha256_hex(line.question.as_bytes())),
            ..ScoreRow::default()
        });
        Ok(())
    }

    /// Scores of the questions of routing data.
    fn join(&mut self, files: &LlmRouterFiles) -> Result<(), ImportError> {
        for model in [&files.slm_id, &files.llm_id] {
            if !self.models.contains(model) {
                let known = self.models.iter().cloned().collect();
                return Err(ImportError::UnknownModel { model: model.clone(), known });
            }
        }
        if files.routing.is_empty() {
            return Err(ImportError::NoRouterScores);
        }
        let scores = self.scores(files)?;
        for ((task, query), question) in &self.questions {
            if matches!(question.slm, Answer::Absent) {
                continue;
            }
            self.rows.push(ScoreRow {
                question_id: question.id.to_string(),
                dataset: task.clone(),
                slm: Some(files.slm_id.clone()),
                llm: Some(files.llm_id.clone()),
                method: ForeignTool::LlmRouter.method_id(SCORE, None),
                confidence: scores.get(query).copied(),
                slm_correct: question.slm.grade(),
                llm_correct: question.llm.grade(),
                cluster_id: Some(sha256_hex(query.as_bytes())),
                ..ScoreRow::default()
            });
        }
        Ok(())
    }

    /// The score of each question: of `llmrouter infer` under `routing_result`, of `route_batch` on the line itself.
    fn scores(&mut self, files: &LlmRouterFiles) -> Result<BTreeMap<String, f64>, ImportError> {
        #[derive(Deserialize)]
        struct Routed {
            query: String,
            router_score: Option<f64>,
            routing_result: Option<Box<Routed>>,
        }
        let (mut scores, refused) = (BTreeMap::new(), &mut self.refused);
        for path in &files.routing {
            read_json_lines(path, |line, routed: Routed| {
                let score = routed
                    .router_score
                    .or_else(|| routed.routing_result.and_then(|inner| inner.router_score));
                let score = score.ok_or_else(|| {
                    format!("there is no `{SCORE}`: of LLMRouter's routers only hybrid_llm gives one")
                });
                match score.and_then(|score| confidence(SCORE, score)) {
                    Ok(score) => drop(scores.insert(routed.query, score)),
                    Err(reason) => refused.push(path, line, Some(line), reason),
                }
            })?;
        }
        Ok(scores)
    }
}
