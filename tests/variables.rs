//! Where a pipeline's files are: folders and environment variables.

use crate::fixture::{pipeline, pool};
use crate::harness::{Run, Sandbox};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "pipelines/pipeline.yaml",
        pipeline("").replace("import:\n", "import:\n  folder: ${LOGS}/day\n"),
    );
    sandbox.write("data/day/scores.csv", pool());
    sandbox
}

#[test]
fn a_variable_or_a_setting_says_where() {
    let sandbox = sandbox();
    let mut by_variable =
        sandbox.command(&["run", "pipelines/pipeline.yaml", "--until", "fit", "--out", "a"]);
    by_variable.env("LOGS", sandbox.path("data"));
    Run::from_command(by_variable).exits(0);
    let folder = format!("import.folder={}", sandbox.path("data/day").display());
    sandbox
        .run(&["run", "pipelines/pipeline.yaml", "--until", "fit", "--out", "b", "--set", &folder])
        .exits(0);
    // Relative folders start at the pipeline's own.
    let relative = [
        "run",
        "pipelines/pipeline.yaml",
        "--until",
        "fit",
        "--out",
        "c",
        "--set",
        "import.folder=../data/day",
    ];
    sandbox.run(&relative).exits(0);
    for name in ["small--large.thresholds.json", "tables/scores.parquet", "tables/calibration.parquet"] {
        for other in ["b", "c"] {
            assert!(
                sandbox.read(&format!("a/{name}")) == sandbox.read(&format!("{other}/{name}")),
                "{name} {other}"
            );
        }
    }
}

#[test]
fn an_unset_variable_says_both_ways_out() {
    let sandbox = sandbox();
    let run = sandbox.sh("run pipelines/pipeline.yaml --out out").exits(2);
    run.says(["environment variable LOGS", "LOGS=... plimsoll run", "--set import.folder=DIR"]);
    sandbox.sh("config pipelines/pipeline.yaml").exits(0).shows(["folder: ${LOGS}/day"]);
    assert!(!sandbox.exists("out"));
}

#[test]
fn folders_and_files_that_are_not_there() {
    let sandbox = sandbox();
    let run =
        |setting: &str| sandbox.run(&["run", "pipelines/pipeline.yaml", "--out", "out", "--set", setting]);
    run("import.folder=/no/such/folder")
        .exits(3)
        .says(["there is no folder `/no/such/folder`", "--set import.folder"]);
    run("import.folder=..").exits(3).says(["import.files.log.path", "no file matches"]);
    run("import.folder=${LOGS").exits(2).says(["starts no variable"]);
    sandbox.write("data/scores.csv", "");
    run("import.folder=../data").exits(3).says(["scores.csv` is empty"]);
    assert!(!sandbox.exists("out/tables/scores.parquet"));
}
