//! An output folder: one run at a time, every stage's record in `manifest.json`.

mod clock;
pub(crate) mod manifest;

use std::fs::{self, File, TryLockError};
use std::path::{Component, Path, PathBuf};

use plimsoll_files::{sha256_file, write_atomic};
use serde_json::Value;

use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use manifest::{Artifact, Manifest, PlanIdentity, Source, StageRecord};

pub(crate) use clock::Stopwatch;

const MANIFEST: &str = "manifest.json";
/// Scratch of a run; holds the lock.
const WORK: &str = ".work";
/// Folder of the figures.
pub(crate) const FIGURES: &str = "figures";
/// Folder of the tables.
const TABLES: &str = "tables";

/// An output folder. While it is open for writing, nobody else writes there.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    root: PathBuf,
    manifest: Manifest,
    /// Held until the folder is dropped; the system lets go of it if the process dies.
    _lock: Option<File>,
}

/// What a stage did, for its record.
#[derive(Debug)]
pub(crate) struct Done {
    /// Name of the stage.
    pub(crate) stage: &'static str,
    /// Hash of everything that it depends on.
    pub(crate) key: String,
    /// The part of the plan, or the options, that it depends on.
    pub(crate) parameters: Value,
    /// What it read.
    pub(crate) inputs: Vec<Source>,
    /// What it wrote, relative to the folder.
    pub(crate) outputs: Vec<String>,
    /// Started with the stage.
    pub(crate) stopwatch: Stopwatch,
}

impl OutputFolder {
    /// Opens a folder for writing, and makes it if need be.
    pub(crate) fn open(root: &Path, console: &Console) -> Result<Self, Failure> {
        let work = root.join(WORK);
        fs::create_dir_all(&work).or_fail(Kind::Stage).map_err(|failure| {
            failure.during(format!("cannot make the output folder `{}`", root.display()))
        })?;
        let lock = lock(root, &work.join("lock"))?;
        for folder in [root.to_owned(), root.join(TABLES), root.join(FIGURES)] {
            sweep(&folder);
        }
        Ok(Self { manifest: read_manifest(root, console), root: root.to_owned(), _lock: Some(lock) })
    }

    /// Looks at a folder that may not be there, without touching anything.
    pub(crate) fn look(root: &Path, console: &Console) -> Self {
        Self { manifest: read_manifest(root, console), root: root.to_owned(), _lock: None }
    }

    /// Where it is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where an output goes.
    pub(crate) fn path(&self, output: &str) -> PathBuf {
        self.root.join(output)
    }

    /// The record of a stage.
    pub(crate) fn record_of(&self, stage: &str) -> Option<&StageRecord> {
        self.manifest.stages.iter().find(|record| record.stage == stage)
    }

    /// Why a stage must run; `None` if its outputs are there and are what this key gives.
    pub(crate) fn stale(
        &self,
        stage: &str,
        key: &str,
        parameters: &Value,
    ) -> Result<Option<String>, Failure> {
        let Some(record) = self.record_of(stage) else { return Ok(Some("it has not run here".to_owned())) };
        if record.key != key {
            let what = if record.parameters == *parameters { "its input" } else { "its part of the plan" };
            return Ok(Some(format!("{what} changed")));
        }
        for output in &record.outputs {
            let path = self.path(&output.path);
            if !path.is_file() {
                return Ok(Some(format!("`{}` is gone", output.path)));
            }
            if sha256_file(&path).or_fail(Kind::Stage)? != output.sha256 {
                return Ok(Some(format!("`{}` was changed", output.path)));
            }
        }
        Ok(None)
    }

    /// Names the plan whose stages are recorded from now on.
    pub(crate) fn set_plan(&mut self, name: &str, sha256: &str) {
        self.manifest.plan = Some(PlanIdentity { name: name.to_owned(), sha256: sha256.to_owned() });
    }

    /// Records a stage whose outputs are written, in place of its last record, which is given back.
    pub(crate) fn record(&mut self, done: Done) -> Result<Option<StageRecord>, Failure> {
        let outputs: Result<Vec<Artifact>, Failure> =
            done.outputs.iter().map(|output| Artifact::of(&self.root, output)).collect();
        let record = StageRecord {
            stage: done.stage.to_owned(),
            key: done.key,
            parameters: done.parameters,
            inputs: done.inputs,
            outputs: outputs?,
            started_at: done.stopwatch.started_at(),
            seconds: done.stopwatch.seconds(),
        };
        tracing::info!("{} took {:.2} s", record.stage, record.seconds);
        let place = self.manifest.stages.iter().position(|old| old.stage == record.stage);
        let old = place.map(|place| self.manifest.stages.remove(place));
        self.manifest.stages.push(record);
        self.manifest.order();
        self.write_manifest()?;
        Ok(old)
    }

    fn write_manifest(&self) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(&self.manifest).or_fail(Kind::Stage)?;
        text.push('\n');
        write_atomic(&self.path(MANIFEST), |file| file.write_all(text.as_bytes())).or_fail(Kind::Stage)
    }

    /// Removes what an earlier run of a stage wrote and this one did not: it would pass as current.
    pub(crate) fn remove_outdated(&self, old: &StageRecord, console: &Console) {
        let current =
            |path: &str| self.manifest.stages.iter().flat_map(|s| &s.outputs).any(|o| o.path == path);
        for output in old.outputs.iter().filter(|output| !current(&output.path)) {
            let path = self.path(&output.path);
            let ours = sha256_file(&path).is_ok_and(|sha256| sha256 == output.sha256);
            if ours && fs::remove_file(&path).is_ok() {
                console.note(format_args!("removed `{}`, which this plan no longer gives", path.display()));
            } else if path.exists() {
                console.note(format_args!("`{}` is of an earlier run", path.display()));
            }
        }
    }
}

/// Takes the lock of a folder.
fn lock(root: &Path, path: &Path) -> Result<File, Failure> {
    let during =
        |failure: Failure| failure.during(format!("cannot lock the output folder `{}`", root.display()));
    let options = File::options().create(true).truncate(false).write(true).open(path);
    let file = options.or_fail(Kind::Stage).map_err(during)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::usage(format!(
            "another plimsoll is writing to `{}`; wait until it is done, or choose another folder with --out",
            root.display()
        ))),
        Err(TryLockError::Error(error)) => Err(error).or_fail(Kind::Stage).map_err(during),
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

fn read_manifest(root: &Path, console: &Console) -> Manifest {
    let path = root.join(MANIFEST);
    match fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Manifest::default(),
        Err(error) => {
            console.note(format_args!("cannot read `{}` ({error}); every stage runs", path.display()));
            Manifest::default()
        }
        Ok(bytes) => Manifest::parse(&bytes).unwrap_or_else(|problem| {
            console.note(format_args!("`{}` {problem}; every stage runs", path.display()));
            Manifest::default()
        }),
    }
}

/// Whether a recorded path stays inside its folder.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Where a table goes.
pub(crate) fn table_path(table: &str) -> String {
    format!("{TABLES}/{table}.parquet")
}

/// Where a part of a table goes that is written in parts.
pub(crate) fn table_chunk_path(table: &str, number: usize) -> String {
    format!("{TABLES}/{table}/{table}-{number:05}.parquet")
}

/// An id as a part of a file's name: what is no letter, digit, dot, dash or underscore becomes an underscore.
pub(crate) fn safe(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect()
}
