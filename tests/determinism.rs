//! The same pipeline and the same files give the same bytes, at any number of threads.

use crate::fixture::{EVALUATION, pool, sandbox};

const RISKS: &str =
    "  risk: [{kind: selective_error, alpha: 0.3, delta: 0.1}, {kind: regret, alpha: 0.1, delta: 0.1}]\n";

#[test]
fn two_runs_and_two_threads_give_the_same_bytes() {
    let sandbox = sandbox(&format!("{RISKS}{EVALUATION}"));
    sandbox.sh("run pipeline.yaml --out one --threads 1").exits(0);
    sandbox.sh("run pipeline.yaml --out two --threads 2").exits(0);
    sandbox.sh("run pipeline.yaml --out again").exits(0);
    let files = sandbox.files("one");
    assert!(files.len() > 12);
    for name in files.iter().filter(|name| *name != "manifest.json") {
        let bytes = sandbox.read(&format!("one/{name}"));
        for other in ["two", "again"] {
            assert!(bytes == sandbox.read(&format!("{other}/{name}")), "{name} differs in {other}");
        }
    }
}

#[test]
fn the_order_of_the_rows_leaves_no_trace() {
    let sandbox = sandbox("");
    sandbox.sh("run pipeline.yaml --until fit --out forward").exits(0);
    let text = pool();
    let (header, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    sandbox.write("scores.csv", format!("{header}\n{}\n", rows.join("\n")));
    sandbox.sh("run pipeline.yaml --until fit --out backward").exits(0);
    let methods =
        |folder: &str| sandbox.json(&format!("{folder}/small--large.thresholds.json"))["methods"].clone();
    assert_eq!(methods("forward"), methods("backward"));
}

#[test]
fn a_run_and_a_fit_agree() {
    let sandbox = sandbox("evaluation: {bootstrap: 20}\n");
    sandbox.sh("run pipeline.yaml --out run").exits(0);
    let fit = "fit --scores scores.csv --bins 10 --fraction 0.5 --ratio 0.2 0.5 --accuracy 0.7 --bootstrap 20 --out fit";
    sandbox.sh(fit).exits(0);
    let methods =
        |folder: &str| sandbox.json(&format!("{folder}/small--large.thresholds.json"))["methods"].clone();
    assert_eq!(methods("run"), methods("fit"));
}
