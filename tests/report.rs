//! The report of a run: the page, its figures and the dataset card.

use crate::fixture::{EVALUATION, sandbox};

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
