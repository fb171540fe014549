//! What each stage of a plan depends on. Nothing more, so that a change runs no stage in vain; nothing
//! less, so that no stage is skipped that would give something else.

use plimsoll_evaluate::{HoldOut, TransferSpec};
use plimsoll_router::thresholds::Pipeline;
use serde_json::{Value, json};

use super::Stage;
use crate::folder::manifest::Source;
use crate::pipeline::Plan;
use crate::stages::import::Inputs;
use crate::stages::key;
use crate::stages::parameters::Parameters;

/// A plan with the files that it found.
#[derive(Debug)]
pub(super) struct Dependencies<'a> {
    /// The plan.
    pub(super) plan: &'a Plan,
    /// Its foreign files.
    pub(super) files: &'a Inputs,
    /// What the fit depends on.
    pub(super) fit: Parameters,
    /// The plan as thresholds files name it.
    pub(super) pipeline: Pipeline,
}

impl<'a> Dependencies<'a> {
    /// Of a plan.
    pub(super) fn new(plan: &'a Plan, files: &'a Inputs) -> Self {
        let pipeline = Pipeline { name: plan.name.clone(), sha256: plan.sha256() };
        Self { plan, files, fit: Parameters::of(plan), pipeline }
    }

    /// The part of the plan that a stage depends on.
    pub(super) fn parameters(&self, stage: Stage) -> Value {
        match stage {
            Stage::Score => self.files.parameters.clone(),
            Stage::Draw => self.fit.of_draw(),
            // Its files name the whole plan.
            Stage::Fit => self.fit.of_fit(&self.pipeline),
            Stage::Evaluate => {
                let (seed, ungraded) = (self.plan.seed, self.plan.labels.ungraded);
                let mut parameters =
                    json!({"seed": seed, "ungraded": ungraded, "bootstrap": self.plan.bootstrap()});
                if let Some(evaluation) = self.plan.evaluation.as_ref().filter(|e| !e.transfer.is_empty()) {
                    parameters["transfer"] = json!({
                        "evaluation": evaluation, "calibration": self.fit.calibration,
                        "thresholds": self.fit.thresholds,
                    });
                }
                parameters
            }
            Stage::Report => json!({"plan": self.pipeline, "bins": self.fit.calibration.bins}),
        }
    }

    /// The files that a stage depends on; `scores` is the table of scores, once it is there.
    pub(super) fn inputs(&self, stage: Stage, scores: Option<&Source>) -> Vec<Source> {
        let scores = scores.cloned().into_iter();
        match stage {
            Stage::Score => self.files.sources.clone(),
            Stage::Draw | Stage::Evaluate | Stage::Report => scores.collect(),
            // A thresholds file names what the scores were made of.
            Stage::Fit => scores.chain(self.files.sources.iter().cloned()).collect(),
        }
    }

    /// Hash of all of it.
    pub(super) fn key(&self, stage: Stage, scores: Option<&Source>) -> String {
        match stage {
            Stage::Score => self.files.key.clone(),
            _ => key::key(stage.name(), &self.parameters(stage), &self.inputs(stage, scores)),
        }
    }

    /// What the plan wants to be known about transfer.
    pub(super) fn transfer(&self) -> Option<TransferSpec> {
        let evaluation =
            self.plan.evaluation.as_ref().filter(|evaluation| !evaluation.transfer.is_empty())?;
        Some(TransferSpec {
            fit: self.fit.fit_spec(),
            by: evaluation.transfer.iter().map(|name| HoldOut::from(*name)).collect(),
            repeats: evaluation.repeats?,
        })
    }
}
