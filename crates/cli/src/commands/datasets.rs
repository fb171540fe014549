//! `plimsoll datasets`: what benchmarks are known, and what a source of one holds.

mod export;
mod inspect;
mod list;
mod prompts;
mod summary;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::console::Console;
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::questions::QuestionSource;

/// List the benchmarks that can be read, look into one, or write its questions as a table.
#[derive(Debug, Subcommand)]
pub(crate) enum DatasetsCommand {
    List(list::ListArguments),
    Inspect(inspect::InspectArguments),
    Export(export::ExportArguments),
}

/// What `--mapping` takes.
const MAPPING_HELP: &str = "\
A YAML file that says which column of your own table is what

For JSON lines, CSV, TSV or Parquet:
  domain: trivia                # any name
  answer_kind: choice           # choice, number, boolean or span
  question: prompt              # the column; dots go into objects (question.stem)
  gold: correct                 # the column of the right answer
  gold_is: index                # of choices: label, index, index_from_one or text
  choices: [option_a, option_b] # columns, or the name of one list column
and where there are any: context, id, subject, cluster, split, task, licence.";

/// Which questions: what `inspect` and `export` share.
#[derive(Debug, Args)]
struct SourceArguments {
    /// The dataset: an id of `plimsoll datasets list`, or with --mapping a name of your own
    #[arg(value_name = "ID")]
    id: String,
    /// Where its rows are
    #[arg(long, value_name = "S", help = "A file, a folder, or hf://datasets/OWNER/NAME[@REVISION][/FILE]")]
    source: String,
    /// The split; dev, val, valid and validation are one [default: what the file's name says]
    #[arg(long, value_name = "T")]
    split: Option<String>,
    /// The configuration of a hub repository [default: the one the dataset is known by]
    #[arg(long, value_name = "NAME")]
    config: Option<String>,
    /// A YAML file that says which column of your own table is what
    #[arg(long, value_name = "FILE", long_help = MAPPING_HELP)]
    mapping: Option<PathBuf>,
}

impl SourceArguments {
    fn source(&self) -> QuestionSource<'_> {
        QuestionSource {
            id: &self.id,
            source: &self.source,
            split: self.split.as_deref(),
            config: self.config.as_deref(),
            mapping: self.mapping.as_deref(),
            offline: false,
        }
    }
}

/// Runs the command.
pub(super) fn run(command: &DatasetsCommand, console: &Console) -> Result<(), Failure> {
    match command {
        DatasetsCommand::List(arguments) => list::run(arguments, console),
        DatasetsCommand::Inspect(arguments) => inspect::run(arguments, console),
        DatasetsCommand::Export(arguments) => export::run(arguments, console),
    }
}
