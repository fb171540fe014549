//! `infer`: every model answers its requests, chunk by chunk. Finished chunks outlive the process.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use plimsoll_backend::{BackendObserver, Batch, Cancel, Control};
use plimsoll_core::Seed;
use plimsoll_files::write_atomic;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cache::{Chunk, Chunks};
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::models::lazy::LazyModel;
use crate::models::prepared::PreparedModel;
use crate::observer::{Observer, TokenCounter};
use crate::run_folder::RunFolder;
use crate::shards::{Shard, shards};
use crate::stage_key::PROGRAM_VERSION;
use crate::workload::{ModelTask, Workload};

/// The folder of finished chunks in a run folder.
const CHUNKS: &str = ".work/infer";

/// How many chunks there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ChunkCounts {
    /// Answered in this run.
    pub chunks_answered: u64,
    /// Answered in an earlier run.
    pub chunks_kept: u64,
}

/// The part of the pipeline that answers depend on, beside the questions. `identities` are the models', in order.
pub(crate) fn parameters(workload: &Workload<'_>, tasks: &[ModelTask], identities: &[String]) -> Value {
    let groups: Vec<Value> = tasks
        .iter()
        .map(|task| {
            let set = &workload.sets[task.set];
            json!([task.model, set.dataset, set.prompts_sha256, task.signals])
        })
        .collect();
    let models: Vec<&str> = workload.models().map(|model| model.id.as_str()).collect();
    json!({
        "seed": workload.seed, "models": models, "identities": identities, "groups": groups,
        "decoding": workload.inference.decoding, "chunk": workload.inference.execution.chunk,
    })
}

/// What the stage needs.
#[derive(Debug)]
pub(crate) struct InferStage<'a> {
    pub(crate) workload: &'a Workload<'a>,
    pub(crate) tasks: &'a [ModelTask],
    pub(crate) folder: &'a RunFolder,
    pub(crate) cancel: &'a Cancel,
    pub(crate) observer: &'a dyn Observer,
}

/// What the stage did.
#[derive(Debug, Default)]
pub(crate) struct Inferred {
    pub(crate) counts: ChunkCounts,
    /// Paths of the tables in the run folder.
    pub(crate) outputs: Vec<String>,
}

impl InferStage<'_> {
    /// Answers whatever is not cached, and links all tables into the run folder.
    ///
    /// # Errors
    /// What stops a backend. Finished chunks stay.
    pub(crate) fn run(&self, models: Vec<PreparedModel<'_>>) -> Result<Inferred, Failure> {
        let chunks = Chunks::new(self.folder.path(CHUNKS), self.workload.seed, PROGRAM_VERSION);
        let shards = shards(self.workload, self.tasks);
        let mut inferred = Inferred::default();
        for (index, model) in models.into_iter().enumerate() {
            let shards: Vec<&Shard<'_>> = shards.iter().filter(|shard| shard.task.model == index).collect();
            self.model(model, &shards, &chunks, &mut inferred)?;
        }
        Ok(inferred)
    }

    /// One model, which is loaded only if it has something left to answer.
    fn model(
        &self,
        model: PreparedModel<'_>,
        shards: &[&Shard<'_>],
        chunks: &Chunks,
        inferred: &mut Inferred,
    ) -> Result<(), Failure> {
        let id = model.config.id.clone();
        let total: usize = shards.iter().map(|shard| shard.requests.len()).sum();
        let progress = self.observer.requests(&id, total as u64);
        let counter = Arc::new(TokenCounter::new(Arc::clone(&progress)));
        let events: Arc<dyn BackendObserver> = Arc::clone(&counter) as Arc<dyn BackendObserver>;
        let mut model = LazyModel::new(model, self.workload.inference.execution);
        let (start, mut answered) = (Instant::now(), 0);
        for shard in shards {
            let seed = Seed::new(self.workload.seed).derive("infer");
            let decoding = self.workload.inference.decoding;
            let batch = Batch::new(shard.requests, &shard.task.signals, decoding, seed);
            let batch = batch.or_fail(FailureKind::Stage)?;
            progress.dataset(&shard.set.dataset);
            let control = Control { cancel: self.cancel, progress: &events };
            let (chunk, is_new) = model.chunk(chunks, &batch, &control)?;
            if is_new {
                inferred.counts.chunks_answered += 1;
                answered += shard.requests.len();
            } else {
                inferred.counts.chunks_kept += 1;
                progress.cached(shard.requests.len() as u64);
            }
            inferred.outputs.extend(self.link(shard, &chunk)?);
        }
        model.finish(chunks)?;
        if answered > 0 {
            let seconds = start.elapsed().as_secs_f64();
            let tokens = match counter.tokens() {
                0 => String::new(),
                tokens => format!(", {:.0} tokens a second", tokens as f64 / seconds),
            };
            let rate = answered as f64 / seconds;
            self.observer.note(&format!(
                "{id}: {answered} prompts answered in {seconds:.1} s ({rate:.1} a second{tokens})"
            ));
        }
        Ok(())
    }

    /// Links the tables of a chunk into the run folder; gives their paths there.
    fn link(&self, shard: &Shard<'_>, chunk: &Chunk) -> Result<Vec<String>, Failure> {
        let files = [
            (Some(&chunk.generations), Some(shard.generations())),
            (chunk.hidden_states.as_ref(), shard.hidden_states()),
        ];
        let mut outputs = Vec::new();
        for (cached, output) in files {
            if let (Some(cached), Some(output)) = (cached, output) {
                link(cached, &self.folder.path(&output))?;
                outputs.push(output);
            }
        }
        Ok(outputs)
    }
}

/// The same file under another name; a copy where the file system cannot link.
fn link(from: &Path, to: &Path) -> Result<(), Failure> {
    let during = |failure: Failure| failure.during(format!("cannot write `{}`", to.display()));
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).or_fail(FailureKind::Stage).map_err(during)?;
    }
    match fs::remove_file(to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).or_fail(FailureKind::Stage).map_err(during),
    }
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let copied = write_atomic(to, |file| {
        io::copy(&mut fs::File::open(from)?, file)?;
        Ok(())
    });
    copied.or_fail(FailureKind::Stage)
}
