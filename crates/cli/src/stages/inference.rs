//! `infer`: every model answers what it is asked, chunk by chunk. Finished chunks outlive the process.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use plimsoll_backend::{BackendObserver, Batch, Cancel, Control};
use plimsoll_core::Seed;
use plimsoll_files::write_atomic;
use plimsoll_pipeline::{Chunk, Chunks};
use plimsoll_store::tables::{generations, hidden_states};
use serde::Serialize;
use serde_json::{Value, json};

use super::asked::{Asked, Group};
use super::key::PROGRAM_VERSION;
use crate::backend::{Lazy, Prepared};
use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::{OutputFolder, table_chunk_path};
use crate::progress::Answers;

/// Where finished chunks lie in an output folder.
const CHUNKS: &str = ".work/infer";

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Done {
    /// Chunks that were answered in this run.
    pub(crate) chunks_answered: u64,
    /// Chunks that an earlier run had finished.
    pub(crate) chunks_kept: u64,
}

/// A part of a group: the asks from `from` to `to`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'g> {
    /// The group.
    pub(crate) group: &'g Group,
    /// Its first ask.
    from: usize,
    /// The ask behind its last.
    to: usize,
    /// Number of its files.
    pub(crate) number: usize,
}

impl Part<'_> {
    /// Its table of generations in the output folder.
    pub(crate) fn generations(&self) -> String {
        table_chunk_path(generations::TABLE.name, self.number)
    }

    /// Its table of hidden states; `None` if none are observed.
    pub(crate) fn hidden_states(&self) -> Option<String> {
        let wanted = !self.group.signals.hidden_states().is_empty();
        wanted.then(|| table_chunk_path(hidden_states::TABLE.name, self.number))
    }
}

/// All parts, in the order in which they are answered.
pub(crate) fn parts<'g>(asked: &Asked<'_>, groups: &'g [Group]) -> Vec<Part<'g>> {
    let size = asked.asking.inference.chunk;
    let mut parts = Vec::new();
    for group in groups {
        let count = asked.sets[group.set].requests.len();
        for from in (0..count).step_by(size) {
            parts.push(Part { group, from, to: (from + size).min(count), number: parts.len() });
        }
    }
    parts
}

/// The part of the plan that answers depend on, beside the questions. `identities` are the models', in order.
pub(crate) fn parameters(asked: &Asked<'_>, groups: &[Group], identities: &[String]) -> Value {
    let groups: Vec<Value> = groups
        .iter()
        .map(|group| {
            let set = &asked.sets[group.set];
            json!([group.model, set.dataset, set.prompts_sha256, group.signals])
        })
        .collect();
    let models: Vec<&str> = asked.models().map(|model| model.id.as_str()).collect();
    json!({
        "seed": asked.seed, "models": models, "identities": identities, "groups": groups,
        "decoding": asked.asking.decoding, "chunk": asked.asking.inference.chunk,
    })
}

/// The work of a run.
#[derive(Debug)]
pub(crate) struct Inference<'a> {
    /// What is asked.
    pub(crate) asked: &'a Asked<'a>,
    /// Of whom.
    pub(crate) groups: &'a [Group],
    /// Ends the run.
    pub(crate) cancel: Cancel,
    /// Told what happens.
    pub(crate) console: &'a Console,
}

impl Inference<'_> {
    /// Answers whatever is not there yet, and puts all tables in place; gives the names of the files.
    ///
    /// # Errors
    /// What stops a backend. Chunks that are finished stay.
    pub(crate) fn run(
        &self,
        models: Vec<Prepared<'_>>,
        folder: &OutputFolder,
    ) -> Result<(Done, Vec<String>), Failure> {
        let chunks = Chunks::new(folder.path(CHUNKS), self.asked.seed, PROGRAM_VERSION);
        let parts = parts(self.asked, self.groups);
        let (mut done, mut outputs) = (Done::default(), Vec::new());
        for (place, model) in models.into_iter().enumerate() {
            let own: Vec<&Part<'_>> = parts.iter().filter(|part| part.group.model == place).collect();
            self.model(model, &own, (&chunks, folder), (&mut done, &mut outputs))?;
        }
        Ok((done, outputs))
    }

    /// One model, which is loaded only if it has something left to answer.
    fn model(
        &self,
        model: Prepared<'_>,
        parts: &[&Part<'_>],
        (chunks, folder): (&Chunks, &OutputFolder),
        (done, outputs): (&mut Done, &mut Vec<String>),
    ) -> Result<(), Failure> {
        let id = model.id.clone();
        let total: usize = parts.iter().map(|part| part.to - part.from).sum();
        let answers = Arc::new(Answers::new(self.console, id.as_str(), total as u64));
        let hears: Arc<dyn BackendObserver> = Arc::clone(&answers) as Arc<dyn BackendObserver>;
        let mut model = Lazy::new(model, self.asked.asking.inference);
        let (start, mut answered) = (Instant::now(), 0);
        for part in parts {
            let set = &self.asked.sets[part.group.set];
            let seed = Seed::new(self.asked.seed).derive("infer");
            let requests = &set.requests[part.from..part.to];
            let batch = Batch::new(requests, &part.group.signals, self.asked.asking.decoding, seed);
            let batch = batch.or_fail(Kind::Stage)?;
            answers.doing(&set.dataset);
            let control = Control { cancel: &self.cancel, progress: &hears };
            let (chunk, is_new) = model.chunk(chunks, &batch, &control)?;
            if is_new {
                done.chunks_answered += 1;
                answered += requests.len();
            } else {
                done.chunks_kept += 1;
                answers.kept(requests.len() as u64);
            }
            place(part, &chunk, folder, outputs)?;
        }
        model.finish(chunks)?;
        if answered > 0 {
            let seconds = start.elapsed().as_secs_f64();
            self.console.note(format_args!(
                "{id}: {answered} prompts answered in {seconds:.1} s ({:.1} a second{})",
                answered as f64 / seconds,
                answers.tokens_per_second(seconds)
            ));
        }
        Ok(())
    }
}

/// Puts the tables of a chunk under their names.
fn place(
    part: &Part<'_>,
    chunk: &Chunk,
    folder: &OutputFolder,
    outputs: &mut Vec<String>,
) -> Result<(), Failure> {
    let files = [
        (Some(&chunk.generations), Some(part.generations())),
        (chunk.hidden_states.as_ref(), part.hidden_states()),
    ];
    for (from, output) in files {
        if let (Some(from), Some(output)) = (from, output) {
            link(from, &folder.path(&output))?;
            outputs.push(output);
        }
    }
    Ok(())
}

/// The same file under another name; a copy where the file system cannot link.
fn link(from: &Path, to: &Path) -> Result<(), Failure> {
    let during = |failure: Failure| failure.during(format!("cannot write `{}`", to.display()));
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).or_fail(Kind::Stage).map_err(during)?;
    }
    match fs::remove_file(to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).or_fail(Kind::Stage).map_err(during),
    }
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let copied = write_atomic(to, |file| {
        io::copy(&mut fs::File::open(from)?, file)?;
        Ok(())
    });
    copied.or_fail(Kind::Stage)
}
