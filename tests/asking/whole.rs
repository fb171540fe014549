//! The whole run: three datasets, all eight methods, one small and one large model in process.

use std::collections::BTreeMap;

use serde_json::Value;

use super::bench::{
    METHOD_NAMES, METHODS, Written, assert_same, boolq, candle, chunks, count, dataset, document, gsm8k,
    openbookqa, policy, ran, rows, sh, with_models,
};
use crate::harness::Sandbox;

/// Questions of GSM8K, whose probe-training rows are enough to learn from, and of each other dataset, whose are not.
const MANY: usize = 56;
const FEW: usize = 12;
const SAMPLES: usize = 2;

fn three_datasets() -> Sandbox {
    let sandbox = with_models(10);
    sandbox.write("gsm8k.jsonl", gsm8k(480));
    sandbox.write("boolq.jsonl", boolq(120));
    sandbox.write("openbookqa.jsonl", openbookqa(120));
    let datasets = [
        dataset("gsm8k", "gsm8k.jsonl", "test", MANY),
        dataset("boolq", "boolq.jsonl", "validation", FEW),
        dataset("openbookqa", "openbookqa.jsonl", "test", FEW),
    ];
    let pipeline = Written {
        max_new_tokens: 3,
        datasets: datasets.concat(),
        slms: candle("small"),
        llms: candle("large"),
        methods: METHODS.to_owned(),
        more: format!(
            "pool: {{probe_rows: 1.0}}
inference: {{chunk: 24}}
evaluation: {{transfer: [leave_one_dataset_out, leave_one_domain_out], repeats: 1, bootstrap: 10}}
labels: {{grading: {{policy: {}}}}}
",
            policy("wrong", "exact_match")
        ),
    };
    sandbox.write("pipeline.yaml", pipeline.text());
    sandbox
}

#[test]
fn three_datasets_and_eight_methods_from_questions_to_thresholds() {
    let sandbox = three_datasets();
    let first = document(&sandbox, "run pipeline.yaml --out out");
    assert_eq!(ran(&first), ["ingest", "infer", "label", "score", "draw", "fit", "evaluate", "report"]);
    rows_are_all_there(&sandbox);
    confidences_or_reasons(&sandbox);
    a_thresholds_file(&sandbox);
    the_overview_agrees_with_the_tables(&sandbox, &first["overview"]);

    a_release_without_texts(&sandbox);

    // A second run does nothing.
    let marks = chunks(&sandbox, "out", "infer");
    assert_eq!(marks.len(), 10 * 3 + 10 * 2, "files of chunks with hidden states, and without");
    let bytes = |sandbox: &Sandbox| -> Vec<Vec<u8>> {
        sandbox.files("out").iter().map(|name| sandbox.read(&format!("out/{name}"))).collect()
    };
    let before = bytes(&sandbox);
    let again = sh(&sandbox, "run pipeline.yaml --out out").exits(0);
    assert!(bytes(&sandbox) == before, "a byte changed");
    assert_eq!(again.stdout.matches("skipped, unchanged").count(), 8, "{}", again.stdout);
    assert_eq!(chunks(&sandbox, "out", "infer"), marks);
    sh(&sandbox, "run pipeline.yaml --out other --threads 1").exits(0);
    assert_same(&sandbox, "out", "other");
}

fn rows_are_all_there(sandbox: &Sandbox) {
    let main = MANY + 2 * FEW;
    let of = |table: &str| rows(sandbox, "out", table);
    let questions = of("questions");
    let role = |role: &str| count(&questions, |row| row["role"] == role);
    assert_eq!((role("main"), role("probe_training")), (main, main));
    let datasets = of("datasets");
    let counts: Vec<(&str, u64, u64)> = datasets
        .iter()
        .map(|row| {
            let number = |key: &str| row[key].as_u64().unwrap();
            (row["dataset"].as_str().unwrap(), number("main"), number("probe_training"))
        })
        .collect();
    let (many, few) = (MANY as u64, FEW as u64);
    assert_eq!(counts, [("gsm8k", many, many), ("boolq", few, few), ("openbookqa", few, few)]);
    let generations = of("generations");
    let said = |model: &str, sample: bool| {
        count(&generations, |row| row["model"] == model && (row["sample_index"] != 0) == sample)
    };
    // Answers to main and to verbalized prompts, and to those of probe-training rows.
    assert_eq!((said("small", false), said("small", true)), (3 * main, SAMPLES * main));
    assert_eq!((said("large", false), said("large", true)), (main, 0));
    assert!(generations.iter().all(|row| row["failure"].is_null()));
    let with_follow_ups = |row: &Value| row["follow_ups"].as_array().is_some_and(|all| !all.is_empty());
    assert_eq!(count(&generations, with_follow_ups), main);
    let states = of("hidden_states");
    assert_eq!(states.len(), 2 * main);
    assert!(states.iter().all(|row| row["vector"].as_array().unwrap().len() == 16 && row["layer"] == -8));
    assert_eq!(of("labels").len(), 4 * main);
    assert_eq!(of("scores").len(), METHOD_NAMES.len() * main);
}

/// Every method has a confidence or a reason for each question.
fn confidences_or_reasons(sandbox: &Sandbox) {
    let main = MANY + 2 * FEW;
    let confidences = rows(sandbox, "out", "confidences");
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for method in METHOD_NAMES {
        let own: Vec<&Value> =
            confidences.iter().filter(|row| row["method"] == method && row["fold"].is_null()).collect();
        assert_eq!(own.len(), main, "{method}");
        for row in own {
            assert_ne!(row["confidence"].is_null(), row["missing_reason"].is_null(), "{row}");
            reasons.entry(method).or_default().extend(row["missing_reason"].as_str());
        }
    }
    let missing = |method: &str| reasons[method].len();
    for method in ["perplexity", "p_true", "jaccard_degree"] {
        assert_eq!(missing(method), 0, "{method}: {:?}", reasons[method]);
    }
    // One word is no answer with a confidence.
    assert_eq!(missing("verbalization_1s"), main, "{:?}", reasons["verbalization_1s"]);
    // GSM8K alone has enough rows for a probe, which then scores what is not GSM8K.
    assert_eq!(missing("trained_probe"), 2 * FEW, "{:?}", reasons["trained_probe"]);
    assert_eq!(missing("ood_probe"), MANY, "{:?}", reasons["ood_probe"]);
    assert!(reasons["ood_probe"].iter().all(|reason| *reason == reasons["ood_probe"][0]));
    let folds: Vec<&Value> = confidences.iter().filter(|row| !row["fold"].is_null()).collect();
    assert!(folds.iter().all(|row| row["method"] == "ood_probe"));
    assert_eq!(folds.len() % main, 0);
    let probes =
        sandbox.files("out").into_iter().filter(|name| name.starts_with("probes/")).collect::<Vec<_>>();
    assert_eq!(
        probes,
        ["probes/small--ood_probe.safetensors", "probes/small--trained_probe--gsm8k.safetensors"]
    );
}

fn a_thresholds_file(sandbox: &Sandbox) {
    const FILE: &str = "out/small--large.thresholds.json";
    sh(sandbox, &format!("thresholds validate {FILE}")).exits(0);
    let file = sandbox.json(FILE);
    for model in ["slm", "llm"] {
        for hash in ["weights_sha256", "tokenizer_sha256", "chat_template_sha256"] {
            assert_eq!(file[model][hash].as_str().unwrap().len(), 64, "{model} {hash}");
        }
    }
    assert_eq!((&file["slm"]["id"], &file["llm"]["id"]), (&"small".into(), &"large".into()));
    assert_ne!(file["slm"]["weights_sha256"], file["llm"]["weights_sha256"]);
    let mut methods: Vec<&str> =
        file["methods"].as_array().unwrap().iter().map(|method| method["id"].as_str().unwrap()).collect();
    let mut known = METHOD_NAMES.to_vec();
    methods.sort_unstable();
    known.sort_unstable();
    assert_eq!(methods, known);
}

fn the_overview_agrees_with_the_tables(sandbox: &Sandbox, overview: &Value) {
    let scores = rows(sandbox, "out", "scores");
    for row in overview["methods"].as_array().unwrap() {
        let own = |score: &Value| score["method"] == row["method"];
        assert_eq!(row["rows"], count(&scores, own));
        assert_eq!(row["missing"], count(&scores, |score| own(score) && score["confidence"].is_null()));
    }
    for (model, correct) in [("small", "slm_correct"), ("large", "llm_correct")] {
        let models = overview["models"].as_array().unwrap();
        let pool = models.iter().find(|row| row["dataset"] == "*" && row["model"] == model).unwrap();
        let own: Vec<&Value> = scores.iter().filter(|score| score["method"] == "perplexity").collect();
        let right = own.iter().filter(|score| score[correct] == true).count();
        assert_eq!(pool["rows"], own.len());
        assert_eq!(pool["accuracy"].as_f64().unwrap(), right as f64 / own.len() as f64);
        assert!(right > 0 && right < own.len(), "{model}: {right} of {}", own.len());
    }
}

/// Scores and thresholds are released, and no text: neither the benchmark's nor the models'.
fn a_release_without_texts(sandbox: &Sandbox) {
    let release = "release out --to released --omit-text";
    let first = document(sandbox, release);
    let files: Vec<&str> = first["files"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for there in
        ["README.md", "report.html", "manifest.json", "tables/scores.parquet", "tables/datasets.parquet"]
    {
        assert!(files.contains(&there) && sandbox.exists(&format!("released/{there}")), "{there}");
    }
    for left in ["questions", "generations", "labels", "hidden_states"] {
        assert!(!files.iter().any(|file| file.contains(left)), "{left}: {files:?}");
    }
    assert!(first["texts_searched"].as_u64().unwrap() > 100, "{first}");
    let card = String::from_utf8(sandbox.read("released/README.md")).unwrap();
    assert!(card.contains("path: \"tables/scores.parquet\"") && !card.contains("### `questions`"), "{card}");
    // Again, in place of the first; and without the search.
    assert_eq!(document(sandbox, release), first);
    let unsearched = document(sandbox, "release out --to unsearched");
    assert_eq!((&unsearched["files"], &unsearched["texts_searched"]), (&first["files"], &Value::from(0)));

    sandbox.write("own/notes.txt", "not a release");
    sh(sandbox, "release out --to own --omit-text").exits(2).says(["holds something else than a release"]);
    sh(sandbox, "release out --to out").exits(2);
    sh(sandbox, "release own --to other").exits(3).says(["is no finished run: its stage `draw` has not run"]);
    let report = sandbox.read("out/report.html");
    let question = rows(sandbox, "out", "questions")[0]["question"].as_str().unwrap().to_owned();
    sandbox.write("out/report.html", [report.as_slice(), question.as_bytes()].concat());
    sh(sandbox, release).exits(3).says(["report.html` is not what the run wrote"]);
    sandbox.write("out/report.html", report);
}
