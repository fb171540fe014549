//! `MultiArith`: word problems of several steps. One list of 600 by the authors; the hub's copy is cut
//! into train and test by its uploader.

use plimsoll_core::AnswerKind;

use super::domain;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext};
use crate::draft::Draft;
use crate::number::plain;
use crate::reason::RejectReason;

#[derive(Debug)]
pub(super) struct MultiArith;

impl Dataset for MultiArith {
    fn id(&self) -> &'static str {
        "multiarith"
    }

    fn name(&self) -> &'static str {
        "MultiArith"
    }

    fn domain(&self) -> &'static str {
        domain::MATH
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Number
    }

    fn licence(&self) -> &'static str {
        "not stated (Roy and Roth 2015, collected in MAWPS)"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "ChilleD/MultiArith", config: "default" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![
            DatasetForm::new("native", &["sQuestion", "lSolutions"]),
            DatasetForm::new("hub", &["question", "final_ans"]),
        ]
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[("all", &["MultiArith.json"])]
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        if !record.has("sQuestion") {
            return Ok(Draft::new(record.text("question")?, vec![plain(&record.answer("final_ans")?)?]));
        }
        let question = record.text("sQuestion")?;
        let solutions = record.optional("lSolutions").and_then(|cell| cell.list()).unwrap_or_default();
        let solution = match solutions {
            [] => return Err(RejectReason::Unlabelled),
            [only] => only.scalar().ok_or(RejectReason::Unlabelled)?,
            several => {
                return Err(RejectReason::ListLength {
                    field: "lSolutions".into(),
                    found: several.len(),
                    expected: 1,
                });
            }
        };
        Ok(Draft::new(question, vec![plain(&solution)?]))
    }
}
