//! `GSM8K`: grade-school word problems; the answer is the number after `####`.

use plimsoll_core::AnswerKind;

use super::domain;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext};
use crate::draft::{Draft, wrong_gold};
use crate::number::plain;
use crate::reason::RejectReason;

/// What stands before the final number.
const MARK: &str = "####";

#[derive(Debug)]
pub(super) struct Gsm8k;

impl Dataset for Gsm8k {
    fn id(&self) -> &'static str {
        "gsm8k"
    }

    fn name(&self) -> &'static str {
        "GSM8K"
    }

    fn domain(&self) -> &'static str {
        domain::MATH
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Number
    }

    fn licence(&self) -> &'static str {
        "MIT"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "openai/gsm8k", config: "main" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![DatasetForm::new("native and hub", &["question", "answer"])]
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[("train", &["train.jsonl"]), ("test", &["test.jsonl"])]
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        let question = record.text("question")?;
        let answer = record.answer("answer")?;
        let (_, number) = answer
            .rsplit_once(MARK)
            .ok_or_else(|| wrong_gold(&answer, "an answer with `####` at its end"))?;
        Ok(Draft::new(question, vec![plain(number)?]))
    }
}
