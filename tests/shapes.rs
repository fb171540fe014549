//! What `--json` writes: the names that other people's scripts rely on.

use serde_json::Value;

use crate::fixture::{EVALUATION, pool, sandbox};
use crate::harness::{Sandbox, repository};

/// The columns of a table, as `schemas/` has them.
fn columns(table: &str) -> Vec<String> {
    let path = repository().join(format!("schemas/tables/{table}.json"));
    let dump: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut names: Vec<String> = dump["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn keys(value: &Value) -> Vec<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn rows_have_the_names_of_the_columns() {
    let sandbox = Sandbox::new();
    sandbox.write("scores.csv", pool());
    let judged = sandbox.sh("evaluate --scores scores.csv --bootstrap 5 --out out --json").exits(0).json();
    assert_eq!(keys(&judged), ["alignment", "curve_areas", "curves", "map_metrics"]);
    for table in ["alignment", "curve_areas", "curves", "map_metrics"] {
        assert_eq!(keys(&judged[table][0]), columns(table), "{table}");
    }
    let transfer = sandbox.sh("transfer --scores scores.csv --bootstrap 5 --out out --json").exits(0).json();
    assert_eq!(keys(&transfer), ["summary", "transfer"]);
    assert_eq!(keys(&transfer["transfer"][0]), columns("transfer"));
    for name in [
        "slm",
        "llm",
        "method",
        "by",
        "target_kind",
        "ratio_error",
        "accuracy_over_random",
        "curve_rmse",
        "ks",
    ] {
        assert!(transfer["summary"][0].get(name).is_some(), "{name}");
    }
}

#[test]
fn the_names_of_the_contract_are_there() {
    for (table, names) in [
        ("alignment", "slm llm method dataset rows missing accuracy roc_auc"),
        ("curves", "slm llm method dataset routing_ratio threshold accuracy"),
        (
            "transfer",
            "slm llm method held_out target_kind target_value threshold achieved_routing_ratio accuracy random_accuracy \
             oracle_accuracy curve_rmse random_curve_rmse ks psi repeat status rows missing upper_bound_accuracy",
        ),
        ("calibration", "slm llm method question_id dataset confidence slm_correct llm_correct bin weight"),
        (
            "scores",
            "question_id dataset domain slm llm method confidence slm_correct llm_correct cluster_id slm_cost llm_cost",
        ),
    ] {
        let columns = columns(table);
        for name in names.split_whitespace() {
            assert!(columns.iter().any(|column| column == name), "{table}.{name}");
        }
    }
}

#[test]
fn one_document_on_stdout_for_every_command() {
    let sandbox = sandbox(EVALUATION);
    let run = sandbox.sh("run pipeline.yaml --out out --json").exits(0).json();
    assert_eq!(
        keys(&run),
        ["broken_limits", "name", "operating_points", "out", "sha256", "stages", "transfer_summary"]
    );
    for (arguments, expected) in [
        ("run pipeline.yaml --out out --json --dry-run", "dry_run name out sha256 stages"),
        ("config pipeline.yaml --json", "plan sha256"),
        ("fit --scores scores.csv --bootstrap 5 --out fit --json", "calibration_rows files operating_points"),
        ("thresholds validate out/small--large.thresholds.json --json", "llm methods sha256 slm valid"),
        (
            "thresholds diff out/small--large.thresholds.json fit/small--large.thresholds.json --json",
            "identity methods_added methods_removed new old points",
        ),
        ("schema write schemas --json", "files folder"),
    ] {
        let json = sandbox.sh(arguments).exits(0).json();
        assert_eq!(keys(&json).join(" "), expected, "{arguments}");
    }
}

#[test]
fn quiet_says_nothing_and_errors_still_show() {
    let sandbox = sandbox("");
    let run = sandbox.sh("run pipeline.yaml --out out --quiet").exits(0);
    assert_eq!(run.stderr, "");
    sandbox.sh("run nowhere.yaml --quiet").exits(2).says(["nowhere.yaml"]);
}
