//! The real slices of all fourteen datasets, where `PLIMSOLL_REAL_DATA` says where they are: every row
//! accounted for, and counts and gold answers equal to those that `goldens/real_questions.py` found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use plimsoll_core::{AnswerKind, Question, Seed};
use plimsoll_ingest::pool::{DuplicateKind, Duplicates, PoolDataset, PoolOptions, RoleShares, pool};
use plimsoll_ingest::{DATASETS, Ingested, dataset, read_source};
use serde::Deserialize;

/// What the script found in a file.
#[derive(Deserialize)]
struct Golden {
    dataset: String,
    path: String,
    rows: u64,
    questions: usize,
    refused: BTreeMap<String, u64>,
    gold_sha256: String,
}

/// The folder of the real files; says so where there is none.
fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("PLIMSOLL_REAL_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("SKIPPED: PLIMSOLL_REAL_DATA is not set, no real file was read");
    }
    folder
}

fn read(root: &Path, id: &str, path: &str, split: Option<&str>) -> Ingested {
    read_source(dataset(id).unwrap(), &root.join(path), split)
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The line of a question that the script writes.
fn gold_line(question: &Question) -> String {
    if question.answer_kind != AnswerKind::Choice {
        return format!("{}\n", question.gold.join("\t"));
    }
    let text = question.choice(&question.gold[0]).unwrap();
    if question.dataset.as_str() == "truthfulqa" {
        format!("{text}\n")
    } else {
        format!("{}\t{text}\n", question.gold.join(","))
    }
}

#[test]
fn every_real_file_parses_whole() {
    let Some(root) = real_data() else { return };
    let goldens: Vec<Golden> = serde_json::from_str(include_str!("../goldens/real_questions.json")).unwrap();
    let mut seen = BTreeSet::new();
    println!("dataset | file | rows | questions | refused");
    for golden in goldens {
        let found = read(
            &root,
            &golden.dataset,
            &golden.path,
            if golden.path == "mmlu/dev" { Some("dev") } else { None },
        );
        let mut refused = BTreeMap::<String, u64>::new();
        for row in &found.refused {
            *refused.entry(row.reason.to_string()).or_default() += 1;
        }
        println!(
            "{} | {} | {} | {} | {refused:?}",
            golden.dataset,
            golden.path,
            found.rows,
            found.questions.len()
        );
        assert_eq!(found.rows, (found.questions.len() + found.refused.len()) as u64, "{}", golden.path);
        assert_eq!((found.rows, found.questions.len()), (golden.rows, golden.questions), "{}", golden.path);
        assert_eq!(refused, golden.refused, "{}", golden.path);
        let lines: String = found.questions.iter().map(gold_line).collect();
        let digest = plimsoll_core::canonical::sha256_hex(lines.as_bytes());
        assert_eq!(digest, golden.gold_sha256, "{}", golden.path);
        let ids: BTreeSet<_> = found.questions.iter().map(|question| question.question_id.as_str()).collect();
        assert_eq!(ids.len(), found.questions.len(), "{}: ids are unique", golden.path);
        seen.insert(golden.dataset);
    }
    assert_eq!(seen.len(), DATASETS.len(), "every dataset has real files");
}

#[test]
fn folders_give_what_their_files_give() {
    let Some(root) = real_data() else { return };
    for (id, folder, split, file) in [
        ("aqua", "aqua", "dev", "aqua/dev.json"),
        ("gsm8k", "gsm8k", "test", "gsm8k/test.jsonl"),
        ("multiarith", "multiarith", "all", "multiarith/MultiArith.json"),
        ("svamp", "svamp", "all", "svamp/SVAMP.json"),
        ("svamp", "svamp", "train", "svamp/mawps-asdiv-a_svamp/train.csv"),
        ("commonsense_qa", "commonsenseqa", "validation", "commonsenseqa/dev_rand_split.jsonl"),
        ("hellaswag", "hellaswag", "val", "hellaswag/hellaswag_val.jsonl"),
        ("openbookqa", "openbookqa", "test", "openbookqa/test.jsonl"),
        ("piqa", "piqa", "dev", "piqa/valid.jsonl"),
        ("truthfulqa", "truthfulqa", "all", "truthfulqa/mc_task.json"),
        ("winogrande", "winogrande", "dev", "winogrande/dev.jsonl"),
        ("winogrande", "winogrande", "train", "winogrande/train_xs.jsonl"),
        ("boolq", "boolq", "validation", "boolq/dev.jsonl"),
        ("social_iqa", "siqa", "dev", "siqa/dev.jsonl"),
        ("coqa", "coqa", "dev", "coqa/coqa-dev-v1.0.json"),
    ] {
        assert_eq!(read(&root, id, folder, Some(split)), read(&root, id, file, Some(split)), "{id} {split}");
    }
    let mmlu = read(&root, "mmlu", "mmlu", Some("test"));
    let subjects: BTreeSet<_> =
        mmlu.questions.iter().filter_map(|question| question.subject.clone()).collect();
    assert_eq!((mmlu.rows, subjects.len(), mmlu.files.len()), (1140, 57, 57));
    assert_eq!(read(&root, "multiarith", "multiarith", None).rows, 600);
}

/// What two forms of the same rows should agree in, whatever file they come from.
fn without_source(question: &Question) -> Question {
    Question { source_file: String::new(), source_row: 0, ..question.clone() }
}

#[test]
fn forms_of_the_same_real_rows_agree() {
    let Some(root) = real_data() else { return };
    let json = read(&root, "hellaswag", "hellaswag/hellaswag_val.jsonl", None).questions;
    let text = read(&root, "hellaswag", "hellaswag/hellaswag_val_full.txt", None).questions;
    for (json, text) in json.iter().zip(&text) {
        assert_eq!(without_source(&Question { cluster_id: None, ..json.clone() }), without_source(text));
    }
    let native = read(&root, "boolq", "boolq/dev.jsonl", None).questions;
    let super_glue = read(&root, "boolq", "boolq/SuperGLUE/val.jsonl", None).questions;
    for (native, other) in native.iter().zip(&super_glue) {
        assert_eq!(without_source(native), without_source(other));
    }
    let own = read(&root, "piqa", "piqa/valid.jsonl", None).questions;
    let ai2 = read(&root, "piqa", "piqa/physicaliqa-train-dev/dev.jsonl", None).questions;
    for (own, other) in own.iter().zip(&ai2) {
        assert_eq!(without_source(own), without_source(other));
    }
    let json = read(&root, "truthfulqa", "truthfulqa/mc_task.json", None).questions;
    let table = read(&root, "truthfulqa", "truthfulqa/TruthfulQA.csv", None).questions;
    for (json, table) in json.iter().zip(&table) {
        assert_eq!(without_source(json), without_source(&Question { subject: None, ..table.clone() }));
    }
}

#[test]
fn oddities_of_real_rows() {
    let Some(root) = real_data() else { return };
    let aqua = read(&root, "aqua", "aqua/test.json", None).questions;
    assert!(
        aqua.iter()
            .flat_map(|q| &q.choices)
            .all(|choice| !choice.text.starts_with(&format!("{})", choice.label)))
    );
    // The right choice stands first in every row of the file; shuffled, it stands anywhere.
    let truthful = read(&root, "truthfulqa", "truthfulqa/v0/mc_task.json", None).questions;
    let first = truthful.iter().filter(|question| question.gold[0] == "A").count();
    let expected: f64 = truthful.iter().map(|question| 1.0 / question.choices.len() as f64).sum();
    /// Four standard deviations of a count of independent draws, none of which varies more than a quarter.
    const DEVIATIONS: f64 = 4.0;
    assert!(
        (first as f64 - expected).abs() < DEVIATIONS * (truthful.len() as f64 / 4.0).sqrt(),
        "{first} of {expected}"
    );
    // Twins by their ids and twins by their texts are the same.
    let winogrande = read(&root, "winogrande", "winogrande/dev.jsonl", None).questions;
    let clusters: BTreeSet<_> = winogrande.iter().map(Question::cluster).collect();
    assert_eq!(clusters.len(), 773);
    let coqa = read(&root, "coqa", "coqa/coqa-dev-v1.0.json", None).questions;
    assert!(coqa.iter().all(|question| question.gold.len() == 4));
    assert_eq!(coqa.iter().map(Question::cluster).collect::<BTreeSet<_>>().len(), 1);
}

#[test]
fn duplicates_of_the_real_files() {
    let Some(root) = real_data() else { return };
    let files = [
        ("aqua", "aqua/test.json"),
        ("gsm8k", "gsm8k/test.jsonl"),
        ("multiarith", "multiarith/MultiArith.json"),
        ("svamp", "svamp/SVAMP.json"),
        ("svamp", "svamp/mawps-asdiv-a_svamp/train.csv"),
        ("commonsense_qa", "commonsenseqa/dev_rand_split.jsonl"),
        ("hellaswag", "hellaswag/hellaswag_val_full.txt"),
        ("openbookqa", "openbookqa/test.jsonl"),
        ("piqa", "piqa/valid.jsonl"),
        ("truthfulqa", "truthfulqa/mc_task.json"),
        ("winogrande", "winogrande/dev.jsonl"),
        ("boolq", "boolq/dev.jsonl"),
        ("social_iqa", "siqa/dev.jsonl"),
        ("coqa", "coqa/coqa-dev-v1.0.json"),
        ("mmlu", "mmlu/test"),
    ];
    let entry = |(id, path): &(&str, &str)| {
        let found = read(&root, id, path, None);
        let (refused, unlabelled) = (found.refused.len() as u64, found.unlabelled());
        PoolDataset { questions: found.questions, refused, unlabelled, sample: None, few_shot: 0 }
    };
    let options = PoolOptions {
        seed: Seed::new(50),
        shares: RoleShares { few_shot: 0.0, probe_training: 0.0 },
        probe_rows_per_main_row: 0.0,
        duplicates: Duplicates::Drop,
    };
    let start = std::time::Instant::now();
    let pool = pool(files.iter().map(entry).collect(), &options).unwrap();
    println!("{} rows, {:?}", pool.rows.len(), start.elapsed());
    for report in &pool.report.datasets {
        println!("{} | {} exact | {} near", report.dataset, report.dropped_exact, report.dropped_near);
    }
    for pair in &pool.report.pairs {
        println!("{} {} {:.2}", pair.earlier, pair.later, pair.jaccard);
    }
    let exact = |id: &str| {
        let own = pool.report.pairs.iter().filter(|pair| pair.kind == DuplicateKind::Exact);
        own.filter(|pair| pair.later.starts_with(id)).count()
    };
    assert!(exact("multiarith/") > 0, "MultiArith has problems twice");
    assert_eq!(pool.report.rows_cut_short, 0);
}
