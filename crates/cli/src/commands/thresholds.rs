//! `plimsoll thresholds`: everything about one file, or two.

mod decide;
mod diff;
mod show;
mod validate;

use std::path::Path;

use clap::Subcommand;
use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::MAX_BYTES;

use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::small_file;

/// Look at a thresholds file, check it, compare two, or decide with one.
#[derive(Debug, Subcommand)]
pub(crate) enum ThresholdsCommand {
    Show(show::ShowArguments),
    Validate(validate::ValidateArguments),
    Diff(diff::DiffArguments),
    Decide(decide::DecideArguments),
}

/// Runs the command.
pub(super) fn run(command: &ThresholdsCommand, console: &Console) -> Result<(), Failure> {
    match command {
        ThresholdsCommand::Show(arguments) => show::run(arguments, console),
        ThresholdsCommand::Validate(arguments) => validate::run(arguments, console),
        ThresholdsCommand::Diff(arguments) => diff::run(arguments, console),
        ThresholdsCommand::Decide(arguments) => decide::run(arguments),
    }
}

/// Reads a file, strictly.
pub(super) fn read_file(path: &Path) -> Result<Thresholds, Failure> {
    let text = small_file::read(path, MAX_BYTES as u64, "thresholds file", Kind::Input)?;
    let invalid = |failure: Failure| failure.during(format!("`{}` is not valid", path.display()));
    Thresholds::from_json(&text).or_fail(Kind::Input).map_err(invalid)
}
