//! Bad tables of scores: each is refused with file and line, and nothing is written.

use crate::fixture::{HEADER, pool, scores};
use crate::harness::{Run, Sandbox};

/// `fit` on this table.
fn fit(table: &str) -> (Sandbox, Run) {
    let sandbox = Sandbox::new();
    sandbox.write("scores.csv", table);
    let run = sandbox.sh("fit --scores scores.csv --bootstrap 0 --out out");
    (sandbox, run)
}

/// A table whose only bad row, the second, has this confidence.
fn with_confidence(confidence: &str) -> String {
    format!(
        "{HEADER}q0,alpha,x,small,large,good,0.5,true,true\nq1,alpha,x,small,large,good,{confidence},true,true\n"
    )
}

#[test]
fn confidences_out_of_range_are_refused_with_their_row() {
    for (confidence, value) in [
        ("1.7", "1.7"),
        ("-0.1", "-0.1"),
        ("NaN", "NaN"),
        ("inf", "inf"),
        ("-inf", "-inf"),
        ("1.0000001", "1.0000001"),
    ] {
        let (sandbox, run) = fit(&with_confidence(confidence));
        run.exits(3).says(["`scores.csv` line 3 (data row 2)", &format!("confidence {value} is not")]);
        assert_eq!(sandbox.files("out"), [""; 0]);
    }
}

#[test]
fn every_bad_row_is_listed() {
    let (_, run) = fit(&with_confidence("2").replace("0.5,true,true", "0.5,true,maybe"));
    run.exits(3).says(["2 rows cannot be used", "data row 1", "llm_correct \"maybe\"", "data row 2"]);
}

#[test]
fn an_empty_confidence_is_missing() {
    let (sandbox, run) = fit(&with_confidence(""));
    run.exits(0);
    let file = sandbox.json("out/small--large.thresholds.json");
    assert_eq!(file["methods"][0]["rows"]["missing"], 1);
}

#[test]
fn a_missing_column_is_named() {
    let (_, run) = fit(&pool().replacen("confidence", "confidance", 1));
    run.exits(3).says(["there is no column `confidence`", "is `confidance` meant?"]);
}

#[test]
fn a_column_of_words_is_no_confidence() {
    let (_, run) = fit(&with_confidence("high"));
    run.exits(3).says(["scores.csv", "high"]);
}

#[test]
fn files_that_are_empty_or_not_there() {
    let (_, run) = fit("");
    run.exits(3).says(["`scores.csv` is empty"]);
    let (_, run) = fit(HEADER);
    run.exits(3).says(["no data rows in `scores.csv`"]);
    let sandbox = Sandbox::new();
    sandbox.sh("fit --scores nowhere.csv --out out").exits(3).says(["no file matches `nowhere.csv`"]);
    sandbox.sh("fit --scores *.csv --out out").exits(3).says(["no file matches `*.csv`"]);
    assert!(!sandbox.exists("out"));
    sandbox.write("scores.xlsx", "x");
    sandbox.sh("fit --scores scores.xlsx --out out").exits(2).says(["known are .csv"]);
}

#[cfg(unix)]
#[test]
fn devices_that_never_end_are_no_files() {
    let sandbox = Sandbox::new();
    sandbox.sh("fit --scores /dev/zero --out out").exits(3).says(["`/dev/zero` is not a regular file"]);
    sandbox.sh("config /dev/zero").exits(2).says(["`/dev/zero` is larger than"]);
    sandbox.sh("run /dev/null").exits(2).says(["it is empty"]);
    sandbox.sh("fit --scores . --out out").exits(3).says(["there is no file below `.`"]);
}

#[test]
fn a_csv_from_a_spreadsheet_works() {
    let plain = Sandbox::new();
    plain.write("scores.csv", pool());
    plain.sh("fit --scores scores.csv --bootstrap 0 --out out").exits(0);
    let spreadsheet = Sandbox::new();
    // A byte order mark, CRLF line ends, and a text column with quoted line breaks, which is ignored.
    let mut lines = Vec::new();
    for (index, line) in pool().lines().enumerate() {
        let text = if index == 0 { "note" } else { "\"he said \"\"no\"\",\r\nthen left\"" };
        lines.push(format!("{line},{text}\r\n"));
    }
    spreadsheet.write("scores.csv", format!("\u{feff}{}", lines.concat()));
    let run = spreadsheet.sh("fit --scores scores.csv --bootstrap 0 --out out").exits(0);
    run.says(["column `note` of `scores.csv` is ignored"]);
    let points = |sandbox: &Sandbox| sandbox.json("out/small--large.thresholds.json")["methods"].clone();
    assert_eq!(points(&plain), points(&spreadsheet));
}

#[test]
fn a_key_may_occur_once() {
    let row = "q0,alpha,x,small,large,good,0.5,true,true\n";
    let (_, run) = fit(&format!("{HEADER}{row}{row}"));
    run.exits(3).says(["line 3", "second row for question `q0` of dataset `alpha`"]);
    let sandbox = Sandbox::new();
    sandbox.write("scores.csv", pool());
    sandbox.sh("fit --scores scores.csv scores.csv --out out").exits(3).says(["second row for question"]);
}

#[test]
fn labels_of_one_class_leave_roc_auc_undefined() {
    let sandbox = Sandbox::new();
    let rows: String =
        (0..40).map(|row| format!("q{row},alpha,x,small,large,good,0.{:02},true,true\n", row + 10)).collect();
    sandbox.write("scores.csv", format!("{HEADER}{rows}"));
    let run = sandbox.sh("evaluate --scores scores.csv --bootstrap 20 --out out --json").exits(0);
    let pool = run.json()["alignment"].as_array().unwrap().iter().find(|row| row["dataset"] == "*").cloned();
    let pool = pool.unwrap();
    assert_eq!((&pool["roc_auc"], &pool["accuracy"]), (&serde_json::Value::Null, &serde_json::json!(1.0)));
    sandbox.sh("fit --scores scores.csv --bootstrap 20 --out fit").exits(0);
}

#[test]
fn a_dataset_of_one_row_is_a_dataset() {
    let sandbox = Sandbox::new();
    sandbox.write("scores.csv", format!("{HEADER}q0,alpha,x,small,large,good,0.5,true,false\n"));
    for command in ["fit", "evaluate", "transfer"] {
        sandbox.sh(&format!("{command} --scores scores.csv --bootstrap 5 --out {command}")).exits(0);
    }
    let mut table = scores(&["alpha", "beta"], 60);
    table.push_str("q0,gamma,odd,small,large,good,0.5,true,false\n");
    sandbox.write("scores.csv", table);
    let run = sandbox.sh("transfer --scores scores.csv --bootstrap 5 --out two --json").exits(0);
    let rows = run.json()["transfer"].as_array().unwrap().clone();
    assert!(rows.iter().any(|row| row["held_out"] == "gamma" && row["rows"] == 1));
}

#[test]
fn without_an_llm_ratios_work_and_accuracy_says_why_not() {
    let sandbox = Sandbox::new();
    let table: String = pool()
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{}\n", [&cells[..4], &cells[5..8]].concat().join(","))
        })
        .collect();
    sandbox.write("scores.csv", table);
    let run = sandbox.sh(
        "fit --scores scores.csv --bootstrap 0 --fraction 0.5 --ratio 0.2 --accuracy 0.8 --risk selective_error:0.4:0.1 \
         --risk regret:0.1:0.1 --out out --json",
    );
    let statuses: Vec<(String, String)> = run.exits(0).json()["operating_points"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|point| point["method"] == "good")
        .map(|point| (point["target_kind"].to_string(), point["status"].to_string()))
        .collect();
    let expected = [
        ("routing_ratio", "reached"),
        ("accuracy", "needs_llm"),
        ("selective_error", "reached"),
        ("regret", "needs_llm"),
    ];
    assert_eq!(statuses, expected.map(|(kind, status)| (format!("\"{kind}\""), format!("\"{status}\""))));
    assert!(sandbox.exists("out/small.thresholds.json"));
}

#[test]
fn two_pairs_with_one_file_name_are_refused() {
    let row = |slm: &str| format!("q0,alpha,x,{slm},large,good,0.5,true,true\n");
    let (sandbox, run) = fit(&format!("{HEADER}{}{}", row("a/b"), row("A:b")));
    run.exits(3).says(["would both be named", "rename a model"]);
    assert_eq!(sandbox.files("out"), [""; 0]);
}

#[test]
fn options_out_of_range_are_usage_errors() {
    let sandbox = Sandbox::new();
    sandbox.write("scores.csv", pool());
    for (options, message) in [
        ("--ratio 1.5", "must be between 0 and 1"),
        ("--ratio -0.1", "must be between 0 and 1"),
        ("--ratio nan", "must be between 0 and 1"),
        ("--accuracy x", "is not a number"),
        ("--cost -1", "at least 0"),
        ("--fraction 0", "greater than 0 and at most 1"),
        ("--bins 0", "a whole number from 1"),
        ("--bins 2.5", "a whole number from 1"),
        ("--seed -1", "a whole number from 0"),
        ("--bootstrap 9999999", "a whole number from 0 to 100000"),
        ("--risk selective_error:0.1", "KIND:ALPHA:DELTA"),
        ("--risk speed:0.1:0.1", "`speed` is no risk"),
        ("--risk regret:0:0.1", "alpha must be greater than 0"),
        ("--ratio 0.2 0.2", "routing_ratio=0.2 is given twice"),
        ("--threads 0", "1..=1024"),
        ("--nonsense", "unexpected argument"),
    ] {
        sandbox.sh(&format!("fit --scores scores.csv --out out {options}")).exits(2).says([message]);
    }
    sandbox.sh("fit --scores scores.csv").exits(2).says(["--out <DIR>"]);
    sandbox.sh("fit --out out").exits(2).says(["--scores <FILE>..."]);
    assert!(!sandbox.exists("out"));
}
