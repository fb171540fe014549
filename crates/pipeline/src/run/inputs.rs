//! What a run starts from: files of another program, or questions and models.

use plimsoll_router::thresholds::ModelIdentity;

use crate::config::PipelineConfig;
use crate::config::pipeline_config::ScoreSource;
use crate::failure::Failure;
use crate::locations::Locations;
use crate::models::prepared::PreparedModel;
use crate::observer::Observer;
use crate::stage::Stage;
use crate::stages::score::import::ImportInputs;
use crate::workload::{ModelTask, Workload};

/// What a run starts from, located.
#[derive(Debug)]
pub(super) enum RunInputs<'a> {
    Import(Box<ImportInputs>),
    Inference(Box<InferenceInputs<'a>>),
}

/// The questions of a run, and which models they are.
#[derive(Debug)]
pub(super) struct InferenceInputs<'a> {
    pub(super) workload: Workload<'a>,
    pub(super) tasks: Vec<ModelTask>,
    /// The models' identities, small models first; empty if no stage of the run needs models.
    pub(super) identities: Vec<String>,
    /// The same as thresholds files name them.
    pub(super) thresholds_identities: Vec<ModelIdentity>,
    pub(super) judge_identity: Option<String>,
}

/// The models of a run, until the stages that use them.
#[derive(Debug, Default)]
pub(super) struct PreparedModels<'a> {
    /// Small models first; empty if no stage of the run needs models.
    pub(super) models: Vec<PreparedModel<'a>>,
    pub(super) judge: Option<PreparedModel<'a>>,
}

impl<'a> RunInputs<'a> {
    /// Locates what a pipeline starts from; models only if a stage up to `until` needs them.
    pub(super) fn locate(
        config: &'a PipelineConfig,
        until: Stage,
        locations: Locations<'_>,
        observer: &dyn Observer,
    ) -> Result<(Self, PreparedModels<'a>), Failure> {
        let inference = match &config.scores {
            ScoreSource::Import(import) => {
                let inputs = ImportInputs::find(import, locations.base)?;
                return Ok((Self::Import(Box::new(inputs)), PreparedModels::default()));
            }
            ScoreSource::Inference(inference) => inference,
        };
        let workload = Workload::gather(inference, config.seed, locations, observer)?;
        let tasks = workload.tasks();
        let wanted = if until >= Stage::Infer { usize::MAX } else { 0 };
        let models = workload.models().take(wanted);
        let models: Vec<PreparedModel<'a>> = models
            .map(|model| PreparedModel::locate(model, locations, observer))
            .collect::<Result<_, _>>()?;
        let judge = config.labels.grading.as_ref().and_then(|grading| grading.judge.as_ref());
        let judge = judge.filter(|_| until >= Stage::Label);
        let judge = judge.map(|judge| PreparedModel::locate(judge, locations, observer)).transpose()?;
        let inputs = InferenceInputs {
            tasks,
            identities: models.iter().map(|model| model.identity.clone()).collect(),
            thresholds_identities: models
                .iter()
                .map(|model| model.thresholds_identity(&inference.decoding))
                .collect(),
            judge_identity: judge.as_ref().map(|judge| judge.identity.clone()),
            workload,
        };
        Ok((Self::Inference(Box::new(inputs)), PreparedModels { models, judge }))
    }
}
