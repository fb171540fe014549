//! `infer`: every model answers its requests, chunk by chunk. Finished chunks outlive the process.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_backend::Cancel;
use plimsoll_files::write_atomic;
use plimsoll_objects::Leases;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cache::{Chunk, Chunks};
use crate::chunk_store::ChunkStore;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::models::prepared::PreparedModel;
use crate::observer::Observer;
use crate::pull::{Need, Pull, Rest};
use crate::run_folder::RunFolder;
use crate::shards::{Shard, shards};
use crate::shared_chunks::SharedChunks;
use crate::stage_key::PROGRAM_VERSION;
use crate::workload::{ModelTask, Workload};

/// The folder of finished chunks in a run folder.
pub(crate) const CHUNKS: &str = ".work/infer";
/// How long the holder of a lease may make no progress, unless a worker is told otherwise.
pub const LEASE: Duration = Duration::from_mins(5);

/// How many chunks there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ChunkCounts {
    /// Answered in this run.
    pub chunks_answered: u64,
    /// Answered in an earlier run, or by another worker.
    pub chunks_kept: u64,
}

impl ChunkCounts {
    pub(crate) const fn add(&mut self, other: Self) {
        self.chunks_answered += other.chunks_answered;
        self.chunks_kept += other.chunks_kept;
    }
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
    /// Where chunks are shared with other machines; `None` for a run of one.
    pub(crate) store: Option<&'a ChunkStore>,
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
    /// Answers whatever is cached neither here nor in the store, and links all tables into the run folder.
    ///
    /// # Errors
    /// What stops a backend. Finished chunks stay.
    pub(crate) fn run(&self, models: Vec<PreparedModel<'_>>) -> Result<Inferred, Failure> {
        let near = Chunks::new(self.folder.path(CHUNKS), self.workload.seed, PROGRAM_VERSION);
        let chunks = SharedChunks::new(near, self.store.cloned());
        let leases = self.store.map(|store| Leases::new(Arc::clone(store.objects()), LEASE));
        let pull = Pull {
            workload: self.workload,
            chunks: &chunks,
            leases: leases.as_ref(),
            need: Need::Tables,
            cancel: self.cancel,
            observer: self.observer,
        };
        let shards = shards(self.workload, self.tasks);
        let mut inferred = Inferred::default();
        for (index, model) in models.into_iter().enumerate() {
            let shards: Vec<&Shard<'_>> = shards.iter().filter(|shard| shard.task.model == index).collect();
            let pulled = pull.model(model, &shards, Rest::WaitedFor)?;
            inferred.counts.add(pulled.counts);
            for (shard, chunk) in shards.iter().zip(&pulled.chunks) {
                if let Some(chunk) = chunk {
                    inferred.outputs.extend(self.link(shard, chunk)?);
                }
            }
        }
        Ok(inferred)
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
