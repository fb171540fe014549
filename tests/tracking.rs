//! `plimsoll thresholds decide --track` and `plimsoll adapt`: as the vectors say, and with files that are bad.

use std::fmt::Write as _;

use plimsoll_router::Thresholds;
use plimsoll_router::conformance::{example_thresholds, vectors};
use serde_json::{Value, json};

use crate::harness::Sandbox;

const DECIDE: &str = "thresholds decide example.json --method perplexity --target routing_ratio=0.3";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("example.json", example_thresholds().to_json().unwrap());
    sandbox
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The steps of the vectors' sequence without a certificate.
fn steps() -> Vec<Value> {
    let (_, vectors) = vectors().into_iter().find(|(name, _)| *name == "tracker.json").unwrap();
    vectors["sequences"][0]["steps"].as_array().unwrap().clone()
}

fn input(steps: &[Value]) -> String {
    let line = |step: &Value| json!({"id": step["id"], "confidence": step["confidence"]});
    steps.iter().map(|step| format!("{}\n", line(step))).collect()
}

#[test]
fn the_command_decides_as_the_vectors_say_to_the_last_bit() {
    let (sandbox, steps) = (sandbox(), steps());
    sandbox.write("in.jsonl", input(&steps));
    let run = sandbox.feed(&format!("{DECIDE} --track"), &sandbox.read("in.jsonl")).exits(0);
    let found = lines(&run.stdout);
    assert_eq!(found.len(), steps.len());
    for (found, step) in found.iter().zip(&steps) {
        for key in ["route", "reason", "z", "u", "t"] {
            assert_eq!(found[key], step[key], "{key} of {}", step["id"]);
        }
        assert_eq!(found["threshold_id"], "perplexity/routing_ratio=0.3");
    }
}

#[test]
fn a_stream_in_pieces_with_a_state_is_the_whole_stream() {
    let (sandbox, steps) = (sandbox(), steps());
    let mut pieces = String::new();
    for piece in steps.chunks(37) {
        sandbox.write("in.jsonl", input(piece));
        let run = sandbox
            .feed(&format!("{DECIDE} --track --state tracker.json"), &sandbox.read("in.jsonl"))
            .exits(0);
        pieces.push_str(&run.stdout);
    }
    for (found, step) in lines(&pieces).iter().zip(&steps) {
        assert_eq!((&found["t"], &found["route"]), (&step["t"], &step["route"]), "{}", step["id"]);
    }
    let state: Value = serde_json::from_slice(&sandbox.read("tracker.json")).unwrap();
    assert_eq!(state["state"]["n"], steps.len());
    // What a bad line came after is counted and kept.
    sandbox.write("in.jsonl", "{\"id\": \"a\", \"confidence\": 0.5}\n{\"id\": \"b\", \"confidence\": 7}\n");
    let run =
        sandbox.feed(&format!("{DECIDE} --track --state tracker.json"), &sandbox.read("in.jsonl")).exits(3);
    run.says(["line 2", "not a finite number in [0, 1]"]);
    let state: Value = serde_json::from_slice(&sandbox.read("tracker.json")).unwrap();
    assert_eq!(state["state"]["n"], steps.len() + 1);
}

#[test]
fn ids_that_repeat_are_decided_and_counted_twice_and_a_clock_is_not_read() {
    let sandbox = sandbox();
    let line = "{\"id\": \"a\", \"confidence\": 0.5, \"time\": \"2026-02-30T25:61:00Z\"}\n";
    sandbox.write("in.jsonl", line.repeat(3));
    let run =
        sandbox.feed(&format!("{DECIDE} --track --state tracker.json"), &sandbox.read("in.jsonl")).exits(0);
    let found = lines(&run.stdout);
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|line| (&line["z"], &line["u"]) == (&found[0]["z"], &found[0]["u"])));
    assert_ne!(found[0]["t"], found[1]["t"], "the threshold has moved on");
    let state: Value = serde_json::from_slice(&sandbox.read("tracker.json")).unwrap();
    assert_eq!(state["state"]["n"], 3);
}

#[test]
fn states_of_others_and_options_without_track_are_refused() {
    let sandbox = sandbox();
    sandbox.write("in.jsonl", "{\"id\": \"a\", \"confidence\": 0.5}\n");
    sandbox.feed(&format!("{DECIDE} --horizon 50"), &sandbox.read("in.jsonl")).exits(2).says(["--track"]);
    sandbox
        .feed(&format!("{DECIDE} --track --horizon 0.5"), &sandbox.read("in.jsonl"))
        .exits(2)
        .says(["at least 1"]);
    sandbox.feed(&format!("{DECIDE} --track --state tracker.json"), &sandbox.read("in.jsonl")).exits(0);
    let other = DECIDE.replace("routing_ratio=0.3", "routing_ratio=0.7");
    let run =
        sandbox.feed(&format!("{other} --track --state tracker.json"), &sandbox.read("in.jsonl")).exits(3);
    run.says(["cannot go on from `tracker.json`", "threshold_id", "begin anew"]);
    for bad in ["", "{}", "[1]", "{\"state\": 1}"] {
        sandbox.write("tracker.json", bad);
        let run = sandbox
            .feed(&format!("{DECIDE} --track --state tracker.json"), &sandbox.read("in.jsonl"))
            .exits(3);
        run.says(["cannot go on from `tracker.json`"]);
    }
}

/// Traffic on which the model sounds surer than on the example's pool.
fn surer(questions: u32) -> String {
    (0..questions).fold(String::new(), |mut text, index| {
        let confidence = (f64::from((index * 37) % 101) / 101.0).powf(0.4);
        writeln!(text, "{{\"id\": \"q{index}\", \"confidence\": {confidence}}}").unwrap();
        text
    })
}

#[test]
fn an_adapted_file_has_the_ratio_of_its_traffic() {
    let sandbox = sandbox();
    sandbox.write("traffic.jsonl", surer(500));
    let run = sandbox.sh("--json adapt example.json --confidences traffic.jsonl --out mine.json").exits(0);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&report["methods"][0]["questions"], &report["methods"][0]["missing"]),
        (&json!(500), &json!(0))
    );
    let text = String::from_utf8(sandbox.read("mine.json")).unwrap();
    let adapted = Thresholds::from_json(&text).unwrap();
    let point = &adapted.methods[0].operating_points[0];
    assert!(point.threshold > example_thresholds().methods[0].operating_points[0].threshold);
    let provenance = adapted.methods[0].adapted.as_ref().unwrap();
    assert_eq!(provenance.base_sha256, example_thresholds().sha256);
    // The adapted threshold, on this traffic.
    sandbox.write("in.jsonl", surer(500));
    let decide = DECIDE.replace("example.json", "mine.json");
    let decided = lines(&sandbox.feed(&decide, &sandbox.read("in.jsonl")).exits(0).stdout);
    let deferred = decided.iter().filter(|line| line["route"] == "llm").count();
    assert!((120..=180).contains(&deferred), "{deferred} of 500");
}

#[test]
fn caution_defers_more_and_the_file_names_both_choices() {
    let sandbox = sandbox();
    sandbox.write("traffic.jsonl", surer(300));
    let labelled = (0..40u32).fold(String::new(), |mut text, index| {
        let (confidence, slm) = (f64::from(index) / 40.0, index % 3 > 0);
        writeln!(text, "{{\"confidence\": {confidence}, \"slm_correct\": {slm}, \"llm_correct\": true}}")
            .unwrap();
        text
    });
    sandbox.write("labels.jsonl", labelled);
    let mut example = example_thresholds();
    let gap = "llm_gap=0.1".parse().unwrap();
    let mut point = example.methods[0].operating_points[0].clone();
    (point.id, point.target) = (format!("perplexity/{gap}"), gap);
    (point.tie_break, point.guarantee, point.dataset_guarantee) = (None, None, None);
    example.methods[0].operating_points.retain(|other| other.target != gap);
    example.methods[0].operating_points.push(point);
    sandbox.write("example.json", example.sealed().unwrap().to_json().unwrap());
    let adapt = "adapt example.json --confidences traffic.jsonl --labels labels.jsonl";
    let point = |options: &str| {
        sandbox.sh(&format!("{adapt} {options} --out mine.json")).exits(0);
        let text = String::from_utf8(sandbox.read("mine.json")).unwrap();
        let file = Thresholds::from_json(&text).unwrap();
        file.methods[0].operating_points.last().unwrap().clone()
    };
    let (plain, cautious) = (point(""), point("--cautious"));
    assert!(cautious.threshold.unwrap().get() > plain.threshold.unwrap().get());
    assert_eq!(plain.conservative.unwrap().threshold, cautious.threshold.unwrap());
    assert!(cautious.note.unwrap().contains("one standard deviation to spare"));
}

#[test]
fn files_of_confidences_that_are_bad_are_refused() {
    let sandbox = sandbox();
    for (name, text, expected) in [
        ("a.jsonl", "{\"confidence\": 2}\n", "line 1"),
        ("a.jsonl", "", "holds no question"),
        ("a.jsonl", "{\"confidence\": 0.5, \"method\": \"p_true\"}\n", "no method `p_true`"),
        ("a.parquet", "PAR1", "neither JSON lines"),
    ] {
        sandbox.write(name, text);
        let run = sandbox.sh(&format!("adapt example.json --confidences {name} --out mine.json")).exits(3);
        run.says([expected]);
        assert!(!sandbox.exists("mine.json"));
    }
    sandbox.write("a.jsonl", surer(10));
    sandbox.write("labels.jsonl", surer(3));
    let run =
        sandbox.sh("adapt example.json --confidences a.jsonl --labels labels.jsonl --out mine.json").exits(3);
    run.says(["slm_correct"]);
    sandbox
        .sh("adapt example.json --confidences nowhere.jsonl --out mine.json")
        .exits(3)
        .says(["nowhere.jsonl"]);
}
