//! `CommonsenseQA`: questions about a concept with five choices. Some rows have a choice twice.

use plimsoll_core::AnswerKind;

use super::domain;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext};
use crate::draft::{Draft, letter};
use crate::reason::RejectReason;

/// Choices of a question; it tells this dataset from `OpenBookQA`, whose rows look the same.
const CHOICES: usize = 5;

#[derive(Debug)]
pub(super) struct CommonsenseQa;

impl Dataset for CommonsenseQa {
    fn id(&self) -> &'static str {
        "commonsense_qa"
    }

    fn name(&self) -> &'static str {
        "CommonsenseQA"
    }

    fn domain(&self) -> &'static str {
        domain::COMMONSENSE
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Choice
    }

    fn licence(&self) -> &'static str {
        "MIT"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "tau/commonsense_qa", config: "default" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![
            DatasetForm::new(
                "native",
                &["id", "question.stem", "question.question_concept", "question.choices"],
            ),
            DatasetForm::new("hub", &["id", "question", "question_concept", "choices"]),
        ]
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[
            ("train", &["train_rand_split.jsonl"]),
            ("validation", &["dev_rand_split.jsonl"]),
            ("test", &["test_rand_split_no_answers.jsonl"]),
        ]
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        let native = record.has("question.stem");
        let (stem, choices, concept) = if native {
            ("question.stem", "question.choices", "question.question_concept")
        } else {
            ("question", "choices", "question_concept")
        };
        let texts = record.column(choices, "text")?;
        if texts.len() != CHOICES {
            return Err(RejectReason::ChoiceCount { found: texts.len(), expected: "5" });
        }
        let subject = Some(record.text(concept)?.to_owned());
        let gold = in_order(record, choices, &record.label("answerKey")?)?;
        let row_id = Some(record.text("id")?.to_owned());
        Ok(Draft { row_id, subject, ..Draft::with_choices(record.text(stem)?, &texts, gold)? })
    }
}

/// The index of the choice with a label. The labels are A, B, .. in order in every file known; a file
/// that has them in another order is read by its labels.
pub(super) fn in_order(record: &RowContext<'_>, choices: &str, label: &str) -> Result<usize, RejectReason> {
    let labels = record.column(choices, "label")?;
    let index = labels.iter().position(|other| *other == label);
    index.map_or_else(
        || letter(label, labels.len()).and(Err(crate::draft::wrong_gold(label, "a choice's label"))),
        Ok,
    )
}
