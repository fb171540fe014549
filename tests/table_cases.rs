//! Tables as other tools leave them: partitions in folders' names, Python's `NaN`, compressed text, pools without an error.
//! Each by files of its own, and by those of real reports where `PLIMSOLL_REAL_DATA` names the folder that holds `cases/`.

use std::env;
use std::path::PathBuf;

use serde_json::Value;

use crate::fixture::pool;
use crate::harness::{Run, Sandbox};

/// Where the files of a case are, if they are anywhere.
fn case(name: &str) -> Option<PathBuf> {
    let folder = env::var_os("PLIMSOLL_REAL_DATA").map(|root| PathBuf::from(root).join("cases").join(name));
    let folder = folder.filter(|folder| folder.is_dir());
    if folder.is_none() {
        println!("skipped: PLIMSOLL_REAL_DATA is not set or holds no cases/{name}");
    }
    folder
}

/// The same pool as one file and as partitions by dataset and method, in CSV or JSON lines.
fn partitioned(sandbox: &Sandbox, lines: bool) {
    sandbox.write("whole.csv", pool());
    for dataset in ["alpha", "beta", "gamma", "delta"] {
        for method in ["good", "noise"] {
            let mut text = if lines {
                String::new()
            } else {
                "question_id,domain,slm,llm,confidence,slm_correct,llm_correct\n".to_owned()
            };
            for cells in pool().lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>()) {
                if cells[1] != dataset || cells[5] != method {
                    continue;
                }
                let cells = [&cells[0], &cells[2], &cells[3], &cells[4], &cells[6], &cells[7], &cells[8]];
                if lines {
                    let confidence = if cells[4].is_empty() { "null" } else { cells[4] };
                    let [id, domain, slm, llm, _, right, large] = cells;
                    text.push_str(&format!(
                        "{{\"question_id\": \"{id}\", \"domain\": \"{domain}\", \"slm\": \"{slm}\", \"llm\": \"{llm}\", \
                         \"confidence\": {confidence}, \"slm_correct\": {right}, \"llm_correct\": {large}, \"loss\": NaN}}\n"
                    ));
                } else {
                    text.push_str(&format!("{}\n", cells.map(String::as_str).join(",")));
                }
            }
            let ending = if lines { "jsonl" } else { "csv" };
            sandbox.write(&format!("hive/dataset={dataset}/method={method}/part-0.{ending}"), text);
            sandbox.write("hive/_SUCCESS", "");
        }
    }
}

fn methods(sandbox: &Sandbox, folder: &str) -> Value {
    sandbox.json(&format!("{folder}/small--large.thresholds.json"))["methods"].clone()
}

const PLAN: &str = "name: hive
seed: 50
import:
  files:
    logs: {path: \"hive/**/*.FORMAT\"}
  sql: |
    SELECT question_id, dataset, domain, slm, llm, method, confidence, slm_correct, llm_correct, _file, _row FROM logs
calibration: {bins: 10, fraction: 0.5}
thresholds: {routing_ratio: [0.2, 0.5]}
";

#[test]
fn partitions_give_what_one_file_gives() {
    for (lines, ending) in [(false, "csv"), (true, "jsonl")] {
        let sandbox = Sandbox::new();
        partitioned(&sandbox, lines);
        let fit = "--ratio 0.2 0.5 --bins 10 --fraction 0.5 --bootstrap 0 --out";
        sandbox.sh(&format!("fit --scores whole.csv {fit} whole")).exits(0);
        let pattern = format!("hive/**/*.{ending}");
        for (index, given) in ["hive", &pattern, "hive/"].into_iter().enumerate() {
            sandbox.sh(&format!("fit --scores {given} {fit} parts{index}")).exits(0);
            assert_eq!(methods(&sandbox, "whole"), methods(&sandbox, &format!("parts{index}")), "{given}");
        }
        // In a pipeline, from wherever it is run, and with the whole folder as the path.
        sandbox.write("exp=1/pipeline.yaml", PLAN.replace("\"hive/", "\"../hive/").replace("FORMAT", ending));
        sandbox.sh("run exp=1/pipeline.yaml --until fit --out run").exits(0);
        assert_eq!(methods(&sandbox, "whole"), methods(&sandbox, "run"));
        let path = "--set import.files.logs.path=../hive --set import.files.logs.format";
        let format = if lines { "json_lines" } else { "csv" };
        sandbox.sh(&format!("run exp=1/pipeline.yaml --until fit --out again {path}={format}")).exits(0);
        assert_eq!(methods(&sandbox, "whole"), methods(&sandbox, "again"));
        // Another name of a folder is another table: the scores are read anew.
        std::fs::rename(sandbox.path("hive/dataset=alpha"), sandbox.path("hive/dataset=omega")).unwrap();
        sandbox.sh("run exp=1/pipeline.yaml --until fit --out run").exits(0).shows(["score     runs:"]);
        assert_ne!(methods(&sandbox, "whole"), methods(&sandbox, "run"));
    }
}

#[test]
fn partitions_that_do_not_fit_are_refused_by_name() {
    let sandbox = Sandbox::new();
    partitioned(&sandbox, false);
    let part = "hive/dataset=alpha/method=good/part-0.csv";
    let text = String::from_utf8(sandbox.read(part)).unwrap();
    sandbox.write("hive/dataset=alpha/odd.csv", &text);
    let said = "`hive/dataset=alpha/odd.csv` lies in no folder `method=..`";
    sandbox.sh("fit --scores hive --out out").exits(3).says([said]);
    std::fs::remove_file(sandbox.path("hive/dataset=alpha/odd.csv")).unwrap();
    let whole: String = text
        .lines()
        .enumerate()
        .map(|(row, line)| format!("{line},{}\n", if row == 0 { "dataset" } else { "beta" }))
        .collect();
    std::fs::remove_dir_all(sandbox.path("hive")).unwrap();
    sandbox.write(part, whole);
    let said = "column `dataset` is `beta`, but the folders of the path say `alpha`";
    sandbox.sh("fit --scores hive --out out").exits(3).says([part, "data row 1", said]);
    sandbox.write("empty/_SUCCESS", "");
    sandbox.sh("fit --scores empty --out out").exits(3).says(["there is no file below `empty`"]);
    sandbox.write("scores.csv.gz", b"\x1f\x8b\x08");
    let said = "`scores.csv.gz` is compressed (gzip); unpack it first: gunzip FILE";
    sandbox.sh("fit --scores scores.csv.gz --out out").exits(2).says([said]);
    assert_eq!(sandbox.files("out"), [""; 0]);
}

#[test]
fn python_s_numbers_that_are_none_cost_what_they_touch() {
    let sandbox = Sandbox::new();
    partitioned(&sandbox, true);
    let part = "hive/dataset=alpha/method=good/part-0.jsonl";
    let text = String::from_utf8(sandbox.read(part)).unwrap();
    sandbox.write(part, text.replacen("\"slm_correct\": true", "\"slm_correct\": NaN", 1));
    let run = sandbox.sh("fit --scores hive --out out").exits(3);
    run.says([part, "slm_correct \"NaN\" is not true/false", "1 row cannot be used"]);
    sandbox.write(part, text.replacen("\"confidence\": 0.", "\"confidence\": -Infinity, \"was\": 0.", 1));
    sandbox.sh("fit --scores hive --out out").exits(3).says(["line 1 (data row 1): confidence -inf is not"]);
}

fn run_case(folder: &str, pipeline: &str, out: &str) -> Option<(Sandbox, Run)> {
    let pipeline = case(folder)?.join(pipeline);
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["run", pipeline.to_str()?, "--until", "fit", "--out", out]);
    Some((sandbox, run))
}

#[test]
fn logs_of_the_harness_with_infinities() {
    for (pipeline, code) in [("mc_old.yaml", 0), ("mc_new.yaml", 0), ("one.yaml", 0), ("both.yaml", 3)] {
        let Some((sandbox, run)) = run_case("case18", pipeline, "out") else { return };
        let run = run.exits(code);
        if code == 0 {
            let file = sandbox.json("out/slm.thresholds.json");
            assert_eq!(file["methods"][0]["rows"]["pool"], 40, "{pipeline}");
        } else {
            run.says(["40 rows cannot be used", "second row for question"]);
        }
    }
}

#[test]
fn hive_partitions_of_another_writer() {
    let Some(hive) = case("case22").map(|folder| folder.join("hive")) else { return };
    let points = |sandbox: &Sandbox| {
        let files: Vec<String> =
            sandbox.files("out").into_iter().filter(|name| name.ends_with(".thresholds.json")).collect();
        sandbox.json(&format!("out/{}", files[0]))["methods"].clone()
    };
    let mut all = Vec::new();
    for pipeline in ["plan.yaml", "byfile.yaml"] {
        let Some((sandbox, run)) = run_case("case22", pipeline, "out") else { return };
        run.exits(0);
        all.push(points(&sandbox));
    }
    assert_eq!(all[0], all[1], "from the column as from the path");
    for given in [hive.to_str().unwrap(), &format!("{}/**/*.parquet", hive.display())] {
        let sandbox = Sandbox::new();
        let options =
            ["--bins", "10", "--fraction", "0.5", "--ratio", "0.3", "--bootstrap", "100", "--seed", "50"];
        sandbox.run(&[&["fit", "--scores", given, "--out", "out"][..], &options].concat()).exits(0);
        assert_eq!(points(&sandbox)[0]["rows"], all[0][0]["rows"], "{given}");
    }
}

/// Rows of the pool and tested rows that would do, as the thresholds file says.
fn would_do(sandbox: &Sandbox, scores: &str) -> Option<(u64, u64)> {
    let options = "--risk selective_error:0.2:0.1 --fraction 1 --bootstrap 0 --out out";
    sandbox
        .run(&[&["fit", "--scores", scores][..], &options.split(' ').collect::<Vec<_>>()].concat())
        .exits(0);
    let name = sandbox.files("out").into_iter().find(|name| name.ends_with(".thresholds.json")).unwrap();
    let file = sandbox.json(&format!("out/{name}"));
    let infeasible = &file["methods"][0]["operating_points"][0]["infeasible"];
    Some((infeasible["rows_pool_needed"].as_u64()?, infeasible["rows_tested_needed"].as_u64()?))
}

#[test]
fn a_pool_without_an_error_needs_a_few_rows_more() {
    let sandbox = Sandbox::new();
    let pipeline = sandbox.sh("sample-size --alpha 0.2 --delta 0.1 --json").exits(0).json();
    let least = pipeline["least_rows"].as_u64().unwrap();
    let pool = |rows: u64, lost: &[u64]| {
        let row = |row: u64| format!("q{row},a,m,0.{:02},{}\n", 50 + row, u64::from(!lost.contains(&row)));
        let rows: String = (0..rows).map(row).collect();
        sandbox.write("scores.csv", format!("question_id,dataset,method,confidence,slm_correct\n{rows}"));
        would_do(&sandbox, "scores.csv")
    };
    let mut before = u64::MAX;
    for rows in [1, 2, 3, 5, 8, 10, 15, 20] {
        let (pool, tested) = pool(rows, &[]).unwrap();
        assert!(tested >= least && tested <= 3 * least && pool > rows, "{rows}: {pool} {tested}");
        assert!(pool <= before, "{rows}: {pool} after {before}");
        before = pool;
    }
    // As many as are named, or half again as many, are enough.
    assert_eq!(pool(before * 3 / 2, &[]), None);
    // A single wrong answer is no evidence against any number; fifteen of fifteen are.
    assert!(pool(1, &[0]).is_some() && pool(5, &[2]).is_some());
    assert_eq!(pool(15, &(0..15).collect::<Vec<_>>()), None);
    sandbox.sh("thresholds show out/slm.thresholds.json").exits(0).shows(["no number of rows would do"]);
}

#[test]
fn pools_without_an_error_of_a_report() {
    let Some(folder) = case("case25") else { return };
    let (sandbox, mut before) = (Sandbox::new(), u64::MAX);
    for rows in [1, 2, 3, 5, 8, 10, 15, 20] {
        let path = folder.join(format!("right_{rows}.csv"));
        let (pool, tested) = would_do(&sandbox, path.to_str().unwrap()).unwrap();
        assert!((18..=54).contains(&tested) && pool > rows && pool <= before, "{rows}: {pool} {tested}");
        before = pool;
    }
    for (name, has_number) in
        [("all_right", false), ("all_wrong", false), ("inverted", false), ("one_row", true)]
    {
        let path = folder.join(format!("{name}.csv"));
        assert_eq!(would_do(&sandbox, path.to_str().unwrap()).is_some(), has_number, "{name}");
    }
}
