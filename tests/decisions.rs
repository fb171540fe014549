//! `plimsoll thresholds decide`.

use serde_json::{Value, json};

use crate::fixture::{FITTED, fitted};
use crate::harness::{Sandbox, repository};

const ARGUMENTS: &str = "thresholds decide out/small--large.thresholds.json --method good --target";

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn one_line_for_each() {
    let sandbox = fitted("--ratio 0.3");
    let threshold = sandbox.json(FITTED)["methods"][0]["operating_points"][0]["threshold"].as_f64().unwrap();
    let below = f64::from_bits(threshold.to_bits() - 1);
    let input = format!(
        "{{\"confidence\": {threshold}}}\n{{\"confidence\":{below}, \"id\": 7}}\r\n{{\"confidence\": null}}\n{{\"confidence\": 1}}"
    );
    let run = sandbox.feed(&format!("{ARGUMENTS} routing_ratio=0.3"), input.as_bytes()).exits(0);
    let id = "good/routing_ratio=0.3";
    assert_eq!(
        lines(&run.stdout),
        [
            json!({"route": "slm", "reason": "at_or_above", "threshold_id": id}),
            json!({"route": "llm", "reason": "below", "threshold_id": id}),
            json!({"route": "llm", "reason": "missing", "threshold_id": id}),
            json!({"route": "slm", "reason": "at_or_above", "threshold_id": id}),
        ]
    );
    assert_eq!(sandbox.feed(&format!("{ARGUMENTS} routing_ratio=0.3"), b"").exits(0).stdout, "");
}

#[test]
fn a_bad_line_ends_it_and_the_lines_before_are_answered() {
    let sandbox = fitted("--ratio 0.3");
    for (bad, message) in [
        ("{}", "missing field `confidence`"),
        ("{\"confidance\": 0.5}", "missing field `confidence`"),
        ("{\"confidence\": 1.5}", "not a finite number in [0, 1]"),
        ("{\"confidence\": -0.0001}", "not a finite number in [0, 1]"),
        ("{\"confidence\": \"0.5\"}", "invalid type"),
        ("{\"confidence\": NaN}", "at column"),
        ("not json", "at column"),
        ("", "is empty"),
    ] {
        let input =
            format!("{{\"confidence\": 0.9}}\n{{\"confidence\": 0.1}}\n{bad}\n{{\"confidence\": 0.9}}\n");
        let run = sandbox.feed(&format!("{ARGUMENTS} routing_ratio=0.3"), input.as_bytes()).exits(3);
        assert_eq!(lines(&run.stdout).len(), 2, "{bad}");
        run.says(["line 3 of standard input", message]);
    }
}

#[test]
fn what_the_file_does_not_have_is_named() {
    let sandbox = fitted("--ratio 0.3 --risk selective_error:0.001:0.001");
    let decide = |method: &str, target: &str| {
        sandbox.feed(&format!("thresholds decide {FITTED} --method {method} --target {target}"), b"")
    };
    decide("other", "routing_ratio=0.3").exits(2).says(["no method `other`; it has: good, noise"]);
    decide("good", "routing_ratio=0.4")
        .exits(2)
        .says(["no operating point `routing_ratio=0.4`", "routing_ratio=0.3"]);
    decide("good", "selective_error=0.001:0.001").exits(2).says(["its status is infeasible"]);
    decide("good", "ratio=0.3").exits(2).says(["no such target"]);
    decide("good", "routing_ratio=2").exits(2).says(["must be in [0, 1]"]);
}

/// The vectors that other runtimes are held to.
#[test]
fn the_program_passes_the_conformance_vectors() {
    let sandbox = Sandbox::new();
    let folder = repository().join("schemas/conformance");
    let vectors: Value = serde_json::from_slice(&std::fs::read(folder.join("decide.json")).unwrap()).unwrap();
    let file = folder.join(vectors["thresholds"].as_str().unwrap());
    for case in vectors["cases"].as_array().unwrap() {
        let (method, target) = case["threshold_id"].as_str().unwrap().split_once('/').unwrap();
        let arguments = format!("thresholds decide {} --method {method} --target {target}", file.display());
        let run =
            sandbox.feed(&arguments, format!("{}\n", json!({"confidence": case["confidence"]})).as_bytes());
        let answer = &lines(&run.exits(0).stdout)[0];
        assert_eq!((&answer["route"], &answer["reason"]), (&case["route"], &case["reason"]), "{case}");
    }
}
