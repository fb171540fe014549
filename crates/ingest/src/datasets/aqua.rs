//! `AQuA-RAT`: algebra word problems with five options, each with its letter before it ("A)..").

use plimsoll_core::AnswerKind;

use super::domain;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext};
use crate::draft::{Draft, letter};
use crate::reason::RejectReason;

#[derive(Debug)]
pub(super) struct Aqua;

impl Dataset for Aqua {
    fn id(&self) -> &'static str {
        "aqua"
    }

    fn name(&self) -> &'static str {
        "AQuA-RAT"
    }

    fn domain(&self) -> &'static str {
        domain::MATH
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Choice
    }

    fn licence(&self) -> &'static str {
        "Apache-2.0"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "deepmind/aqua_rat", config: "raw" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![DatasetForm::new("native and hub", &["question", "options", "correct"])]
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[("train", &["train.json"]), ("validation", &["dev.json"]), ("test", &["test.json"])]
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        let options = record.texts("options")?;
        let texts: Vec<&str> = options.iter().zip('A'..='Z').map(|(text, label)| bare(text, label)).collect();
        let gold = letter(&record.label("correct")?, texts.len())?;
        Draft::with_choices(record.text("question")?, &texts, gold)
    }
}

/// An option without its letter, which a few rows have twice ("A)A)59").
fn bare(option: &str, label: char) -> &str {
    let mut text = option.trim();
    while let Some(rest) = text.strip_prefix(label).and_then(|rest| rest.strip_prefix(')')) {
        text = rest.trim();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_option_s_own_letter_is_cut_off() {
        for (option, label, expected) in [
            ("A)32400", 'A', "32400"),
            ("B) 5 cm", 'B', "5 cm"),
            ("C)C) 7", 'C', "7"),
            ("None", 'D', "None"),
            ("A)1", 'B', "A)1"),
        ] {
            assert_eq!(bare(option, label), expected);
        }
    }
}
