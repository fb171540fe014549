//! Nothing of an evaluation in whatever models are trained on.

use std::collections::{BTreeSet, HashMap};

use plimsoll_core::Seed;
use plimsoll_pocket::DATASETS;
use plimsoll_pocket::suite::{SPLITS, Stream, TrainingDocument, follow_up_questions};

use super::{asked, mixture, questions};

/// Bytes by which texts are found, as many of them as a text has; one shorter than all is found by itself.
const STARTS: [usize; 3] = [24, 16, 8];

/// Texts that must not stand anywhere in a document.
struct Texts {
    by_start: HashMap<Vec<u8>, Vec<String>>,
    /// Lengths of the starts.
    lengths: BTreeSet<usize>,
}

impl Texts {
    fn new(texts: &BTreeSet<String>) -> Self {
        let mut by_start = HashMap::<Vec<u8>, Vec<String>>::new();
        for text in texts {
            let length = STARTS.into_iter().find(|start| *start <= text.len()).unwrap_or(text.len());
            let start = text.as_bytes()[..length].to_vec();
            by_start.entry(start).or_default().push(text.clone());
        }
        let lengths = by_start.keys().map(Vec::len).collect();
        Self { by_start, lengths }
    }

    /// A text that a document holds.
    fn within(&self, document: &str) -> Option<&str> {
        let bytes = document.as_bytes();
        // `2 + 3` does not stand in `12 + 3`.
        let begins = |at: &usize| *at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
        for at in (0..bytes.len()).filter(begins) {
            for length in self.lengths.iter().filter(|length| at + **length <= bytes.len()) {
                let texts = self.by_start.get(&bytes[at..at + length]);
                let found = texts.into_iter().flatten().find(|text| bytes[at..].starts_with(text.as_bytes()));
                if let Some(text) = found {
                    return Some(text);
                }
            }
        }
        None
    }
}

/// Everything that a document says.
fn text_of(document: &TrainingDocument) -> String {
    match document {
        TrainingDocument::Statements(text) => text.clone(),
        TrainingDocument::Recall(recall) => recall.text.clone(),
        TrainingDocument::Dialogue(dialogue) => {
            let messages = dialogue.prompt.messages.iter().map(|message| message.text.as_str());
            messages.chain([dialogue.reply.as_str()]).collect::<Vec<_>>().join("\n")
        }
    }
}

/// What is asked in a split of all datasets.
fn asked_in(split: &str) -> BTreeSet<String> {
    DATASETS.iter().flat_map(|dataset| questions(*dataset, split)).map(|row| asked(&row)).collect()
}

#[test]
fn the_search_finds_what_is_there() {
    let texts = Texts::new(&["Add 3 and 4.".to_owned(), "1 + 2 = ?".to_owned()].into());
    assert_eq!(texts.within("Please. Add 3 and 4. Now"), Some("Add 3 and 4."));
    assert_eq!(texts.within("what is 1 + 2 = ?"), Some("1 + 2 = ?"));
    assert_eq!(texts.within("Add 3 and 5. 11 + 2 = ? 1 + 2 = 3"), None);
}

#[test]
fn no_training_document_asks_what_an_evaluation_asks() {
    /// Documents of each stream.
    const DOCUMENTS: u64 = 60_000;
    let test = asked_in("test");
    let texts: BTreeSet<String> = SPLITS.iter().flat_map(|split| asked_in(split)).collect();
    let texts = Texts::new(&texts);
    // Two very different streams: few wordings of frequent facts, and everything alike.
    for (seed, mixture) in [(1, mixture(1.0, 5, 0.02)), (2, mixture(0.0, 7, 0.125))] {
        let stream = Stream::new(Seed::new(seed), &mixture).unwrap();
        let mut asks = 0;
        for index in 0..DOCUMENTS {
            let document = stream.document(index).unwrap();
            let found = texts.within(&text_of(&document));
            assert_eq!(found, None, "in document {index}: {document:?}");
            asks += u64::from(matches!(document, TrainingDocument::Dialogue(_)));
        }
        assert!(asks > DOCUMENTS / 2);
    }
    // The same search over what evaluations themselves ask finds it: it is not blind.
    assert!(test.iter().all(|text| texts.within(&format!("x {text}\n")).is_some()));
}

#[test]
fn no_fresh_question_of_a_later_stage_is_an_evaluation_question() {
    /// Questions of each dataset.
    const FRESH: usize = 400;
    let texts: BTreeSet<String> = SPLITS.iter().flat_map(|split| asked_in(split)).collect();
    for dataset in DATASETS {
        let fresh = follow_up_questions(dataset.id(), Seed::new(9), FRESH).unwrap();
        assert_eq!(fresh, follow_up_questions(dataset.id(), Seed::new(9), FRESH).unwrap());
        assert_ne!(fresh, follow_up_questions(dataset.id(), Seed::new(8), FRESH).unwrap());
        assert!(fresh.len() >= FRESH / 2, "{}: {}", dataset.id(), fresh.len());
        let different: BTreeSet<String> = fresh.iter().map(asked).collect();
        assert_eq!(different.len(), fresh.len());
        assert!(different.is_disjoint(&texts), "{}", dataset.id());
    }
}

#[test]
fn validation_is_no_test() {
    let (test, validation) = (asked_in("test"), asked_in("validation"));
    assert!(test.is_disjoint(&validation));
    // Stories and passages stand or fall together over the splits, too.
    let of = |split: &str| -> BTreeSet<(String, String)> {
        let rows = DATASETS.iter().flat_map(|dataset| questions(*dataset, split));
        let rows = rows.filter(|row| row.context.is_some());
        rows.filter_map(|row| Some((row.dataset.as_str().to_owned(), row.cluster_id?))).collect()
    };
    assert!(of("test").is_disjoint(&of("validation")));
}
