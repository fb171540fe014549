//! What each stage of a run depends on. Nothing more, so that no change runs a stage in vain; nothing less, so that no
//! stage is skipped whose outputs would change.

use plimsoll_core::canonical::sha256_hex;
use plimsoll_evaluate::{HoldOut, TransferSpec};
use plimsoll_router::thresholds::{ModelIdentity, Pipeline};
use plimsoll_store::tables::scores;
use serde_json::{Value, json};

use super::inputs::{InferenceInputs, RunInputs};
use crate::config::PipelineConfig;
use crate::failure::Failure;
use crate::fit_parameters::FitParameters;
use crate::run_folder::RunFolder;
use crate::run_folder::manifest::InputFile;
use crate::stage::Stage;
use crate::stage_key::StageDependencies;
use crate::stages::{infer, ingest, label, report, score};

/// A pipeline and what it starts from.
#[derive(Debug)]
pub(super) struct Dependencies<'a> {
    pub(super) config: &'a PipelineConfig,
    pub(super) inputs: RunInputs<'a>,
    pub(super) fit: FitParameters,
    /// The pipeline as thresholds files name it.
    pub(super) pipeline: Pipeline,
}

impl<'a> Dependencies<'a> {
    pub(super) fn new(config: &'a PipelineConfig, inputs: RunInputs<'a>) -> Self {
        let pipeline = Pipeline::new(config.name.as_str(), config.sha256());
        Self { config, inputs, fit: FitParameters::from(config), pipeline }
    }

    /// The first stage.
    pub(super) fn first(config: &PipelineConfig) -> Stage {
        if config.inference().is_some() { Stage::Ingest } else { Stage::Score }
    }

    /// The files that everything starts from.
    pub(super) fn sources(&self) -> &[InputFile] {
        match &self.inputs {
            RunInputs::Inference(inputs) => &inputs.workload.inputs,
            RunInputs::Import(inputs) => &inputs.dependencies.inputs,
        }
    }

    /// The models as thresholds files name them, as far as more is known than their ids.
    pub(super) fn thresholds_identities(&self) -> &[ModelIdentity] {
        match &self.inputs {
            RunInputs::Inference(inputs) => &inputs.thresholds_identities,
            RunInputs::Import(_) => &[],
        }
    }

    /// What transfer tests hold out.
    pub(super) fn held_out(&self) -> Vec<HoldOut> {
        let evaluation = self.config.evaluation.as_ref();
        evaluation.map_or_else(Vec::new, |evaluation| {
            evaluation.transfer.iter().map(|name| HoldOut::from(*name)).collect()
        })
    }

    /// What a stage depends on, as far as the stages before it have run in this folder.
    pub(super) fn stage(&self, stage: Stage, folder: &RunFolder) -> StageDependencies {
        StageDependencies { stage, parameters: self.parameters(stage), inputs: self.inputs(stage, folder) }
    }

    /// The key of a stage.
    pub(super) fn key(&self, stage: Stage, folder: &RunFolder) -> String {
        match (stage, &self.inputs) {
            (Stage::Score, RunInputs::Import(inputs)) => inputs.key.clone(),
            _ => self.stage(stage, folder).key(),
        }
    }

    /// Why a stage must run; `None` if nothing that it depends on changed.
    pub(super) fn stale(&self, stage: Stage, folder: &RunFolder) -> Result<Option<String>, Failure> {
        folder.stale(stage, &self.key(stage, folder), &self.parameters(stage))
    }

    /// The part of the pipeline that a stage depends on.
    fn parameters(&self, stage: Stage) -> Value {
        match (stage, &self.inputs) {
            (Stage::Score, RunInputs::Import(inputs)) => inputs.dependencies.parameters.clone(),
            (Stage::Draw, _) => self.fit.draw_key(),
            (Stage::Fit, RunInputs::Import(_)) => self.fit.fit_key(&self.pipeline),
            // Its files name the whole pipeline, and the models.
            (Stage::Fit, RunInputs::Inference(inputs)) => {
                json!({"fit": self.fit.fit_key(&self.pipeline), "models": inputs.thresholds_identities})
            }
            (Stage::Evaluate | Stage::Transfer, _) => self.evaluation_parameters(),
            (Stage::Report, _) => json!({"plan": self.pipeline, "bins": self.fit.calibration.bins}),
            (stage, RunInputs::Inference(inputs)) => self.inference_parameters(stage, inputs),
            (Stage::Ingest | Stage::Infer | Stage::Label, RunInputs::Import(_)) => Value::Null,
        }
    }

    fn inference_parameters(&self, stage: Stage, inputs: &InferenceInputs<'_>) -> Value {
        let workload = &inputs.workload;
        match stage {
            Stage::Ingest => ingest::parameters(workload),
            Stage::Infer => infer::parameters(workload, &inputs.tasks, &inputs.identities),
            Stage::Label => {
                let grading = self.config.labels.grading.as_ref().map(label::parameters);
                json!({"labels": grading, "judge": inputs.judge_identity})
            }
            _ => score::parameters(workload, &self.held_out()),
        }
    }

    fn evaluation_parameters(&self) -> Value {
        let (seed, ungraded) = (self.config.seed, self.config.labels.ungraded);
        let mut parameters =
            json!({"seed": seed, "ungraded": ungraded, "bootstrap": self.config.bootstrap()});
        if let Some(evaluation) = self.config.evaluation.as_ref().filter(|e| !e.transfer.is_empty()) {
            parameters["transfer"] = json!({
                "evaluation": evaluation, "calibration": self.fit.calibration,
                "thresholds": self.fit.thresholds, "table": plimsoll_store::tables::transfer::TABLE.version,
            });
        }
        parameters
    }

    fn inputs(&self, stage: Stage, folder: &RunFolder) -> Vec<InputFile> {
        let scores = scores_table(folder).into_iter();
        let outputs = |stages: &[Stage]| -> Vec<InputFile> {
            stages.iter().filter_map(|stage| outputs_as_one(folder, *stage)).collect()
        };
        match (stage, &self.inputs) {
            (Stage::Report, _) => report::inputs(folder),
            (Stage::Ingest, _) | (Stage::Score, RunInputs::Import(_)) => self.sources().to_vec(),
            (Stage::Infer, _) => outputs(&[Stage::Ingest]),
            (Stage::Label, _) => outputs(&[Stage::Ingest, Stage::Infer]),
            (Stage::Score, RunInputs::Inference(_)) => outputs(&[Stage::Ingest, Stage::Infer, Stage::Label]),
            // The confidences for transfer tests lie beside the scores.
            (Stage::Evaluate, RunInputs::Inference(_)) => scores.chain(outputs(&[Stage::Score])).collect(),
            (Stage::Draw | Stage::Evaluate | Stage::Transfer, _) => scores.collect(),
            // A thresholds file names what the scores were made of.
            (Stage::Fit, _) => scores.chain(self.sources().iter().cloned()).collect(),
        }
    }

    /// How transfer is evaluated, if the pipeline says so.
    pub(super) fn transfer(&self) -> Option<TransferSpec> {
        let evaluation =
            self.config.evaluation.as_ref().filter(|evaluation| !evaluation.transfer.is_empty())?;
        Some(TransferSpec { fit: self.fit.fit_spec(), by: self.held_out(), repeats: evaluation.repeats? })
    }
}

/// The table of scores as it was recorded.
fn scores_table(folder: &RunFolder) -> Option<InputFile> {
    let record = folder.stage_record(Stage::Score)?;
    let output = record.outputs.first()?;
    let name = format!("{}.parquet", scores::TABLE.name);
    Some(InputFile { name, sha256: output.sha256.clone(), bytes: output.bytes })
}

/// All outputs of a stage as one: the hash of their paths and hashes.
fn outputs_as_one(folder: &RunFolder, stage: Stage) -> Option<InputFile> {
    let record = folder.stage_record(stage)?;
    let lines: Vec<String> =
        record.outputs.iter().map(|output| format!("{}  {}\n", output.sha256, output.path)).collect();
    let bytes = record.outputs.iter().map(|output| output.bytes).sum();
    Some(InputFile { name: stage.name().to_owned(), sha256: sha256_hex(lines.concat().as_bytes()), bytes })
}
