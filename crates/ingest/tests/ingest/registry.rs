//! Every registered dataset: its description, its synthetic fixture, and the same rows in the hub's form.

use std::collections::BTreeSet;
use std::path::PathBuf;

use plimsoll_core::{AnswerKind, DatasetId, DomainId, Question};
use plimsoll_ingest::{DATASETS, Ingested, RejectReason, dataset, number, read_source};
use plimsoll_test_support::benchmark_files;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn read(id: &str, path: &str, split: Option<&str>) -> Ingested {
    let path = fixtures().join(path);
    read_source(dataset(id).unwrap(), &path, split)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fixture of each dataset, with its split and how many questions it has.
const NATIVE: &[(&str, &str, &str, usize)] = &[
    ("aqua", "aqua/test.json", "test", 2),
    ("gsm8k", "gsm8k/test.jsonl", "test", 3),
    ("multiarith", "multiarith/MultiArith.json", "all", 2),
    ("svamp", "svamp/SVAMP.json", "all", 2),
    ("commonsense_qa", "commonsense_qa/dev_rand_split.jsonl", "validation", 2),
    ("hellaswag", "hellaswag/hellaswag_val.jsonl", "validation", 2),
    ("openbookqa", "openbookqa/test.jsonl", "test", 2),
    ("piqa", "piqa/valid.jsonl", "validation", 3),
    ("truthfulqa", "truthfulqa/mc_task.json", "all", 2),
    ("winogrande", "winogrande/dev.jsonl", "validation", 3),
    ("boolq", "boolq/dev.jsonl", "validation", 3),
    ("social_iqa", "social_iqa/dev.jsonl", "validation", 2),
    ("coqa", "coqa/coqa-dev-v1.0.json", "validation", 4),
    ("mmlu", "mmlu/test", "test", 4),
];

fn well_formed(question: &Question) {
    let id = &question.question_id;
    assert!(!question.gold.is_empty(), "{id}");
    assert!(!question.question.trim().is_empty(), "{id}");
    assert_eq!(question.content_hash.len(), 64, "{id}");
    assert!(id.as_str().starts_with(&format!("{}/{}/", question.dataset, question.split)), "{id}");
    match question.answer_kind {
        AnswerKind::Choice => {
            let labels: Vec<_> = question.choices.iter().map(|choice| choice.label.as_str()).collect();
            let letters: Vec<String> = ('A'..='Z').take(labels.len()).map(String::from).collect();
            assert!(labels.len() > 1 && labels == letters, "{id}: {labels:?}");
            assert!(question.gold.iter().all(|gold| question.choice(gold).is_some()), "{id}");
            assert!(
                question
                    .choices
                    .iter()
                    .all(|choice| !choice.text.is_empty() && choice.text == choice.text.trim())
            );
        }
        AnswerKind::Number => {
            assert!(question.gold.iter().all(|gold| number::plain(gold).as_ref() == Ok(gold)), "{id}");
        }
        AnswerKind::Boolean => assert!(matches!(question.gold[0].as_str(), "yes" | "no"), "{id}"),
        AnswerKind::Span => {}
    }
    if question.answer_kind != AnswerKind::Choice {
        assert!(question.choices.is_empty(), "{id}");
    }
}

#[test]
fn every_dataset_describes_itself_and_parses_its_fixture() {
    let mut ids = BTreeSet::new();
    for dataset in DATASETS {
        let id = dataset.id();
        assert!(ids.insert(id), "{id} stands twice");
        assert!(
            DatasetId::new(id).is_ok()
                && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        );
        assert!(DomainId::new(dataset.domain()).is_ok());
        assert!(!dataset.licence().is_empty() && !dataset.name().is_empty() && !dataset.forms().is_empty());
        let hub = dataset.hub().unwrap();
        assert!(hub.repository.split('/').count() == 2 && !hub.config.is_empty(), "{id}");
        let (_, path, split, questions) =
            NATIVE.iter().find(|(name, ..)| *name == id).unwrap_or_else(|| panic!("{id} has no fixture"));
        let found = read(id, path, (id == "mmlu").then_some("test"));
        assert_eq!(found.questions.len(), *questions, "{id}: {:?}", found.refused);
        assert_eq!(found.rows, (found.questions.len() + found.refused.len()) as u64);
        for question in &found.questions {
            assert_eq!(
                (question.split.as_str(), question.answer_kind),
                (*split, dataset.answer_kind()),
                "{id}"
            );
            well_formed(question);
        }
        let unique: BTreeSet<_> =
            found.questions.iter().map(|question| question.question_id.clone()).collect();
        assert_eq!(unique.len(), *questions, "{id}");
    }
    assert_eq!(ids.len(), 14);
}

/// A question without what differs by nature: where it was read.
fn anywhere(question: &Question) -> Question {
    Question { source_file: String::new(), source_row: 0, ..question.clone() }
}

#[test]
fn the_hub_form_gives_the_same_questions() {
    for form in benchmark_files::forms() {
        let folder = tempfile::tempdir().unwrap();
        let file = form.write(folder.path());
        for (id, path, split, _) in NATIVE.iter().filter(|(id, ..)| *id == form.dataset) {
            let native = read(id, path, Some(split));
            let dataset = dataset(id).unwrap();
            let hub =
                read_source(dataset, &file, Some(split)).unwrap_or_else(|error| panic!("{id}: {error}"));
            let both = |found: &Ingested| found.questions.iter().map(anywhere).collect::<Vec<_>>();
            assert_eq!(both(&native), both(&hub), "{id} {}", form.name);
            assert!(hub.refused.is_empty(), "{id}: {:?}", hub.refused);
        }
    }
}

#[test]
fn other_native_forms_give_the_same_questions() {
    let same = |id: &str, one: &str, other: &str, change: fn(Question) -> Question| {
        let both = |path| {
            read(id, path, Some("validation")).questions.iter().map(anywhere).map(change).collect::<Vec<_>>()
        };
        assert_eq!(both(one), both(other), "{id}");
    };
    same("hellaswag", "hellaswag/hellaswag_val.jsonl", "hellaswag/hellaswag_val_full.txt", |question| {
        Question { cluster_id: None, ..question }
    });
    same("boolq", "boolq/dev.jsonl", "boolq/SuperGLUE/val.jsonl", |question| question);
    same("piqa", "piqa/valid.jsonl", "piqa/physicaliqa-train-dev/dev.jsonl", |question| question);
    same("truthfulqa", "truthfulqa/mc_task.json", "truthfulqa/TruthfulQA.csv", |question| Question {
        subject: None,
        ..question
    });
    let (main, additional) = (
        read("openbookqa", "openbookqa/test.jsonl", None),
        read("openbookqa", "openbookqa/test_complete.jsonl", None),
    );
    assert_eq!(anywhere(&main.questions[0]), anywhere(&additional.questions[0]));
}

#[test]
fn options_lose_their_letters_and_keep_their_order() {
    let found = read("aqua", "aqua/test.json", None).questions;
    let texts: Vec<_> = found[0].choices.iter().map(|choice| choice.text.as_str()).collect();
    assert_eq!(texts, ["9 km/h", "36 km/h", "18 km/h", "54 km/h", "None"]);
    assert_eq!(found[0].gold, ["B"]);
    assert_eq!(found[1].choices[0].text, "15");
    assert_eq!(found[1].gold, ["A", "C"], "the same text twice: both are right");
}

#[test]
fn marks_of_hellaswag_go_and_sources_are_clusters() {
    let found = read("hellaswag", "hellaswag/hellaswag_val.jsonl", None).questions;
    assert_eq!(found[1].question, "Home and Garden: How to dry herbs. Pick them early. Go out at dawn.");
    assert_eq!(found[1].choices[3].text, "Tie them in bunches. Hang them up.");
    assert_eq!((found[0].cluster(), found[0].gold[0].as_str()), ("activitynet~synthetic_1", "B"));
    assert_eq!(read("hellaswag", "hellaswag/hellaswag_val_full.txt", None).questions[0].cluster_id, None);
}

#[test]
fn truthfulqa_is_shuffled_by_the_id_alone() {
    let found = read("truthfulqa", "truthfulqa/mc_task.json", None).questions;
    let again = read("truthfulqa", "truthfulqa/mc_task.json", Some("all")).questions;
    assert_eq!(found, again);
    for question in &found {
        let right = question.choice(&question.gold[0]).unwrap();
        assert!(["No, they do not", "Zorb does not exist"].contains(&right));
        assert!(question.choices.iter().all(|choice| !choice.text.is_empty()));
    }
    assert_eq!(found[0].choices.len(), 4);
    // Pinned: the same order on any machine.
    let order: Vec<_> = found[0].choices.iter().map(|choice| choice.text.as_str()).collect();
    assert_eq!(order, ORDER_OF_ROW_0);
}

/// The order of the first fixture row, as its id `truthfulqa/all/0` has it.
const ORDER_OF_ROW_0: [&str; 4] =
    ["Only on Sundays", "Yes, they do", "Only black ones do", "No, they do not"];

#[test]
fn turns_of_a_story_see_what_was_said_before() {
    let found = read("coqa", "coqa/coqa-dev-v1.0.json", None).questions;
    assert_eq!(found[0].context.as_deref(), Some("Bo the goat lives on a hill. He likes bells."));
    assert_eq!(
        found[2].context.as_deref(),
        Some(
            "Bo the goat lives on a hill. He likes bells.\n\nQ: Who lives there?\nA: Bo\nQ: What does he like?\nA: bells"
        )
    );
    assert_eq!(found[2].gold, ["unknown", "unknown", "no reason", "unknown"]);
    assert_eq!(found[3].question_id.as_str(), "coqa/validation/1-1");
    assert_eq!(found[0].cluster_id, found[2].cluster_id);
    assert_ne!(found[0].cluster_id, found[3].cluster_id);
    let train = read("coqa", "coqa/coqa-train-v1.0.json", None);
    assert_eq!((train.rows, train.questions.len()), (3, 2));
    assert_eq!((train.refused[0].row, &train.refused[0].reason), (2, &RejectReason::BadTurn));
    assert!(train.questions[1].context.as_ref().unwrap().contains("Q: hm?\nA: unknown"));
    assert_eq!(train.questions[1].question_id.as_str(), "coqa/train/0-3");
}

#[test]
fn mmlu_is_read_from_a_folder_of_subjects() {
    let found = read("mmlu", "mmlu", Some("test"));
    assert_eq!(found.files.len(), 2);
    let ids: Vec<_> = found.questions.iter().map(|question| question.question_id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "mmlu/test/synthetic_botany-0",
            "mmlu/test/synthetic_botany-1",
            "mmlu/test/synthetic_history-0",
            "mmlu/test/synthetic_history-1"
        ]
    );
    assert_eq!(found.questions[1].question, "Two\nlines?");
    assert_eq!(found.questions[1].gold, ["B", "A"]);
    assert_eq!(found.questions[2].cluster_id, found.questions[3].cluster_id);
    assert!(found.questions[2].cluster_id.is_some() && found.questions[0].cluster_id.is_none());
    assert_eq!(read("mmlu", "mmlu", Some("dev")).questions.len(), 1);
    assert_eq!(
        read("mmlu", "mmlu/test/synthetic_botany_test.csv", None).questions[0].subject.as_deref(),
        Some("synthetic_botany")
    );
}

#[test]
fn numbers_of_the_training_csv_go_into_the_text() {
    let found = read("svamp", "svamp", Some("train")).questions;
    assert_eq!(found[0].question, "Nils reads 12 pages , then 3.5 . How many pages in all , of 40 ?");
    assert_eq!(found[0].gold, ["15.5"]);
    assert_eq!(read("svamp", "svamp", None).questions[1].subject.as_deref(), Some("Common-Division"));
}

#[test]
fn clusters_stand_where_rows_belong_together() {
    for (id, path, pairs) in [
        ("winogrande", "winogrande/dev.jsonl", vec![(0, 1, true), (1, 2, false)]),
        ("boolq", "boolq/dev.jsonl", vec![(1, 2, true), (0, 1, false)]),
        ("piqa", "piqa/valid.jsonl", vec![(0, 1, true), (1, 2, false)]),
        ("social_iqa", "social_iqa/dev.jsonl", vec![(0, 1, true)]),
    ] {
        let found = read(id, path, None).questions;
        for (a, b, same) in pairs {
            assert_eq!(found[a].cluster() == found[b].cluster(), same, "{id} {a} {b}");
        }
    }
}

#[test]
fn unlabelled_rows_are_refused_and_counted() {
    for (id, path) in
        [("commonsense_qa", "commonsense_qa/test_rand_split_no_answers.jsonl"), ("piqa", "piqa/tests.jsonl")]
    {
        let found = read(id, path, None);
        assert_eq!(found.unlabelled(), found.rows, "{id}");
        assert!(found.questions.is_empty() && found.refused[0].reason.to_string() == "unlabelled");
    }
}

#[test]
fn hub_forms_that_keep_less() {
    let folder = tempfile::tempdir().unwrap();
    let coqa = benchmark_files::coqa_of_one_answer();
    let found =
        read_source(dataset(coqa.dataset).unwrap(), &coqa.write(folder.path()), Some("validation")).unwrap();
    let native = read("coqa", "coqa/coqa-dev-v1.0.json", None).questions;
    for (hub, native) in found.questions.iter().zip(&native) {
        assert_eq!(hub.gold, native.gold[..1]);
        assert_eq!(anywhere(hub), anywhere(&Question { gold: hub.gold.clone(), ..native.clone() }));
    }
    let mmlu = benchmark_files::mmlu_auxiliary();
    let found =
        read_source(dataset(mmlu.dataset).unwrap(), &mmlu.write(folder.path()), Some("auxiliary_train"))
            .unwrap();
    assert_eq!(found.questions[1].question_id.as_str(), "mmlu/auxiliary_train/1");
    assert_eq!((found.questions[1].gold[0].as_str(), &found.questions[1].subject), ("C", &None));
}
