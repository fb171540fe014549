//! `WinoGrande`: which of two names fills the blank `_`. Questions come as twins that differ in a word or
//! two; the native files name them (`qID` up to its last dash), the hub's have lost that, so that there
//! twins are found as neighbours with the same options and nearly the same sentence. Both give the same
//! clusters on every labelled row of the real files. The row number is the id in every form.

use std::collections::BTreeSet;

use plimsoll_core::AnswerKind;

use super::domain;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext};
use crate::draft::{Draft, ordinal};
use crate::reason::RejectReason;

const BLANK: &str = "_";
/// Minimum share of words that twins have in common. On the 1,180 rows of the real files twins have
/// 0.65 or more, and no other two rows more than 0.53.
const TWIN_JACCARD: f64 = 0.6;

#[derive(Debug)]
pub(super) struct WinoGrande;

impl Dataset for WinoGrande {
    fn id(&self) -> &'static str {
        "winogrande"
    }

    fn name(&self) -> &'static str {
        "WinoGrande"
    }

    fn domain(&self) -> &'static str {
        domain::COMMONSENSE
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Choice
    }

    fn licence(&self) -> &'static str {
        "CC-BY-2.0"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "allenai/winogrande", config: "winogrande_xl" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![DatasetForm::new("native and hub", &["sentence", "option1", "option2"])]
    }

    fn task(&self) -> Option<&str> {
        Some("Choose what the blank _ in the sentence stands for.")
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[("validation", &["dev.jsonl"]), ("test", &["test.jsonl"])]
    }

    fn label_suffix(&self) -> Option<&str> {
        Some("-labels.lst")
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        let sentence = record.text("sentence")?;
        if !sentence.contains(BLANK) {
            return Err(RejectReason::Unusable { what: "the sentence has no blank `_`" });
        }
        let options = [record.text("option1")?, record.text("option2")?];
        let gold = ordinal(&record.label("answer")?, 1, options.len())?;
        let id = record.optional("qID").and_then(|cell| cell.text());
        let group = id.map(|id| id.rsplit_once('-').map_or(id, |(pair, _)| pair).to_owned());
        Ok(Draft { group, ..Draft::with_choices(sentence, &options, gold)? })
    }

    fn relate(&self, drafts: &mut [&mut Draft]) {
        for index in 0..drafts.len() {
            if drafts[index].group.is_some() {
                continue;
            }
            let before = index.checked_sub(1).filter(|before| twins(drafts[*before], drafts[index]));
            let group = before.and_then(|before| drafts[before].group.clone());
            drafts[index].group = Some(group.unwrap_or_else(|| format!("row {index}")));
        }
    }
}

fn twins(a: &Draft, b: &Draft) -> bool {
    let options = |draft: &Draft| -> BTreeSet<String> {
        draft.choices.iter().map(|choice| choice.text.to_lowercase()).collect()
    };
    let words = |draft: &Draft| -> BTreeSet<String> {
        let words = draft.question.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let (left, right) = (words(a), words(b));
    let shared = left.intersection(&right).count() as f64;
    let all = left.union(&right).count() as f64;
    options(a) == options(b) && shared >= TWIN_JACCARD * all
}
