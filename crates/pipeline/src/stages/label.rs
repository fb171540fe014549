//! `label`: what each answer says, and whether that is right.

mod judge;

use std::collections::BTreeMap;
use std::ops::Range;

use plimsoll_backend::{Cancel, Request};
use plimsoll_core::records::{GenerationRow, LabelRow};
use plimsoll_core::{Label, Question, Reply};
use plimsoll_label::judge::{VERSION, grade as grade_with_judge, prompt as judge_prompt};
use plimsoll_label::{Extraction, UngradedReason, extract, grade, token_span};
use plimsoll_store::tables::{generations, labels};
use plimsoll_store::{TableWriter, read_rows};
use serde_json::{Value, json};

use self::judge::{JudgeRun, Verdicts, judge_request};
use crate::config::inference::GradingConfig;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::models::prepared::PreparedModel;
use crate::observer::Observer;
use crate::run_folder::manifest::InputFile;
use crate::run_folder::{RunFolder, table_path};
use crate::shards::Shard;
use crate::stage::Stage;
use crate::stage_key::StageDependencies;
use crate::workload::Workload;

/// The part of the pipeline that labels depend on, beside the judge's identity.
pub(crate) fn parameters(grading: &GradingConfig) -> Value {
    json!({"grading": grading, "judge_prompt": grading.judge.as_ref().map(|_| VERSION)})
}

/// What the stage needs.
#[derive(Debug)]
pub(crate) struct LabelStage<'a> {
    pub(crate) workload: &'a Workload<'a>,
    /// The answers' files.
    pub(crate) shards: &'a [Shard<'a>],
    pub(crate) grading: &'a GradingConfig,
    pub(crate) folder: &'a RunFolder,
    pub(crate) cancel: &'a Cancel,
    pub(crate) observer: &'a dyn Observer,
}

/// Questions by id.
type Questions<'q> = BTreeMap<&'q str, &'q Question>;

impl LabelStage<'_> {
    /// Grades every answer; gives the path of the table in the run folder.
    ///
    /// # Errors
    /// A failure for tables that cannot be read or written, or a judge that cannot be asked.
    pub(crate) fn run(
        &self,
        judge: Option<PreparedModel<'_>>,
        inputs: Vec<InputFile>,
    ) -> Result<Vec<String>, Failure> {
        let parameters = parameters(self.grading);
        let dependencies = StageDependencies { stage: Stage::Label, parameters, inputs };
        let questions = self.workload.questions();
        let verdicts = judge.map(|judge| self.verdicts(judge, &questions)).transpose()?;
        let output = table_path(labels::TABLE.name);
        let writer = TableWriter::create(
            &labels::TABLE,
            &self.folder.path(&output),
            &dependencies.provenance(self.workload.seed),
        );
        let mut writer = writer.or_fail(FailureKind::Stage)?;
        let progress = self.observer.steps(Stage::Label, self.shards.len() as u64);
        for shard in self.shards {
            let mut rows = Vec::new();
            self.each_answer(shard, &questions, &mut |question, answer| {
                rows.push(label_row(answer, self.label(question, answer, verdicts.as_ref())));
            })?;
            writer.write_rows(&rows).or_fail(FailureKind::Stage)?;
            progress.step();
        }
        writer.finish().or_fail(FailureKind::Stage)?;
        Ok(vec![output])
    }

    fn verdicts(&self, judge: PreparedModel<'_>, questions: &Questions<'_>) -> Result<Verdicts, Failure> {
        let run = JudgeRun {
            workload: self.workload,
            folder: self.folder,
            cancel: self.cancel,
            observer: self.observer,
        };
        run.verdicts(judge, &self.judge_requests(questions)?)
    }

    /// The answers of a shard, samples left out, each with its question.
    fn each_answer(
        &self,
        shard: &Shard<'_>,
        questions: &Questions<'_>,
        take: &mut dyn FnMut(&Question, &GenerationRow),
    ) -> Result<(), Failure> {
        let path = self.folder.path(&shard.generations());
        let rows = read_rows::<GenerationRow>(&path, &generations::TABLE).or_fail(FailureKind::Stage)?;
        for row in rows {
            if row.sample_index > 0 {
                continue;
            }
            let question = questions.get(row.question_id.as_str()).ok_or_else(|| {
                Failure::new(
                    FailureKind::Stage,
                    format!("`{}` answers `{}`, which is not in the pool", path.display(), row.question_id),
                )
            })?;
            take(question, &row);
        }
        Ok(())
    }

    /// The requests to the judge: each distinct pair of a question and an answer once.
    fn judge_requests(&self, questions: &Questions<'_>) -> Result<Vec<Request>, Failure> {
        let mut requests: BTreeMap<String, Request> = BTreeMap::new();
        for shard in self.shards {
            self.each_answer(shard, questions, &mut |question, answer| {
                let Some(extraction) = extraction(question, answer) else { return };
                let label = grade(question, &extraction, &self.grading.policy);
                if label.reason == Some(UngradedReason::NeedsJudge.into()) {
                    let messages = extraction.found().map(|found| judge_prompt(question, &found.answer));
                    let request = messages.and_then(judge_request);
                    requests.extend(request.map(|request| (request.question_id.to_string(), request)));
                }
            })?;
        }
        Ok(requests.into_values().collect())
    }

    fn label(&self, question: &Question, answer: &GenerationRow, verdicts: Option<&Verdicts>) -> Label {
        let Some(extraction) = extraction(question, answer) else { return without_text(answer) };
        let policy = &self.grading.policy;
        let mut label = match verdicts {
            Some(verdicts) => grade_with_judge(question, &extraction, policy, verdicts),
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

/// The label of an answer that was never given: ungraded, for the reason that the backend gave.
fn without_text(answer: &GenerationRow) -> Label {
    Label {
        answer: None,
        span: None,
        tokens: None,
        correct: None,
        grader: "none".to_owned(),
        rule: String::new(),
        reason: answer.failure.map(Into::into),
    }
}

fn label_row(answer: &GenerationRow, label: Label) -> LabelRow {
    let offset = |offset: usize| offset as u64;
    LabelRow {
        question_id: answer.question_id.clone(),
        model: answer.model.clone(),
        prompt_hash: answer.prompt_hash.clone(),
        answer: label.answer,
        span_start: label.span.as_ref().map(|span| offset(span.start)),
        span_end: label.span.as_ref().map(|span| offset(span.end)),
        token_start: label.tokens.as_ref().map(|tokens| offset(tokens.start)),
        token_end: label.tokens.as_ref().map(|tokens| offset(tokens.end)),
        correct: label.correct,
        grader: label.grader,
        rule: label.rule,
        reason: label.reason,
    }
}
