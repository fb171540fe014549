//! Pipelines that ask models: what is refused, what is checked, and what a dry run shows.

use super::bench::{METHODS, Written, candle, dataset, document, gsm8k, ran, sh, with_models};
use crate::harness::{Run, Sandbox};

/// A pipeline that nothing is wrong with, in a folder without its questions and models.
fn good() -> String {
    Written { methods: METHODS.to_owned(), ..Written::of_gsm8k(10) }.text()
}

fn config(text: &str) -> Run {
    let sandbox = Sandbox::new();
    sandbox.write("pipeline.yaml", text);
    sandbox.sh("config pipeline.yaml")
}

/// `config` on the good pipeline with one text in place of another.
fn with(from: &str, to: &str) -> Run {
    let text = good();
    assert!(text.contains(from), "{from}");
    config(&text.replacen(from, to, 1))
}

#[test]
fn a_dry_run_names_what_is_missing_and_writes_nothing() {
    let sandbox = with_models(1);
    let datasets = [
        dataset("gsm8k", "gsm8k.jsonl", "test", 10),
        dataset("boolq", "nowhere.jsonl", "validation", 10),
        dataset("openbookqa", "hf://made/up", "test", 10),
    ];
    let slms = format!("{}{}", candle("small"), candle("absent"));
    let key = "  - {id: far, backend: openai, base_url: \"http://127.0.0.1:9/v1\", model: far, api_key_env: MADE_UP_KEY}\n";
    let pipeline = Written {
        datasets: datasets.concat(),
        slms,
        llms: format!("{}{key}", candle("large")),
        ..Written::of_gsm8k(10)
    };
    sandbox.write("pipeline.yaml", pipeline.text());
    sandbox.write("gsm8k.jsonl", gsm8k(60));
    let before = sandbox.files(".");
    let run = sh(&sandbox, "run pipeline.yaml --dry-run --out out").exits(0).shows([
        "missing: dataset `boolq`",
        "nowhere.jsonl",
        "missing: dataset `openbookqa`",
        "missing: model `absent`",
        "missing: model `far`",
        "MADE_UP_KEY",
        "shown once nothing is missing",
    ]);
    assert_eq!(run.stdout.matches("missing: ").count(), 4, "{}", run.stdout);
    let after: Vec<String> =
        sandbox.files(".").into_iter().filter(|name| !name.starts_with("cache/")).collect();
    assert_eq!(after, before);
    let outlook = document(&sandbox, "run pipeline.yaml --dry-run --out out")["outlook"].clone();
    assert_eq!(outlook["missing"].as_array().unwrap().len(), 4);
    assert_eq!(outlook["datasets"][0]["questions"], 10);
    assert!(outlook["datasets"][1]["questions"].is_null());
}

#[test]
fn a_dry_run_of_a_pipeline_that_is_ready_shows_what_it_takes_and_what_runs() {
    let sandbox = with_models(1);
    sandbox.write("gsm8k.jsonl", gsm8k(60));
    let methods = " [perplexity, jaccard_degree: {samples: 3, temperature: 1.0}, p_true, verbalization_1s]\n";
    let pipeline = Written { methods: methods.to_owned(), ..Written::of_gsm8k(10) };
    sandbox.write("pipeline.yaml", pipeline.text());
    let dry = document(&sandbox, "run pipeline.yaml --dry-run --out out");
    assert!(!sandbox.exists("out"));
    let model = |name: &str| {
        let models = dry["outlook"]["models"].as_array().unwrap();
        models.iter().find(|row| row["model"] == name).unwrap().clone()
    };
    let small = model("small");
    // Main and verbalized prompts; the main ones with three samples. Of p(True) no text is kept.
    assert_eq!((&small["prompts"], &small["texts"]), (&20.into(), &(10 * (1 + 3) + 10).into()));
    assert!(small["prompt_tokens"].as_u64() < small["unshared_prompt_tokens"].as_u64());
    assert!(small["memory_bytes"].as_u64() > Some(1 << 31));
    assert_eq!((&model("large")["prompts"], &model("large")["texts"]), (&10.into(), &10.into()));
    assert_eq!(dry["stages"].as_array().unwrap().len(), 8);
    assert!(dry["stages"].as_array().unwrap().iter().all(|stage| stage["status"] == "would_run"));
    document(&sandbox, "run pipeline.yaml --out out --until infer");
    let manifest = sandbox.read("out/manifest.json");
    let dry = document(&sandbox, "run pipeline.yaml --dry-run --out out");
    let statuses: Vec<&str> =
        dry["stages"].as_array().unwrap().iter().map(|stage| stage["status"].as_str().unwrap()).collect();
    assert_eq!(&statuses[..3], ["skipped", "skipped", "would_run"]);
    assert_eq!(sandbox.read("out/manifest.json"), manifest);
}

#[test]
fn the_resolved_pipeline_is_a_pipeline_with_the_same_hash() {
    let sandbox = Sandbox::new();
    let judge = "labels: {grading: {policy: {refusal: wrong, truncated: ungraded, empty: wrong, ambiguous: ungraded, \
no_answer: ungraded, outside_choices: wrong, number_relative_tolerance: 0.0, span: judge}, judge: {id: referee, \
backend: openai, base_url: \"http://127.0.0.1:9/v1\", model: r, api_key_env: MADE_UP_KEY}}}\n";
    let replay = "  - {id: old, backend: replay, files: [{path: a.jsonl, format: lm_evaluation_harness, questions: gsm8k/test/}]}\n";
    let pipeline = Written {
        slms: format!("{}{replay}", candle("small")),
        more: format!("{judge}inference: {{chunk: 7}}\n"),
        methods: METHODS.to_owned(),
        ..Written::of_gsm8k(10)
    };
    for (name, text) in [("good", good()), ("judged", pipeline.text())] {
        sandbox.write("pipeline.yaml", text);
        let first = sandbox.sh("config pipeline.yaml").exits(0);
        sandbox.write("again.yaml", &first.stdout);
        assert_eq!(sandbox.sh("config again.yaml").exits(0).stdout, first.stdout, "{name}");
    }
    // Defaults are written out; how the work is done is no part of the identity of what comes out of it.
    let hash = |settings: &str| {
        sandbox.sh(&format!("config pipeline.yaml --json {settings}")).exits(0).json()["sha256"].clone()
    };
    assert_ne!(hash("--set decoding.max_new_tokens=4"), hash(""));
    assert_ne!(hash("--set methods.3.jaccard_degree.samples=3"), hash(""));
    let shown = sandbox.sh("config pipeline.yaml").exits(0);
    shown.shows([
        "probe_rows: 0.2",
        "chunk: 7",
        "jaccard_degree:",
        "average_token_probability",
        "input_per_mtok: 0.0",
    ]);
}

#[test]
fn all_problems_of_a_pipeline_are_reported_at_once_with_their_keys() {
    let text = good()
        .replace("  - average_token_probability\n", "  - average_token_probabilty\n  - perplexity\n")
        .replace(
            "decoding: {temperature: 0.0, top_p: 1.0, max_new_tokens: 3}\n",
            "decoding: {temperature: 0.0}\n",
        )
        .replace("prompt: {style: direct, few_shot: 0}\n", "prompt: {few_shot: 999}\n")
        .replace("jaccard_degree: {samples: 2, temperature: 1.0}", "jaccard_degree")
        .replace("{id: large, backend: candle,", "{id: large, backend: openai,")
        .replace("sample: {rows: 10}", "sample: {rows: 0}, splitt: test")
        .replace("calibration: {bins: 10, fraction: 0.5}\n", "");
    config(&text).exits(2).says([
        "methods[0]: there is no method `average_token_probabilty`; is `average_token_probability` meant?",
        "methods[2]: `perplexity` is listed twice",
        "methods[4]:",
        "decoding.top_p: is missing",
        "decoding.max_new_tokens: is missing",
        "prompt.style: is missing",
        "prompt.few_shot: must be at most",
        "llms[0].source: is a key of backend `candle`, and this is `openai`",
        "llms[0].dtype: is a key of backend `candle`, and this is `openai`",
        "llms[0].base_url: is missing",
        "llms[0].model: is missing",
        "datasets[0].sample.rows: is 0",
        "unknown key `splitt`; is `split` meant?",
        "calibration: is missing",
    ]);
}

#[test]
fn single_problems_are_named() {
    with("id: large", "id: small").exits(2).says(["two models have the id `small`"]);
    with("thresholds:", "import: {files: {log: {path: a.csv}}, sql: SELECT 1}\nthresholds:")
        .exits(2)
        .says(["import", "datasets"]);
    with("decoding: {temperature: 0.0", "decoding: {temperature: -1.0").exits(2).says(["decoding: "]);
    with("layer: -8, epochs: 2, ", "epochs: 2, ").exits(2).says(["methods[6]", "layer"]);
    with("samples: 2, temperature: 1.0", "samples: 2").exits(2).says(["methods[3]", "temperature"]);
    with("samples: 2, temperature: 1.0", "samples: 2, temperature: 1.0, top: 1")
        .exits(2)
        .says(["methods[3]", "top"]);
    with("id: gsm8k", "id: \" \"").exits(2).says(["datasets[0].id"]);
    with("backend: candle", "backend: torch").exits(2).says(["slms[0].backend", "torch", "candle"]);
    with("backend: candle, source: small", "backend: candle").exits(2).says(["slms[0].source: is missing"]);
    with("source: small", "source: \"hf://\"").exits(2).says(["slms[0].source"]);
    with("dtype: f32}", "dtype: f32, price: {input_per_mtok: -1, output_per_mtok: 2}}")
        .exits(2)
        .says(["slms[0].price"]);
    let replay = "{id: small, backend: replay, recorded_as: x}";
    with("{id: small, backend: candle, source: small, dtype: f32}", replay).exits(2).says(["slms[0].files"]);
    let server = |keys: &str| {
        let item = format!("{{id: small, backend: openai, model: m, {keys}}}");
        with("{id: small, backend: candle, source: small, dtype: f32}", &item)
    };
    server("base_url: \"ftp://x\"").exits(2).says(["slms[0].base_url"]);
    server("base_url: \"http://user:word@x/v1\"").exits(2).says(["slms[0].base_url"]);
    server("base_url: \"http://x/v1\", limits: {budget_usd: 1.0}").exits(2).says(["slms[0]", "price"]);
    server("base_url: \"http://x/v1\", api_key: sk-1").exits(2).says(["unknown key `api_key`"]);
    server("base_url: \"http://x/v1\", limits: {concurrency: 0}")
        .exits(2)
        .says(["slms[0].limits.concurrency"]);
    for (more, message) in [
        ("inference: {chunk: 0}", "inference.chunk: must be from 1"),
        ("inference: {cache_gib: 0.0}", "inference.cache_gib"),
        ("inference: {sequences: 0}", "inference.sequences: must be from 1"),
        ("pool: {probe_rows: -1}", "pool.probe_rows"),
        ("labels: {source: imported}", "labels.source"),
        ("labels: {grading: {judge: {id: r, backend: candle, source: r}}}", "would never be asked"),
    ] {
        config(&format!("{}{more}\n", good())).exits(2).says([message]);
    }
    let span = "labels: {grading: {policy: {refusal: wrong, truncated: wrong, empty: wrong, ambiguous: wrong, no_answer: wrong, \
outside_choices: wrong, number_relative_tolerance: 0.0, span: judge}";
    config(&format!("{}{span}}}}}\n", good())).exits(2).says(["labels.grading.judge: is missing"]);
    let recorded = "judge: {id: r, backend: replay, files: [{path: a, format: generations}]}";
    config(&format!("{}{span}, {recorded}}}}}\n", good())).exits(2).says(["labels.grading.judge.backend"]);
    for (policy, message) in [
        ("{refusal: maybe}", "labels.grading.policy.refusal: unknown value `maybe`"),
        ("{refused: wrong}", "`refused`"),
        ("{number_relative_tolerance: 2.0}", "labels.grading.policy"),
        ("{span: {f1: {threshold: 0.0, references: best}}}", "labels.grading.policy"),
    ] {
        config(&format!("{}labels: {{grading: {{policy: {policy}}}}}\n", good())).exits(2).says([message]);
    }
}

/// `slms[0]` with these template variables.
fn with_variables(variables: &str) -> Run {
    with("dtype: f32}", &format!("dtype: f32, template_variables: {variables}}}"))
}

#[test]
fn template_variables_are_part_of_a_pipeline_and_of_its_hash() {
    let shown = with_variables("{enable_thinking: false, effort: low, budget: 3, names: [a, b]}").exits(0);
    shown.shows(["template_variables:", "enable_thinking: false", "effort: low", "budget: 3", "names:"]);
    assert!(
        !config(&good()).exits(0).stdout.contains("template_variables"),
        "what is not set is not written"
    );
    let server = "{id: small, backend: openai, base_url: \"http://127.0.0.1:9/v1\", model: m, template_variables: {enable_thinking: false}}";
    with("{id: small, backend: candle, source: small, dtype: f32}", server)
        .exits(0)
        .shows(["enable_thinking: false"]);
    let sandbox = Sandbox::new();
    sandbox.write("pipeline.yaml", good());
    let hash = |settings: &str| {
        sandbox.sh(&format!("config pipeline.yaml --json {settings}")).exits(0).json()["sha256"].clone()
    };
    let off = hash("--set slms.0.template_variables.enable_thinking=false");
    assert_ne!(off, hash(""));
    assert_ne!(off, hash("--set slms.0.template_variables.enable_thinking=true"));
}

#[test]
fn template_variables_that_make_no_sense_are_named() {
    for (variables, message) in [
        (
            "{messages: []}",
            "slms[0].template_variables: `messages` cannot be set: it holds the messages of the prompt",
        ),
        ("{add_generation_prompt: false}", "`add_generation_prompt` cannot be set: it is always true"),
        ("{bos_token: x}", "`bos_token` cannot be set: it is a token of the model's own tokenizer"),
        ("{tools: []}", "`tools` cannot be set: it stays empty"),
        ("{\"enable thinking\": false}", "`enable thinking` is no name of a variable"),
        ("{x: {y: 1}}", "`x` is neither a text, a number, true, false or null, nor a list of these"),
        ("[enable_thinking]", "slms[0].template_variables"),
        ("false", "slms[0].template_variables"),
    ] {
        with_variables(variables).exits(2).says([message]);
    }
    let replay = "{id: small, backend: replay, files: [{path: a, format: generations}], template_variables: {enable_thinking: false}}";
    with("{id: small, backend: candle, source: small, dtype: f32}", replay)
        .exits(2)
        .says(["slms[0].template_variables: is given to a chat template, and recordings were made with what they were made"]);
    // A slip of the pen is no variable of the template: reported before anything is asked.
    let sandbox = with_models(1);
    sandbox.write("gsm8k.jsonl", gsm8k(20));
    let pipeline = Written { methods: " [perplexity]\n".to_owned(), ..Written::of_gsm8k(5) }.text();
    sandbox.write(
        "pipeline.yaml",
        pipeline.replacen("dtype: f32}", "dtype: f32, template_variables: {enable_thinkng: false}}", 1),
    );
    sh(&sandbox, "run pipeline.yaml --dry-run --out out")
        .exits(0)
        .shows(["missing: model `small`", "the chat template does not read `enable_thinkng`; it reads none"]);
    sh(&sandbox, "run pipeline.yaml --out out").exits(2).says(["does not read `enable_thinkng`"]);
}

#[test]
fn hostile_values_of_every_key_are_refused_in_words() {
    let values = [
        "[]",
        "{}",
        "7",
        "-1",
        "1.0e400",
        ".nan",
        "~",
        "\"\\0\"",
        "[[[[]]]]",
        "{a: {b: c}}",
        "!!binary aGk=",
        "*x",
        "yes",
    ];
    let keys: Vec<&str> =
        "datasets datasets.0 datasets.0.id datasets.0.source datasets.0.split datasets.0.sample \
datasets.0.sample.rows prompt prompt.style prompt.few_shot slms slms.0 slms.0.id \
slms.0.backend slms.0.source slms.0.dtype slms.0.template_variables llms decoding decoding.temperature decoding.top_p \
decoding.max_new_tokens methods methods.0 methods.3.jaccard_degree.samples \
methods.6.trained_probe.layer inference pool labels labels.grading labels.grading.policy \
labels.grading.judge"
            .split(' ')
            .collect();
    let sandbox = Sandbox::new();
    sandbox.write("pipeline.yaml", good());
    let mut refused = 0;
    for (index, key) in keys.iter().enumerate() {
        // Each key meets a third of the values, in turn.
        for value in values.iter().skip(index % 3).step_by(3) {
            let run = sandbox.run(&["config", "pipeline.yaml", "--set", &format!("{key}={value}")]);
            assert!(run.code == 0 || run.code == 2, "{key}={value}: {run:?}");
            assert!(!run.stderr.contains("panicked"), "{key}={value}: {run:?}");
            refused += usize::from(run.code == 2);
        }
    }
    assert!(refused > keys.len() * 2, "{refused}");
    for twice in ["inference: {chunk: 1, chunk: 2}\n", "pool: {}\npool: {}\n"] {
        config(&format!("{}{twice}", good())).exits(2).says(["duplicate"]);
    }
    let deep = format!("{}inference: {}{}\n", good(), "{chunk: ".repeat(5000), "}".repeat(5000));
    config(&deep).exits(2);
    let many: String = (0..3000).map(|_| "  - perplexity\n").collect();
    config(&good().replace("  - perplexity\n", &many)).exits(2).says(["listed twice"]);
}

#[test]
fn stages_stop_where_they_are_told() {
    let sandbox = with_models(1);
    sandbox.write("gsm8k.jsonl", gsm8k(60));
    sandbox.write("pipeline.yaml", Written::of_gsm8k(10).text());
    for stage in ["ingest", "infer", "label", "score", "draw", "fit", "evaluate", "report"] {
        let document = document(&sandbox, &format!("run pipeline.yaml --out out --until {stage}"));
        assert_eq!(ran(&document), [stage]);
    }
}
