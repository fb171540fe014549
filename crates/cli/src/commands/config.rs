//! `plimsoll config`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::pipeline;

/// Print the resolved plan and its hash.
///
/// The plan is read and checked as `plimsoll run` does it; operational defaults are filled in, and
/// environment variables stay as they are written. The output is itself a plan. The hash on its first
/// line is what thresholds files name; it is over every key but `import.folder`, which only says where
/// the files lie on this machine.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  plimsoll config pipelines/mmlu-pro-logs.yaml --set seed=51")]
pub(crate) struct ConfigArguments {
    /// The plan, a YAML file
    #[arg(value_name = "PIPELINE")]
    plan: PathBuf,
    /// Change a key of the plan; the value is YAML, items of lists go by number. May be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    assignments: Vec<String>,
}

/// Runs the command.
pub(super) fn run(arguments: &ConfigArguments, console: &Console) -> Result<(), Failure> {
    let plan = pipeline::read(&arguments.plan, &arguments.assignments)?;
    let sha256 = plan.sha256();
    if console.json() {
        return console.document(&json!({"sha256": sha256, "plan": plan}));
    }
    let yaml = pipeline::to_yaml(&plan).or_fail(Kind::Stage)?;
    console.text(format!("# sha256 {sha256}\n{yaml}"))
}
