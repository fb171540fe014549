//! The command line as typed, and what several commands share.

pub(crate) mod fit_options;
pub(crate) mod model;
pub(crate) mod store_options;
pub(crate) mod values;

use clap::{Args, Parser};
use tracing::level_filters::LevelFilter;

use crate::commands::Command;
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _};

/// Find the confidence threshold at which a small language model (SLM) should defer to a large one (LLM).
///
/// The rule, everywhere: keep the SLM's answer iff confidence >= threshold; otherwise, or if the
/// confidence is missing, defer the question to the LLM.
///
/// Start from questions and models: a pipeline file names benchmarks, models and uncertainty methods, and
/// `plimsoll run` asks the models, grades the answers, computes confidences, fits thresholds and tests whether
/// they transfer. Or start from scores that you have: a table (`plimsoll fit --scores`), or log files that a
/// pipeline maps to such a table with SQL.
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, max_term_width = 100, after_long_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// What goes with every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done; infeasible or unreached targets and ties are results, not errors
  2  the command line or the pipeline is wrong
  3  the input data is wrong or missing
  4  a stage failed (disk full, for instance); what was finished before is kept
  5  a limit of the pipeline, --strict, or a published threshold is broken; all outputs are written";

/// What goes with every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Write one JSON document to stdout instead of text
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    /// No notes and no progress on stderr; errors still show
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Say more on stderr; twice for more still
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet", help_heading = "Output")]
    verbose: u8,
    /// Threads to work on [default: all cores]; the results have the same bits with any number
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Output")]
    threads: Option<u16>,
}

impl Global {
    /// Starts logs and threads.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        let level = match self.verbose {
            0 => LevelFilter::WARN,
            1 => LevelFilter::INFO,
            _ => LevelFilter::DEBUG,
        };
        let log = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
        // Only a second subscriber could fail, and there is none.
        let _ = log.with_timer(tracing_subscriber::fmt::time::uptime()).with_target(false).try_init();
        if let Some(threads) = self.threads {
            rayon::ThreadPoolBuilder::new()
                .num_threads(usize::from(threads))
                .build_global()
                .or_fail(FailureKind::Stage)
                .map_err(|failure| failure.during("cannot start the threads"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
