//! `PIQA`: which of two ways reaches a goal. Labels stand in a file of their own; the leaderboard's form
//! has ids, which the authors' and the hub's have not, so that the row number is the id.

use plimsoll_core::AnswerKind;

use super::domain;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext};
use crate::draft::{Draft, ordinal};
use crate::normal::cluster_of;
use crate::reason::RejectReason;

#[derive(Debug)]
pub(super) struct Piqa;

impl Dataset for Piqa {
    fn id(&self) -> &'static str {
        "piqa"
    }

    fn name(&self) -> &'static str {
        "PIQA"
    }

    fn domain(&self) -> &'static str {
        domain::COMMONSENSE
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Choice
    }

    fn licence(&self) -> &'static str {
        "AFL-3.0"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "baber/piqa", config: "default" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![DatasetForm::new("native and hub", &["goal", "sol1", "sol2"])]
    }

    fn task(&self) -> Option<&str> {
        Some("Choose the solution that reaches the goal.")
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[
            ("train", &["train.jsonl", "physicaliqa-train-dev/train.jsonl"]),
            ("validation", &["valid.jsonl", "dev.jsonl", "physicaliqa-train-dev/dev.jsonl"]),
            ("test", &["tests.jsonl"]),
        ]
    }

    fn label_suffix(&self) -> Option<&str> {
        Some("-labels.lst")
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        let goal = record.text("goal")?;
        let solutions = [record.text("sol1")?, record.text("sol2")?];
        let gold = ordinal(&record.label("label")?, 0, solutions.len())?;
        Ok(Draft { cluster: Some(cluster_of(goal)), ..Draft::with_choices(goal, &solutions, gold)? })
    }
}
