//! Which questions of a pipeline are asked, and how.

use serde_json::{Value, json};

use super::bench::{Written, assert_same, count, dataset, document, gsm8k, policy, rows, sh, with_models};
use crate::harness::Sandbox;

const ROWS: usize = 20;

fn sandbox(pipeline: &Written, rows: usize) -> Sandbox {
    let sandbox = with_models(2);
    sandbox.write("gsm8k.jsonl", gsm8k(rows));
    sandbox.write("pipeline.yaml", pipeline.text());
    sandbox
}

#[test]
fn exemplars_stand_before_each_question_and_are_never_asked() {
    let sandbox = sandbox(&Written::of_gsm8k(ROWS), 200);
    document(&sandbox, "run pipeline.yaml --out none --until infer");
    let few = |count: usize| format!("--set prompt.few_shot={count}");
    document(&sandbox, &format!("run pipeline.yaml --out two --until infer {}", few(2)));
    let tokens = |out: &str| -> u64 {
        rows(&sandbox, out, "generations").iter().map(|row| row["prompt_tokens"].as_u64().unwrap()).sum()
    };
    assert!(tokens("two") > tokens("none") * 3 / 2, "{} {}", tokens("two"), tokens("none"));
    let questions = rows(&sandbox, "two", "questions");
    let role = |role: &str| -> Vec<&Value> {
        questions.iter().filter(|row| row["role"] == role).map(|row| &row["question_id"]).collect()
    };
    assert_eq!((role("few_shot").len(), role("main").len()), (2, ROWS));
    let asked = rows(&sandbox, "two", "generations");
    assert!(role("few_shot").iter().all(|id| count(&asked, |row| row["question_id"] == **id) == 0));
    // 4 in 100 are set apart for this.
    sh(&sandbox, &format!("run pipeline.yaml --out many {}", few(60)))
        .exits(3)
        .says(["dataset `gsm8k`", "60 exemplars are wanted"]);
    assert!(!sandbox.exists("many"));
}

#[test]
fn two_splits_of_a_dataset_are_one_pool() {
    let splits =
        [dataset("gsm8k", "gsm8k.jsonl", "test", ROWS), dataset("gsm8k", "train.jsonl", "train", ROWS / 2)];
    let pipeline = Written { datasets: splits.concat(), ..Written::of_gsm8k(ROWS) };
    let sandbox = sandbox(&pipeline, 60);
    // Other questions, and five that the test split has too.
    let (all, known) = (gsm8k(100), gsm8k(5));
    let train: String = all.lines().skip(60).chain(known.lines()).map(|line| format!("{line}\n")).collect();
    sandbox.write("train.jsonl", train);
    document(&sandbox, "run pipeline.yaml --out out");
    let scores = rows(&sandbox, "out", "scores");
    let of = |split: &str| {
        let prefix = format!("gsm8k/{split}/");
        count(&scores, |row| row["question_id"].as_str().unwrap().starts_with(&prefix))
    };
    assert!(scores.iter().all(|row| row["dataset"] == "gsm8k"));
    let dropped: Vec<u64> = rows(&sandbox, "out", "datasets")
        .iter()
        .map(|row| row["dropped_exact"].as_u64().unwrap() + row["dropped_near"].as_u64().unwrap())
        .collect();
    // What both splits have is asked once, of the first.
    assert!(dropped[0] == 0 && dropped[1] <= 5, "{dropped:?}");
    let left = ROWS / 2 - usize::try_from(dropped[1]).unwrap();
    assert_eq!((of("test"), of("train")), (ROWS, left));
}

#[test]
fn rows_that_cannot_be_asked_are_counted_and_sources_that_are_none_are_named() {
    let sandbox = sandbox(&Written::of_gsm8k(ROWS), 60);
    let mut text = gsm8k(60);
    text.push_str(
        "{\"question\": \"\", \"answer\": \"#### 1\"}\n{\"question\": \"how\", \"answer\": \"none\"}\n",
    );
    sandbox.write("gsm8k.jsonl", &text);
    document(&sandbox, "run pipeline.yaml --out out --until ingest");
    let row = rows(&sandbox, "out", "datasets")[0].clone();
    assert_eq!((&row["rows"], &row["main"]), (&json!(62), &json!(ROWS)));
    assert!(row["refused"].as_u64() >= Some(1), "{row}");
    for (bytes, message) in [("", "gsm8k"), ("{\"a\": 1}\n", "gsm8k"), ("{\"question\": 1", "gsm8k")] {
        sandbox.write("gsm8k.jsonl", bytes);
        sh(&sandbox, "run pipeline.yaml --out none --until ingest")
            .exits(3)
            .says(["dataset `gsm8k`", message]);
        assert!(!sandbox.exists("none"));
    }
    std::fs::remove_file(sandbox.path("gsm8k.jsonl")).unwrap();
    sh(&sandbox, "run pipeline.yaml --out none").exits(3).says(["dataset `gsm8k`", "gsm8k.jsonl"]);
}

#[test]
fn limits_and_excluded_answers() {
    let pipeline = Written {
        more: format!(
            "labels: {{ungraded: exclude, grading: {{policy: {}}}}}\n",
            policy("ungraded", "exact_match")
        ),
        ..Written::of_gsm8k(ROWS)
    };
    let sandbox = sandbox(&pipeline, 60);
    document(&sandbox, "run pipeline.yaml --out out");
    let scores = rows(&sandbox, "out", "scores");
    let ungraded = count(&scores, |row| row["slm_correct"].is_null());
    assert!(ungraded > 0 && ungraded < ROWS, "{ungraded}");
    let file = sandbox.json("out/small--large.thresholds.json");
    assert_eq!(file["calibration"]["ungraded_excluded"], true);
    assert_eq!(file["methods"][0]["rows"]["pool"], ROWS - ungraded);
    sh(&sandbox, "run pipeline.yaml --out out --strict").exits(5).says(["ungraded"]);
    sh(&sandbox, "run pipeline.yaml --out out --set limits.ungraded=0.0").exits(5).says(["ungraded"]);
}

/// A folder that moves, and a pipeline that is called from elsewhere, give the same.
#[test]
fn where_things_lie_leaves_no_trace() {
    let sandbox = sandbox(&Written::of_gsm8k(ROWS), 60);
    document(&sandbox, "run pipeline.yaml --out one");
    for name in sandbox.files(".") {
        if !name.starts_with("one/") && !name.starts_with("cache/") {
            sandbox.write(&format!("moved/{name}"), sandbox.read(&name));
        }
    }
    document(&sandbox, "run moved/pipeline.yaml --out two");
    assert_same(&sandbox, "one", "two");
    let root = sandbox.root().display().to_string();
    for name in sandbox.files("one") {
        let bytes = sandbox.read(&format!("one/{name}"));
        assert!(!bytes.windows(root.len()).any(|part| part == root.as_bytes()), "{name} names a folder");
    }
}

/// Ids may hold characters that names of files may not.
#[test]
fn datasets_whose_probes_would_have_one_name_are_not_mixed_up() {
    let own = |id: &str, file: &str| {
        format!("  - {{id: {id}, source: {file}, split: all, mapping: own.yaml, sample: {{rows: 56}}}}\n")
    };
    let pipeline = Written {
        datasets: [own("my set", "one.jsonl"), own("my_set", "two.jsonl")].concat(),
        methods: " [trained_probe: {layer: -1, epochs: 1, learning_rate: 1.0e-3}]\n".to_owned(),
        more: format!(
            "pool: {{probe_rows: 1.0}}\nlabels: {{grading: {{policy: {}}}}}\n",
            policy("wrong", "exact_match")
        ),
        ..Written::of_gsm8k(ROWS)
    };
    let sandbox = sandbox(&pipeline, 10);
    sh(&sandbox, "run pipeline.yaml --out out").exits(2).says([
        "datasets[1].id",
        "my set",
        "my_set",
        "rename one",
    ]);
}
