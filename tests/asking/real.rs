//! Rows of real benchmarks and recordings of others, which are not in the repository: `PLIMSOLL_REAL_DATA` names the
//! folder that holds them.

use std::env;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::bench::{METHOD_NAMES, METHODS, Written, candle, dataset, document, ran, rows, sh, with_models};
use crate::harness::Sandbox;

fn folder() -> Option<PathBuf> {
    let folder = env::var_os("PLIMSOLL_REAL_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: PLIMSOLL_REAL_DATA is not set, so there are no real questions to ask");
    }
    folder
}

#[test]
fn real_questions_go_through_all_stages() {
    const ROWS: usize = 60;
    let Some(folder) = folder() else { return };
    let sandbox = with_models(2);
    let source = |name: &str| folder.join(name).display().to_string();
    let datasets = [
        dataset("gsm8k", &source("gsm8k/test.jsonl"), "test", ROWS),
        dataset("boolq", &source("boolq/dev.jsonl"), "validation", ROWS),
        dataset("openbookqa", &source("openbookqa/test.jsonl"), "test", ROWS),
    ];
    let pipeline = Written {
        max_new_tokens: 3,
        datasets: datasets.concat(),
        slms: candle("small"),
        llms: candle("large"),
        methods: METHODS.replace("layer: -8", "layer: -2"),
        more: "evaluation: {transfer: [leave_one_dataset_out], repeats: 1, bootstrap: 10}\n".to_owned(),
    };
    sandbox.write("pipeline.yaml", pipeline.text());
    let first = document(&sandbox, "run pipeline.yaml --out out");
    assert_eq!(ran(&first).len(), 8);
    let scores = rows(&sandbox, "out", "scores");
    assert_eq!(scores.len(), METHOD_NAMES.len() * 3 * ROWS);
    for method in ["average_token_probability", "perplexity", "p_true", "jaccard_degree"] {
        let scored = |row: &&Value| row["method"] == method && row["confidence"].is_number();
        assert!(scores.iter().filter(scored).count() > ROWS, "{method}");
    }
    let right = scores.iter().filter(|row| row["slm_correct"] == true).count();
    assert!(right > 0, "a model that says one of six words is right now and then");
    sh(&sandbox, "thresholds validate out/small--large.thresholds.json").exits(0);
    assert_eq!(ran(&document(&sandbox, "run pipeline.yaml --out out")), [""; 0]);
}

const TRIVIA: &str = "domain: factual
answer_kind: span
question: question
gold: answer
id: id
";

/// Lin's recordings: 20 samples of each question, and no greedy answer.
fn lin(folder: &Path) -> Sandbox {
    let sandbox = Sandbox::new();
    let file = folder.join("real_outputs/lin-triviaqa-samples/demo_data.jsonl").display().to_string();
    sandbox.write("trivia.yaml", TRIVIA);
    let pipeline = Written {
        datasets: format!("  - {{id: trivia, source: \"{file}\", split: all, mapping: trivia.yaml}}\n"),
        slms: format!(
            "  - id: lin\n    backend: replay\n    files: [{{path: \"{file}\", format: generations, questions: trivia/all/, \
             fields: {{question_id: id, samples: generations}}}}]\n"
        ),
        llms: " []\n".to_owned(),
        methods: " [jaccard_degree: {samples: 20, temperature: 1.0}]\n".to_owned(),
        ..Written::of_gsm8k(1)
    };
    sandbox.write("pipeline.yaml", pipeline.text().replace("llms:\n []", "llms: []"));
    sandbox
}

#[test]
fn real_recordings_become_generations() {
    let Some(folder) = folder() else { return };
    let sandbox = lin(&folder);
    document(&sandbox, "run pipeline.yaml --out out --until infer");
    let generations = rows(&sandbox, "out", "generations");
    let questions = rows(&sandbox, "out", "questions");
    let main = questions.iter().filter(|row| row["role"] == "main").count();
    assert!(main > 300, "{main}");
    assert_eq!(generations.len(), 21 * main);
    let (samples, greedy): (Vec<&Value>, Vec<&Value>) =
        generations.iter().partition(|row| row["sample_index"].as_u64() > Some(0));
    assert!(samples.iter().all(|row| row["text"].is_string()));
    assert!(greedy.iter().all(|row| row["failure"] == "not_recorded"));
}
