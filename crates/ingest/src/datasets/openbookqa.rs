//! `OpenBookQA`: elementary science with four choices, in two configurations: main, and additional with
//! the fact that each question is about.

use plimsoll_core::AnswerKind;

use super::commonsense_qa::in_order;
use super::domain;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext};
use crate::draft::Draft;
use crate::reason::RejectReason;

/// Choices of a question; it tells this dataset from `CommonsenseQA`, whose rows look the same.
const CHOICES: usize = 4;

#[derive(Debug)]
pub(super) struct OpenBookQa;

impl Dataset for OpenBookQa {
    fn id(&self) -> &'static str {
        "openbookqa"
    }

    fn name(&self) -> &'static str {
        "OpenBookQA"
    }

    fn domain(&self) -> &'static str {
        domain::COMMONSENSE
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Choice
    }

    fn licence(&self) -> &'static str {
        "not stated (the authors' code is Apache-2.0)"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "allenai/openbookqa", config: "main" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![
            DatasetForm::new("native", &["id", "question.stem", "question.choices"]),
            DatasetForm::new("hub", &["id", "question_stem", "choices"]),
        ]
    }

    fn task(&self) -> Option<&str> {
        Some("Choose the option that answers the question or completes the sentence.")
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[
            ("train", &["train.jsonl", "Main/train.jsonl", "Data/Main/train.jsonl", "train_complete.jsonl"]),
            ("validation", &["dev.jsonl", "Main/dev.jsonl", "Data/Main/dev.jsonl", "dev_complete.jsonl"]),
            ("test", &["test.jsonl", "Main/test.jsonl", "Data/Main/test.jsonl", "test_complete.jsonl"]),
        ]
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        let native = record.has("question.stem");
        let (stem, choices) =
            if native { ("question.stem", "question.choices") } else { ("question_stem", "choices") };
        let texts = record.column(choices, "text")?;
        if texts.len() != CHOICES {
            return Err(RejectReason::ChoiceCount { found: texts.len(), expected: "4" });
        }
        let gold = in_order(record, choices, &record.label("answerKey")?)?;
        let row_id = Some(record.text("id")?.to_owned());
        Ok(Draft { row_id, ..Draft::with_choices(record.text(stem)?, &texts, gold)? })
    }
}
