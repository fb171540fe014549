//! Exit code 5: limits and `--strict`.

use crate::fixture::{pipeline, pool, sandbox};
use crate::harness::Sandbox;

#[test]
fn a_broken_limit_is_told_after_all_outputs_are_written() {
    let sandbox = sandbox("limits: {missing: 0.01}\n");
    let run = sandbox.sh("run pipeline.yaml --out out").exits(5);
    let run =
        run.says(["8 limits are broken", "small -> large good, dataset alpha: 0.0200 missing, limit 0.01"]);
    run.shows(["outputs are in out"]);
    assert!(sandbox.exists("out/tables/curves.parquet"));
    // Also when every stage is skipped.
    sandbox.sh("run pipeline.yaml --out out").exits(5).shows(["evaluate  skipped"]);
    let run = sandbox.sh("run pipeline.yaml --out out --json").exits(5);
    assert_eq!(run.json()["broken_limits"].as_array().unwrap().len(), 8);
    sandbox.sh("run pipeline.yaml --out out --set limits.missing=0.02").exits(0);
}

#[test]
fn strict_means_limits_of_zero() {
    let sandbox = sandbox("limits: {missing: 0.5}\n");
    sandbox.sh("run pipeline.yaml --out out").exits(0);
    sandbox.sh("run pipeline.yaml --out out --strict").exits(5).says(["limit 0"]);
    let whole: String =
        pool().lines().filter(|line| !line.contains(",,")).map(|line| format!("{line}\n")).collect();
    sandbox.write("scores.csv", whole);
    sandbox.sh("run pipeline.yaml --out out --strict").exits(0);
}

/// The pool with every tenth SLM answer of one dataset ungraded.
fn partly_graded() -> String {
    let ungraded = |(index, line): (usize, &str)| {
        if index % 10 == 3 && line.contains(",beta,") {
            format!("{}\n", line.replace(",true,", ",,").replace(",false,", ",,"))
        } else {
            format!("{line}\n")
        }
    };
    pool().lines().enumerate().map(ungraded).collect()
}

#[test]
fn ungraded_answers_count_as_wrong_or_are_left_out() {
    let sandbox = Sandbox::new();
    sandbox.write("scores.csv", partly_graded());
    sandbox.write("pipeline.yaml", pipeline("limits: {ungraded: 0.05}\n"));
    let run = sandbox.sh("run pipeline.yaml --out wrong").exits(5);
    run.says(["dataset beta", "ungraded, limit 0.05"]);
    let file = |folder: &str| sandbox.json(&format!("{folder}/small--large.thresholds.json"));
    assert_eq!(file("wrong")["calibration"]["ungraded_excluded"], false);
    assert_eq!(file("wrong")["methods"][0]["rows"]["pool"], 800);
    let exclude = "run pipeline.yaml --out exclude --set labels.ungraded=exclude --set limits.ungraded=1";
    sandbox.sh(exclude).exits(0).says(["ungraded rows are left out"]);
    let rows = file("exclude")["methods"][0]["rows"].clone();
    assert_eq!(
        (file("exclude")["calibration"]["ungraded_excluded"].clone(), rows["ungraded_slm"].clone()),
        (true.into(), 0.into())
    );
    assert!(rows["pool"].as_u64().unwrap() < 800);
}

#[test]
fn nothing_graded_and_everything_excluded_leaves_no_row() {
    let sandbox = Sandbox::new();
    let text = pool().replace(",true,", ",,").replace(",false,", ",,");
    sandbox.write("scores.csv", text);
    sandbox.write("pipeline.yaml", pipeline("labels: {ungraded: exclude}\n"));
    sandbox.sh("run pipeline.yaml --out out").exits(3).says(["no row is left"]);
}

#[test]
fn the_source_of_the_labels_is_recorded() {
    let sandbox = sandbox("labels: {source: judged}\n");
    sandbox.sh("run pipeline.yaml --out out --until fit").exits(0);
    assert_eq!(sandbox.json("out/small--large.thresholds.json")["calibration"]["labels"], "judged");
    let run = sandbox.sh("thresholds show out/small--large.thresholds.json").exits(0);
    run.shows(["a guarantee is on the judge's label"]);
}
