//! What each stage of a plan depends on. Nothing more, so that a change runs no stage in vain; nothing
//! less, so that no stage is skipped that would give something else.

use plimsoll_core::canonical::sha256_hex;
use plimsoll_evaluate::{HoldOut, TransferSpec};
use plimsoll_router::thresholds::Pipeline;
use plimsoll_store::tables::scores;
use serde_json::{Value, json};

use super::Stage;
use super::origin::{Models, Origin};
use crate::folder::OutputFolder;
use crate::folder::manifest::Source;
use crate::pipeline::Plan;
use crate::stages::parameters::Parameters;
use crate::stages::{inference, ingest, key, labelling, report, scoring};

/// A plan with what it found.
#[derive(Debug)]
pub(super) struct Dependencies<'a> {
    /// The plan.
    pub(super) plan: &'a Plan,
    /// Where its scores come from.
    pub(super) origin: Origin<'a>,
    /// What the fit depends on.
    pub(super) fit: Parameters,
    /// The plan as thresholds files name it.
    pub(super) pipeline: Pipeline,
}

impl<'a> Dependencies<'a> {
    /// Of a plan.
    pub(super) fn new(plan: &'a Plan, origin: Origin<'a>) -> Self {
        let pipeline = Pipeline::new(plan.name.as_str(), plan.sha256());
        Self { plan, origin, fit: Parameters::of(plan), pipeline }
    }

    /// The models that are asked, if any are.
    pub(super) fn models(&self) -> Option<&Models<'a>> {
        match &self.origin {
            Origin::Asking(models) => Some(models),
            Origin::Import(_) => None,
        }
    }

    /// The files that everything started from.
    pub(super) fn sources(&self) -> &[Source] {
        match &self.origin {
            Origin::Asking(models) => &models.asked.sources,
            Origin::Import(files) => &files.sources,
        }
    }

    /// What a transfer test holds out.
    pub(super) fn held_out(&self) -> Vec<HoldOut> {
        let evaluation = self.plan.evaluation.as_ref();
        evaluation.map_or_else(Vec::new, |evaluation| {
            evaluation.transfer.iter().map(|name| HoldOut::from(*name)).collect()
        })
    }

    /// The part of the plan that a stage depends on.
    pub(super) fn parameters(&self, stage: Stage) -> Value {
        match (stage, &self.origin) {
            (Stage::Score, Origin::Import(files)) => files.parameters.clone(),
            (Stage::Draw, _) => self.fit.of_draw(),
            (Stage::Fit, Origin::Import(_)) => self.fit.of_fit(&self.pipeline),
            // Its files name the whole plan, and the models.
            (Stage::Fit, Origin::Asking(models)) => {
                json!({"fit": self.fit.of_fit(&self.pipeline), "models": models.named})
            }
            (Stage::Evaluate, _) => self.of_evaluation(),
            (Stage::Report, _) => json!({"plan": self.pipeline, "bins": self.fit.calibration.bins}),
            (stage, Origin::Asking(models)) => self.of_asking(stage, models),
            (Stage::Ingest | Stage::Infer | Stage::Label, Origin::Import(_)) => Value::Null,
        }
    }

    fn of_asking(&self, stage: Stage, models: &Models<'_>) -> Value {
        match stage {
            Stage::Ingest => ingest::parameters(&models.asked),
            Stage::Infer => inference::parameters(&models.asked, &models.groups, &models.identities),
            Stage::Label => {
                let grading = self.plan.labels.grading.as_ref().map(labelling::parameters);
                json!({"labels": grading, "judge": models.judge_identity})
            }
            _ => scoring::parameters(&models.asked, &self.held_out()),
        }
    }

    fn of_evaluation(&self) -> Value {
        let (seed, ungraded) = (self.plan.seed, self.plan.labels.ungraded);
        let mut parameters = json!({"seed": seed, "ungraded": ungraded, "bootstrap": self.plan.bootstrap()});
        if let Some(evaluation) = self.plan.evaluation.as_ref().filter(|e| !e.transfer.is_empty()) {
            parameters["transfer"] = json!({
                "evaluation": evaluation, "calibration": self.fit.calibration,
                "thresholds": self.fit.thresholds,
            });
        }
        parameters
    }

    /// What a stage reads, as far as the stages before it have run in this folder.
    pub(super) fn inputs(&self, stage: Stage, folder: &OutputFolder) -> Vec<Source> {
        let scores = scores_source(folder).into_iter();
        let of = |stages: &[Stage]| -> Vec<Source> {
            stages.iter().filter_map(|stage| outputs_of(folder, *stage)).collect()
        };
        match (stage, &self.origin) {
            (Stage::Report, _) => report::sources(folder),
            (Stage::Ingest, _) | (Stage::Score, Origin::Import(_)) => self.sources().to_vec(),
            (Stage::Infer, _) => of(&[Stage::Ingest]),
            (Stage::Label, _) => of(&[Stage::Ingest, Stage::Infer]),
            (Stage::Score, Origin::Asking(_)) => of(&[Stage::Ingest, Stage::Infer, Stage::Label]),
            // The confidences of transfer tests lie beside the scores.
            (Stage::Evaluate, Origin::Asking(_)) => scores.chain(of(&[Stage::Score])).collect(),
            (Stage::Draw | Stage::Evaluate, _) => scores.collect(),
            // A thresholds file names what the scores were made of.
            (Stage::Fit, _) => scores.chain(self.sources().iter().cloned()).collect(),
        }
    }

    /// Hash of all of it.
    pub(super) fn key(&self, stage: Stage, folder: &OutputFolder) -> String {
        match (stage, &self.origin) {
            (Stage::Score, Origin::Import(files)) => files.key.clone(),
            _ => key::key(stage.name(), &self.parameters(stage), &self.inputs(stage, folder)),
        }
    }

    /// What the plan wants to be known about transfer.
    pub(super) fn transfer(&self) -> Option<TransferSpec> {
        let evaluation =
            self.plan.evaluation.as_ref().filter(|evaluation| !evaluation.transfer.is_empty())?;
        Some(TransferSpec { fit: self.fit.fit_spec(), by: self.held_out(), repeats: evaluation.repeats? })
    }
}

/// The table of scores as it was recorded.
pub(super) fn scores_source(folder: &OutputFolder) -> Option<Source> {
    let record = folder.record_of(Stage::Score.name())?;
    let output = record.outputs.first()?;
    let name = format!("{}.parquet", scores::TABLE.name);
    Some(Source { name, sha256: output.sha256.clone(), bytes: output.bytes })
}

/// All outputs of a stage as one: the hash of their names and hashes.
fn outputs_of(folder: &OutputFolder, stage: Stage) -> Option<Source> {
    let record = folder.record_of(stage.name())?;
    let lines: Vec<String> =
        record.outputs.iter().map(|output| format!("{}  {}\n", output.sha256, output.path)).collect();
    let bytes = record.outputs.iter().map(|output| output.bytes).sum();
    Some(Source { name: stage.name().to_owned(), sha256: sha256_hex(lines.concat().as_bytes()), bytes })
}
