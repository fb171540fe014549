//! The key of a stage: a hash of everything that its outputs depend on.

use plimsoll_core::canonical::canonical_sha256;
use plimsoll_store::Provenance;
use serde_json::{Value, json};

use crate::folder::manifest::Source;

/// Version of the program; a new one may give other outputs.
pub(crate) const PROGRAM_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Hash of a stage, its parameters and the content of its inputs, in order.
pub(crate) fn key(stage: &str, parameters: &Value, inputs: &[Source]) -> String {
    let inputs: Vec<Value> = inputs.iter().map(|input| json!([input.name, input.sha256])).collect();
    canonical_sha256(&json!({
        "stage": stage, "program_version": PROGRAM_VERSION, "parameters": parameters, "inputs": inputs,
    }))
}

/// What a table says of its origin.
pub(crate) fn provenance(stage: &str, parameters: &Value, inputs: &[Source], seed: u64) -> Provenance {
    Provenance {
        stage: stage.to_owned(),
        config_sha256: canonical_sha256(parameters),
        input_sha256: inputs.iter().map(|input| input.sha256.clone()).collect(),
        seed,
        program_version: PROGRAM_VERSION.to_owned(),
    }
}
