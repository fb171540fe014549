//! `TruthfulQA`, multiple choice with one right answer (mc1). The right one stands first in every file,
//! so that the choices are shuffled by the question's id.
//!
//! The CSV has no mc1 list of its own: its best answer is the right choice, its incorrect answers are the
//! others, which is how the authors made the mc1 lists (all 790 rows of the 2025 release agree).

use plimsoll_core::AnswerKind;

use super::domain;
use crate::cell::Cell;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext, wrong_type};
use crate::draft::{Draft, wrong_gold};
use crate::reason::RejectReason;

#[derive(Debug)]
pub(super) struct TruthfulQa;

impl Dataset for TruthfulQa {
    fn id(&self) -> &'static str {
        "truthfulqa"
    }

    fn name(&self) -> &'static str {
        "TruthfulQA"
    }

    fn domain(&self) -> &'static str {
        domain::COMMONSENSE
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Choice
    }

    fn licence(&self) -> &'static str {
        "Apache-2.0"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "truthfulqa/truthful_qa", config: "multiple_choice" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![
            DatasetForm::new("native and hub", &["question", "mc1_targets"]),
            DatasetForm::new("native CSV", &["Question", "Best Answer", "Incorrect Answers"]),
        ]
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[("all", &["mc_task.json", "data/mc_task.json", "TruthfulQA.csv"])]
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        if record.has("Best Answer") {
            return csv_form(record);
        }
        let targets = match record.field("mc1_targets")? {
            hub if hub.get("choices").is_some() => hub_targets(hub)?,
            Cell::Struct(fields) => fields.iter().map(|(text, label)| (text.as_str(), label)).collect(),
            other => return Err(wrong_type("mc1_targets", other, "an object")),
        };
        draft(record.text("question")?, &merged(&targets)?)
    }
}

/// Choices and labels of the hub's form, two lists.
fn hub_targets(targets: &Cell) -> Result<Vec<(&str, &Cell)>, RejectReason> {
    let list = |name: &str| {
        let field = || format!("mc1_targets.{name}");
        let cell = targets.get(name).ok_or_else(|| RejectReason::Missing { field: field() })?;
        cell.list().ok_or_else(|| wrong_type(&field(), cell, "a list"))
    };
    let (choices, labels) = (list("choices")?, list("labels")?);
    if choices.len() != labels.len() {
        let (found, expected) = (labels.len(), choices.len());
        return Err(RejectReason::ListLength { field: "mc1_targets.labels".into(), found, expected });
    }
    let text = |cell: &'_ Cell| {
        cell.text().map(str::len).ok_or_else(|| wrong_type("mc1_targets.choices", cell, "a text"))
    };
    choices.iter().try_for_each(|cell| text(cell).map(drop))?;
    Ok(choices.iter().filter_map(Cell::text).zip(labels).collect())
}

/// Each choice once, with whether it is right. Blank choices (seventeen rows of the 2025 release have
/// one) are left out.
fn merged<'a>(targets: &[(&'a str, &Cell)]) -> Result<Vec<(&'a str, bool)>, RejectReason> {
    let mut merged: Vec<(&str, bool)> = Vec::new();
    for (text, label) in targets {
        let right = match label.scalar().as_deref() {
            Some("1" | "true") => true,
            Some("0" | "false") => false,
            other => return Err(wrong_gold(other.unwrap_or_default(), "0 or 1")),
        };
        let text = text.trim();
        match merged.iter().find(|(other, _)| *other == text) {
            Some((_, other)) if *other != right => {
                return Err(RejectReason::Unusable { what: "one choice is both right and wrong" });
            }
            Some(_) => {}
            None if text.is_empty() => {}
            None => merged.push((text, right)),
        }
    }
    Ok(merged)
}

fn csv_form(record: &RowContext<'_>) -> Result<Draft, RejectReason> {
    let best = record.text("Best Answer")?;
    let incorrect = record.text("Incorrect Answers")?.split(';').map(str::trim);
    let (right, wrong) = (Cell::Integer(1), Cell::Integer(0));
    let mut targets = vec![(best, &right)];
    targets.extend(incorrect.map(|text| (text, &wrong)));
    let subject = record.optional("Category").and_then(Cell::scalar).filter(|subject| !subject.is_empty());
    Ok(Draft { subject, ..draft(record.text("Question")?, &merged(&targets)?)? })
}

fn draft(question: &str, choices: &[(&str, bool)]) -> Result<Draft, RejectReason> {
    let mut right = choices.iter().enumerate().filter(|(_, (_, right))| *right).map(|(index, _)| index);
    let (Some(gold), None) = (right.next(), right.next()) else {
        return Err(RejectReason::Unusable { what: "not exactly one choice is right" });
    };
    let texts: Vec<&str> = choices.iter().map(|(text, _)| *text).collect();
    Ok(Draft { shuffle: true, ..Draft::with_choices(question, &texts, gold)? })
}
