//! What a changed pipeline does again, and what it does not.

use serde_json::{Value, json};

use super::bench::{
    Written, assert_same, candle, chunks, document, gsm8k, policy, ran, rows, sh, with_models,
};
use crate::harness::Sandbox;
use crate::made_model::write_talker;

const ROWS: usize = 24;

fn write(sandbox: &Sandbox, methods: &str, odd: &str) {
    let pipeline = Written {
        methods: methods.to_owned(),
        more: format!("labels: {{grading: {{policy: {}}}}}\n", policy(odd, "exact_match")),
        ..Written::of_gsm8k(ROWS)
    };
    sandbox.write("pipeline.yaml", pipeline.text());
}

fn ready(methods: &str) -> Sandbox {
    let sandbox = with_models(2);
    sandbox.write("gsm8k.jsonl", gsm8k(60));
    write(&sandbox, methods, "ungraded");
    sandbox
}

fn run(sandbox: &Sandbox) -> Value {
    document(sandbox, "run pipeline.yaml --out out")
}

const ONE: &str = " [average_token_probability]\n";
const TWO: &str = " [average_token_probability, perplexity]\n";
const SAMPLED: &str = " [average_token_probability, jaccard_degree: {samples: 2, temperature: 1.0}]\n";

/// What runs where the answers are the same and their scores are not.
const SCORED: [&str; 5] = ["score", "draw", "fit", "evaluate", "report"];

#[test]
fn another_policy_grades_anew_and_asks_nobody() {
    let sandbox = ready(ONE);
    let first = run(&sandbox);
    // One chunk of each model.
    assert_eq!(first["inference"], json!({"chunks_answered": 2, "chunks_kept": 0}));
    let (marks, generations) = (chunks(&sandbox, "out", "infer"), rows(&sandbox, "out", "generations"));
    let ungraded = || rows(&sandbox, "out", "labels").iter().filter(|row| row["correct"].is_null()).count();
    let before = ungraded();
    assert!(before > 0, "some answers are no numbers");
    write(&sandbox, ONE, "wrong");
    let second = run(&sandbox);
    assert_eq!(ran(&second), ["label", "score", "draw", "fit", "evaluate", "report"]);
    assert_eq!(second["inference"], Value::Null);
    assert_eq!(ungraded(), 0);
    assert_eq!(chunks(&sandbox, "out", "infer"), marks);
    assert_eq!(rows(&sandbox, "out", "generations"), generations);
    // As if it had always been graded so.
    document(&sandbox, "run pipeline.yaml --out fresh");
    assert_same(&sandbox, "out", "fresh");
}

#[test]
fn a_method_that_needs_nothing_new_is_scored_without_asking() {
    let sandbox = ready(ONE);
    run(&sandbox);
    let marks = chunks(&sandbox, "out", "infer");
    let methods = |sandbox: &Sandbox| {
        let mut names: Vec<String> = rows(sandbox, "out", "scores")
            .iter()
            .map(|row| row["method"].as_str().unwrap().to_owned())
            .collect();
        names.dedup();
        names
    };
    write(&sandbox, TWO, "ungraded");
    let added = run(&sandbox);
    // The log-probs that it needs are observed already: not even the stage runs.
    assert_eq!(added["inference"], Value::Null);
    assert_eq!(ran(&added), SCORED);
    assert_eq!(methods(&sandbox), ["average_token_probability", "perplexity"]);
    assert_eq!(rows(&sandbox, "out", "scores").len(), 2 * ROWS);
    write(&sandbox, " [perplexity]\n", "ungraded");
    let removed = run(&sandbox);
    assert_eq!(removed["inference"], Value::Null);
    assert_eq!(ran(&removed), SCORED);
    assert_eq!(methods(&sandbox), ["perplexity"]);
    assert_eq!(chunks(&sandbox, "out", "infer"), marks);
}

#[test]
fn a_method_that_needs_more_asks_anew_and_one_that_needs_less_does_not() {
    let sandbox = ready(ONE);
    run(&sandbox);
    let answers = |sandbox: &Sandbox| -> Vec<Value> {
        let generations = rows(sandbox, "out", "generations");
        generations
            .into_iter()
            .filter(|row| row["sample_index"] == 0)
            .map(|row| row["text"].clone())
            .collect()
    };
    let greedy = answers(&sandbox);
    write(&sandbox, SAMPLED, "ungraded");
    let more = run(&sandbox);
    // The large model is not sampled.
    assert_eq!(more["inference"], json!({"chunks_answered": 1, "chunks_kept": 1}));
    assert_eq!(rows(&sandbox, "out", "generations").len(), (1 + 2 + 1) * ROWS);
    assert_eq!(answers(&sandbox), greedy);
    let marks = chunks(&sandbox, "out", "infer");
    write(&sandbox, ONE, "ungraded");
    let less = run(&sandbox);
    assert_eq!(less["inference"], json!({"chunks_answered": 0, "chunks_kept": 2}));
    assert_eq!(chunks(&sandbox, "out", "infer"), marks);
}

#[test]
fn a_chunk_that_is_damaged_is_answered_again() {
    let sandbox = ready(ONE);
    run(&sandbox);
    document(&sandbox, "run pipeline.yaml --out fresh");
    let marks = chunks(&sandbox, "out", "infer");
    let (table, _, _) = marks.iter().find(|(name, _, _)| name.ends_with("generations.parquet")).unwrap();
    let bytes = sandbox.read(table);
    sandbox.write(table, &bytes[..bytes.len() / 2]);
    let again = run(&sandbox);
    assert_eq!(again["inference"], json!({"chunks_answered": 1, "chunks_kept": 1}));
    assert_same(&sandbox, "out", "fresh");
}

/// What is computed in batches of other shapes differs in the last bits of its log-probabilities and in nothing else.
#[test]
fn how_much_is_worked_on_at_once_leaves_hardly_a_trace_in_the_answers() {
    /// Absolute, of a log-probability.
    const SAME: f64 = 1e-5;
    let sandbox = ready(SAMPLED);
    run(&sandbox);
    document(&sandbox, "run pipeline.yaml --out few --until infer --set inference.sequences=3 --threads 1");
    let (few, many) = (rows(&sandbox, "few", "generations"), rows(&sandbox, "out", "generations"));
    assert_eq!(few.len(), many.len());
    let logprobs = |row: &Value| -> Vec<Option<f64>> {
        let tokens = row["tokens"].as_array().into_iter().flatten();
        tokens.map(|token| token["logprob"].as_f64()).collect()
    };
    for (a, b) in few.iter().zip(&many) {
        for key in ["question_id", "model", "sample_index", "text", "finish_reason", "prompt_tokens"] {
            assert_eq!(a[key], b[key], "{key} of {a} and {b}");
        }
        let (a, b) = (logprobs(a), logprobs(b));
        assert_eq!(a.len(), b.len());
        let same = |(a, b): (&Option<f64>, &Option<f64>)| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() <= SAME,
            _ => a == b,
        };
        assert!(a.iter().zip(&b).all(same), "{a:?} {b:?}");
    }
}

#[test]
fn without_a_large_model_there_are_thresholds_too() {
    let sandbox = ready(ONE);
    let pipeline = String::from_utf8(sandbox.read("pipeline.yaml")).unwrap();
    sandbox.write("pipeline.yaml", pipeline.replace(&candle("large"), "").replace("llms:\n", "llms: []\n"));
    run(&sandbox);
    let files = sandbox.files("out");
    let files: Vec<&String> = files.iter().filter(|name| name.ends_with(".thresholds.json")).collect();
    assert_eq!(files.len(), 1);
    sh(&sandbox, &format!("thresholds validate out/{}", files[0])).exits(0);
    let file = sandbox.json(&format!("out/{}", files[0]));
    assert_eq!((&file["slm"]["id"], &file["llm"]), (&json!("small"), &Value::Null));
    let scores = rows(&sandbox, "out", "scores");
    assert!(scores.len() == ROWS && scores.iter().all(|row| row["llm_correct"].is_null()));
}

#[test]
fn two_small_and_two_large_models_make_four_pairs() {
    let sandbox = ready(ONE);
    write_talker(&sandbox, "tiny", 1, 3);
    write_talker(&sandbox, "huge", 1, 4);
    let pipeline = Written {
        slms: format!("{}{}", candle("small"), candle("tiny")),
        llms: format!("{}{}", candle("large"), candle("huge")),
        ..Written::of_gsm8k(ROWS)
    };
    sandbox.write("pipeline.yaml", pipeline.text());
    let document = run(&sandbox);
    assert_eq!(document["inference"], json!({"chunks_answered": 4, "chunks_kept": 0}));
    for slm in ["small", "tiny"] {
        for llm in ["large", "huge"] {
            let file = format!("out/{slm}--{llm}.thresholds.json");
            sh(&sandbox, &format!("thresholds validate {file}")).exits(0);
            let file = sandbox.json(&file);
            assert_eq!((&file["slm"]["id"], &file["llm"]["id"]), (&json!(slm), &json!(llm)));
        }
    }
    assert_eq!(rows(&sandbox, "out", "scores").len(), 4 * ROWS);
    assert_eq!(rows(&sandbox, "out", "confidences").len(), 2 * ROWS);
}

/// Ids may hold characters that names of files may not.
#[test]
fn models_whose_files_would_have_one_name_are_not_mixed_up() {
    let sandbox = ready(ONE);
    let pipeline = Written {
        slms: [("a/b", "small"), ("a_b", "large")]
            .map(|(id, folder)| format!("  - {{id: {id}, backend: candle, source: {folder}, dtype: f32}}\n"))
            .concat(),
        ..Written::of_gsm8k(ROWS)
    };
    sandbox.write("pipeline.yaml", pipeline.text());
    sh(&sandbox, "run pipeline.yaml --out out").exits(2).says(["a/b", "a_b", "rename one"]);
    assert!(!sandbox.exists("out"), "nobody is asked");
}
