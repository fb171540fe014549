//! `HellaSwag`: which of four endings goes on. The text form has six lines a question and no source, so
//! that its rows have no cluster; the row number is their id in every form.

use plimsoll_core::AnswerKind;

use super::domain;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext};
use crate::draft::{Draft, ordinal};
use crate::reason::RejectReason;

/// Marks of the `WikiHow` pages, and what is read instead. The text form has none of them.
const MARKS: &[(&str, &str)] =
    &[(" [title]", ". "), ("[title]", ""), ("[header]", ""), ("[step]", ""), ("[substeps]", "")];

#[derive(Debug)]
pub(super) struct HellaSwag;

impl Dataset for HellaSwag {
    fn id(&self) -> &'static str {
        "hellaswag"
    }

    fn name(&self) -> &'static str {
        "HellaSwag"
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
        Some(Hub { repository: "Rowan/hellaswag", config: "default" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![
            DatasetForm::new("native and hub", &["activity_label", "ctx", "endings", "source_id"]),
            DatasetForm::new("text", TEXT),
        ]
    }

    fn task(&self) -> Option<&str> {
        Some("Choose the ending that continues the text most plausibly.")
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[
            ("train", &["hellaswag_train.jsonl"]),
            ("validation", &["hellaswag_val.jsonl", "hellaswag_val_full.txt"]),
            ("test", &["hellaswag_test.jsonl"]),
        ]
    }

    fn text_fields(&self) -> Option<&[&str]> {
        Some(TEXT)
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        if record.has("text") {
            return text_form(record);
        }
        let activity = record.text("activity_label")?;
        let question = unmarked(&format!("{activity}: {}", record.text("ctx")?));
        let endings: Vec<String> = record.texts("endings")?.into_iter().map(unmarked).collect();
        let cluster = Some(record.text("source_id")?.to_owned());
        Ok(Draft { cluster, ..draft(record, &question, activity, &endings)? })
    }
}

/// The lines of a question in the text form.
const TEXT: &[&str] = &["text", "label", "ending_0", "ending_1", "ending_2", "ending_3"];

fn text_form(record: &RowContext<'_>) -> Result<Draft, RejectReason> {
    let question = unmarked(record.text("text")?);
    let Some((activity, _)) = question.split_once(": ") else {
        return Err(RejectReason::WrongType {
            field: "text".into(),
            found: "a text",
            expected: "`activity: context`",
        });
    };
    let endings =
        TEXT[2..].iter().map(|field| record.text(field).map(unmarked)).collect::<Result<Vec<_>, _>>()?;
    draft(record, &question, activity, &endings)
}

fn draft(
    record: &RowContext<'_>,
    question: &str,
    activity: &str,
    endings: &[String],
) -> Result<Draft, RejectReason> {
    let endings: Vec<&str> = endings.iter().map(String::as_str).collect();
    let gold = ordinal(&record.label("label")?, 0, endings.len())?;
    let subject = Some(activity.to_owned());
    Ok(Draft { subject, ..Draft::with_choices(question, &endings, gold)? })
}

/// A text without marks; spaces that they leave behind are joined.
fn unmarked(text: &str) -> String {
    let text = text.trim();
    if !text.contains('[') {
        return text.to_owned();
    }
    let mut plain = text.to_owned();
    for (mark, instead) in MARKS {
        plain = plain.replace(mark, instead);
    }
    if plain == text { plain } else { plain.split_whitespace().collect::<Vec<_>>().join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_other_brackets_stay() {
        for (text, expected) in [
            (
                "[header] How to fold [title] Take a sheet. [step] Lay it flat.",
                "How to fold. Take a sheet. Lay it flat.",
            ),
            ("[substeps] One. [substeps] Two.", "One. Two."),
            ("see [1]  here", "see [1]  here"),
        ] {
            assert_eq!(unmarked(text), expected);
        }
    }
}
