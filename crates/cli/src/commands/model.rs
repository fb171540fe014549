//! `plimsoll model`: inspect a model, generate with it, score a text.

mod generate;
mod inspect;
mod logprobs;

use clap::Subcommand;

use crate::console::Console;
use plimsoll_pipeline::Failure;

/// Look into a model in process, ask it, or score a text with it.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    Inspect(inspect::InspectArguments),
    Logprobs(logprobs::LogprobsArguments),
    Generate(generate::GenerateArguments),
}

/// Runs the command.
pub(super) fn run(command: &ModelCommand, console: &Console) -> Result<(), Failure> {
    match command {
        ModelCommand::Inspect(arguments) => inspect::run(arguments, console),
        ModelCommand::Logprobs(arguments) => logprobs::run(arguments, console),
        ModelCommand::Generate(arguments) => generate::run(arguments, console),
    }
}

/// A token, as all commands write it.
#[derive(Debug, serde::Serialize)]
struct Token {
    id: u32,
    text: String,
    logprob: Option<f64>,
}
