//! Pipeline files: what is refused, with which message, and the checked configuration.

use crate::fixture::{EVALUATION, pipeline, pool, sandbox};
use crate::harness::{Run, Sandbox, repository};

/// `config` on this text.
fn config(text: &str) -> Run {
    let sandbox = Sandbox::new();
    sandbox.write("pipeline.yaml", text);
    sandbox.sh("config pipeline.yaml")
}

#[test]
fn the_resolved_pipeline_is_a_pipeline_with_the_same_hash() {
    let sandbox = sandbox(EVALUATION);
    let first = sandbox.sh("config pipeline.yaml").exits(0);
    insta::assert_snapshot!(first.stdout, @r#"
    # sha256 a42adaa76c6d3b11520d35f93396e453360719381011f3c8dcfe0a79cee03389
    name: synthetic
    seed: 50
    import:
      folder: null
      files:
        log:
          path: scores.csv
          format: csv
          delimiter: ","
          header: true
      sql: |
        SELECT question_id, dataset, domain, slm, llm, method, confidence, slm_correct, llm_correct, _file, _row
        FROM log
    calibration:
      bins: 10
      fraction: 0.5
    thresholds:
      routing_ratio:
        - 0.2
        - 0.5
      accuracy:
        - 0.7
      cost: []
      risk: []
    evaluation:
      transfer:
        - leave_one_dataset_out
        - leave_one_domain_out
      repeats: 1
      bootstrap: 20
    labels:
      ungraded: wrong
      source: imported
    limits:
      missing: null
      ungraded: null
    "#);
    sandbox.write("again.yaml", &first.stdout);
    assert_eq!(sandbox.sh("config again.yaml").exits(0).stdout, first.stdout);
    let json = sandbox.sh("config pipeline.yaml --json").exits(0).json();
    assert_eq!(
        format!("# sha256 {}", json["sha256"].as_str().unwrap()),
        first.stdout.lines().next().unwrap()
    );
    assert_eq!(json["plan"]["import"]["files"]["log"]["delimiter"], ",");
}

/// Without their data, the pipelines of the repository can at least be read.
#[test]
fn the_pipelines_of_the_repository_are_pipelines() {
    let sandbox = Sandbox::new();
    let mut pipelines = 0;
    for entry in std::fs::read_dir(repository().join("pipelines")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let pipeline =
                sandbox.run(&["config", path.to_str().unwrap(), "--json"]).exits(0).json()["plan"].clone();
            assert_eq!(
                path.file_stem().unwrap().to_str(),
                pipeline["name"].as_str(),
                "a pipeline is named like its file"
            );
            pipelines += 1;
        }
    }
    assert!(pipelines > 0);
}

#[test]
fn settings_change_the_pipeline_and_its_hash() {
    let sandbox = sandbox(EVALUATION);
    let hash = |arguments: &str| {
        sandbox.sh(&format!("config pipeline.yaml --json {arguments}")).exits(0).json()["sha256"].clone()
    };
    let own = hash("");
    assert_eq!(hash("--set seed=50"), own);
    assert_eq!(hash("--set import.folder=/elsewhere"), own, "a folder only says where the files are");
    assert_ne!(hash("--set seed=51"), own);
    assert_ne!(hash("--set thresholds.routing_ratio.0=0.25"), own);
    let run = sandbox
        .sh("config pipeline.yaml --json --set thresholds.accuracy=[] --set evaluation=")
        .exits(0)
        .json();
    assert_eq!(
        (
            run["plan"]["thresholds"]["accuracy"].as_array().unwrap().len(),
            run["plan"]["evaluation"].is_null()
        ),
        (0, true)
    );
    for (setting, message) in [
        ("seed", "--set seed: must be KEY=VALUE"),
        ("sed=1", "unknown key `sed`; is `seed` meant?"),
        ("seed.x=1", "`seed` is a single value"),
        ("thresholds.accuracy.7=1", "`thresholds.accuracy` has 1 items"),
        ("seed=x", "seed: found string \"x\", expected a whole number"),
        ("seed=[", "--set seed=["),
    ] {
        sandbox.run(&["config", "pipeline.yaml", "--set", setting]).exits(2).says([message]);
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = pipeline("evaluation: {transfer: [leave_one_out], bootstrap: 1000}\nlimit: {missing: 0.1}\n")
        .replace("seed: 50", "seed: fifty")
        .replace("fraction: 0.5", "fraction: 1.5, binz: 3")
        .replace(
            "routing_ratio: [0.2, 0.5]",
            "routing_ratio: [0.2, 7]\n  risk: [{kind: selective_error, alpha: 0.1}]",
        );
    let run = config(&text).exits(2);
    insta::assert_snapshot!(run.stderr, @r#"
    error: `pipeline.yaml` has 7 problems:
      calibration.binz: unknown key `binz`; is `bins` meant? (known: `bins`, `fraction`)
      evaluation.transfer[0]: unknown value `leave_one_out` (known: `leave_one_dataset_out`, `leave_one_domain_out`)
      limit: unknown key `limit`; is `limits` meant? (known: `name`, `seed`, `import`, `datasets`, `pool`, `prompt`, `slms`, `llms`, `decoding`, `methods`, `inference`, `calibration`, `thresholds`, `evaluation`, `labels`, `limits`)
      seed: found string "fifty", expected a whole number of at least 0
      calibration.fraction: must be greater than 0 and at most 1
      thresholds.risk[0].delta: is missing
      thresholds.routing_ratio: routing_ratio=7: must be in [0, 1]
    "#);
}

#[test]
fn what_is_missing_is_named() {
    config("name: x\n").exits(2).says([
        "seed: is missing",
        "import: is missing; a pipeline has either `import`",
        "calibration: is missing",
        "thresholds: is missing",
    ]);
    let none = pipeline("")
        .replace("routing_ratio: [0.2, 0.5]", "routing_ratio: []")
        .replace("accuracy: [0.7]", "accuracy: []");
    config(&none).exits(2).says(["needs at least one target"]);
    config(&pipeline("evaluation: {transfer: [leave_one_dataset_out], bootstrap: 10}\n"))
        .exits(2)
        .says(["evaluation.repeats: is missing"]);
    config(&pipeline("").replace("    log: {path: scores.csv}", "    log: {path: scores}"))
        .exits(2)
        .says(["import.files.log.format: is not clear from the path"]);
    config(&pipeline("").replace("[0.2, 0.5]", "[0.2, 0.2]"))
        .exits(2)
        .says(["routing_ratio=0.2 is listed twice"]);
    config(&pipeline("").replace("name: synthetic", "name: ../up"))
        .exits(2)
        .says(["name: becomes a folder's name"]);
    config(&pipeline("").replace("seed: 50", "seed: 9007199254740993"))
        .exits(2)
        .says(["seed: must be at most"]);
}

#[test]
fn a_pipeline_asks_models_or_imports_scores() {
    let run = config("name: x\nseed: 1\ndatasets: []\nslms: []\n").exits(2);
    run.says([
        "datasets: names no dataset",
        "slms: names no model",
        "decoding: is missing",
        "methods: is missing",
    ]);
    config(&pipeline("methods: [perplexity]\n"))
        .exits(2)
        .says(["methods: is for pipelines that ask models, and this one imports scores"]);
}

#[test]
fn yaml_that_is_no_pipeline() {
    for (text, message) in [
        ("", "it is empty"),
        ("# nothing\n\n", "it is empty"),
        ("- a\n- b\n", "a pipeline is a mapping of keys, and this is a list"),
        ("just words\n", "this is text"),
        ("name: a\nname: b\n", "duplicate"),
        ("name: a\n---\nname: b\n", "document"),
        ("name: [a\n", "cannot be read as a pipeline"),
        ("seed: .nan\n", "cannot be read as a pipeline"),
    ] {
        config(text).exits(2).says(["pipeline.yaml", message]);
    }
    let sandbox = Sandbox::new();
    sandbox.write("pipeline.yaml", b"name: \xff\xfe\n");
    sandbox.sh("config pipeline.yaml").exits(2).says(["is not UTF-8 text"]);
    sandbox.sh("config nowhere.yaml").exits(2).says(["cannot read the pipeline `nowhere.yaml`"]);
    sandbox.sh("config .").exits(2).says(["cannot read the pipeline `.`"]);
}

#[test]
fn documents_built_to_exhaust_memory() {
    let deep = format!("name: {}{}\n", "[".repeat(50_000), "]".repeat(50_000));
    config(&deep).exits(2).says(["pipeline.yaml"]);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    config(&bomb).exits(2).says(["pipeline.yaml"]);
    let sandbox = Sandbox::new();
    let file = std::fs::File::create(sandbox.path("huge.yaml")).unwrap();
    file.set_len(100 << 20).unwrap();
    sandbox.sh("config huge.yaml").exits(2).says(["is larger than 1048576 bytes"]);
}

#[test]
fn queries_that_do_not_fit() {
    let sandbox = Sandbox::new();
    sandbox.write("scores.csv", pool());
    let run = |from: &str, to: &str| {
        let text = pipeline("");
        assert!(text.contains(from), "{from}");
        sandbox.write("pipeline.yaml", text.replace(from, to));
        sandbox.sh("run pipeline.yaml --out out")
    };
    run("slm, llm, method", "slm, llm, methodd").exits(2).says(["stage score", "methodd", "method"]);
    run("FROM log", "FROM logs").exits(2).says(["logs", "its tables are `log`"]);
    run("SELECT question_id", "SELEKT question_id").exits(2).says(["stage score"]);
    run("confidence, slm_correct", "confidence AS confidance, slm_correct")
        .exits(2)
        .says(["no column `confidence`", "is `confidance` meant?"]);
    run("llm_correct, _file", "llm_correct, 1 AS extra, _file").exits(2).says(["gives a column `extra`"]);
    run("    SELECT question_id", "    DROP TABLE log; SELECT question_id").exits(2);
    run("slm_correct, llm_correct, _file", "dataset AS slm_correct, llm_correct, _file")
        .exits(3)
        .says(["true/false"]);
    run("confidence, slm", "confidence * 3 AS confidence, slm")
        .exits(3)
        .says(["scores.csv` line", "rows cannot be used"]);
    run("FROM log", "FROM log WHERE dataset = 'nothing'").exits(3).says(["no data rows"]);
    assert_eq!(sandbox.files("out"), [""; 0]);
}
