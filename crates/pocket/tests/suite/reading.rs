//! Rows as questions.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_core::{AnswerKind, Question, Reply, Seed};
use plimsoll_ingest::pool::{PoolRole, RoleShares, find_duplicates, role_of};
use plimsoll_ingest::prompts::{PromptSpec, PromptStyle, prompt};
use plimsoll_label::{Policy, extract, grade};
use plimsoll_pocket::DATASETS;
use plimsoll_pocket::suite::{SPLITS, Stream, TrainingDocument, native_rows};

use super::{mixture, questions};

/// A policy that forgives nothing.
fn policy() -> Policy {
    let text = r#"{"refusal": "wrong", "truncated": "wrong", "empty": "wrong", "ambiguous": "wrong",
        "no_answer": "wrong", "outside_choices": "wrong", "number_relative_tolerance": 0.0, "span": "exact_match"}"#;
    serde_json::from_str(text).unwrap()
}

/// How a text is graded.
fn correct(question: &Question, text: &str) -> Option<bool> {
    grade(question, &extract(question, &Reply::complete(text)), &policy()).correct
}

#[test]
fn fourteen_datasets_in_the_domains_and_formats_of_the_paper() {
    let mut domains = BTreeMap::<&str, usize>::new();
    for dataset in DATASETS {
        *domains.entry(dataset.domain()).or_default() += 1;
    }
    let expected = [("commonsense", 8), ("conversational", 1), ("math", 4), ("problem_solving", 1)];
    assert_eq!(domains, expected.into());
    let ids: BTreeSet<&str> = DATASETS.iter().map(|dataset| dataset.id()).collect();
    assert_eq!(ids.len(), 14);
    assert!(ids.iter().all(|id| id.starts_with("pocket_") && plimsoll_ingest::dataset(id).is_none()));
    let kinds: BTreeSet<AnswerKind> = DATASETS.iter().map(|dataset| dataset.answer_kind()).collect();
    assert_eq!(kinds, AnswerKind::ALL.into());
}

#[test]
fn every_row_reads_and_its_answer_grades_as_right_in_words_and_by_label() {
    for dataset in DATASETS {
        for split in SPLITS {
            let rows = questions(*dataset, split);
            let ids: BTreeSet<&str> = rows.iter().map(|row| row.question_id.as_str()).collect();
            assert_eq!(ids.len(), rows.len(), "{}", dataset.id());
            for row in &rows {
                assert_eq!(row.gold.len(), 1, "{row:?}");
                let gold = &row.gold[0];
                let words = row.choice(gold).unwrap_or(gold);
                for text in [words.to_owned(), format!(" {words}"), format!("{words}."), gold.clone()] {
                    assert_eq!(correct(row, &text), Some(true), "{text:?} for {row:?}");
                }
                for wrong in row.choices.iter().filter(|choice| choice.label != *gold) {
                    assert_eq!(correct(row, &wrong.text), Some(false), "{wrong:?} for {row:?}");
                }
            }
        }
    }
}

#[test]
fn rows_are_the_same_each_time_and_of_one_dataset_only() {
    for (dataset, other) in DATASETS.iter().zip(DATASETS.iter().skip(1)) {
        let rows = native_rows(dataset.id(), "test").unwrap();
        assert_eq!(rows, native_rows(dataset.id(), "test").unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        std::fs::write(&path, rows).unwrap();
        assert!(plimsoll_ingest::read_files(*other, &[path], "test").is_err(), "{}", other.id());
    }
}

#[test]
fn options_are_as_many_as_the_table_says_and_no_label_is_favoured() {
    /// Five standard deviations of a share of a third in 280 rows.
    const OFF: f64 = 0.14;
    let counts = [
        ("pocket_quiz", 5),
        ("pocket_facts", 5),
        ("pocket_tools", 2),
        ("pocket_feelings", 3),
        ("pocket_which", 2),
        ("pocket_endings", 4),
        ("pocket_myths", 4),
        ("pocket_beasts", 4),
        ("pocket_subjects", 4),
    ];
    for (id, count) in counts {
        let dataset = DATASETS.iter().find(|dataset| dataset.id() == id).unwrap();
        let rows = questions(*dataset, "test");
        assert!(rows.iter().all(|row| row.choices.len() == count), "{id}");
        for label in 'A'..='Z' {
            let share =
                rows.iter().filter(|row| row.gold[0] == label.to_string()).count() as f64 / rows.len() as f64;
            let expected = if (label as usize - 'A' as usize) < count { 1.0 / count as f64 } else { 0.0 };
            assert!((share - expected).abs() < OFF, "{id}: {share} of the answers are {label}");
        }
    }
}

#[test]
fn a_training_question_is_what_a_row_of_it_would_be() {
    let stream = Stream::new(Seed::new(3), &mixture(1.0, 7, 0.1)).unwrap();
    let mut met = BTreeSet::new();
    for index in 0..3000 {
        let document = stream.document(index).unwrap();
        assert_eq!(document, stream.document(index).unwrap());
        let TrainingDocument::Dialogue(dialogue) = document else { continue };
        let question = &dialogue.question;
        let dataset = DATASETS.iter().find(|dataset| dataset.id() == question.dataset.as_str()).unwrap();
        met.insert(dataset.id());
        let spec = PromptSpec::new(*dataset, PromptStyle::Direct);
        assert_eq!(dialogue.prompt, prompt(question, &[], &spec));
        assert_eq!(correct(question, &dialogue.reply), Some(true), "{dialogue:?}");
    }
    assert_eq!(met.len(), DATASETS.len());
}

#[test]
fn the_pool_finds_enough_rows_and_few_duplicates() {
    /// The smallest number of main rows of a dataset.
    const MAIN: usize = 200;
    /// The largest share of rows that a pool would drop.
    const DROPPED: f64 = 0.03;
    let all: Vec<Question> = DATASETS.iter().flat_map(|dataset| questions(*dataset, "test")).collect();
    let pairs = find_duplicates(&all.iter().collect::<Vec<_>>()).pairs;
    let later: BTreeSet<usize> = pairs.iter().map(|pair| pair.later).collect();
    for dataset in DATASETS {
        let own = |row: &&Question| row.dataset.as_str() == dataset.id();
        let rows = all.iter().filter(own).count();
        let main =
            all.iter().filter(own).filter(|row| role_of(row, RoleShares::USUAL) == PoolRole::Main).count();
        let dropped = later.iter().filter(|row| own(&&all[**row])).count();
        let words: usize = all
            .iter()
            .filter(own)
            .map(|row| {
                prompt(row, &[], &PromptSpec::new(*dataset, PromptStyle::Direct)).messages[0]
                    .text
                    .split_whitespace()
                    .count()
            })
            .sum();
        let clusters: BTreeSet<&str> = all.iter().filter(own).map(Question::cluster).collect();
        println!(
            "{}: {rows} rows, {main} main, {} clusters, {dropped} duplicates, {:.1} words a prompt",
            dataset.id(),
            clusters.len(),
            words as f64 / rows as f64
        );
        assert!(main >= MAIN, "{}: {main} main rows of {rows}", dataset.id());
        assert!(dropped as f64 <= DROPPED * rows as f64, "{}: {dropped} duplicates", dataset.id());
    }
}
