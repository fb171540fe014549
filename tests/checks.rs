//! `plimsoll thresholds check`: does a published file still hold on newly labelled rows?

use std::fmt::Write as _;
use std::path::Path;

use plimsoll_test_support::numbers::Numbers;
use serde_json::{Value, json};

use crate::harness::{Run, Sandbox};
use crate::real_data::logs;

const HEADER: &str = "question_id,dataset,slm,llm,method,confidence,slm_correct,llm_correct\n";
const FILE: &str = "out/small--large.thresholds.json";
const RISK: &str = "--method m --target selective_error=0.3:0.1";

/// Rows whose confidence is even in [0, 1] and whose answer is right with probability `right` of it.
fn table(seed: u64, rows: u32, right: impl Fn(f64) -> f64) -> String {
    let mut numbers = Numbers::new(seed);
    let mut table = HEADER.to_owned();
    for row in 0..rows {
        let confidence = numbers.unit();
        let slm = numbers.unit() < right(confidence);
        let llm = numbers.unit() < 0.9;
        writeln!(table, "{seed}-{row},d,small,large,m,{confidence:.6},{slm},{llm}").unwrap();
    }
    table
}

/// P(right) at a confidence: the confidence itself.
fn calibrated(confidence: f64) -> f64 {
    confidence
}

/// A folder in which a file was fitted on calibrated rows.
fn published() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("old.csv", table(1, 4000, calibrated));
    let fit =
        "fit --scores old.csv --fraction 0.9 --ratio 0.5 --accuracy 0.85 --risk selective_error:0.3:0.1";
    sandbox.sh(&format!("{fit} --bootstrap 20 --out out")).exits(0);
    sandbox
}

fn check(sandbox: &Sandbox, arguments: &str) -> Run {
    sandbox.sh(&format!("thresholds check {FILE} {arguments} --json"))
}

fn points(document: &Value) -> &Vec<Value> {
    document["methods"][0]["operating_points"].as_array().unwrap()
}

#[test]
fn rows_like_the_pools_hold() {
    let sandbox = published();
    sandbox.write("new.csv", table(2, 8000, calibrated));
    let document = check(&sandbox, "--scores new.csv --strict").exits(0).json();
    assert_eq!(document["status"], "holds", "{document}");
    assert_eq!((points(&document).len(), &document["methods"][0]["rows"]), (3, &json!(8000)));
    for point in points(&document) {
        // Confidences are even, so that a threshold t defers the share t, and 1 - (1 + t) / 2 of the kept is wrong.
        let ratio = point["routing_ratio"]["value"].as_f64().unwrap();
        let error = point["selective_error"]["value"].as_f64().unwrap();
        assert!((error - (1.0 - ratio) / 2.0).abs() < 0.03, "{point}");
    }
    let text = sandbox.sh(&format!("thresholds check {FILE} --scores new.csv")).exits(0);
    text.shows(["m: 8000 rows, 0 without a confidence", "holds", "with probability at least 0.95"]);
}

#[test]
fn other_rows_do_not_and_twenty_are_too_few() {
    let sandbox = published();
    // As sure as ever, and half as often right.
    sandbox.write("worse.csv", table(3, 2000, |confidence| confidence / 2.0));
    let run = check(&sandbox, &format!("--scores worse.csv {RISK}")).exits(5);
    assert_eq!(run.json()["status"], "does_not_hold");
    run.says(["does not hold: m/selective_error=0.3:0.1"]);
    // Confidences are as they were: the ratio holds.
    let ratio = "--method m --target routing_ratio=0.5";
    check(&sandbox, &format!("--scores worse.csv {ratio} --tolerance 0.1")).exits(0);

    sandbox.write("few.csv", table(4, 20, calibrated));
    let run = check(&sandbox, &format!("--scores few.csv {RISK}")).exits(0);
    let point = points(&run.json())[0].clone();
    assert_eq!(point["status"], "too_few_rows", "{point}");
    let needed = point["rows_needed"].as_u64();
    assert!(needed.is_none_or(|rows| rows > 20), "{point}");
    check(&sandbox, &format!("--scores few.csv {RISK} --strict")).exits(5).says(["too few rows: m/"]);
}

#[test]
fn a_decision_log_says_what_its_labels_say() {
    let sandbox = published();
    let threshold = sandbox.json(FILE)["methods"][0]["operating_points"]
        .as_array()
        .unwrap()
        .iter()
        .find(|point| point["id"] == "m/selective_error=0.3:0.1")
        .unwrap()["threshold"]
        .as_f64()
        .unwrap();
    // Of kept answers the label of the SLM is known, of deferred ones that of the LLM.
    let mut numbers = Numbers::new(5);
    let mut log = String::new();
    for _ in 0..4000 {
        let confidence = numbers.unit();
        let right = numbers.unit() < 0.5 + confidence / 2.0;
        let line = if confidence >= threshold {
            json!({"method": "m", "confidence": confidence, "route": "slm", "slm_correct": right, "ms": 12})
        } else {
            json!({"method": "m", "confidence": confidence, "route": "llm", "llm_correct": true})
        };
        writeln!(log, "{line}").unwrap();
    }
    sandbox.write("log.jsonl", &log);
    let document = check(&sandbox, &format!("--decisions log.jsonl {RISK}")).exits(0).json();
    let point = &points(&document)[0];
    assert_eq!((&point["status"], &point["unlabelled"]), (&json!("holds"), &json!(0)), "{point}");
    // Accuracy needs the label of the answer that was given, a gap those of both.
    assert!(point["accuracy"].is_object() && point["regret"].is_null(), "{point}");
    // A kept answer without a label: nothing is guessed.
    writeln!(log, "{}", json!({"method": "m", "confidence": 1.0, "route": "slm"})).unwrap();
    sandbox.write("log.jsonl", &log);
    let document = check(&sandbox, &format!("--decisions log.jsonl {RISK}")).exits(0).json();
    let point = &points(&document)[0];
    assert_eq!((&point["status"], &point["unlabelled"]), (&json!("too_few_rows"), &json!(1)), "{point}");
}

#[test]
fn bad_input_is_named() {
    let sandbox = published();
    sandbox.write("new.csv", table(2, 50, calibrated));
    let check = |arguments: &str| sandbox.sh(&format!("thresholds check {FILE} {arguments}"));
    check("").exits(2).says(["--scores"]);
    check("--scores new.csv --decisions log.jsonl").exits(2).says(["cannot be used with"]);
    check("--scores new.csv --target routing_ratio=0.5").exits(2).says(["--method"]);
    check("--scores new.csv --method other").exits(2).says(["no method `other`; it has: m"]);
    check("--scores new.csv --method m --target accuracy=0.5").exits(2).says(["no operating point"]);
    check("--scores new.csv --delta 0").exits(2).says(["greater than 0"]);
    check("--scores new.csv --tolerance nan").exits(2).says(["between 0 and 1"]);
    check("--scores none.csv").exits(3).says(["none.csv"]);
    check("--decisions none.jsonl").exits(3).says(["decision log", "none.jsonl"]);
    sandbox.write("other.csv", table(2, 50, calibrated).replace("small", "tiny"));
    check("--scores other.csv").exits(3).says(["is for small -> large", "scores of: tiny -> large"]);
    sandbox.write("method.csv", table(2, 50, calibrated).replace(",m,", ",n,"));
    check("--scores method.csv").exits(3).says(["no new row of method `m`", "rows of: n"]);
    sandbox.write("log.jsonl", "{\"method\": \"m\", \"confidence\": 2, \"route\": \"slm\"}\n");
    check("--decisions log.jsonl").exits(3).says(["log.jsonl", "line 1: confidence 2"]);
    sandbox.write("log.jsonl", "{\"method\": \"n\", \"confidence\": 1, \"route\": \"slm\"}\n");
    check("--decisions log.jsonl").exits(3).says(["a decision by `n`"]);
}

/// Graded answers of Llama 3 8B, with those of Llama 3 70B beside them, every other line from `first`.
fn real_rows(folder: &Path, datasets: &[&str], first: usize) -> Vec<String> {
    let read = |dataset: &str, model: &str| {
        let path = folder.join(format!("{dataset}__{model}__first_prompt__norm.txt"));
        std::fs::read_to_string(path).unwrap()
    };
    let mut rows = Vec::new();
    for dataset in datasets {
        let (small, large) = (read(dataset, "Llama3-8b"), read(dataset, "Llama3-70b"));
        for (number, (small, large)) in small.lines().zip(large.lines()).enumerate().skip(1) {
            let (grade, confidence) = small.split_once(' ').unwrap();
            // An answer that could not be read has no confidence.
            let confidence = if grade == "Unparseable" { "" } else { confidence };
            let (slm, llm) = (grade == "Correct", large.starts_with("Correct"));
            if number % 2 == first {
                rows.push(format!("{number},{dataset},small,large,m,{confidence},{slm},{llm}\n"));
            }
        }
    }
    rows
}

#[test]
fn real_outputs_of_the_same_datasets_of_another_and_of_twenty_questions() {
    let Some(folder) = logs("plaut-mcq-confidence") else { return };
    let fitted = ["arc", "hellaswag", "mmlu"];
    let sandbox = Sandbox::new();
    let write = |name: &str, rows: &[String]| sandbox.write(name, HEADER.to_owned() + &rows.concat());
    write("old.csv", &real_rows(&folder, &fitted, 0));
    let same = real_rows(&folder, &fitted, 1);
    write("same.csv", &same);
    write("twenty.csv", &same[..20]);
    write("fourth.csv", &real_rows(&folder, &["winogrande"], 1));
    let fit = "fit --scores old.csv --fraction 1 --ratio 0.5 --risk selective_error:0.2:0.1 --out out";
    sandbox.sh(fit).exits(0);

    let holds = check(&sandbox, "--scores same.csv --strict").exits(0).json();
    let fails = check(&sandbox, "--scores fourth.csv").exits(5).json();
    let open = check(&sandbox, "--scores twenty.csv").exits(0).json();
    for document in [&holds, &fails, &open] {
        for point in points(document) {
            println!(
                "{}: {} of {} rows: {} (rows needed: {})",
                point["id"], point["tested"], point["rows_tested"], point["status"], point["rows_needed"]
            );
        }
    }
    for (document, status) in [(&holds, "holds"), (&fails, "does_not_hold"), (&open, "too_few_rows")] {
        assert_eq!(document["status"], status);
        assert!(points(document).iter().all(|point| point["status"] == status), "{document}");
    }
}
