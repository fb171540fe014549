//! A second run does what changed, and nothing else.

use std::fs;

use crate::fixture::{EVALUATION, pipeline, pool, sandbox};
use crate::harness::Sandbox;

/// What became of the stages of a run.
fn statuses(sandbox: &Sandbox, arguments: &str) -> Vec<String> {
    let run = sandbox.sh(&format!("run pipeline.yaml --out out --json {arguments}")).exits(0);
    let stages = run.json()["stages"].as_array().unwrap().clone();
    stages.iter().map(|stage| stage["status"].as_str().unwrap().to_owned()).collect()
}

const ALL: [&str; 5] = ["ran"; 5];
const NONE: [&str; 5] = ["skipped"; 5];

#[test]
fn an_unchanged_pipeline_runs_nothing() {
    let sandbox = sandbox(EVALUATION);
    assert_eq!(statuses(&sandbox, ""), ALL);
    let before = sandbox.read("out/manifest.json");
    assert_eq!(statuses(&sandbox, ""), NONE);
    assert_eq!(sandbox.read("out/manifest.json"), before);
    let run = sandbox.sh("run pipeline.yaml --out out").exits(0);
    run.shows([
        "score     skipped, unchanged",
        "evaluate  skipped, unchanged",
        "small -> large",
        "outputs are in out",
    ]);
    let files = sandbox.files("out");
    assert!(files.iter().filter(|name| name.starts_with("figures/")).count() > 5);
    assert_eq!(
        files.into_iter().filter(|name| !name.starts_with("figures/")).collect::<Vec<_>>(),
        [
            "README.md",
            "manifest.json",
            "report.html",
            "small--large.thresholds.json",
            "tables/alignment.parquet",
            "tables/calibration.parquet",
            "tables/curve_areas.parquet",
            "tables/curves.parquet",
            "tables/map_metrics.parquet",
            "tables/scores.parquet",
            "tables/transfer.parquet",
            "tables/transfer_curves.parquet"
        ]
    );
}

#[test]
fn a_change_runs_what_depends_on_it() {
    let sandbox = sandbox(EVALUATION);
    statuses(&sandbox, "");
    let scores = sandbox.read("out/tables/scores.parquet");
    // A target: fitted and judged anew, neither imported nor drawn anew.
    let target = "--set thresholds.routing_ratio=[0.3]";
    assert_eq!(statuses(&sandbox, target), ["skipped", "skipped", "ran", "ran", "ran"]);
    assert_eq!(statuses(&sandbox, target), NONE);
    // The seed: everything but the import.
    assert_eq!(statuses(&sandbox, "--set seed=51"), ["skipped", "ran", "ran", "ran", "ran"]);
    assert_eq!(statuses(&sandbox, ""), ["skipped", "ran", "ran", "ran", "ran"]);
    assert!(sandbox.read("out/tables/scores.parquet") == scores);
    // A file.
    sandbox.write("scores.csv", pool().replacen("0.", "0.0", 1));
    assert_eq!(statuses(&sandbox, ""), ALL);
}

#[test]
fn outputs_that_are_gone_or_changed_are_made_again() {
    let sandbox = sandbox("");
    statuses(&sandbox, "");
    let files = sandbox.files("out");
    let before: Vec<Vec<u8>> = files.iter().map(|name| sandbox.read(&format!("out/{name}"))).collect();
    for (name, expected) in [
        ("tables/scores.parquet", ["ran", "skipped", "skipped", "skipped", "skipped"]),
        ("tables/calibration.parquet", ["skipped", "ran", "skipped", "skipped", "skipped"]),
        ("small--large.thresholds.json", ["skipped", "skipped", "ran", "skipped", "skipped"]),
        ("tables/curves.parquet", ["skipped", "skipped", "skipped", "ran", "skipped"]),
        ("report.html", ["skipped", "skipped", "skipped", "skipped", "ran"]),
        ("figures/small--large.routing.svg", ["skipped", "skipped", "skipped", "skipped", "ran"]),
    ] {
        fs::remove_file(sandbox.path(&format!("out/{name}"))).unwrap();
        assert_eq!(statuses(&sandbox, ""), expected, "{name} gone");
        sandbox.write(&format!("out/{name}"), "changed");
        assert_eq!(statuses(&sandbox, ""), expected, "{name} changed");
    }
    for (name, bytes) in files.iter().zip(before).filter(|(name, _)| *name != "manifest.json") {
        assert!(sandbox.read(&format!("out/{name}")) == bytes, "{name}");
    }
}

#[test]
fn a_damaged_manifest_means_running_everything() {
    let sandbox = sandbox("");
    statuses(&sandbox, "");
    let whole = sandbox.read("out/manifest.json");
    for damage in [&b"{"[..], b"", b"[]", &whole[..whole.len() / 2], b"\xff\xff"] {
        sandbox.write("out/manifest.json", damage);
        let run = sandbox.sh("run pipeline.yaml --out out --json").exits(0).says(["every stage runs"]);
        assert_eq!(run.json()["stages"][0]["status"], "ran");
        assert_eq!(statuses(&sandbox, ""), NONE);
    }
    let outside = String::from_utf8(whole).unwrap().replace("tables/curves.parquet", "../precious.txt");
    sandbox.write("out/manifest.json", outside);
    sandbox.write("precious.txt", "mine");
    sandbox.sh("run pipeline.yaml --out out").exits(0).says(["outside its folder"]);
    assert_eq!(sandbox.read("precious.txt"), b"mine");
}

#[test]
fn until_stops_and_later_goes_on() {
    let sandbox = sandbox(EVALUATION);
    assert_eq!(statuses(&sandbox, "--until score"), ["ran"]);
    assert_eq!(sandbox.files("out"), ["manifest.json", "tables/scores.parquet"]);
    assert_eq!(statuses(&sandbox, "--until draw"), ["skipped", "ran"]);
    let drawn = sandbox.read("out/tables/calibration.parquet");
    assert_eq!(statuses(&sandbox, ""), ["skipped", "skipped", "ran", "ran", "ran"]);
    fs::remove_dir_all(sandbox.path("out")).unwrap();
    assert_eq!(statuses(&sandbox, ""), ALL);
    assert!(sandbox.read("out/tables/calibration.parquet") == drawn, "drawn alone and with the fit");
    for (stage, message) in [
        ("ingest", "has no stage ingest"),
        ("infer", "has no stage infer"),
        ("label", "has no stage label"),
        ("everything", "known stages are"),
    ] {
        sandbox.sh(&format!("run pipeline.yaml --until {stage}")).exits(2).says([message]);
    }
}

#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = sandbox("");
    let run = sandbox.sh("run pipeline.yaml --dry-run").exits(0);
    run.shows(["score     would run: it has not run here", "evaluate  would run"]);
    assert_eq!(sandbox.files("."), ["pipeline.yaml", "scores.csv"]);
    statuses(&sandbox, "");
    let before = sandbox.read("out/manifest.json");
    let run = sandbox.sh("run pipeline.yaml --out out --dry-run --set thresholds.accuracy=[0.6]").exits(0);
    insta::assert_snapshot!(run.stdout, @r"
    score     would be skipped, unchanged
    draw      would be skipped, unchanged
    fit       would run: its part of the pipeline changed
    evaluate  would be skipped, unchanged
    report    would run: its part of the pipeline changed
    ");
    sandbox.write("scores.csv", pool().replacen("0.", "0.0", 1));
    let run = sandbox.sh("run pipeline.yaml --out out --dry-run").exits(0);
    run.shows(["score     would run: its input", "draw      would run if the scores turn out to be others"]);
    assert_eq!(sandbox.read("out/manifest.json"), before);
}

#[test]
fn what_a_pipeline_no_longer_gives_is_removed() {
    let sandbox = sandbox(EVALUATION);
    statuses(&sandbox, "");
    sandbox.write("pipeline.yaml", pipeline(""));
    let run = sandbox.sh("run pipeline.yaml --out out").exits(0);
    run.says(["removed `out/tables/transfer.parquet`", "the pipeline has no `evaluation`"]);
    assert!(!sandbox.exists("out/tables/transfer.parquet"));
}

#[test]
fn the_default_folder_is_named_after_the_pipeline() {
    let sandbox = sandbox("");
    sandbox.sh("run pipeline.yaml --until score").exits(0);
    assert!(sandbox.exists("calibration/runs/synthetic/tables/scores.parquet"));
}

#[test]
fn one_run_at_a_time() {
    let sandbox = sandbox("");
    fs::create_dir_all(sandbox.path("out/.work")).unwrap();
    let lock = fs::File::create(sandbox.path("out/.work/lock")).unwrap();
    lock.lock().unwrap();
    sandbox.sh("run pipeline.yaml --out out").exits(2).says(["another plimsoll is writing to `out`"]);
    drop(lock);
    sandbox.sh("run pipeline.yaml --out out").exits(0);
}
