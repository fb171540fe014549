//! What a changed plan does again, and what it does not.

use serde_json::{Value, json};

use super::bench::{Written, assert_same, chunks, document, gsm8k, policy, ran, rows, with_models};
use crate::harness::Sandbox;

const ROWS: usize = 24;

fn write(sandbox: &Sandbox, methods: &str, odd: &str) {
    let plan = Written {
        methods: methods.to_owned(),
        more: format!("labels: {{grading: {{policy: {}}}}}\n", policy(odd, "exact_match")),
        ..Written::of_gsm8k(ROWS)
    };
    sandbox.write("plan.yaml", plan.text());
}

fn ready(methods: &str) -> Sandbox {
    let sandbox = with_models(2);
    sandbox.write("gsm8k.jsonl", gsm8k(60));
    write(&sandbox, methods, "ungraded");
    sandbox
}

fn run(sandbox: &Sandbox) -> Value {
    document(sandbox, "run plan.yaml --out out")
}

const ONE: &str = " [average_token_probability]\n";
const TWO: &str = " [average_token_probability, perplexity]\n";
const SAMPLED: &str = " [average_token_probability, jaccard_degree: {samples: 2, temperature: 1.0}]\n";

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
    document(&sandbox, "run plan.yaml --out fresh");
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
    assert!(added["inference"]["chunks_answered"].as_u64().unwrap_or(0) == 0, "{}", added["inference"]);
    assert!(ran(&added).contains(&"score".to_owned()));
    assert_eq!(methods(&sandbox), ["average_token_probability", "perplexity"]);
    assert_eq!(rows(&sandbox, "out", "scores").len(), 2 * ROWS);
    write(&sandbox, " [perplexity]\n", "ungraded");
    let removed = run(&sandbox);
    assert!(removed["inference"]["chunks_answered"].as_u64().unwrap_or(0) == 0, "{}", removed["inference"]);
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
    document(&sandbox, "run plan.yaml --out fresh");
    let marks = chunks(&sandbox, "out", "infer");
    let (table, _, _) = marks.iter().find(|(name, _, _)| name.ends_with("generations.parquet")).unwrap();
    let bytes = sandbox.read(table);
    sandbox.write(table, &bytes[..bytes.len() / 2]);
    let again = run(&sandbox);
    assert_eq!(again["inference"], json!({"chunks_answered": 1, "chunks_kept": 1}));
    assert_same(&sandbox, "out", "fresh");
}
