//! `plimsoll thresholds validate`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::console::Console;
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::threshold_files::read_file;

/// Validate a file by itself: schema, consistency, hash.
///
/// Exit code 0 and the file's sha256 if a device may use it; exit code 3 and what is wrong otherwise:
/// unknown keys, a newer version, a content that does not have the hash that the file states.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  plimsoll thresholds validate slm--llm.thresholds.json")]
pub(crate) struct ValidateArguments {
    /// The thresholds file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs the command.
pub(super) fn run(arguments: &ValidateArguments, console: &Console) -> Result<(), Failure> {
    let thresholds = read_file(&arguments.file)?;
    let methods: Vec<&str> = thresholds.methods.iter().map(|method| method.id.as_str()).collect();
    console.document(&json!({
        "valid": true, "sha256": thresholds.sha256, "slm": thresholds.slm.id,
        "llm": thresholds.llm.as_ref().map(|llm| &llm.id), "methods": methods,
    }))?;
    console.text(format!("valid, sha256 {}\n", thresholds.sha256))
}
