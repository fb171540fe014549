//! Reference pages have every name that the program knows.

use plimsoll_core::MissingSignal;
use serde_json::Value;

use super::markdown::read;
use super::pipelines::MODELS;
use crate::harness::{Sandbox, repository};

/// A pipeline file with the key `zzz` where there are keys of their own, which the program then lists; and how the reference
/// names these keys.
const MAPPINGS: &[(&str, &str)] = &[
    ("zzz: 1", ""),
    ("import: {zzz: 1}", "import."),
    ("import: {files: {t: {zzz: 1}}}", "import.files.TABLE."),
    ("calibration: {zzz: 1}", "calibration."),
    ("thresholds: {zzz: 1}", "thresholds."),
    ("thresholds: {cost: [{zzz: 1}]}", "thresholds.cost[]."),
    ("thresholds: {risk: [{zzz: 1}]}", "thresholds.risk[]."),
    ("evaluation: {zzz: 1}", "evaluation."),
    ("labels: {zzz: 1}", "labels."),
    ("labels: {grading: {zzz: 1}}", "labels.grading."),
    ("limits: {zzz: 1}", "limits."),
    ("datasets: [{zzz: 1}]", "datasets[]."),
    ("datasets: [{sample: {zzz: 1}}]", "datasets[].sample."),
    ("pool: {zzz: 1}", "pool."),
    ("prompt: {zzz: 1}", "prompt."),
    ("decoding: {zzz: 1}", "decoding."),
    ("inference: {zzz: 1}", "inference."),
    ("slms: [{zzz: 1}]", ""),
    ("slms: [{limits: {zzz: 1}}]", "limits."),
    ("slms: [{price: {zzz: 1}}]", "price."),
    ("slms: [{files: [{zzz: 1}]}]", "files[]."),
];

/// The names in backticks after `known:` in an error.
fn known(message: &str) -> Vec<String> {
    let list = message.split_once("(known: ").and_then(|(_, rest)| rest.split_once(')'));
    let (list, _) = list.unwrap_or_else(|| panic!("no list of known names in:\n{message}"));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The names in the first cells of a table's rows.
fn names(table: &str) -> Vec<&str> {
    let cells =
        table.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split(" | ").next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn the_pipeline_reference_has_every_key() {
    let document = read("docs/pipeline.md");
    let table = document.split_once("<!-- keys -->").and_then(|(_, rest)| rest.split_once("<!-- /keys -->"));
    let (table, _) = table.expect("the keys stand between two comments");
    let names = names(table);
    let sandbox = Sandbox::new();
    for (document, prefix) in MAPPINGS {
        sandbox.write("p.yaml", document);
        for key in known(&sandbox.sh("config p.yaml").exits(2).stderr) {
            let name = format!("{prefix}{key}");
            // The key itself, or what lies below it.
            let is_it = |known: &&str| {
                known.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            assert!(names.iter().any(is_it), "docs/pipeline.md lacks `{name}`");
        }
    }
}

#[test]
fn the_pipeline_reference_has_every_key_of_the_policy() {
    let document = read("docs/pipeline.md");
    let sandbox = Sandbox::new();
    sandbox.write("p.yaml", format!("{MODELS}labels: {{grading: {{policy: {{zzz: 1}}}}}}\n"));
    for key in known(&sandbox.sh("config p.yaml").exits(2).stderr) {
        assert!(document.contains(&format!("      {key}: ")), "docs/pipeline.md lacks `{key}` of the policy");
    }
}

#[test]
fn the_page_of_methods_has_every_method_and_every_reason() {
    let document = read("docs/methods.md");
    for method in plimsoll_uq::METHODS {
        assert!(
            document.contains(&format!("### `{}`", method.id())),
            "docs/methods.md lacks {}",
            method.id()
        );
    }
    for reason in MissingSignal::ALL {
        assert!(
            document.contains(&format!("`{}`", reason.name())),
            "docs/methods.md lacks {}",
            reason.name()
        );
    }
}

#[test]
fn the_page_of_the_thresholds_file_has_every_key() {
    let document = read("docs/thresholds-file.md");
    let schema = std::fs::read(repository().join("schemas/thresholds.schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let parts = [
        &schema,
        &schema["$defs"]["Method"],
        &schema["$defs"]["OperatingPoint"],
        &schema["$defs"]["ModelIdentity"],
    ];
    for part in parts {
        let keys = part["properties"].as_object().expect("an object with keys");
        for key in keys.keys() {
            let is_there = document.contains(&format!("`{key}`")) || document.contains(&format!("`{key}[]`"));
            assert!(is_there, "docs/thresholds-file.md lacks `{key}`");
        }
    }
    let states = schema["$defs"]["Status"]["oneOf"].as_array().expect("a list of states");
    for state in states {
        let name = state["const"].as_str().unwrap();
        assert!(
            document.contains(&format!("| `{name}` |")),
            "docs/thresholds-file.md lacks the status {name}"
        );
    }
}

#[test]
fn the_page_of_tables_has_every_table() {
    let document = read("docs/tables.md");
    let mut tables = 0;
    for entry in std::fs::read_dir(repository().join("schemas/tables")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(document.contains(&format!("(../schemas/tables/{name})")), "docs/tables.md lacks {name}");
        tables += 1;
    }
    assert!(tables > 0, "no table has a schema");
}
