//! `BoolQ`: yes or no, from a passage. Three forms give the same questions: the authors' (with a title,
//! which the hub's form has not and which is left out), the hub's, and `SuperGLUE`'s, whose passages begin
//! with the title and two dashes.

use plimsoll_core::AnswerKind;

use super::domain;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext};
use crate::draft::{Draft, wrong_gold};
use crate::normal::cluster_of;
use crate::reason::RejectReason;

/// What stands between title and text in `SuperGLUE`'s passages. No title has it.
const AFTER_TITLE: &str = " -- ";

#[derive(Debug)]
pub(super) struct BoolQ;

impl Dataset for BoolQ {
    fn id(&self) -> &'static str {
        "boolq"
    }

    fn name(&self) -> &'static str {
        "BoolQ"
    }

    fn domain(&self) -> &'static str {
        domain::COMMONSENSE
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Boolean
    }

    fn licence(&self) -> &'static str {
        "CC-BY-SA-3.0"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "google/boolq", config: "default" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![DatasetForm::new("native, hub and SuperGLUE", &["question", "passage"])]
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[("train", &["train.jsonl"]), ("validation", &["dev.jsonl", "val.jsonl"]), ("test", &["test.jsonl"])]
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        let question = record.text("question")?;
        let passage = record.text("passage")?;
        let super_glue = record.has("idx") || record.has("label");
        let passage = match passage.split_once(AFTER_TITLE) {
            Some((_, text)) if super_glue => text.trim(),
            _ => passage,
        };
        let gold = record.label(if super_glue { "label" } else { "answer" })?;
        let gold = match gold.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => "yes",
            "false" | "0" | "no" => "no",
            _ => return Err(wrong_gold(&gold, "true or false")),
        };
        let cluster = Some(cluster_of(passage));
        Ok(Draft {
            context: Some(passage.to_owned()),
            cluster,
            ..Draft::new(question, vec![gold.to_owned()])
        })
    }
}
