//! `SVAMP`: one-step word problems that look alike. The challenge set is one list of 1,000 by the
//! authors, cut into train and test by the uploader of the hub's copy; ids survive. Their training file
//! (MAWPS and `ASDiv-A`) is a CSV whose numbers stand apart from the text.

use plimsoll_core::AnswerKind;

use super::domain;
use crate::cell::Cell;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext};
use crate::draft::Draft;
use crate::number::plain;
use crate::reason::RejectReason;

/// What stands for a number in the CSV form, before the number's index.
const SLOT: &str = "number";

#[derive(Debug)]
pub(super) struct Svamp;

impl Dataset for Svamp {
    fn id(&self) -> &'static str {
        "svamp"
    }

    fn name(&self) -> &'static str {
        "SVAMP"
    }

    fn domain(&self) -> &'static str {
        domain::MATH
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Number
    }

    fn licence(&self) -> &'static str {
        "MIT (the training file joins MAWPS and ASDiv-A, which have terms of their own)"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "ChilleD/SVAMP", config: "default" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![
            DatasetForm::new("native and hub", &["ID", "Body", "Question", "Answer"]),
            DatasetForm::new("native training CSV", &["Question", "Numbers", "Answer", "Ques"]),
        ]
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[
            ("all", &["SVAMP.json"]),
            ("train", &["train.csv", "mawps-asdiv-a_svamp/train.csv", "data/mawps-asdiv-a_svamp/train.csv"]),
        ]
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        if record.has("Numbers") {
            let gold = plain(&record.answer("Answer")?)?;
            return Ok(Draft::new(filled(record.text("Question")?, record.text("Numbers")?)?, vec![gold]));
        }
        let question = format!("{} {}", record.text("Body")?, record.text("Question")?);
        let gold = plain(&record.answer("Answer")?)?;
        // One row says Divison.
        let subject = record.optional("Type").and_then(Cell::scalar);
        let subject = subject.map(|subject| subject.replace("Divison", "Division"));
        let row_id = Some(record.text("ID")?.to_owned());
        Ok(Draft { row_id, subject, ..Draft::new(question, vec![gold]) })
    }
}

/// A text with its numbers filled in: `number0` is the first.
fn filled(text: &str, numbers: &str) -> Result<String, RejectReason> {
    let numbers: Vec<String> = numbers.split_whitespace().map(plain).collect::<Result<_, _>>()?;
    let word = |word: &str| match word.strip_prefix(SLOT).map(str::parse::<usize>) {
        Some(Ok(index)) => numbers
            .get(index)
            .cloned()
            .ok_or(RejectReason::Unusable { what: "a number of the text is missing in `Numbers`" }),
        _ => Ok(word.to_owned()),
    };
    Ok(text.split(' ').map(word).collect::<Result<Vec<_>, _>>()?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_where_they_belong() {
        let text = "There were number0 or number1 of a number of things , number10 .";
        let filled = |numbers| filled(text, numbers);
        let eleven = "5.0 0.5 0 0 0 0 0 0 0 0 7.0";
        assert_eq!(filled(eleven).unwrap(), "There were 5 or 0.5 of a number of things , 7 .");
        assert!(filled("5.0 0.5").is_err());
        assert!(filled("five").is_err());
    }
}
