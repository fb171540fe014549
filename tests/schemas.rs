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

/// The validator of pipeline files, as committed.
fn pipeline_validator() -> jsonschema::Validator {
    let text = fs::read(repository().join("schemas/pipeline.schema.json")).unwrap();
    jsonschema::draft202012::new(&serde_json::from_slice(&text).unwrap()).unwrap()
}

#[test]
fn every_pipeline_of_the_repository_validates() {
    let validator = pipeline_validator();
    let mut count = 0;
    for entry in fs::read_dir(repository().join("pipelines")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let written: Value = serde_saphyr::from_str(&text).unwrap();
        let sandbox = Sandbox::new();
        let checked =
            sandbox.run(&["config", path.to_str().unwrap(), "--json"]).exits(0).json()["plan"].clone();
        for document in [written, checked] {
            let problems: Vec<String> = validator
                .iter_errors(&document)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert_eq!(problems, [""; 0], "{}", path.display());
        }
        count += 1;
    }
    assert!(count > 5, "the walk found the pipelines");
}

#[test]
fn what_the_program_refuses_of_a_pipeline_its_schema_refuses_too() {
    let validator = pipeline_validator();
    let text = fs::read_to_string(repository().join("pipelines/pocket.yaml")).unwrap();
    let good: Value = serde_saphyr::from_str(&text).unwrap();
    let sandbox = Sandbox::new();
    let refused = |pipeline: &Value| {
        sandbox.write("pipeline.yaml", pipeline.to_string());
        sandbox.sh("config pipeline.yaml").code == 2
    };
    assert!(validator.is_valid(&good) && !refused(&good));
    for (pointer, key, value) in [
        ("", "surprise", Value::from(1)),
        ("", "name", Value::from("../up")),
        ("", "seed", Value::from(-1)),
        ("", "methods", serde_json::json!(["perplexitty"])),
        ("", "datasets", serde_json::json!([])),
        ("/calibration", "bins", Value::from(0)),
        ("/calibration", "fraction", Value::from(0)),
        ("/thresholds", "routing_ratio", serde_json::json!([1.5])),
        ("/evaluation", "transfer", serde_json::json!(["leave_one_out"])),
        ("/slms/0", "backend", Value::from("onnx")),
        ("/slms/0", "base_url", Value::from("http://localhost")),
        ("/slms/0", "dtype", Value::from("int8")),
        ("/slms/0", "template_date", Value::from("today")),
        ("/decoding", "temperature", Value::from(-1)),
    ] {
        let mut bad = good.clone();
        bad.pointer_mut(pointer).unwrap()[key] = value;
        assert!(!validator.is_valid(&bad), "{pointer}/{key}");
        assert!(refused(&bad), "{pointer}/{key}");
    }
    let mut missing = good;
    missing.as_object_mut().unwrap().remove("calibration");
    assert!(!validator.is_valid(&missing) && refused(&missing));
}
