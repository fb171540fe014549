//! A run folder: one run at a time, every stage's record in `manifest.json`.

mod clock;
pub mod manifest;

use std::fs::{self, File, TryLockError};
use std::path::{Component, Path, PathBuf};

use plimsoll_files::{sha256_file, write_atomic};
use serde_json::Value;

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::observer::Observer;
use crate::stage::Stage;
use manifest::{InputFile, Manifest, OutputFile, PipelineIdentity, StageRecord};

pub use clock::Stopwatch;

pub(crate) const MANIFEST: &str = "manifest.json";
/// Scratch of a run; holds the lock.
pub(crate) const WORK: &str = ".work";
/// Folder of the figures.
pub(crate) const FIGURES: &str = "figures";
/// Folder of the tables.
const TABLES: &str = "tables";

/// A run folder. While it is open for writing, nobody else writes there.
#[derive(Debug)]
pub struct RunFolder {
    root: PathBuf,
    manifest: Manifest,
    /// Held until the folder is dropped; the system lets go of it if the process dies.
    _lock: Option<File>,
}

/// A stage that ran, for its record.
#[derive(Debug)]
pub struct CompletedStage {
    /// Which stage.
    pub stage: Stage,
    /// Hash of everything that it depends on.
    pub key: String,
    /// The part of the pipeline, or the options, that it depends on.
    pub parameters: Value,
    /// The files that it read.
    pub inputs: Vec<InputFile>,
    /// The files that it wrote, relative to the folder.
    pub outputs: Vec<String>,
    /// Started with the stage.
    pub stopwatch: Stopwatch,
}

impl RunFolder {
    /// Opens a folder for writing, and makes it if need be.
    ///
    /// # Errors
    /// A usage failure if another run writes there, a stage failure for a folder that cannot be made or locked.
    pub fn open(root: &Path, observer: &dyn Observer) -> Result<Self, Failure> {
        let work = root.join(WORK);
        fs::create_dir_all(&work).or_fail(FailureKind::Stage).map_err(|failure| {
            failure.during(format!("cannot make the output folder `{}`", root.display()))
        })?;
        let lock = lock(root, &work.join("lock"))?;
        for folder in [root.to_owned(), root.join(TABLES), root.join(FIGURES)] {
            sweep(&folder);
        }
        Ok(Self { manifest: read_manifest(root, observer), root: root.to_owned(), _lock: Some(lock) })
    }

    /// Reads a folder that may not be there, without touching anything.
    pub fn read(root: &Path, observer: &dyn Observer) -> Self {
        Self { manifest: read_manifest(root, observer), root: root.to_owned(), _lock: None }
    }

    /// Its path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of an output.
    pub fn path(&self, output: &str) -> PathBuf {
        self.root.join(output)
    }

    /// The record of a stage, if it has run here.
    pub fn stage_record(&self, stage: Stage) -> Option<&StageRecord> {
        self.manifest.stages.iter().find(|record| record.stage == stage)
    }

    /// What all stages wrote, in the order in which they run.
    pub fn outputs(&self) -> impl Iterator<Item = &OutputFile> {
        self.manifest.stages.iter().flat_map(|record| &record.outputs)
    }

    /// Why a stage must run; `None` if its outputs are there and are what this key gives.
    ///
    /// # Errors
    /// A stage failure for an output that cannot be read.
    pub fn stale(&self, stage: Stage, key: &str, parameters: &Value) -> Result<Option<String>, Failure> {
        let Some(record) = self.stage_record(stage) else {
            return Ok(Some("it has not run here".to_owned()));
        };
        if record.key != key {
            let what =
                if record.parameters == *parameters { "its input" } else { "its part of the pipeline" };
            return Ok(Some(format!("{what} changed")));
        }
        for output in &record.outputs {
            let path = self.path(&output.path);
            if !path.is_file() {
                return Ok(Some(format!("`{}` is gone", output.path)));
            }
            if sha256_file(&path).or_fail(FailureKind::Stage)? != output.sha256 {
                return Ok(Some(format!("`{}` was changed", output.path)));
            }
        }
        Ok(None)
    }

    /// Names the pipeline whose stages are recorded from now on.
    pub fn set_pipeline(&mut self, name: &str, sha256: &str) {
        self.manifest.plan = Some(PipelineIdentity { name: name.to_owned(), sha256: sha256.to_owned() });
    }

    /// Records a stage whose outputs are written, in place of its last record, which is given back.
    ///
    /// # Errors
    /// A stage failure for an output that cannot be read, or a manifest that cannot be written.
    pub fn record(&mut self, done: CompletedStage) -> Result<Option<StageRecord>, Failure> {
        let outputs: Result<Vec<OutputFile>, Failure> =
            done.outputs.iter().map(|output| OutputFile::from_path(&self.root, output)).collect();
        let record = StageRecord {
            stage: done.stage,
            key: done.key,
            parameters: done.parameters,
            inputs: done.inputs,
            outputs: outputs?,
            started_at: done.stopwatch.started_at(),
            seconds: done.stopwatch.seconds(),
        };
        tracing::info!("{} took {:.2} s", record.stage.name(), record.seconds);
        let index = self.manifest.stages.iter().position(|old| old.stage == record.stage);
        let old = index.map(|index| self.manifest.stages.remove(index));
        self.manifest.stages.push(record);
        self.manifest.stages.sort_by_key(|record| record.stage);
        self.write_manifest()?;
        Ok(old)
    }

    fn write_manifest(&self) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(&self.manifest).or_fail(FailureKind::Stage)?;
        text.push('\n');
        write_atomic(&self.path(MANIFEST), |file| file.write_all(text.as_bytes())).or_fail(FailureKind::Stage)
    }

    /// Removes what an earlier run of a stage wrote and this one did not: it would pass as current.
    pub fn remove_outdated(&self, old: &StageRecord, observer: &dyn Observer) {
        let current =
            |path: &str| self.manifest.stages.iter().flat_map(|s| &s.outputs).any(|o| o.path == path);
        for output in old.outputs.iter().filter(|output| !current(&output.path)) {
            let path = self.path(&output.path);
            let ours = sha256_file(&path).is_ok_and(|sha256| sha256 == output.sha256);
            if ours && fs::remove_file(&path).is_ok() {
                observer.note(&format!("removed `{}`, which this pipeline no longer gives", path.display()));
            } else if path.exists() {
                observer.note(&format!("`{}` is of an earlier run", path.display()));
            }
        }
    }
}

fn lock(root: &Path, path: &Path) -> Result<File, Failure> {
    let during =
        |failure: Failure| failure.during(format!("cannot lock the output folder `{}`", root.display()));
    let options = File::options().create(true).truncate(false).write(true).open(path);
    let file = options.or_fail(FailureKind::Stage).map_err(during)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::usage(format!(
            "another plimsoll is writing to `{}`; wait until it is done, or choose another folder with --out",
            root.display()
        ))),
        Err(TryLockError::Error(error)) => Err(error).or_fail(FailureKind::Stage).map_err(during),
    }
}

/// Removes the temporary files of a run that was killed; with the lock held, nobody else has any.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours =
            [".parquet.", ".json.", ".html.", ".md.", ".svg."].iter().any(|middle| name.contains(middle));
        if name.starts_with('.') && name.ends_with(".tmp") && ours {
            tracing::info!("removing `{name}`, left by a run that was killed");
            // If it cannot be removed it does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn read_manifest(root: &Path, observer: &dyn Observer) -> Manifest {
    let path = root.join(MANIFEST);
    match fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Manifest::default(),
        Err(error) => {
            observer.note(&format!("cannot read `{}` ({error}); every stage runs", path.display()));
            Manifest::default()
        }
        Ok(bytes) => Manifest::parse(&bytes).unwrap_or_else(|problem| {
            observer.note(&format!("`{}` {problem}; every stage runs", path.display()));
            Manifest::default()
        }),
    }
}

/// Whether a recorded path stays inside its folder.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// The path of a table in a run folder.
pub fn table_path(table: &str) -> String {
    format!("{TABLES}/{table}.parquet")
}

/// The path of one file of a table that is written in several.
pub(crate) fn table_chunk_path(table: &str, number: usize) -> String {
    format!("{TABLES}/{table}/{table}-{number:05}.parquet")
}
