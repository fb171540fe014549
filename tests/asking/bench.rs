//! Synthetic questions in the benchmarks' own forms, pipelines that ask them, and what a run left.

use std::fs;
use std::path::Path;
use std::process::Command;

use plimsoll_store::{TABLES, Table, read_rows};
use plimsoll_test_support::numbers::Numbers;
use serde_json::{Value, json};

use crate::harness::{Run, Sandbox};
use crate::made_model::write_talker;

/// All eight methods, with a probe of a layer that a model of ten has. A model of random weights would say anything when
/// it is asked for True or False, so that p(True) has no floor.
pub(super) const METHODS: &str = "
  - average_token_probability
  - perplexity
  - p_true: {min_mass: 0.0}
  - jaccard_degree: {samples: 2, temperature: 1.0}
  - verbalization_1s
  - verbalization_2s
  - trained_probe: {layer: -8, epochs: 2, learning_rate: 5.0e-4}
  - ood_probe: {layer: -8, epochs: 2, learning_rate: 1.0e-4}
";

/// The names of [`METHODS`].
pub(super) const METHOD_NAMES: [&str; 8] = [
    "average_token_probability",
    "perplexity",
    "p_true",
    "jaccard_degree",
    "verbalization_1s",
    "verbalization_2s",
    "trained_probe",
    "ood_probe",
];

/// What a pipeline says.
#[derive(Clone)]
pub(super) struct Written {
    /// Lines below `datasets`.
    pub(super) datasets: String,
    /// Lines below `slms` and `llms`.
    pub(super) slms: String,
    pub(super) llms: String,
    /// Lines below `methods`.
    pub(super) methods: String,
    /// Tokens that an answer may have.
    pub(super) max_new_tokens: usize,
    /// Whatever else.
    pub(super) more: String,
}

impl Written {
    /// A pipeline over `gsm8k.jsonl` with two small models in process.
    pub(super) fn of_gsm8k(rows: usize) -> Self {
        Self {
            datasets: dataset("gsm8k", "gsm8k.jsonl", "test", rows),
            slms: candle("small"),
            llms: candle("large"),
            methods: "\n  - average_token_probability\n".to_owned(),
            max_new_tokens: 3,
            more: String::new(),
        }
    }

    pub(super) fn text(&self) -> String {
        let Self { datasets, slms, llms, methods, max_new_tokens, more } = self;
        format!(
            "name: asking
seed: 50
datasets:
{datasets}prompt: {{style: direct, few_shot: 0}}
slms:
{slms}llms:
{llms}decoding: {{temperature: 0.0, top_p: 1.0, max_new_tokens: {max_new_tokens}}}
methods:{methods}calibration: {{bins: 10, fraction: 0.5}}
thresholds:
  routing_ratio: [0.3]
{more}"
        )
    }
}

/// An item of `datasets`.
pub(super) fn dataset(id: &str, source: &str, split: &str, rows: usize) -> String {
    format!("  - {{id: {id}, source: {source}, split: {split}, sample: {{rows: {rows}}}}}\n")
}

/// An item of `slms` or `llms`: the model in the folder of its name.
pub(super) fn candle(id: &str) -> String {
    format!("  - {{id: {id}, backend: candle, source: {id}, dtype: f32}}\n")
}

/// A policy of grading: what answers that cannot be graded count as, and how texts are graded.
pub(super) fn policy(odd: &str, span: &str) -> String {
    let keys = ["refusal", "truncated", "empty", "ambiguous", "no_answer", "outside_choices"];
    let keys: String = keys.iter().map(|key| format!("{key}: {odd}, ")).collect();
    format!("{{{keys}number_relative_tolerance: 0.0, span: {span}}}")
}

/// A folder with models `small` and `large` of so many layers.
pub(super) fn with_models(layers: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    write_talker(&sandbox, "small", layers, 1);
    write_talker(&sandbox, "large", layers, 2);
    sandbox
}

/// A command that runs the program with all caches inside the sandbox and no proxy.
pub(crate) fn command(sandbox: &Sandbox, arguments: &str) -> Command {
    let mut command = sandbox.command(&arguments.split_whitespace().collect::<Vec<_>>());
    isolate(&mut command, sandbox);
    command
}

/// Keeps a command's caches inside the sandbox, and it from any proxy.
pub(super) fn isolate(command: &mut Command, sandbox: &Sandbox) {
    command.env("XDG_CACHE_HOME", sandbox.path("cache")).env("HF_HOME", sandbox.path("hub"));
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(variable);
    }
}

/// Runs the program.
pub(super) fn sh(sandbox: &Sandbox, arguments: &str) -> Run {
    Run::from_command(command(sandbox, arguments))
}

/// The rows of a table of an output folder, of one file or of many.
pub(crate) fn rows(sandbox: &Sandbox, out: &str, table: &str) -> Vec<Value> {
    let table: &'static Table = TABLES.iter().find(|known| known.name == table).unwrap();
    let folder = sandbox.path(&format!("{out}/tables"));
    let one = folder.join(format!("{}.parquet", table.name));
    if one.is_file() {
        return read_rows(&one, table).unwrap();
    }
    let mut parts: Vec<_> =
        fs::read_dir(folder.join(table.name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    parts.sort();
    parts.iter().flat_map(|part| read_rows::<Value>(part, table).unwrap()).collect()
}

/// How many rows say this.
pub(crate) fn count(rows: &[Value], is_one: impl Fn(&Value) -> bool) -> usize {
    rows.iter().filter(|row| is_one(row)).count()
}

/// The JSON of a run that must do well.
#[track_caller]
pub(super) fn document(sandbox: &Sandbox, arguments: &str) -> Value {
    sh(sandbox, &format!("{arguments} --json")).exits(0).json()
}

/// Status of each stage of a run.
pub(super) fn statuses(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    document["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| (text(&stage["stage"]), text(&stage["status"])))
        .collect()
}

/// The stages that ran.
pub(super) fn ran(document: &Value) -> Vec<String> {
    statuses(document).into_iter().filter(|(_, status)| status == "ran").map(|(stage, _)| stage).collect()
}

/// A file as the file system knows it: number and time of its last change.
pub(super) type Mark = (String, u64, i64);

/// Every file of finished chunks below this part of `.work`, as the file system knows it. A chunk without its record
/// is not finished.
#[cfg(unix)]
pub(super) fn chunks(sandbox: &Sandbox, out: &str, below: &str) -> Vec<Mark> {
    use std::os::unix::fs::MetadataExt as _;
    let mut marks = Vec::new();
    let root = sandbox.path(&format!("{out}/.work/{below}"));
    for chunk in fs::read_dir(root).into_iter().flatten() {
        let chunk = chunk.unwrap().path();
        if !chunk.join("chunk.json").is_file() {
            continue;
        }
        for file in fs::read_dir(&chunk).unwrap() {
            let path = file.unwrap().path();
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let time = metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec();
            let name = path.strip_prefix(sandbox.root()).unwrap().display().to_string();
            marks.push((name, metadata.ino(), time));
        }
    }
    marks.sort();
    marks
}

/// Two folders hold the same files with the same bytes, but for the clock of the manifest.
#[track_caller]
pub(super) fn assert_same(sandbox: &Sandbox, one: &str, other: &str) {
    assert_eq!(sandbox.files(one), sandbox.files(other));
    for name in sandbox.files(one) {
        let of = |folder: &str| format!("{folder}/{name}");
        if name == "manifest.json" {
            assert_eq!(without_clock(sandbox.json(&of(one))), without_clock(sandbox.json(&of(other))));
        } else {
            assert!(sandbox.read(&of(one)) == sandbox.read(&of(other)), "{name} differs");
        }
    }
}

fn without_clock(mut manifest: Value) -> Value {
    for stage in manifest["stages"].as_array_mut().unwrap() {
        let stage = stage.as_object_mut().unwrap();
        assert!(stage.remove("started_at").is_some() && stage.remove("seconds").is_some());
    }
    manifest
}

/// Whether any file below a folder holds this text, scratch and all.
pub(super) fn is_in_any_file(folder: &Path, text: &str) -> Option<String> {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if let Some(found) = is_in_any_file(&path, text) {
                return Some(found);
            }
        } else {
            let bytes = fs::read(&path).unwrap();
            if bytes.windows(text.len()).any(|part| part == text.as_bytes()) {
                return Some(path.display().to_string());
            }
        }
    }
    None
}

/// A word that no other question has.
fn word(numbers: &mut Numbers) -> String {
    (0..3).map(|_| numbers.choose(&["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu"])).collect()
}

fn lines(rows: usize, seed: u64, line: impl Fn(&mut Numbers, usize) -> Value) -> String {
    let mut numbers = Numbers::new(seed);
    (0..rows).map(|row| format!("{}\n", line(&mut numbers, row))).collect()
}

/// Rows of GSM8K, whose answers are 1 or 2.
pub(super) fn gsm8k(rows: usize) -> String {
    lines(rows, 11, |numbers, row| {
        let (name, thing, place) = (word(numbers), word(numbers), word(numbers));
        let answer = numbers.choose(&["1", "2"]);
        json!({
            "question": format!("{name} had {row} {thing} in {place}. How many are left?"),
            "answer": format!("Count them.\n#### {answer}"),
        })
    })
}

/// Rows of `BoolQ`.
pub(super) fn boolq(rows: usize) -> String {
    lines(rows, 12, |numbers, row| {
        let (name, thing, place) = (word(numbers), word(numbers), word(numbers));
        json!({
            "question": format!("is {thing} {row} in {place}"), "title": name, "answer": numbers.below(2) == 0,
            "passage": format!("{name} {row} is the {thing} of {place} {}.", word(numbers)),
        })
    })
}

/// Rows of `OpenBookQA`, whose answers are A or B.
pub(super) fn openbookqa(rows: usize) -> String {
    lines(rows, 13, |numbers, row| {
        let choices: Vec<Value> =
            ["A", "B", "C", "D"].iter().map(|label| json!({"text": word(numbers), "label": label})).collect();
        let stem = format!("What is {} {row} of {}?", word(numbers), word(numbers));
        json!({
            "id": format!("{row}"), "question": {"stem": stem, "choices": choices},
            "answerKey": numbers.choose(&["A", "B"]),
        })
    })
}

/// Stories of `CoQA` with so many turns each.
pub(super) fn coqa(stories: usize, turns: usize) -> String {
    let mut numbers = Numbers::new(14);
    let story = |story: usize| {
        let names: Vec<String> = (0..turns).map(|_| word(&mut numbers)).collect();
        let text: String =
            names.iter().map(|name| format!("The {} is {name}. ", word(&mut numbers))).collect();
        let turn = |(turn, name): (usize, &String)| {
            (
                json!({"input_text": format!("What is number {turn}?"), "turn_id": turn + 1}),
                json!({"input_text": name, "turn_id": turn + 1, "span_text": name}),
            )
        };
        let (questions, answers): (Vec<Value>, Vec<Value>) = names.iter().enumerate().map(turn).unzip();
        json!({"source": "synthetic", "id": format!("s{story}"), "story": text, "questions": questions, "answers": answers})
    };
    let data: Vec<Value> = (0..stories).map(story).collect();
    json!({"version": "1.0", "data": data}).to_string()
}
