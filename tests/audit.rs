//! `plimsoll audit`: what answers bound, on the command line.

use std::fmt::Write as _;

use serde_json::Value;

use crate::harness::Sandbox;

/// Rows of numbers whose answers differ where `differs` says so; the confidence falls with the row.
fn answers(rows: u32, differs: impl Fn(u32) -> bool) -> String {
    let mut table = "id,dataset,confidence,slm_answer,llm_answer\n".to_owned();
    for row in 0..rows {
        let confidence = 1.0 - f64::from(row) / f64::from(rows);
        let other = if differs(row) { row + 1 } else { row };
        writeln!(table, "q{row},gsm8k,{confidence},The answer is {row}.,#### {other}").unwrap();
    }
    table
}

fn audit(table: &str, arguments: &str) -> Value {
    let sandbox = Sandbox::new();
    sandbox.write("answers.csv", table);
    let document = sandbox.sh(&format!("audit --answers answers.csv {arguments} --json")).exits(0).json();
    document["methods"][0].clone()
}

#[test]
fn the_threshold_keeps_what_agrees() {
    // The models differ on the less confident half.
    let method = audit(&answers(600, |row| row >= 300), "--alpha 0.1 --delta 0.1");
    assert_eq!((&method["status"], &method["questions"]), (&"certified".into(), &600.into()));
    assert_eq!(method["differing"], 0.5);
    let (threshold, ratio) =
        (method["threshold"].as_f64().unwrap(), method["routing_ratio"].as_f64().unwrap());
    // What is kept beyond the half differs: at most 0.1 of all, and at least some of it.
    assert!((0.4..=0.5).contains(&threshold), "{threshold}");
    assert!((ratio - threshold).abs() < 1.5 / 600.0, "confidences are even: {ratio} {threshold}");
    let guarantee = &method["guarantee"];
    let (trials, losses) = (guarantee["trials"].as_f64().unwrap(), guarantee["losses"].as_f64().unwrap());
    assert!((300.0..=500.0).contains(&trials) && losses < 0.1 * trials, "{guarantee}");
    assert!(guarantee["p_value"].as_f64().unwrap() <= 0.1);
}

#[test]
fn nothing_differs_everything_differs_and_too_few() {
    let none = audit(&answers(200, |_| false), "--alpha 0.05 --delta 0.1");
    assert!(none["threshold"].as_f64().unwrap() < 0.1 && none["routing_ratio"].as_f64().unwrap() < 0.1);
    let all = audit(&answers(200, |_| true), "--alpha 0.05 --delta 0.1");
    // All that is kept differs: at most alpha of the questions.
    assert!(all["routing_ratio"].as_f64().unwrap() >= 0.95, "{all}");
    let few = audit(&answers(20, |_| false), "--alpha 0.05 --delta 0.1");
    assert_eq!((&few["status"], &few["threshold"]), (&"infeasible".into(), &Value::Null));
    // 45 tested questions, of which 0.95^45 < 0.1, and a third besides.
    assert_eq!(few["infeasible"]["rows_pool_needed"], 68);
    let sizes = Sandbox::new().sh("sample-size --alpha 0.05 --delta 0.1 --json").exits(0).json();
    assert_eq!(sizes["audit_questions"], 68);
}

#[test]
fn several_methods_are_told_apart_with_a_note() {
    let sandbox = Sandbox::new();
    let rows = (0..90).map(|row| {
        let line = |method: &str, confidence: &str| {
            format!("q{row},{method},{confidence},yes,{}\n", if row % 3 == 0 { "Yes." } else { "no" })
        };
        line("first", "0.5") + &line("second", "")
    });
    let table: String =
        std::iter::once("id,method,confidence,slm_answer,llm_answer\n".to_owned()).chain(rows).collect();
    sandbox.write("answers.csv", table);
    let command = "audit --answers answers.csv --alpha 0.1 --delta 0.1";
    sandbox.sh(command).exits(3).says(["line 2: nothing says how its answers are compared", "--answer-kind"]);
    sandbox.sh(&format!("{command} --answer-kind word")).exits(2).says(["choice, number, boolean, span"]);
    let run =
        sandbox.sh(&format!("{command} --answer-kind boolean")).exits(0).says(["delta was divided by 2"]);
    run.shows([
        "first: 90 questions, 0 without a confidence; answers differ on 0.6667",
        "second: 90 questions, 90 without a confidence",
        "certified only if every question is deferred",
    ]);
}

#[test]
fn bad_tables_and_bad_bounds_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("answers.csv", "confidence,slm_answer,llm_answer\n0.5,a,a\nNaN,b,b\n");
    let command = "audit --answers answers.csv --answer-kind span --delta 0.1";
    sandbox.sh(&format!("{command} --alpha 0.1")).exits(3).says(["answers.csv", "line 3: confidence NaN"]);
    sandbox.sh(&format!("{command} --alpha 0")).exits(2).says(["greater than 0"]);
    sandbox.sh("audit --answers none.csv --alpha 0.1 --delta 0.1").exits(3).says(["none.csv"]);
}
