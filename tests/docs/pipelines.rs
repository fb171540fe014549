//! Pipeline files in documents, whole or in part, as the program reads them.

use super::markdown::Block;
use crate::harness::Sandbox;

/// A pipeline of each kind, one key a line.
pub(super) const MODELS: &str = "\
name: part
seed: 50
datasets: [{id: boolq, source: boolq.jsonl, split: validation}]
prompt: {style: direct, few_shot: 0}
slms: [{id: small, backend: candle, source: small.gguf}]
decoding: {temperature: 0.0, top_p: 1.0, max_new_tokens: 16}
methods: [perplexity]
calibration: {bins: 30, fraction: 0.1}
thresholds: {routing_ratio: [0.3]}
";
const SCORES: &str = "\
name: part
seed: 50
import: {files: {log: {path: scores.csv}}, sql: SELECT * FROM log}
calibration: {bins: 30, fraction: 0.1}
thresholds: {routing_ratio: [0.3]}
";

/// A whole pipeline file.
pub(super) fn check_pipeline(block: &Block, sandbox: &Sandbox) {
    read(block, &block.text, sandbox);
}

/// Some keys of a pipeline of this kind, each of which takes the place of the small one's.
pub(super) fn check_part(block: &Block, kind: &str, sandbox: &Sandbox) {
    let whole = match kind {
        "models" => MODELS,
        "scores" => SCORES,
        other => panic!("{}: no pipeline of the kind {other:?}", block.location()),
    };
    read(block, &with(whole, &block.text), sandbox);
}

fn read(block: &Block, text: &str, sandbox: &Sandbox) {
    sandbox.write("in-a-document.yaml", text);
    let run = sandbox.sh("config in-a-document.yaml");
    assert_eq!(run.code, 0, "{}: {}", block.location(), run.stderr);
}

/// A document with the keys of another in place of its own.
fn with(whole: &str, part: &str) -> String {
    let key = |line: &str| line.split_once(':').map(|(key, _)| key.to_owned());
    let is_key = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    let given: Vec<Option<String>> = part.lines().filter(is_key).map(key).collect();
    let kept = whole.lines().filter(|line| !given.contains(&key(line)));
    kept.chain(part.lines()).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_part_takes_the_place_of_keys() {
    assert_eq!(with("a: 1\nb: 2\n", "b:\n  a: 3\n"), "a: 1\nb:\n  a: 3\n");
}
