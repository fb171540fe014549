//! The released folders of `calibration`: thresholds follow from scores, and scores are what the models say today.

use std::collections::HashMap;
use std::fs;

use serde_json::Value;

use super::bench::{rows, sh};
use crate::harness::{Sandbox, repository};

/// The two models together, in bytes.
const MAX_BYTES: u64 = 20_000_000;
/// Questions of each dataset that are asked again.
const ASKED_AGAIN: usize = 24;
/// Share of the questions in which a fresh run must agree with the released one: another processor rounds
/// otherwise, and where two tokens are nearly alike it takes the other.
const AGREEMENT: f64 = 0.98;
/// Largest difference of a confidence that agrees.
const CONFIDENCE_TOLERANCE: f64 = 1e-3;

/// A released folder of `calibration`, and the pipeline that it is a run of.
struct Release {
    folder: &'static str,
    pipeline: &'static str,
    /// Rows of the calibration set, at least.
    drawn: usize,
    methods: usize,
}

const RELEASES: [Release; 2] = [
    Release { folder: "pocket", pipeline: "pocket", drawn: 1000, methods: 11 },
    Release { folder: "smollm2-135m", pipeline: "smollm2-135m", drawn: 2500, methods: 11 },
];

impl Release {
    fn pipeline(&self) -> String {
        fs::read_to_string(repository().join(format!("pipelines/{}.yaml", self.pipeline))).unwrap()
    }

    /// Names of its thresholds files.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(repository().join("calibration").join(self.folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".thresholds.json")).collect()
    }

    /// What the tests need of the folder, copied to `released`.
    fn copied(&self) -> Sandbox {
        let sandbox = Sandbox::new();
        let folder = repository().join("calibration").join(self.folder);
        let tables = ["tables/scores.parquet", "tables/calibration.parquet"].map(str::to_owned);
        for name in tables.into_iter().chain(self.files()) {
            sandbox.write(&format!("released/{name}"), fs::read(folder.join(&name)).unwrap());
        }
        sandbox
    }
}

fn text<'v>(row: &'v Value, column: &str) -> &'v str {
    row[column].as_str().unwrap()
}

#[test]
fn the_released_thresholds_follow_from_the_released_scores() {
    RELEASES.iter().for_each(thresholds_follow_from_scores);
}

fn thresholds_follow_from_scores(release: &Release) {
    let sandbox = release.copied();
    let pipeline = release.pipeline();
    let (_, targets) = pipeline.split_once("\ncalibration:").unwrap();
    let name = release.pipeline;
    sandbox.write(
        "pipeline.yaml",
        format!(
            "name: {name}
seed: 50
import:
  files: {{scores: {{path: released/tables/scores.parquet}}}}
  sql: |
    SELECT question_id, dataset, domain, slm, llm, method, confidence, slm_correct, llm_correct,
           slm_cost, llm_cost, cluster_id, _file, _row
    FROM scores
calibration:{targets}"
        ),
    );
    sh(&sandbox, "run pipeline.yaml --out out --until fit").exits(0);
    let drawn = rows(&sandbox, "released", "calibration");
    assert!(drawn.len() > release.drawn, "{name}: {} rows", drawn.len());
    assert_eq!(rows(&sandbox, "out", "calibration"), drawn);
    assert!(!release.files().is_empty(), "{name}");
    for file in release.files() {
        let [found, expected] =
            ["out", "released"].map(|folder| sandbox.json(&format!("{folder}/{file}"))["methods"].clone());
        let (found, expected) = (found.as_array().unwrap(), expected.as_array().unwrap());
        assert_eq!(expected.len(), release.methods, "{file}");
        for method in expected {
            let same = found.iter().find(|other| other["id"] == method["id"]).unwrap();
            for part in ["rows", "reference", "drift", "maps", "operating_points"] {
                assert_eq!(same[part], method[part], "{part} of {} in {file}", method["id"]);
            }
            assert!(method["operating_points"].as_array().unwrap().len() >= 14, "{file}");
        }
    }
}

/// Tables with texts stay behind, and the manifest, report and card name no path of the machine that ran them.
#[test]
fn no_release_holds_texts_or_paths() {
    for release in &RELEASES {
        let folder = repository().join("calibration").join(release.folder);
        for table in ["questions", "generations", "labels", "hidden_states"] {
            let path = folder.join("tables").join(table);
            assert!(!path.exists() && !path.with_extension("parquet").exists(), "{}", path.display());
        }
        for name in ["README.md", "report.html", "manifest.json"] {
            let text = fs::read_to_string(folder.join(name)).unwrap();
            for path in ["/home/", "/root/", "/tmp/", "/Users/", "/mnt/"] {
                assert!(!text.contains(path), "{}/{name} names {path}", release.folder);
            }
        }
    }
}

#[test]
fn a_fresh_run_agrees_with_the_released_scores() {
    let release = &RELEASES[0];
    let sandbox = release.copied();
    let models = repository().join("models");
    let fewer = release
        .pipeline()
        .replace("../models", models.to_str().unwrap())
        .replace("sample: {rows: 400}", &format!("sample: {{rows: {ASKED_AGAIN}}}"));
    // A probe learns from the other questions, and here are fewer of them.
    let fewer: Vec<&str> = fewer.lines().filter(|line| !line.contains("_probe:")).collect();
    sandbox.write("pipeline.yaml", fewer.join("\n"));
    sh(&sandbox, "run pipeline.yaml --out out --until score").exits(0);
    let released: HashMap<_, Value> =
        rows(&sandbox, "released", "scores").into_iter().map(|row| (key(&row), row)).collect();
    let fresh = rows(&sandbox, "out", "scores");
    assert_eq!(fresh.len(), 14 * ASKED_AGAIN * (release.methods - 2));
    assert_agrees(&released, &fresh, &["slm_correct", "llm_correct"]);
}

/// How many of the fresh confidences and grades are the released ones.
fn assert_agrees(released: &HashMap<(String, String), Value>, fresh: &[Value], grades: &[&str]) {
    // A question whose near duplicate is not asked here was dropped there: it agrees with nothing.
    let agrees = |row: &&Value| {
        let Some(other) = released.get(&key(row)) else { return false };
        let near = match (row["confidence"].as_f64(), other["confidence"].as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() <= CONFIDENCE_TOLERANCE,
            (one, other) => one == other,
        };
        near && grades.iter().all(|grade| row[*grade] == other[*grade])
    };
    let share = fresh.iter().filter(agrees).count() as f64 / fresh.len() as f64;
    println!("{share} of {} confidences agree", fresh.len());
    assert!(share >= AGREEMENT, "{share} of {} confidences agree", fresh.len());
}

/// Question and method of a score.
fn key(row: &Value) -> (String, String) {
    (text(row, "question_id").to_owned(), text(row, "method").to_owned())
}

/// A sample of the questions of the released run of a real model, asked again.
#[test]
fn a_real_model_s_fresh_run_agrees_with_the_released_scores() {
    const DATASETS: [(&str, &str, &str, &str, usize); 4] = [
        ("svamp", "svamp/SVAMP.json", "test", "chain_of_thought", 2),
        ("openbookqa", "openbookqa/test.jsonl", "test", "direct", 6),
        ("boolq", "boolq/dev.jsonl", "validation", "direct", 6),
        ("winogrande", "winogrande/dev.jsonl", "validation", "direct", 6),
    ];
    const FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
    let folder = |name: &str| std::env::var_os(name).map(std::path::PathBuf::from);
    let (Some(data), Some(models)) = (folder("PLIMSOLL_REAL_DATA"), folder("PLIMSOLL_REAL_MODELS")) else {
        println!(
            "skipped: PLIMSOLL_REAL_DATA and PLIMSOLL_REAL_MODELS are not both set, so no real model is asked again"
        );
        return;
    };
    let release = &RELEASES[1];
    let sandbox = release.copied();
    let dataset = |(id, file, split, style, rows): (&str, &str, &str, &str, usize)| {
        let source = data.join(file);
        format!(
            "  - {{id: {id}, source: \"{}\", split: {split}, sample: {{rows: {rows}}}, prompt: {{style: {style}}}}}\n",
            source.display()
        )
    };
    let pipeline = release.pipeline();
    let (head, rest) = pipeline.split_once("\ndatasets:\n").unwrap();
    let (_, rest) = rest.split_once("\npool: {probe_rows: 0.3}").unwrap();
    let (middle, rest) = rest.split_once("\nllms:\n").unwrap();
    let (_, rest) = rest.split_once("\ndecoding:").unwrap();
    let address = middle.lines().find_map(|line| line.trim().strip_prefix("source: ")).unwrap();
    let middle = middle.replace(address, &format!("\"{}\"", models.join(FILE).display()));
    let datasets: String = DATASETS.map(dataset).concat();
    // As the release was run: see calibration/README.md.
    let pool = "pool: {probe_rows: 0.6}";
    let text = format!("{head}\ndatasets:\n{datasets}{pool}{middle}\nllms: []\ndecoding:{rest}");
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("_probe:")).collect();
    sandbox.write("pipeline.yaml", kept.join("\n"));
    sh(&sandbox, "run pipeline.yaml --out out --until score").exits(0);
    let fresh = rows(&sandbox, "out", "scores");
    let questions: usize = DATASETS.iter().map(|(.., rows)| rows).sum();
    assert_eq!(fresh.len(), questions * (release.methods - 2));
    let released = rows(&sandbox, "released", "scores").into_iter().map(|row| (key(&row), row)).collect();
    assert_agrees(&released, &fresh, &["slm_correct"]);
}

#[test]
fn the_released_models_are_small() {
    let models = repository().join("models/pocket");
    let bytes = |model: &str| -> u64 {
        let files = fs::read_dir(models.join(model)).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    };
    assert!(bytes("slm") < bytes("llm"));
    assert!(bytes("slm") + bytes("llm") <= MAX_BYTES);
}
