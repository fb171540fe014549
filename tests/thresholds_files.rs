//! `plimsoll thresholds show`, `validate` and `diff`.

use crate::fixture::{FITTED, fitted, pool};
use crate::harness::Sandbox;

#[test]
fn a_good_file_is_valid_and_named_by_its_hash() {
    let sandbox = fitted("");
    let run = sandbox.sh(&format!("thresholds validate {FITTED}")).exits(0);
    let sha256 = sandbox.json(FITTED)["sha256"].as_str().unwrap().to_owned();
    assert_eq!(run.stdout, format!("valid, sha256 {sha256}\n"));
    let json = sandbox.sh(&format!("thresholds validate {FITTED} --json")).exits(0).json();
    assert_eq!((json["valid"].clone(), json["sha256"].clone()), (true.into(), sha256.into()));
}

#[test]
fn bad_files_are_refused_with_the_reason() {
    let sandbox = fitted("");
    let good = String::from_utf8(sandbox.read(FITTED)).unwrap();
    let threshold = sandbox.json(FITTED)["methods"][0]["operating_points"][0]["threshold"].to_string();
    for (from, to, message) in [
        ("\"fraction\"", "\"surprise\": 1, \"fraction\"", "unknown field `surprise`"),
        ("\"major\": 2", "\"major\": 3", "format version 3.1, this reader knows up to 2.1"),
        ("\"major\": 2", "\"major\": 1", "fit the thresholds anew"),
        ("\"minor\": 1", "\"minor\": 9", "upgrade"),
        ("plimsoll-thresholds", "other-thresholds", "has format `other-thresholds`"),
        (
            &format!("\"threshold\": {threshold}"),
            "\"threshold\": 0.123",
            "it was changed after it was written",
        ),
        ("\"seed\": 50", "\"seed\": \"50\"", "invalid type"),
        ("\"status\": \"reached\"", "\"status\": \"fine\"", "unknown variant `fine`"),
    ] {
        assert!(good.contains(from), "{from}");
        sandbox.write("bad.json", good.replacen(from, to, 1));
        for command in ["validate bad.json", "show bad.json", "diff bad.json bad.json"] {
            sandbox.sh(&format!("thresholds {command}")).exits(3).says(["`bad.json` is not valid", message]);
        }
    }
    for (bytes, message) in [
        (&b""[..], "is empty"),
        (b"[]", "does not follow its schema"),
        (b"\xff", "is not UTF-8 text"),
        (&good.as_bytes()[..200], "after 200 bytes in line"),
    ] {
        sandbox.write("bad.json", bytes);
        sandbox.sh("thresholds validate bad.json").exits(3).says(["bad.json", message]);
    }
    sandbox
        .sh("thresholds validate nowhere.json")
        .exits(3)
        .says(["cannot read the thresholds file `nowhere.json`"]);
    sandbox.sh("thresholds validate .").exits(3);
}

#[test]
fn show_is_for_people() {
    let sandbox = fitted("--fraction 0.5 --ratio 0.01 --risk selective_error:0.3:0.1 --accuracy 0.7");
    let text = sandbox.sh(&format!("thresholds show {FITTED}")).exits(0).stdout;
    let file = sandbox.json(FITTED);
    let text = text.replace(file["sha256"].as_str().unwrap(), "[sha256]");
    let text = text.replace(file["pipeline"]["sha256"].as_str().unwrap(), "[pipeline]");
    insta::assert_snapshot!(text, @r#"
    sha256   [sha256]
    pipeline plimsoll fit ([pipeline])
    program  plimsoll 0.1.0
    data     800 questions of 4 datasets; 30 bins, fraction 0.5, seed 50, 20 bootstrap replicates
    labels   imported; ungraded answers counted as wrong

    device   {"id":"small"}
             what a device must state of itself; where each value comes from: docs/thresholds-file.md

    small -> large
      good: 800 rows, 16 without a confidence, 392 drawn
        target                   threshold  deferred                 accuracy                 status
        routing_ratio=0.01        0.000000  0.0200 [0.0200, 0.0200]  0.4800 [0.4204, 0.5471]  missing_share
        accuracy=0.7              0.296300  0.3275 [0.2797, 0.3551]  0.7000 [0.6608, 0.7404]  reached
        selective_error=0.3:0.1   0.579100  0.6100 [0.5849, 0.6577]  0.8175 [0.7703, 0.8451]  reached
      noise: 800 rows, 16 without a confidence, 392 drawn
        target                   threshold  deferred                 accuracy                 status
        routing_ratio=0.01        0.000000  0.0200 [0.0200, 0.0200]  0.4850 [0.4387, 0.5151]  missing_share
        accuracy=0.7              0.639350  0.6400 [0.6099, 0.6888]  0.7000 [0.6534, 0.7380]  reached
        selective_error=0.3:0.1          -  -                        -                        infeasible: no number of rows would do

    good/routing_ratio=0.01: 0.0200 of the questions have no confidence and are always deferred
    good/accuracy=0.7: the lower 95 % limit reaches it at threshold 0.338200, deferring 0.3800 [0.3204, 0.4151]
    good/selective_error=0.3:0.1: selective_error <= 0.3 with probability >= 0.9; 38 of 156 tested rows wrong, p = 0.0715; on the pool's distribution
    noise/routing_ratio=0.01: 0.0200 of the questions have no confidence and are always deferred
    noise/accuracy=0.7: the lower 95 % limit reaches it at threshold 0.766150, deferring 0.7700 [0.7346, 0.8191]
    noise/selective_error=0.3:0.1: even the most confident answers are wrong as often as 0.3 or more: no number of rows would do with this method
    "#);
    assert_eq!(sandbox.sh(&format!("thresholds show {FITTED} --json")).exits(0).json(), file);
}

#[test]
fn a_file_does_not_differ_from_itself() {
    let sandbox = fitted("");
    sandbox.sh(&format!("thresholds diff {FITTED} {FITTED}")).exits(0).shows(["the same content, sha256"]);
    let json = sandbox.sh(&format!("thresholds diff {FITTED} {FITTED} --json")).exits(0).json();
    assert!(json["points"].as_array().unwrap().iter().all(|point| point["change"] == "same"));
    assert_eq!(json["identity"], serde_json::json!([]));
}

#[test]
fn diff_says_what_a_device_would_notice() {
    let sandbox = fitted("--ratio 0.2 0.5");
    let new = Sandbox::new();
    new.write("scores.csv", pool().replace(",noise,", ",other,"));
    new.sh("fit --scores scores.csv --bootstrap 20 --seed 51 --ratio 0.2 0.6 --out out").exits(0);
    sandbox.write("new.json", new.read(FITTED));
    let run = sandbox.sh(&format!("thresholds diff {FITTED} new.json")).exits(0);
    run.shows([
        "calibration.seed: 50 -> 51",
        "method other added",
        "method noise removed",
        "good/routing_ratio=0.2",
        "3 operating points changed, 0 are the same",
        "flips: estimated share",
    ]);
    let json = sandbox.sh(&format!("thresholds diff {FITTED} new.json --json")).exits(0).json();
    let points = json["points"].as_array().unwrap().clone();
    let changes: Vec<(&str, &str)> = points
        .iter()
        .map(|point| (point["target"].as_str().unwrap(), point["change"].as_str().unwrap()))
        .collect();
    assert_eq!(
        changes,
        [("routing_ratio=0.2", "changed"), ("routing_ratio=0.6", "added"), ("routing_ratio=0.5", "removed")]
    );
    let flipped = points[0]["flipped_share_estimate"].as_f64().unwrap();
    assert!(flipped > 0.0 && flipped < 0.2, "{flipped}");
    assert!(points[1]["flipped_share_estimate"].is_null());
}
