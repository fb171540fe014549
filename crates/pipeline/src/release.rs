//! What a finished run gives to others, in a folder of its own: scores, calibration set, thresholds, tables, report and
//! card. Questions, answers, labels and hidden states stay behind, and so do the run's caches. That no text of a benchmark
//! stands in any other file is proved by a search where it is asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use plimsoll_files::sha256_file;
use plimsoll_report::card_with_tables;
use plimsoll_store::{Table, tables};

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::observer::Observer;
use crate::run_folder::manifest::OutputFile;
use crate::run_folder::{MANIFEST, RunFolder, WORK};
use crate::stage::Stage;

mod texts;

use texts::Texts;

/// Tables that stay behind: texts of benchmarks, what models made of them, and hidden states.
const LEFT_BEHIND: [&Table; 4] = [
    &tables::questions::TABLE,
    &tables::generations::TABLE,
    &tables::labels::TABLE,
    &tables::hidden_states::TABLE,
];
/// Stages without which there is nothing to release.
const NEEDED: [Stage; 4] = [Stage::Draw, Stage::Fit, Stage::Evaluate, Stage::Report];

/// What is released, and where to.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseOptions<'a> {
    /// The run folder.
    pub run: &'a Path,
    /// The folder that is written; an earlier release there is replaced.
    pub to: &'a Path,
    /// Whether every file is searched for the texts of benchmarks and models.
    pub omit_text: bool,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// Its files, relative to its folder, in order.
    pub files: Vec<String>,
    /// Bytes of them all.
    pub bytes: u64,
    /// Texts of benchmarks and models that were searched for, and are in no file; 0 without a search.
    pub texts_searched: u64,
}

/// Writes a release.
///
/// # Errors
/// An input failure for a run that is not finished, whose files are not what it wrote, or whose tables or pages would tell
/// a path of this machine or, where they are searched, a text; a usage failure for a folder that holds something
/// else than a release. Nothing is left half-written.
pub fn release(options: ReleaseOptions<'_>, observer: &dyn Observer) -> Result<Released, Failure> {
    let ReleaseOptions { run, to, omit_text } = options;
    let folder = RunFolder::read(run, observer);
    let outputs = released_outputs(&folder)?;
    check_target(to)?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).or_fail(FailureKind::Stage)?;
    // On the same file system, so that the finished folder is moved there whole.
    let work = tempfile::tempdir_in(parent).or_fail(FailureKind::Stage)?;
    let made = work.path().join("release");
    for output in &outputs {
        copy(&folder, output, &made)?;
    }
    fs::copy(folder.path(MANIFEST), made.join(MANIFEST)).or_fail(FailureKind::Stage)?;
    shorten_card(&made, &outputs)?;
    let files: Vec<String> =
        outputs.iter().map(|output| output.path.clone()).chain([MANIFEST.to_owned()]).collect();
    check_paths(&made, &files)?;
    let texts_searched = if omit_text { Texts::of_run(&folder)?.check_absent(&made, &files)? } else { 0 };
    let bytes =
        files.iter().filter_map(|file| fs::metadata(made.join(file)).ok()).map(|file| file.len()).sum();
    replace(to, &made)?;
    Ok(Released { files, bytes, texts_searched })
}

/// The outputs of the run that are released, each as the run wrote it.
fn released_outputs(folder: &RunFolder) -> Result<Vec<OutputFile>, Failure> {
    let root = folder.root().display();
    if let Some(stage) = NEEDED.into_iter().find(|stage| folder.stage_record(*stage).is_none()) {
        return Err(Failure::input(format!(
            "`{root}` is no finished run: its stage `{}` has not run. `plimsoll run` goes on from where it is",
            stage.name()
        )));
    }
    let is_left = |path: &str| LEFT_BEHIND.iter().any(|table| is_of_table(path, table.name));
    let mut seen = BTreeSet::new();
    let mut outputs = Vec::new();
    for output in folder.outputs() {
        if is_left(&output.path) || !seen.insert(output.path.as_str()) {
            continue;
        }
        let path = folder.path(&output.path);
        if !path.is_file() || sha256_file(&path).or_fail(FailureKind::Input)? != output.sha256 {
            return Err(Failure::input(format!(
                "`{}` is not what the run wrote; run it again before it is released",
                path.display()
            )));
        }
        outputs.push(output.clone());
    }
    Ok(outputs)
}

/// Whether an output is a table's file, or one of its files.
fn is_of_table(path: &str, table: &str) -> bool {
    let rest = path.strip_prefix("tables/").and_then(|rest| rest.strip_prefix(table));
    rest.is_some_and(|rest| rest == ".parquet" || rest.starts_with('/'))
}

/// A folder that is empty, or holds a release.
fn check_target(to: &Path) -> Result<(), Failure> {
    let is_empty = match fs::read_dir(to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(error).or_fail(FailureKind::Usage),
        Ok(mut entries) => entries.next().is_none(),
    };
    // A run folder has a manifest too, and its caches beside it.
    let is_release = to.join(MANIFEST).is_file() && !to.join(WORK).exists();
    if is_empty || is_release {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`{}` holds something else than a release; choose another folder",
        to.display()
    )))
}

fn copy(folder: &RunFolder, output: &OutputFile, made: &Path) -> Result<(), Failure> {
    let to = made.join(&output.path);
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).or_fail(FailureKind::Stage)?;
    }
    fs::copy(folder.path(&output.path), &to).or_fail(FailureKind::Stage)?;
    Ok(())
}

/// Makes the card list the released tables alone.
fn shorten_card(made: &Path, outputs: &[OutputFile]) -> Result<(), Failure> {
    let path = made.join("README.md");
    let card = fs::read_to_string(&path).or_fail(FailureKind::Input)?;
    let is_released = |name: &str| outputs.iter().any(|output| is_of_table(&output.path, name));
    fs::write(&path, card_with_tables(&card, is_released)).or_fail(FailureKind::Stage)
}

/// A release tells nobody where files lie on this machine.
fn check_paths(made: &Path, files: &[String]) -> Result<(), Failure> {
    let here = std::env::current_dir().ok();
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let paths: Vec<String> = [here, home]
        .into_iter()
        .flatten()
        .filter(|path| path.is_absolute() && path.components().count() > 1)
        .filter_map(|path| path.to_str().map(str::to_owned))
        .collect();
    let search = AhoCorasick::new(&paths).or_fail(FailureKind::Stage)?;
    for file in files {
        let bytes = fs::read(made.join(file)).or_fail(FailureKind::Stage)?;
        if let Some(found) = search.find(&bytes) {
            let path = paths.get(found.pattern().as_usize()).map_or("", String::as_str);
            return Err(Failure::input(format!(
                "`{file}` would tell the path `{path}` of this machine: name sources and models by paths that are \
                 relative to the pipeline file, and run it again"
            )));
        }
    }
    Ok(())
}

/// Puts the finished folder in place of the old one.
fn replace(to: &Path, made: &Path) -> Result<(), Failure> {
    if to.exists() {
        fs::remove_dir_all(to).or_fail(FailureKind::Stage)?;
    }
    fs::rename(made, to).or_fail(FailureKind::Stage)
}
