//! `fit`, `evaluate` and `transfer` on a table of scores.

use crate::fixture::{FITTED, fitted, pool};
use crate::harness::Sandbox;

#[test]
fn fit_writes_a_set_a_file_and_a_record() {
    let sandbox = fitted("--ratio 0.1 0.2 --ratio 0.3");
    assert_eq!(
        sandbox.files("out"),
        ["manifest.json", "small--large.thresholds.json", "tables/calibration.parquet"]
    );
    let manifest = sandbox.json("out/manifest.json");
    assert_eq!(manifest["format"], "plimsoll-manifest");
    assert_eq!(manifest["plan"]["name"], "plimsoll fit");
    let fit = &manifest["stages"][1];
    assert_eq!(fit["stage"], "fit");
    assert_eq!(fit["inputs"][0]["name"], "scores.csv");
    assert_eq!(fit["outputs"][0]["path"], "small--large.thresholds.json");
    let parameters = &fit["parameters"]["parameters"];
    assert_eq!(parameters["calibration"], serde_json::json!({"bins": 30, "fraction": 0.1}));
    assert_eq!(parameters["thresholds"]["routing_ratio"], serde_json::json!([0.1, 0.2, 0.3]));
    let file = sandbox.json(FITTED);
    assert_eq!(file["pipeline"]["sha256"], manifest["plan"]["sha256"]);
    assert_eq!(file["calibration"]["sources"][0]["name"], "scores.csv");
    assert!(!String::from_utf8(sandbox.read(FITTED)).unwrap().contains(sandbox.root().to_str().unwrap()));
}

#[test]
fn the_defaults_are_nine_ratios() {
    let sandbox = fitted("");
    let points = sandbox.json(FITTED)["methods"][0]["operating_points"].clone();
    let ids: Vec<&str> =
        points.as_array().unwrap().iter().map(|point| point["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 9);
    assert_eq!((ids[0], ids[8]), ("good/routing_ratio=0.1", "good/routing_ratio=0.9"));
}

#[test]
fn people_see_the_operating_points() {
    let sandbox = Sandbox::new();
    sandbox.write("scores.csv", pool());
    let run = sandbox
        .sh("fit --scores scores.csv --bootstrap 20 --fraction 0.5 --ratio 0.2 --accuracy 0.99 --cost 1 \
         --risk selective_error:0.3:0.1 --risk joint_error:0.001:0.01 --out out");
    let run = run.exits(0).says(["choosing the best of the 2 methods of a pair by its result needs delta/2"]);
    insta::assert_snapshot!(run.stdout, @r"
    small -> large
      good: 800 rows, 16 without a confidence, 392 drawn
        target                   threshold  deferred                 accuracy                 status
        routing_ratio=0.2         0.188100  0.2000 [0.1736, 0.2388]  0.6250 [0.5836, 0.6800]  reached
        accuracy=0.99                    -  -                        -                        not_reached
        cost=1                           -  -                        -                        needs_costs
        selective_error=0.3:0.1   0.579100  0.6100 [0.5849, 0.6589]  0.8175 [0.7823, 0.8539]  reached
        joint_error=0.001:0.01           -  -                        -                        infeasible: about 9206 pool rows would do
      noise: 800 rows, 16 without a confidence, 392 drawn
        target                   threshold  deferred                 accuracy                 status
        routing_ratio=0.2         0.191450  0.2000 [0.1750, 0.2402]  0.5525 [0.5099, 0.5916]  reached
        accuracy=0.99                    -  -                        -                        not_reached
        cost=1                           -  -                        -                        needs_costs
        selective_error=0.3:0.1          -  -                        -                        infeasible: no number of rows would do
        joint_error=0.001:0.01           -  -                        -                        infeasible: about 9206 pool rows would do
    784 calibration rows; wrote out/small--large.thresholds.json
    ");
}

#[test]
fn several_files_and_patterns_are_one_table() {
    let whole = fitted("");
    let sandbox = Sandbox::new();
    let table = pool();
    let lines: Vec<&str> = table.lines().collect();
    let (first, second) = lines[1..].split_at(500);
    sandbox.write("a.csv", format!("{}\n{}\n", lines[0], first.join("\n")));
    sandbox.write("b.csv", format!("{}\n{}\n", lines[0], second.join("\n")));
    sandbox.sh("fit --scores b.csv a.csv --bootstrap 20 --out given").exits(0);
    sandbox.sh("fit --scores b.csv --scores a.csv --bootstrap 20 --out repeated").exits(0);
    sandbox.sh("fit --scores ?.csv --bootstrap 20 --out pattern").exits(0);
    let methods = |sandbox: &Sandbox, file: &str| sandbox.json(file)["methods"].clone();
    for folder in ["given", "repeated", "pattern"] {
        let file = format!("{folder}/small--large.thresholds.json");
        assert_eq!(methods(&sandbox, &file), methods(&whole, FITTED), "{folder}");
    }
}

#[test]
fn evaluate_takes_the_maps_of_a_file() {
    let sandbox = fitted("");
    sandbox.write("other.csv", pool().replace(",noise,", ",other,"));
    let run = sandbox.run(&[
        "evaluate",
        "--scores",
        "other.csv",
        "--thresholds",
        FITTED,
        "--bootstrap",
        "0",
        "--out",
        "judged",
        "--json",
    ]);
    let run = run.exits(0).says(["no entry for small -> large other"]);
    let scheme = |method: &str| {
        let rows = run.json()["alignment"].as_array().unwrap().clone();
        rows.iter().find(|row| row["method"] == method && row["dataset"] == "*").unwrap()["map_scheme"]
            .clone()
    };
    assert_eq!(scheme("good"), "file");
    assert_eq!(scheme("other"), "leave_one_dataset_out");
    assert_eq!(
        sandbox.files("judged"),
        [
            "manifest.json",
            "tables/alignment.parquet",
            "tables/curve_areas.parquet",
            "tables/curves.parquet",
            "tables/map_metrics.parquet"
        ]
    );
}

#[test]
fn transfer_holds_out_datasets_and_domains() {
    let sandbox = Sandbox::new();
    sandbox.write("scores.csv", pool());
    let run = sandbox.sh(
        "transfer --scores scores.csv --by domain --by dataset --ratio 0.3 --repeats 2 --bootstrap 0 --out out --json",
    );
    let rows = run.exits(0).json()["transfer"].as_array().unwrap().clone();
    let count = |by: &str, held_out: &str| {
        rows.iter()
            .filter(|row| row["by"] == by && row["held_out"] == held_out && row["method"] == "good")
            .count()
    };
    for dataset in ["alpha", "beta", "gamma", "delta"] {
        assert_eq!(count("dataset", dataset), 2, "{dataset}");
    }
    assert_eq!((count("domain", "even"), count("domain", "odd"), rows.len()), (2, 2, 24));
    let people = sandbox.sh("transfer --scores scores.csv --ratio 0.3 --bootstrap 0 --out out").exits(0);
    people.shows(["small -> large", "|achieved-target|", "over random", "curve rmse", "KS"]);
}

#[test]
fn a_broken_pipe_is_no_error() {
    let sandbox = fitted("");
    let mut command = sandbox.command(&["thresholds", "show", FITTED, "--json"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}
