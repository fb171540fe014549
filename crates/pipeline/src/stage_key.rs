//! What a stage depends on: its key decides whether it must run, its provenance stands in the tables that it writes.

use plimsoll_core::canonical::canonical_sha256;
use plimsoll_store::Provenance;
use serde_json::{Value, json};

use crate::run_folder::manifest::InputFile;
use crate::run_folder::{CompletedStage, Stopwatch};
use crate::stage::Stage;

/// Version of the program; a new one may give other outputs.
pub(crate) const PROGRAM_VERSION: &str = env!("CARGO_PKG_VERSION");

/// All that the outputs of a stage depend on, beside the version of the program.
#[derive(Debug, Clone)]
pub struct StageDependencies {
    /// Which stage.
    pub stage: Stage,
    /// The part of the pipeline, or the options, that it depends on.
    pub parameters: Value,
    /// The files that it reads, in order.
    pub inputs: Vec<InputFile>,
}

impl StageDependencies {
    /// Hash of the stage, its parameters and the content of its inputs, in order.
    pub fn key(&self) -> String {
        self.key_with(&self.parameters)
    }

    /// As [`StageDependencies::key`], over more than the parameters that are recorded.
    pub(crate) fn key_with(&self, parameters: &Value) -> String {
        let inputs: Vec<Value> = self.inputs.iter().map(|input| json!([input.name, input.sha256])).collect();
        canonical_sha256(&json!({
            "stage": self.stage, "program_version": PROGRAM_VERSION, "parameters": parameters, "inputs": inputs,
        }))
    }

    /// What the tables of this stage say of their origin. `seed` is the pipeline's.
    pub fn provenance(&self, seed: u64) -> Provenance {
        Provenance {
            stage: self.stage.name().to_owned(),
            config_sha256: canonical_sha256(&self.parameters),
            input_sha256: self.inputs.iter().map(|input| input.sha256.clone()).collect(),
            seed,
            program_version: PROGRAM_VERSION.to_owned(),
        }
    }

    /// The stage, once it has written `outputs` (paths in the run folder).
    pub fn completed(self, outputs: Vec<String>, stopwatch: Stopwatch) -> CompletedStage {
        let key = self.key();
        CompletedStage {
            stage: self.stage,
            key,
            parameters: self.parameters,
            inputs: self.inputs,
            outputs,
            stopwatch,
        }
    }
}
