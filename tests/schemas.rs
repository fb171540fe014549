//! `schemas/` is what the program writes.

use std::fs;

use serde_json::Value;

use crate::fixture::{FITTED, fitted};
use crate::harness::{Sandbox, repository};

#[test]
fn the_committed_schemas_are_current() {
    let sandbox = Sandbox::new();
    sandbox.sh("schema write schemas").exits(0);
    let committed = repository().join("schemas");
    let written = sandbox.files("schemas");
    for name in &written {
        let text = fs::read(committed.join(name)).unwrap_or_else(|error| panic!("schemas/{name}: {error}"));
        assert!(text == sandbox.read(&format!("schemas/{name}")), "schemas/{name} is stale: make schemas");
    }
    for folder in ["", "tables", "conformance"] {
        for entry in fs::read_dir(committed.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            let known = written.iter().any(|written| written == name.trim_start_matches('/'));
            assert!(entry.path().is_dir() || known, "schemas/{name} is written by nobody");
        }
    }
}

#[test]
fn the_schema_accepts_what_is_fitted_and_refuses_the_rest() {
    let sandbox = fitted("--ratio 0.2 --accuracy 0.7 --risk selective_error:0.4:0.1 joint_error:0.01:0.01");
    let schema: Value =
        serde_json::from_slice(&fs::read(repository().join("schemas/thresholds.schema.json")).unwrap())
            .unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(schema.get("$id").is_none() && schema["title"].is_string());
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let file = sandbox.json(FITTED);
    let problems: Vec<String> = validator.iter_errors(&file).map(|error| error.to_string()).collect();
    assert_eq!(problems, [""; 0]);
    let example = fs::read(repository().join("schemas/conformance/example.thresholds.json")).unwrap();
    assert!(validator.is_valid(&serde_json::from_slice(&example).unwrap()));
    for (pointer, value) in
        [("/methods/0/rule", "keep_iff_above"), ("/calibration/bins", "30"), ("/slm", "small")]
    {
        let mut bad = file.clone();
        *bad.pointer_mut(pointer).unwrap() = Value::from(value);
        assert!(!validator.is_valid(&bad), "{pointer}");
    }
    let mut unknown = file;
    unknown["surprise"] = Value::from(1);
    assert!(!validator.is_valid(&unknown));
}
