//! A worker: answers the chunks of a pipeline that are missing in a store, and nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_backend::Cancel;
use plimsoll_objects::Leases;
use serde::Serialize;

use super::inputs::{InferenceInputs, RunInputs};
use super::share::Share;
use crate::cache::Chunks;
use crate::chunk_store::ChunkStore;
use crate::config::PipelineConfig;
use crate::config::models::{ModelBackend, ModelConfig};
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::locations::Locations;
use crate::models::prepared::PreparedModel;
use crate::observer::Observer;
use crate::pull::{Need, Pull, Rest};
use crate::shards::{Shard, shards};
use crate::shared_chunks::SharedChunks;
use crate::stage::Stage;
use crate::stage_key::PROGRAM_VERSION;
use crate::stages::infer::{CHUNKS, ChunkCounts};
use crate::store_url::open_objects;

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkOptions {
    /// The folder of the pipeline file, where its relative paths start.
    pub base: PathBuf,
    /// URL of the store.
    pub store: String,
    /// Which chunks it answers.
    pub share: Share,
    /// The worker's own folder, which no other may use; `None` for one that is removed at the end.
    pub scratch: Option<PathBuf>,
    /// Ends it in good order from another thread: what was finished is kept.
    pub cancel: Cancel,
}

/// What a worker did.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct WorkSummary {
    /// The chunks that it answered, and those that were there.
    #[serde(flatten)]
    pub chunks: ChunkCounts,
    /// Chunks of the whole pipeline.
    pub chunks_in_all: u64,
}

/// The store of a URL.
pub(super) fn open_store(url: &str) -> Result<ChunkStore, Failure> {
    open_objects(url).map(ChunkStore::new)
}

/// Answers what is missing in a store of the chunks of a pipeline, until nothing is missing, or nothing of its part.
///
/// # Errors
/// [`Failure`] says whose fault it is. Finished chunks are in the store.
pub fn work(
    config: &PipelineConfig,
    options: &WorkOptions,
    observer: &dyn Observer,
) -> Result<WorkSummary, Failure> {
    let store = open_store(&options.store)?;
    if let Some(inference) = config.inference() {
        inference.slms.iter().chain(&inference.llms).try_for_each(refuse_budget)?;
    }
    let own;
    let scratch: &Path = match &options.scratch {
        Some(folder) => folder,
        None => {
            own = tempfile::tempdir().or_fail(FailureKind::Stage);
            own.as_ref()
                .map_err(|failure| {
                    Failure::new(failure.kind(), format!("cannot make a scratch folder: {failure}"))
                })?
                .path()
        }
    };
    let locations = Locations { base: &options.base, out: scratch, offline: false };
    let (inputs, prepared) = RunInputs::locate(config, Stage::Infer, locations, observer)?;
    let RunInputs::Inference(inputs) = &inputs else {
        return Err(Failure::usage(
            "a pipeline that starts from `import` asks no model, so there is no work to share",
        ));
    };
    let near = Chunks::new(scratch.join(CHUNKS), config.seed, PROGRAM_VERSION);
    let worker = WorkRun {
        inputs,
        locations,
        leases: match options.share {
            Share::Leased(duration) => Some(Leases::new(Arc::clone(store.objects()), duration)),
            Share::Part { .. } => None,
        },
        chunks: SharedChunks::new(near, Some(store)),
        options,
        observer,
    };
    worker.run(prepared.models)
}

/// A budget holds for one process, and workers do not know what others have spent.
fn refuse_budget(model: &ModelConfig) -> Result<(), Failure> {
    let ModelBackend::OpenAi(served) = &model.backend else { return Ok(()) };
    if served.limits.as_ref().is_none_or(|limits| limits.budget_usd.is_none()) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "model `{}`: workers cannot keep limits.budget_usd, since none knows what the others have spent; set the limit at the \
         provider and leave the key out, or let one machine ask it (`plimsoll run --store`)",
        model.id
    )))
}

struct WorkRun<'a> {
    inputs: &'a InferenceInputs<'a>,
    locations: Locations<'a>,
    leases: Option<Leases>,
    chunks: SharedChunks,
    options: &'a WorkOptions,
    observer: &'a dyn Observer,
}

impl<'a> WorkRun<'a> {
    fn run(&self, models: Vec<PreparedModel<'a>>) -> Result<WorkSummary, Failure> {
        let all = shards(&self.inputs.workload, &self.inputs.tasks);
        let mut summary = WorkSummary { chunks_in_all: all.len() as u64, ..WorkSummary::default() };
        let mut left: Vec<Vec<&Shard<'_>>> = Vec::new();
        // What others have leased is left at first, so that no worker waits while another model has work to do.
        for (index, model) in models.into_iter().enumerate() {
            let own = all.iter().filter(|shard| shard.task.model == index);
            let own: Vec<&Shard<'_>> = own.filter(|shard| self.options.share.has(shard.number())).collect();
            left.push(self.pull(model, &own, Rest::Left, &mut summary)?);
        }
        for (model, left) in self.inputs.workload.models().zip(&left) {
            if !left.is_empty() {
                // Found anew, since its weights were dropped to make room for the next.
                let model = PreparedModel::locate(model, self.locations, self.observer)?;
                self.pull(model, left, Rest::WaitedFor, &mut summary)?;
            }
        }
        Ok(summary)
    }

    /// Pulls shards of one model; gives those that others have leased.
    fn pull<'s, 'w>(
        &self,
        model: PreparedModel<'a>,
        shards: &[&'s Shard<'w>],
        rest: Rest,
        summary: &mut WorkSummary,
    ) -> Result<Vec<&'s Shard<'w>>, Failure> {
        let pull = Pull {
            workload: &self.inputs.workload,
            chunks: &self.chunks,
            leases: self.leases.as_ref(),
            need: Need::Stored,
            cancel: &self.options.cancel,
            observer: self.observer,
        };
        let pulled = pull.model(model, shards, rest)?;
        summary.chunks.add(pulled.counts);
        Ok(pulled.left.into_iter().map(|index| shards[index]).collect())
    }
}
