//! The whole way from real logs to figures, against scikit-learn and `NumPy`: `goldens/mmlu_pro.py`
//! computes the same tables from the definitions.
//!
//! `PLIMSOLL_REAL_DATA` names the folder that holds `real_outputs/`; without it the test says so and
//! passes.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Absolute, of every figure.
const AGREES: f64 = 1e-9;

/// Columns of `alignment` and of `curve_areas` that have goldens.
const ALIGNMENT: &[&str] = &["accuracy", "roc_auc", "aurc", "e_aurc", "prr", "brier_raw", "brier", "ece"];
const AREAS: &[&str] = &[
    "always_slm_accuracy",
    "always_llm_accuracy",
    "only_llm_correct",
    "only_slm_correct",
    "area",
    "apgr",
    "cpt_20",
    "cpt_50",
    "cpt_80",
    "aiq",
];

fn logs() -> Option<PathBuf> {
    let data = std::env::var_os("PLIMSOLL_REAL_DATA");
    if data.is_none() {
        // Past the capture of a passing test's output.
        let line = "mmlu_pro: SKIPPED, nothing was tested: PLIMSOLL_REAL_DATA does not name the folder with real_outputs/\n";
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    data.map(|data| PathBuf::from(data).join("real_outputs/tao-mmlu-pro-confidence"))
}

/// What the program prints.
fn plimsoll(logs: &Path, arguments: &[&str]) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(arguments)
        .env("MMLU_PRO_LOGS", logs)
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Rows of a table that speak of an entry's SLM, method and dataset.
fn matching<'a>(rows: &'a Value, entry: &Value) -> Vec<&'a Value> {
    let same = |row: &&Value| ["slm", "method", "dataset"].iter().all(|key| row[*key] == entry[*key]);
    rows.as_array().unwrap().iter().filter(same).collect()
}

#[track_caller]
fn assert_agrees(found: &Value, expected: &Value, what: &str) {
    match (found.as_f64(), expected.as_f64()) {
        (Some(a), Some(b)) => assert!((a - b).abs() <= AGREES, "{what}: {a} instead of {b}"),
        _ => assert_eq!(found, expected, "{what}"),
    }
}

#[test]
fn alignment_and_curves_agree_with_scikit_learn_and_numpy() {
    let Some(logs) = logs() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (run, judged) = (folder.path().join("run"), folder.path().join("judged"));
    let (run, judged) = (run.to_str().unwrap(), judged.to_str().unwrap());
    plimsoll(&logs, &["run", "pipelines/mmlu-pro-logs.yaml", "--until", "score", "--out", run]);
    let scores = format!("{run}/tables/scores.parquet");
    let arguments = ["evaluate", "--scores", &scores, "--bootstrap", "0", "--json", "--out", judged];
    let tables: Value = serde_json::from_slice(&plimsoll(&logs, &arguments)).unwrap();

    let goldens: Value = serde_json::from_str(include_str!("goldens/mmlu_pro.json")).unwrap();
    let entries = goldens["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2 * 3 * 15, "two SLMs, three methods, fourteen datasets and the pool");
    for entry in entries {
        let what =
            |column: &str| format!("{} {} {} {column}", entry["slm"], entry["method"], entry["dataset"]);
        let (alignment, areas) =
            (matching(&tables["alignment"], entry), matching(&tables["curve_areas"], entry));
        assert_eq!((alignment.len(), areas.len()), (1, 1), "{}", what("rows"));
        assert_eq!((&alignment[0]["rows"], &alignment[0]["missing"]), (&entry["rows"], &entry["missing"]));
        for column in ALIGNMENT {
            assert_agrees(&alignment[0][*column], &entry[*column], &what(column));
        }
        for column in AREAS {
            assert_agrees(&areas[0][*column], &entry[*column], &what(column));
        }
        let curve = matching(&tables["curves"], entry);
        for (ratio, point) in
            goldens["ratios"].as_array().unwrap().iter().zip(entry["curve"].as_array().unwrap())
        {
            let row = curve.iter().find(|row| row["grid_ratio"] == *ratio).unwrap();
            for (column, expected) in
                ["routing_ratio", "accuracy", "kept_accuracy"].iter().zip(point.as_array().unwrap())
            {
                assert_agrees(&row[*column], expected, &what(&format!("{column} at {ratio}")));
            }
        }
    }
}
