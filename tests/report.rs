//! The report of a run: the page, its figures and the dataset card.

use std::collections::BTreeSet;
use std::fs;

use crate::fixture::{EVALUATION, sandbox};
use crate::harness::repository;

#[test]
fn a_run_leaves_a_report() {
    let sandbox = sandbox(EVALUATION);
    sandbox.sh("run pipeline.yaml --out out").exits(0);
    let text = |name: &str| String::from_utf8(sandbox.read(&format!("out/{name}"))).unwrap();
    let page = text("report.html");
    for dataset in ["alpha", "beta", "gamma", "delta"] {
        assert!(page.contains(&format!("<title>{dataset}</title>")), "{dataset}");
    }
    for part in ["small → large", "Guarantees", "Predicted and true curve", "Missing confidences", "resolved"]
    {
        // The pipeline asks for no risk, so that there is nothing to guarantee.
        assert_eq!(page.contains(part), part != "Guarantees", "{part}");
    }
    // Half a synthetic fact is checked by hand: one confidence in 50 is missing.
    assert!(page.contains("16 (2.0 %)"), "4 of 200 in each of four datasets");
    let card = text("README.md");
    for table in ["calibration", "scores", "alignment", "curves", "transfer", "transfer_curves"] {
        assert!(card.contains(&format!("- config_name: \"{table}\"")), "{table}");
        assert!(card.contains(&format!("path: \"tables/{table}.parquet\"")), "{table}");
    }
    let figure = text("figures/small--large.good.transfer.svg");
    assert!(figure.starts_with("<svg ") && figure.contains("gamma"));
}

#[test]
fn a_pipeline_without_evaluation_has_a_report_without_transfer() {
    let sandbox = sandbox("");
    sandbox.sh("run pipeline.yaml --out out").exits(0);
    let page = String::from_utf8(sandbox.read("out/report.html")).unwrap();
    assert!(page.contains("Routing curves") && !page.contains("Predicted and true curve"));
    assert!(!sandbox.exists("out/figures/small--large.good.transfer.svg"));
}

#[test]
fn a_run_that_stops_before_has_no_report() {
    let sandbox = sandbox("");
    sandbox.sh("run pipeline.yaml --out out --until evaluate").exits(0);
    assert!(!sandbox.exists("out/report.html") && !sandbox.exists("out/README.md"));
}

#[test]
fn the_released_card_lists_the_released_tables_and_no_other() {
    let folder = repository().join("calibration/pocket");
    let card = fs::read_to_string(folder.join("README.md")).unwrap();
    let quoted = |line: &str, key: &str| {
        line.trim_start().strip_prefix(key).map(|value| value.trim_matches('"').to_owned())
    };
    let paths: BTreeSet<String> = card.lines().filter_map(|line| quoted(line, "path: ")).collect();
    let tables = fs::read_dir(folder.join("tables")).unwrap();
    let released: BTreeSet<String> =
        tables.map(|entry| format!("tables/{}", entry.unwrap().file_name().to_string_lossy())).collect();
    assert!(released.len() > 5);
    assert_eq!(paths, released);
    let sections = card.lines().filter(|line| line.starts_with("### `")).count();
    assert_eq!(sections, released.len(), "each table has its section");
}
