//! Models whose answers were recorded before.

use serde_json::{Value, json};

use super::bench::{Written, count, document, gsm8k, policy, rows, sh};
use crate::harness::Sandbox;

const MAIN: usize = 30;

const SLMS: &str = "  - id: small
    backend: replay
    files: [{path: recorded/small.jsonl, format: generations}]
    recorded_as: meta/small
    price: {input_per_mtok: 1.0, output_per_mtok: 2.0}
";
const LLMS: &str = "  - id: large
    backend: replay
    files: [{path: recorded/large.jsonl, format: generations, questions: gsm8k/test/, fields: {question_id: doc, text: said}}]
";

fn recorded() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("gsm8k.jsonl", gsm8k(60));
    let pipeline = Written {
        slms: SLMS.to_owned(),
        llms: LLMS.to_owned(),
        methods: " [average_token_probability, perplexity, jaccard_degree: {samples: 2, temperature: 1.0}, verbalization_2s]\n"
            .to_owned(),
        more: format!("labels: {{grading: {{policy: {}}}}}\n", policy("wrong", "exact_match")),
        ..Written::of_gsm8k(MAIN)
    };
    sandbox.write("pipeline.yaml", pipeline.text());
    // Recordings of two models in one file; the second question has none.
    let (mut small, mut large) = (String::new(), String::new());
    for row in (0..60).filter(|row| *row % 10 != 1) {
        let word = if row % 2 == 0 { "1" } else { "2" };
        let line = |model: &str, logprob: f64| {
            json!({"model": model, "question_id": format!("gsm8k/test/{row}"), "text": word, "tokens": [word],
                "logprobs": [logprob], "samples": [word, "1"]})
        };
        small.push_str(&format!(
            "{}\n{}\n",
            line("meta/small", -0.01 * f64::from(row + 1)),
            line("other", -9.0)
        ));
        large.push_str(&format!("{}\n", json!({"doc": row, "said": "1"})));
    }
    sandbox.write("recorded/small.jsonl", small);
    sandbox.write("recorded/large.jsonl", large);
    sandbox
}

#[test]
fn recordings_become_generations_and_then_thresholds() {
    let sandbox = recorded();
    let until = document(&sandbox, "run pipeline.yaml --out out --until infer");
    assert_eq!(until["stages"].as_array().unwrap().len(), 2);
    let generations = rows(&sandbox, "out", "generations");
    let row_of = |row: &Value| -> usize {
        row["question_id"].as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap()
    };
    let small: Vec<&Value> = generations.iter().filter(|row| row["model"] == "small").collect();
    let large: Vec<&Value> = generations.iter().filter(|row| row["model"] == "large").collect();
    assert_eq!((small.len(), large.len()), (3 * MAIN, MAIN));
    for row in &small {
        if row_of(row) % 10 == 1 {
            assert_eq!((&row["text"], &row["failure"]), (&Value::Null, &json!("not_recorded")));
        } else if row["sample_index"] == 0 {
            let logprob = row["tokens"][0]["logprob"].as_f64().unwrap();
            assert!((logprob + 0.01 * (row_of(row) + 1) as f64).abs() < 1e-6, "{row}");
        }
    }
    assert!(large.iter().all(|row| row["text"] == "1" || row_of(row) % 10 == 1));
    let absent = count(&generations, |row| row["model"] == "large" && row["failure"] == "not_recorded");
    assert!(absent > 0);

    sh(&sandbox, "run pipeline.yaml --out out").exits(0).shows(["infer     skipped, unchanged"]);
    sh(&sandbox, "thresholds validate out/small--large.thresholds.json").exits(0);
    let confidences = rows(&sandbox, "out", "confidences");
    for method in ["average_token_probability", "perplexity"] {
        let own: Vec<&Value> = confidences.iter().filter(|row| row["method"] == method).collect();
        assert_eq!(own.len(), MAIN);
        for row in own {
            let number = row_of(row);
            match row["confidence"].as_f64() {
                Some(confidence) => {
                    let expected = (-0.01 * (number + 1) as f64).exp();
                    assert!((confidence - expected).abs() < 1e-6, "{row}");
                }
                None => assert_eq!(number % 10, 1, "{row}"),
            }
        }
    }
    let jaccard = |row: &Value| row["method"] == "jaccard_degree" && row["confidence"].is_number();
    assert_eq!(count(&confidences, jaccard), MAIN - absent);
    let asked = |row: &Value| row["method"] == "verbalization_2s";
    assert_eq!(count(&confidences, |row| asked(row) && row["confidence"].is_null()), MAIN);
    assert_eq!(sandbox.json("out/small--large.thresholds.json")["slm"]["revision"], "meta/small");
}

#[test]
fn a_recording_that_changes_is_read_again_and_one_that_is_damaged_is_named() {
    let sandbox = recorded();
    document(&sandbox, "run pipeline.yaml --out out --until infer");
    let text = String::from_utf8(sandbox.read("recorded/large.jsonl")).unwrap();
    sandbox.write("recorded/large.jsonl", text.replace("\"said\":\"1\"", "\"said\":\"2\""));
    let again = document(&sandbox, "run pipeline.yaml --out out --until infer");
    assert_eq!(again["inference"], json!({"chunks_answered": 1, "chunks_kept": 1}));
    let generations = rows(&sandbox, "out", "generations");
    assert!(count(&generations, |row| row["model"] == "large" && row["text"] == "2") > 0);
    sandbox.write("recorded/large.jsonl", format!("{text}{{\"doc\":\n"));
    sh(&sandbox, "run pipeline.yaml --out out --until infer").exits(3).says([
        "model `large`",
        "large.jsonl",
        "line 55",
    ]);
    std::fs::remove_file(sandbox.path("recorded/large.jsonl")).unwrap();
    sh(&sandbox, "run pipeline.yaml --out out --until infer").exits(3).says(["model `large`", "large.jsonl"]);
}
