//! `MMLU`: four choices in 57 subjects. The native files are one CSV a subject, without a header; the
//! hub's have a subject column. Rows are numbered within their subject, so that both give the same ids.

use plimsoll_core::AnswerKind;

use super::domain;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext};
use crate::draft::{Draft, letter, ordinal};
use crate::normal::cluster_of;
use crate::reason::RejectReason;

/// Columns of the native files.
const COLUMNS: &[&str] = &["question", "A", "B", "C", "D", "answer"];
/// Endings of the names of native files.
const ENDINGS: &[&str] = &["_test", "_dev", "_val"];
/// How the history questions about a text begin; the last line is the question, the rest is shared.
const ABOUT_A_TEXT: &str = "This question refers to the following information.";

#[derive(Debug)]
pub(super) struct Mmlu;

impl Dataset for Mmlu {
    fn id(&self) -> &'static str {
        "mmlu"
    }

    fn name(&self) -> &'static str {
        "MMLU"
    }

    fn domain(&self) -> &'static str {
        domain::PROBLEM_SOLVING
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Choice
    }

    fn licence(&self) -> &'static str {
        "MIT"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "cais/mmlu", config: "all" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![
            DatasetForm::new("native CSV", COLUMNS),
            DatasetForm::new("hub", &["question", "subject", "choices", "answer"]),
            DatasetForm::new("hub, auxiliary_train", &["train.question", "train.choices", "train.answer"]),
        ]
    }

    fn native_files(&self) -> &[NativeFiles] {
        // `dev` holds the exemplars and `val` the validation rows; where both are there, `val` is meant.
        &[
            ("test", &["test/*_test.csv", "*_test.csv", "data/test/*_test.csv"]),
            (
                "validation",
                &[
                    "val/*_val.csv",
                    "*_val.csv",
                    "data/val/*_val.csv",
                    "dev/*_dev.csv",
                    "*_dev.csv",
                    "data/dev/*_dev.csv",
                ],
            ),
        ]
    }

    fn many_files(&self) -> bool {
        true
    }

    fn csv_header(&self) -> Option<&[&str]> {
        Some(COLUMNS)
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        let draft = if record.has("A") { native(record)? } else { hub(record)? };
        let shared =
            draft.question.starts_with(ABOUT_A_TEXT).then(|| draft.question.rsplit_once('\n')).flatten();
        let cluster = shared.map(|(text, _)| cluster_of(text));
        Ok(Draft { cluster, ..draft })
    }

    fn section(&self, record: &RowContext<'_>) -> Option<String> {
        subject(record)
    }
}

/// The subject: of the row where the form has such a column, else of the file's name.
fn subject(record: &RowContext<'_>) -> Option<String> {
    let column = ["subject", "train.subject"].iter().find_map(|field| record.optional(field));
    let name = || ENDINGS.iter().find_map(|ending| record.stem.strip_suffix(ending));
    let subject = column.map_or_else(name, |cell| cell.text().map(str::trim));
    subject.filter(|subject| !subject.is_empty()).map(str::to_owned)
}

fn native(record: &RowContext<'_>) -> Result<Draft, RejectReason> {
    let texts = [record.text("A")?, record.text("B")?, record.text("C")?, record.text("D")?];
    let gold = letter(&record.label("answer")?, texts.len())?;
    Ok(Draft { subject: subject(record), ..Draft::with_choices(record.text("question")?, &texts, gold)? })
}

fn hub(record: &RowContext<'_>) -> Result<Draft, RejectReason> {
    // The configuration `auxiliary_train` keeps its columns in a struct.
    let within = if record.has("train.question") { "train." } else { "" };
    let field = |name: &str| format!("{within}{name}");
    let texts = record.texts(&field("choices"))?;
    let gold = record.label(&field("answer"))?;
    let gold = letter(&gold, texts.len()).or_else(|_| ordinal(&gold, 0, texts.len()))?;
    let question = record.text(&field("question"))?;
    Ok(Draft { subject: subject(record), ..Draft::with_choices(question, &texts, gold)? })
}
