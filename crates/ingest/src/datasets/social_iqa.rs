//! `Social IQa`: what people feel, want or do, with three choices. Labels count from one and stand in a
//! file of their own, or in the row (the hub's form).

use plimsoll_core::AnswerKind;

use super::domain;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext};
use crate::draft::{Draft, ordinal};
use crate::normal::cluster_of;
use crate::reason::RejectReason;

#[derive(Debug)]
pub(super) struct SocialIqa;

impl Dataset for SocialIqa {
    fn id(&self) -> &'static str {
        "social_iqa"
    }

    fn name(&self) -> &'static str {
        "Social IQa"
    }

    fn domain(&self) -> &'static str {
        domain::COMMONSENSE
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Choice
    }

    fn licence(&self) -> &'static str {
        "not stated (commonly taken to be CC-BY-4.0)"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "lighteval/siqa", config: "default" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![DatasetForm::new("native and hub", &["context", "question", "answerA", "answerB", "answerC"])]
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[
            ("train", &["train.jsonl", "socialiqa-train-dev/train.jsonl"]),
            ("validation", &["dev.jsonl", "socialiqa-train-dev/dev.jsonl"]),
        ]
    }

    fn label_suffix(&self) -> Option<&str> {
        Some("-labels.lst")
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        let context = record.text("context")?;
        let texts = [record.text("answerA")?, record.text("answerB")?, record.text("answerC")?];
        let gold = ordinal(&record.label("label")?, 1, texts.len())?;
        let draft = Draft::with_choices(record.text("question")?, &texts, gold)?;
        Ok(Draft { context: Some(context.to_owned()), cluster: Some(cluster_of(context)), ..draft })
    }
}
