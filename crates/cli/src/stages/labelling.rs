//! `label`: what each answer says, and whether that is right.

use std::collections::BTreeMap;
use std::ops::Range;

use plimsoll_backend::Request;
use plimsoll_core::prompt::{Message, Prompt};
use plimsoll_core::records::{GenerationRow, LabelRow};
use plimsoll_core::{Decoding, Label, Question, QuestionId, Reply};
use plimsoll_label::judge::{self, Judge};
use plimsoll_label::{Extraction, JudgeError, Policy, extract, grade, token_span};
use plimsoll_store::tables::{generations, labels};
use plimsoll_store::{TableWriter, read_rows};
use serde_json::{Value, json};

use super::asked::Asked;
use super::inference::Part;
use super::{LABEL, key};
use crate::backend::Prepared;
use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::manifest::Source;
use crate::folder::{OutputFolder, table_path};
use crate::pipeline::asking::Grading;
use crate::progress::Progress;
use crate::stages::judging::replies;

/// The part of the plan that labels depend on.
pub(crate) fn parameters(grading: &Grading) -> Value {
    json!({"grading": grading, "judge_prompt": grading.judge.as_ref().map(|_| judge::VERSION)})
}

/// What grading needs.
#[derive(Debug)]
pub(crate) struct Labelling<'a> {
    /// The questions.
    pub(crate) asked: &'a Asked<'a>,
    /// The answers' files.
    pub(crate) parts: &'a [Part<'a>],
    /// How they are graded.
    pub(crate) grading: &'a Grading,
    /// The answers' record, for the provenance.
    pub(crate) inputs: Vec<Source>,
    /// Told what happens.
    pub(crate) console: &'a Console,
}

/// How a judge is asked: greedily, for one JSON object.
pub(crate) fn verdict_decoding() -> Result<Decoding, Failure> {
    Decoding::new(0.0, 1.0, judge::MAX_TOKENS).or_fail(Kind::Stage)
}

impl Labelling<'_> {
    /// Grades every answer; gives the names of the files.
    ///
    /// # Errors
    /// A failure for tables that cannot be read or written, or a judge that cannot be asked.
    pub(crate) fn run(
        &self,
        folder: &OutputFolder,
        judge: Option<(Prepared<'_>, &plimsoll_backend::Cancel)>,
    ) -> Result<Vec<String>, Failure> {
        let questions = self.asked.questions();
        let verdicts = match judge {
            Some((judge, cancel)) => {
                let id = judge.id.to_string();
                let requests = self.judged(&questions, folder)?;
                let replies = replies(judge, &requests, (folder, self.asked, cancel), self.console)?;
                Some(Verdicts { id, replies })
            }
            None => None,
        };
        let provenance = key::provenance(LABEL, &parameters(self.grading), &self.inputs, self.asked.seed);
        let output = table_path(labels::TABLE.name);
        let writer = TableWriter::create(&labels::TABLE, &folder.path(&output), &provenance);
        let mut writer = writer.or_fail(Kind::Stage)?;
        let progress = Progress::steps(self.console, LABEL, self.parts.len() as u64);
        for part in self.parts {
            let mut rows = Vec::new();
            Self::each_answer(part, folder, &questions, &mut |question, answer| {
                rows.push(label_row(answer, self.label(question, answer, verdicts.as_ref())));
            })?;
            writer.write_rows(&rows).or_fail(Kind::Stage)?;
            progress.step();
        }
        writer.finish().or_fail(Kind::Stage)?;
        Ok(vec![output])
    }

    /// The answers of a part, samples left out, each with its question.
    fn each_answer(
        part: &Part<'_>,
        folder: &OutputFolder,
        questions: &BTreeMap<&str, &Question>,
        take: &mut dyn FnMut(&Question, &GenerationRow),
    ) -> Result<(), Failure> {
        let path = folder.path(&part.generations());
        let rows = read_rows::<GenerationRow>(&path, &generations::TABLE).or_fail(Kind::Stage)?;
        for row in rows {
            if row.sample_index > 0 {
                continue;
            }
            let question = questions.get(row.question_id.as_str()).ok_or_else(|| {
                Failure::new(
                    Kind::Stage,
                    format!("`{}` answers `{}`, which is not in the pool", path.display(), row.question_id),
                )
            })?;
            take(question, &row);
        }
        Ok(())
    }

    /// What the judge is to be asked: each distinct pair of a question and an answer once.
    fn judged(
        &self,
        questions: &BTreeMap<&str, &Question>,
        folder: &OutputFolder,
    ) -> Result<Vec<Request>, Failure> {
        let mut requests: BTreeMap<String, Request> = BTreeMap::new();
        for part in self.parts {
            Self::each_answer(part, folder, questions, &mut |question, answer| {
                let Some(extraction) = extraction(question, answer) else { return };
                let label = grade(question, &extraction, &self.grading.policy);
                let found = extraction.found();
                if label.reason.as_deref() == Some(plimsoll_label::UngradedReason::NeedsJudge.name()) {
                    let messages = found.map(|found| judge::prompt(question, &found.answer));
                    let request = messages.and_then(judge_ask);
                    requests.extend(request.map(|request| (request.question_id.to_string(), request)));
                }
            })?;
        }
        Ok(requests.into_values().collect())
    }

    fn label(&self, question: &Question, answer: &GenerationRow, verdicts: Option<&Verdicts>) -> Label {
        let Some(extraction) = extraction(question, answer) else { return without_text(answer) };
        let policy: &Policy = &self.grading.policy;
        let mut label = match verdicts {
            Some(verdicts) => judge::grade(question, &extraction, policy, verdicts),
            None => grade(question, &extraction, policy),
        };
        let tokens: Option<Vec<Range<usize>>> = answer
            .tokens
            .as_ref()
            .map(|tokens| tokens.iter().map(|token| token.start as usize..token.end as usize).collect());
        label.tokens = label.span.as_ref().zip(tokens).and_then(|(span, tokens)| token_span(span, &tokens));
        label
    }
}

/// What an answer says; `None` without a text.
fn extraction(question: &Question, answer: &GenerationRow) -> Option<Extraction> {
    Reply::from_generation(answer).map(|reply| extract(question, &reply))
}

/// An answer that was never given is ungraded for the reason that the backend gave.
fn without_text(answer: &GenerationRow) -> Label {
    Label {
        answer: None,
        span: None,
        tokens: None,
        correct: None,
        grader: "none".to_owned(),
        rule: String::new(),
        reason: answer.failure.clone(),
    }
}

fn label_row(answer: &GenerationRow, label: Label) -> LabelRow {
    let place = |place: usize| place as u64;
    LabelRow {
        question_id: answer.question_id.clone(),
        model: answer.model.clone(),
        prompt_hash: answer.prompt_hash.clone(),
        answer: label.answer,
        span_start: label.span.as_ref().map(|span| place(span.start)),
        span_end: label.span.as_ref().map(|span| place(span.end)),
        token_start: label.tokens.as_ref().map(|tokens| place(tokens.start)),
        token_end: label.tokens.as_ref().map(|tokens| place(tokens.end)),
        correct: label.correct,
        grader: label.grader,
        rule: label.rule,
        reason: label.reason,
    }
}

/// A judge's question as an ask, named by what it asks.
fn judge_ask(messages: Vec<Message>) -> Option<Request> {
    let prompt = Prompt {
        version: judge::VERSION.to_owned(),
        messages,
        follow_ups: Vec::new(),
        true_strings: Vec::new(),
        false_strings: Vec::new(),
    };
    let question_id = QuestionId::new(format!("judge/{}", prompt.hash())).ok()?;
    Some(Request { question_id, source_row: None, prompt })
}

/// The judge's replies, by what was asked.
#[derive(Debug)]
struct Verdicts {
    id: String,
    replies: BTreeMap<String, GenerationRow>,
}

impl Judge for Verdicts {
    fn model(&self) -> &str {
        &self.id
    }

    fn ask(&self, messages: &[Message]) -> Result<Reply<'_>, JudgeError> {
        let known =
            judge_ask(messages.to_vec()).and_then(|request| self.replies.get(request.question_id.as_str()));
        known
            .and_then(Reply::from_generation)
            .ok_or_else(|| JudgeError::Request { model: self.id.clone(), source: "it gave no reply".into() })
    }
}
