//! What the numbers of a fit and its evaluation depend on, beside the scores.

use plimsoll_core::Seed;
use plimsoll_core::canonical::canonical_sha256;
use plimsoll_evaluate::EvaluationSettings;
use plimsoll_fit::FitSpec;
use plimsoll_router::thresholds::Pipeline;
use serde::Serialize;
use serde_json::{Value, json};

use crate::pipeline::Plan;
use crate::pipeline::plan::{Calibration, Labels, Targets, as_json};

/// The parameters, from a plan or from the command line.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Parameters {
    /// Seed of everything random.
    pub(crate) seed: u64,
    /// The draw.
    pub(crate) calibration: Calibration,
    /// The targets.
    pub(crate) thresholds: Targets,
    /// Bootstrap replicates.
    pub(crate) bootstrap: u32,
    /// How labels are read.
    pub(crate) labels: Labels,
}

impl Parameters {
    /// The parameters of a plan.
    pub(crate) fn of(plan: &Plan) -> Self {
        Self {
            seed: plan.seed,
            calibration: plan.calibration,
            thresholds: plan.thresholds.clone(),
            bootstrap: plan.bootstrap(),
            labels: plan.labels.clone(),
        }
    }

    /// As the fit takes them.
    pub(crate) fn fit_spec(&self) -> FitSpec {
        FitSpec {
            bins: self.calibration.bins,
            fraction: self.calibration.fraction,
            targets: self.thresholds.all(),
            bootstrap: self.bootstrap,
            seed: Seed::new(self.seed),
        }
    }

    /// As the evaluation takes them.
    pub(crate) fn judging(&self) -> EvaluationSettings {
        EvaluationSettings { bootstrap: self.bootstrap, seed: Seed::new(self.seed) }
    }

    /// What the draw depends on.
    pub(crate) fn of_draw(&self) -> Value {
        json!({"seed": self.seed, "calibration": self.calibration, "ungraded": self.labels.ungraded})
    }

    /// What the fit depends on; its files name the whole plan.
    pub(crate) fn of_fit(&self, pipeline: &Pipeline) -> Value {
        json!({"pipeline": pipeline, "parameters": self})
    }

    /// The command `name` with these parameters, as a thresholds file names it.
    pub(crate) fn as_pipeline(&self, name: &str) -> Pipeline {
        Pipeline::new(name, canonical_sha256(&as_json(self)))
    }
}
