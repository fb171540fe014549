//! The commands: one file each, with its arguments, its help and its calls.

mod adapt;
mod audit;
mod config;
mod datasets;
mod evaluate;
mod fit;
mod import;
mod model;
mod release;
mod run;
mod sample_size;
mod schema;
mod serve;
mod thresholds;
mod transfer;
mod work;

use clap::Subcommand;

use crate::console::Console;
use plimsoll_pipeline::Failure;

/// The commands. Their help stands at their arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::RunArguments),
    Work(work::WorkArguments),
    Release(release::ReleaseArguments),
    Config(config::ConfigArguments),
    #[command(subcommand)]
    Datasets(datasets::DatasetsCommand),
    #[command(subcommand)]
    Model(model::ModelCommand),
    Fit(fit::FitArguments),
    Import(import::ImportArguments),
    Evaluate(evaluate::EvaluateArguments),
    Transfer(transfer::TransferArguments),
    #[command(subcommand)]
    Thresholds(thresholds::ThresholdsCommand),
    Serve(serve::ServeArguments),
    Adapt(adapt::AdaptArguments),
    Audit(audit::AuditArguments),
    #[command(alias = "plan")]
    SampleSize(sample_size::SampleSizeArguments),
    #[command(subcommand)]
    Schema(schema::SchemaCommand),
}

/// Runs a command.
pub(crate) fn run(command: Command, console: &Console) -> Result<(), Failure> {
    match command {
        Command::Run(arguments) => run::run(&arguments, console),
        Command::Work(arguments) => work::run(&arguments, console),
        Command::Release(arguments) => release::run(&arguments, console),
        Command::Config(arguments) => config::run(&arguments, console),
        Command::Datasets(command) => datasets::run(&command, console),
        Command::Model(command) => model::run(&command, console),
        Command::Fit(arguments) => fit::run(&arguments, console),
        Command::Import(arguments) => import::run(&arguments, console),
        Command::Evaluate(arguments) => evaluate::run(&arguments, console),
        Command::Transfer(arguments) => transfer::run(&arguments, console),
        Command::Thresholds(command) => thresholds::run(&command, console),
        Command::Serve(arguments) => serve::run(&arguments, console),
        Command::Adapt(arguments) => adapt::run(&arguments, console),
        Command::Audit(arguments) => audit::run(&arguments, console),
        Command::SampleSize(arguments) => sample_size::run(&arguments, console),
        Command::Schema(command) => schema::run(&command, console),
    }
}
