//! `plimsoll config`.

use std::path::PathBuf;

use clap::Args;
use plimsoll_pipeline::{Failure, config};
use serde_json::json;

use crate::console::Console;

/// Print the checked pipeline and its hash.
///
/// The pipeline file is read and checked as `plimsoll run` does it; operational defaults are filled in, and
/// environment variables stay as they are written. The output is itself a pipeline file. The hash on its first
/// line is what thresholds files name; it is over every key but `import.folder`, which only says where
/// the files lie on this machine, and `inference`, which says how the work is done.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  plimsoll config pipelines/mmlu-pro-logs.yaml --set seed=51")]
pub(crate) struct ConfigArguments {
    /// The pipeline, a YAML file
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,
    /// Change a key of the pipeline; the value is YAML, items of lists go by number. May be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    assignments: Vec<String>,
}

/// Runs the command.
pub(super) fn run(arguments: &ConfigArguments, console: &Console) -> Result<(), Failure> {
    let pipeline = config::read(&arguments.pipeline, &arguments.assignments)?;
    let sha256 = pipeline.sha256();
    if console.json() {
        return console.document(&json!({"sha256": sha256, "plan": pipeline}));
    }
    let yaml = config::to_yaml(&pipeline)?;
    console.text(format!("# sha256 {sha256}\n{yaml}"))
}
