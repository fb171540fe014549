//! `plimsoll thresholds`: everything about one file, or two.

mod check;
mod decide;
mod diff;
mod export;
mod show;
mod track;
mod validate;

use clap::Subcommand;

use crate::console::Console;
use plimsoll_pipeline::Failure;

/// Look at a thresholds file, check it on new rows, compare two, export a point, or decide with one.
#[derive(Debug, Subcommand)]
pub(crate) enum ThresholdsCommand {
    Show(show::ShowArguments),
    Validate(validate::ValidateArguments),
    Check(check::CheckArguments),
    Diff(diff::DiffArguments),
    Export(export::ExportArguments),
    Decide(decide::DecideArguments),
}

/// Runs the command.
pub(super) fn run(command: &ThresholdsCommand, console: &Console) -> Result<(), Failure> {
    match command {
        ThresholdsCommand::Show(arguments) => show::run(arguments, console),
        ThresholdsCommand::Validate(arguments) => validate::run(arguments, console),
        ThresholdsCommand::Check(arguments) => check::run(arguments, console),
        ThresholdsCommand::Diff(arguments) => diff::run(arguments, console),
        ThresholdsCommand::Export(arguments) => export::run(arguments, console),
        ThresholdsCommand::Decide(arguments) => decide::run(arguments),
    }
}
