//! What draw, fit and evaluation depend on beside the scores.

use plimsoll_core::Seed;
use plimsoll_core::canonical::sha256_of;
use plimsoll_evaluate::EvaluationSettings;
use plimsoll_fit::FitSpec;
use plimsoll_router::thresholds::Pipeline;
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::PipelineConfig;
use crate::config::pipeline_config::{CalibrationConfig, LabelsConfig, TargetsConfig};

/// The parameters, from a pipeline or from the command line. Hashes are over them: their keys are a format.
#[derive(Debug, Clone, Serialize)]
pub struct FitParameters {
    /// Seed of everything random, at most 2^53.
    pub seed: u64,
    /// How the calibration set is drawn.
    pub calibration: CalibrationConfig,
    /// The targets.
    pub thresholds: TargetsConfig,
    /// Bootstrap replicates behind the 95 % intervals; 0 = no intervals.
    pub bootstrap: u32,
    /// How labels are read.
    pub labels: LabelsConfig,
}

impl From<&PipelineConfig> for FitParameters {
    fn from(config: &PipelineConfig) -> Self {
        Self {
            seed: config.seed,
            calibration: config.calibration,
            thresholds: config.thresholds.clone(),
            bootstrap: config.bootstrap(),
            labels: config.labels.clone(),
        }
    }
}

impl FitParameters {
    /// As the fit takes them.
    pub fn fit_spec(&self) -> FitSpec {
        FitSpec {
            bins: self.calibration.bins,
            fraction: self.calibration.fraction,
            targets: self.thresholds.all(),
            bootstrap: self.bootstrap,
            seed: Seed::new(self.seed),
        }
    }

    /// As the evaluation takes them.
    pub(crate) fn evaluation_settings(&self) -> EvaluationSettings {
        EvaluationSettings { bootstrap: self.bootstrap, seed: Seed::new(self.seed) }
    }

    /// The part that the draw depends on.
    pub fn draw_key(&self) -> Value {
        json!({"seed": self.seed, "calibration": self.calibration, "ungraded": self.labels.ungraded})
    }

    /// The part that the fit depends on; its files name the whole pipeline.
    pub fn fit_key(&self, pipeline: &Pipeline) -> Value {
        // Files of another version of the format are fitted anew.
        json!({"pipeline": pipeline, "parameters": self, "format": plimsoll_router::thresholds::VERSION})
    }

    /// The command `name` with these parameters, as a thresholds file names it.
    pub fn as_pipeline(&self, name: &str) -> Pipeline {
        Pipeline::new(name, sha256_of(self))
    }
}
