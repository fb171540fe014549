//! Decision logs with exploration: `plimsoll fit --decisions`, and `thresholds check --decisions` beside it.

use std::fmt::Write as _;

use plimsoll_test_support::numbers::Numbers;
use serde_json::Value;

use crate::harness::Sandbox;

const FILE: &str = "out/small--large.thresholds.json";
const SHARE: f64 = 0.2;
/// Below a 95 % interval of a share over some thousand rows, several times over.
const TOLERANCE: f64 = 0.04;

/// P(SLM right) and P(LLM right) where the file is made.
fn pool(confidence: f64) -> (f64, f64) {
    (confidence, 0.9)
}

/// Where it decides: the SLM is worse than it sounds.
fn traffic(confidence: f64) -> (f64, f64) {
    (confidence * 0.9, 0.9)
}

fn published() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut numbers = Numbers::new(1);
    let mut table = "question_id,dataset,slm,llm,method,confidence,slm_correct,llm_correct\n".to_owned();
    for row in 0..3000 {
        let c = numbers.unit();
        let (slm, llm) = (numbers.unit() < pool(c).0, numbers.unit() < pool(c).1);
        writeln!(table, "{row},d,small,large,m,{c:.6},{slm},{llm}").unwrap();
    }
    sandbox.write("old.csv", table);
    let fit = "fit --scores old.csv --fraction 0.9 --ratio 0.5 --accuracy 0.8 \
               --risk selective_error:0.3:0.1 selective_error:0.2:0.1 regret:0.2:0.1";
    sandbox.sh(&format!("{fit} --bootstrap 20 --out out")).exits(0);
    sandbox
}

/// A log of the file's ratio point, with exploration; one confidence in 40 is missing.
fn log(sandbox: &Sandbox, rows: u32, seed: u64) -> String {
    let file = sandbox.json(FILE);
    let points = file["methods"][0]["operating_points"].as_array().unwrap();
    let point = points.iter().find(|point| point["id"] == "m/routing_ratio=0.5").unwrap();
    let threshold = point["threshold"].as_f64().unwrap();
    let mut numbers = Numbers::new(seed);
    let mut log = String::new();
    for row in 0..rows {
        let c = numbers.unit();
        let (slm, llm) = (numbers.unit() < traffic(c).0, numbers.unit() < traffic(c).1);
        let explored = numbers.unit() < SHARE / 2.0;
        if row % 40 == 0 {
            writeln!(
                log,
                r#"{{"method":"m","confidence":null,"route":"llm","reason":"missing","propensity":1,"llm_correct":{llm}}}"#
            )
            .unwrap();
            continue;
        }
        let kept = (c >= threshold) != explored;
        let (route, label) = if kept {
            ("slm", format!(r#""slm_correct":{slm}"#))
        } else {
            ("llm", format!(r#""llm_correct":{llm}"#))
        };
        let (reason, propensity) = match (explored, c >= threshold) {
            (true, _) => ("explored", SHARE / 2.0),
            (false, true) => ("at_or_above", 1.0 - SHARE / 2.0),
            (false, false) => ("below", 1.0 - SHARE / 2.0),
        };
        writeln!(
            log,
            r#"{{"method":"m","confidence":{c},"route":"{route}","reason":"{reason}","propensity":{propensity},{label}}}"#
        )
        .unwrap();
    }
    log
}

const REFIT: &str = "fit --decisions log.jsonl --thresholds out/small--large.thresholds.json --out anew";

#[test]
fn a_log_with_exploration_is_fitted_anew() {
    let sandbox = published();
    sandbox.write("log.jsonl", log(&sandbox, 8000, 2));
    sandbox.sh(REFIT).exits(0).shows(["accuracy=0.8", "wrote anew/small--large.thresholds.json"]);
    let (old, new) = (sandbox.json(FILE), sandbox.json("anew/small--large.thresholds.json"));
    let method = &new["methods"][0];
    assert_eq!(method["adapted"]["base_sha256"], old["sha256"]);
    assert_eq!(method["adapted"]["questions"], 8000);
    assert_eq!(method["adapted"]["decisions"]["smallest_propensity"], SHARE / 2.0);
    assert_eq!(method["rows"]["missing"], 200);
    let points = method["operating_points"].as_array().unwrap();
    let point = |id: &str| points.iter().find(|point| point["id"] == id).unwrap();
    // On the pool a threshold t keeps answers of which (1 + t) / 2 are right, on this traffic 0.9 of that.
    for id in ["m/accuracy=0.8", "m/selective_error=0.3:0.1"] {
        let point = point(id);
        assert_eq!(point["status"], "reached", "{point}");
        let t = point["threshold"].as_f64().unwrap();
        let error = point["achieved"]["selective_error"]["value"].as_f64().unwrap();
        assert!((error - (1.0 - 0.45 * (1.0 + t))).abs() < TOLERANCE, "{point}");
    }
    assert!(point("m/selective_error=0.3:0.1")["guarantee"]["trials"].as_u64().unwrap() > 100);
    let regret = point("m/regret=0.2:0.1");
    assert!(regret["note"].as_str().unwrap().starts_with("not fitted anew"), "{regret}");
    // The file is one like any other, and can be asked for other targets.
    sandbox.sh("thresholds validate anew/small--large.thresholds.json").exits(0);
    let other = sandbox.sh(&format!("{REFIT} --ratio 0.2 --json")).exits(0).json();
    assert_eq!(other["operating_points"].as_array().unwrap().len(), 1, "{other}");
}

/// Of an explored log a plain sample is checked: the share that a coin deferred is no part of the routing ratio.
#[test]
fn an_explored_log_can_be_checked() {
    let sandbox = published();
    sandbox.write("log.jsonl", log(&sandbox, 12_000, 3));
    let check = "thresholds check out/small--large.thresholds.json --decisions log.jsonl --method m --json";
    let ratio = sandbox.sh(&format!("{check} --target routing_ratio=0.5")).exits(0).json();
    assert_eq!(ratio["status"], "holds", "{ratio}");
    let error = sandbox.sh(&format!("{check} --target selective_error=0.2:0.1")).exits(5).json();
    assert_eq!(error["status"], "does_not_hold", "{error}");
}

#[test]
fn logs_that_say_nothing_of_other_thresholds_are_refused() {
    let sandbox = published();
    let good = log(&sandbox, 200, 4);
    let refused = |log: String, expected: &str| {
        sandbox.write("log.jsonl", log);
        sandbox.sh(REFIT).exits(3).says([expected]);
    };
    let without = |key: &str, value: &str| good.replace(&format!("\"{key}\":{value},"), "");
    refused(without("propensity", "0.9"), "no `propensity`");
    refused(
        good.replace("\"propensity\":0.9", "\"propensity\":1"),
        "a propensity of 1: it must lie between 0 and 1",
    );
    refused(good.replace("\"propensity\":0.9", "\"propensity\":2"), "propensity 2 is not in (0, 1]");
    refused(good.replace("slm_correct", "note"), "no answer of the SLM is labelled");
    refused(good.replace("\"method\":\"m\"", "\"method\":\"n\""), "a decision by `n`");
    // Half a last line is what a crash leaves, and is left out; half a line before others is damage.
    refused(format!("{}\n{good}", &good[..30]), "log.jsonl`, line 1: EOF");
    refused(String::new(), "holds no decision");
    assert!(!sandbox.exists("anew/small--large.thresholds.json"));
    sandbox.write("log.jsonl", good);
    sandbox.sh("fit --decisions log.jsonl --out anew").exits(2).says(["--thresholds"]);
    sandbox.sh(&format!("{REFIT} --scores old.csv")).exits(2);
    let labels: Value = sandbox.sh(&format!("{REFIT} --json")).exits(0).json();
    assert_eq!(labels["calibration_rows"], Value::Null);
    // What no log shows can only be what the file has.
    sandbox
        .sh(&format!("{REFIT} --risk regret:0.3:0.1"))
        .exits(2)
        .says(["regret=0.3:0.1", "needs both answers"]);
    sandbox.sh(&format!("{REFIT} --risk regret:0.2:0.1")).exits(0);
    let kept = sandbox.json("anew/small--large.thresholds.json");
    let point = &kept["methods"][0]["operating_points"][0];
    assert!(point["note"].as_str().unwrap().starts_with("not fitted anew"), "{point}");
}
