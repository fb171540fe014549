//! `plimsoll release`.

use std::path::PathBuf;

use clap::Args;
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::release::{ReleaseOptions, release};
use serde_json::json;

use crate::console::Console;

/// Write what a finished run gives to others into a folder of its own.
///
/// The folder gets the run's scores, calibration set, thresholds, probes, tables, figures, report and manifest,
/// and its card, which lists the released tables alone. Questions, the models' answers, labels and hidden
/// states stay behind, and so do caches; ids and hashes stay, so that whoever has the benchmark can join its
/// rows again. A file that is not what the run wrote, or that would tell a path of this machine, ends it.
///
/// With --omit-text every file is searched, tables and report included, for each text of 24 letters or more of
/// the benchmarks and the models, in pieces of 48; one that is found ends it.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll release calibration/runs/pocket --to calibration/pocket
  plimsoll release calibration/runs/smollm2-135m --to calibration/smollm2-135m --omit-text")]
pub(crate) struct ReleaseArguments {
    /// The folder of a finished run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The folder to write; an earlier release there is replaced
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Prove by a search that no text of a benchmark or a model is in any file
    #[arg(long)]
    omit_text: bool,
}

/// Runs the command.
pub(super) fn run(arguments: &ReleaseArguments, console: &Console) -> Result<(), Failure> {
    let ReleaseArguments { run, to, omit_text } = arguments;
    let released = release(ReleaseOptions { run, to, omit_text: *omit_text }, console)?;
    console.document(&json!({
        "to": to, "files": released.files, "bytes": released.bytes, "texts_searched": released.texts_searched,
    }))?;
    let searched = match released.texts_searched {
        0 => String::new(),
        texts => format!("; none of the run's {texts} texts is in any of them"),
    };
    let kib = released.bytes.div_ceil(1024);
    console.text(format!("{}: {} files, {kib} KiB{searched}\n", to.display(), released.files.len()))
}
