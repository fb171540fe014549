//! `plimsoll work`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use plimsoll_backend::Cancel;
use plimsoll_pipeline::run::{Share, WorkOptions, WorkSummary, work};
use plimsoll_pipeline::{Failure, config};
use serde_json::json;

use super::run::cancel_on_interrupt;
use crate::console::Console;

/// Answer a pipeline's questions together with other machines: a worker, of which any number may run.
///
/// Answers are made in chunks, and each finished chunk is put into the store, a folder that all machines see or a
/// bucket. A worker answers whatever is missing there until nothing is; afterwards `plimsoll run PIPELINE --store URL`
/// on one machine finds all chunks, asks no model, and goes on to thresholds and report. Its tables are those of a run
/// on one machine, byte for byte.
///
/// Workers lease chunks, so that no two answer the same. One that is killed or hangs loses its leases, and another
/// answers its chunk. With --shard a worker answers its part of the chunks alone and leases nothing; a part whose
/// worker is lost stays missing until the same command runs again. Without the flag the part is read from the
/// variables of an array job of SLURM (`SLURM_ARRAY_TASK_ID`, `_MIN`, `_COUNT`, `_STEP`) or of an indexed job of Kubernetes
/// (`JOB_COMPLETION_INDEX`, and `JOB_COMPLETIONS`, which the job must set itself), if they are there.
///
/// A bucket (s3://, gs://, az://) needs a build with the feature `cloud`. Credentials come from the environment alone.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll work pipelines/paper.yaml --store /shared/store
  plimsoll work pipelines/paper.yaml --store s3://bucket/paper --shard 3/16
  sbatch --array=0-15 examples/cluster/work.sbatch pipelines/paper.yaml /shared/store
  plimsoll run pipelines/paper.yaml --store /shared/store")]
pub(crate) struct WorkArguments {
    /// The pipeline, a YAML file; the same for all workers
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,
    /// Where chunks are shared: a folder, file://, s3://, gs:// or az://
    #[arg(long, value_name = "URL")]
    store: String,
    /// Answer part I of N, counted from 0, without leases; `none` for leases whatever the variables say
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,
    /// Seconds without progress after which another worker takes over a chunk
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=3600))]
    lease_seconds: u32,
    /// The worker's own folder, to go on after a kill with what is not in the store [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Change a key of the pipeline, as of `plimsoll run`. May be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    assignments: Vec<String>,
}

/// Runs the command.
pub(super) fn run(arguments: &WorkArguments, console: &Console) -> Result<(), Failure> {
    let share = share(arguments)?;
    let pipeline = config::read(&arguments.pipeline, &arguments.assignments)?;
    let options = WorkOptions {
        base: arguments.pipeline.parent().unwrap_or(Path::new("")).to_owned(),
        store: arguments.store.clone(),
        share,
        scratch: arguments.scratch.clone(),
        cancel: Cancel::new(),
    };
    for note in pipeline.notes() {
        console.note(&note);
    }
    cancel_on_interrupt(&options.cancel)?;
    let summary = work(&pipeline, &options, console)?;
    console.document(&json!({
        "name": pipeline.name, "sha256": pipeline.sha256(), "store": options.store, "work": summary,
    }))?;
    console.text(text(share, &summary))
}

fn share(arguments: &WorkArguments) -> Result<Share, Failure> {
    let leased = Share::Leased(Duration::from_secs(arguments.lease_seconds.into()));
    match arguments.shard.as_deref() {
        Some("none") => Ok(leased),
        Some(text) => Share::parse(text).map_err(|failure| failure.during("--shard")),
        None => Ok(Share::from_environment(&|name| std::env::var(name).ok())?.unwrap_or(leased)),
    }
}

fn text(share: Share, summary: &WorkSummary) -> String {
    let done = format!(
        "{} chunks answered, {} were there",
        summary.chunks.chunks_answered, summary.chunks.chunks_kept
    );
    match share {
        Share::Leased(_) => format!("{done}; of {} chunks none is missing\n", summary.chunks_in_all),
        Share::Part { index, count } => {
            format!("{done}; none is missing of part {index}/{count} of {} chunks\n", summary.chunks_in_all)
        }
    }
}
