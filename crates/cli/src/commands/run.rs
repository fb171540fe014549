//! `plimsoll run`.

use std::path::{Path, PathBuf};

use clap::Args;
use plimsoll_backend::Cancel;
use plimsoll_evaluate::summarise;
use plimsoll_pipeline::broken_limits::check;
use plimsoll_pipeline::estimate::RunEstimate;
use plimsoll_pipeline::run::{self, estimate, preview};
use plimsoll_pipeline::{Failure, FailureKind, PipelineConfig, RunOptions, RunSummary, Stage, config};
use serde_json::json;

use crate::console::Console;
use crate::views::evaluation::alignment_text;
use crate::views::stages::dry_run_line;
use crate::views::transfer::transfer_text;
use crate::views::{self, operating_points, overview};

/// Run a pipeline: from questions, or from scores that you have, to thresholds and their evaluation.
///
/// A pipeline that asks models has the stages ingest (read the questions), infer (every model answers), label
/// (grade the answers), score (each method's confidence), draw, fit, evaluate and report; one that imports scores
/// begins at score. Each is skipped if nothing that it depends on changed since it last ran in this folder and
/// its outputs are still what it wrote: another grading policy sends no request, and neither does a method that
/// needs no new signal. Kill it at any time (or press Ctrl-C): answers are cached in chunks, the same command
/// goes on from there to the same tables, and no file is half-written.
///
/// OUT then holds tables/*.parquet, one SLM--LLM.thresholds.json per pair of models, report.html with its
/// figures, README.md (a dataset card), and manifest.json, which records what each stage read and wrote. The
/// same pipeline and the same files give the same bytes.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll run pipelines/phone.yaml --dry-run
  plimsoll run mine.yaml --until infer
  MMLU_PRO_LOGS=logs plimsoll run pipelines/mmlu-pro-logs.yaml
  plimsoll run mine.yaml --set import.folder=/data/logs --set thresholds.routing_ratio='[0.2, 0.4]'
  plimsoll run mine.yaml --until fit --out try")]
pub(crate) struct RunArguments {
    /// The pipeline, a YAML file
    #[arg(value_name = "PIPELINE")]
    pipeline: PathBuf,
    /// Run folder [default: calibration/runs/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Last stage to run: ingest, infer, label, score, draw, fit, evaluate or report
    #[arg(long, value_name = "STAGE", value_parser = until)]
    until: Option<Stage>,
    /// Change a key of the pipeline; the value is YAML, items of lists go by number. May be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    assignments: Vec<String>,
    /// Share answers with workers of other machines: a folder or a URL, as of `plimsoll work`
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Say what would run, what it would take and what is missing, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Exit code 5 if any confidence is missing or any answer is ungraded, as limits of 0 would
    #[arg(long)]
    strict: bool,
}

fn until(text: &str) -> Result<Stage, String> {
    let stages = Stage::in_run(Stage::Ingest, Stage::Report);
    stages.into_iter().find(|stage| stage.name() == text).ok_or_else(|| {
        "known stages are ingest, infer, label, score, draw, fit, evaluate and report".to_owned()
    })
}

/// Runs the command.
pub(super) fn run(arguments: &RunArguments, console: &Console) -> Result<(), Failure> {
    let pipeline = config::read(&arguments.pipeline, &arguments.assignments)?;
    let base = arguments.pipeline.parent().unwrap_or(Path::new(""));
    let out = arguments.out.clone();
    let out = out.unwrap_or_else(|| PathBuf::from("calibration/runs").join(&pipeline.name));
    let mut options = RunOptions {
        until: arguments.until.unwrap_or(Stage::Report),
        strict: arguments.strict,
        store: arguments.store.clone(),
        ..RunOptions::new(base, out)
    };
    for note in pipeline.notes() {
        console.note(&note);
    }
    if arguments.dry_run {
        return dry_run(&pipeline, &options, console);
    }
    match console.cancel() {
        Some(cancel) => options.cancel = cancel.clone(),
        None => cancel_on_interrupt(&options.cancel)?,
    }
    let summary = run::run(&pipeline, &options, console)?;
    show(&pipeline, &options, &summary, console)?;
    check(&summary.broken_limits)
}

/// Ctrl-C ends the run in good order; a second one ends it at once.
pub(super) fn cancel_on_interrupt(cancel: &Cancel) -> Result<(), Failure> {
    let on_interrupt = cancel.clone();
    let set = ctrlc::set_handler(move || {
        if on_interrupt.is_cancelled() {
            // Files are whole or not there, so nothing is lost but the chunk under way.
            std::process::abort();
        }
        on_interrupt.cancel();
    });
    set.map_err(|error| Failure::from_error(FailureKind::Stage, error))
}

fn show(
    pipeline: &PipelineConfig,
    options: &RunOptions,
    summary: &RunSummary,
    console: &Console,
) -> Result<(), Failure> {
    let transfer = summary.evaluation.as_ref().and_then(|tables| tables.transfer.as_ref());
    let transfer = transfer.map(|tables| summarise(&tables.rows));
    if console.json() {
        let points: Vec<_> = summary.thresholds.iter().flat_map(operating_points::rows).collect();
        let mut document = json!({
            "name": pipeline.name, "sha256": pipeline.sha256(), "out": options.out, "stages": summary.stages,
            "operating_points": points, "transfer_summary": transfer, "broken_limits": summary.broken_limits,
        });
        if pipeline.inference().is_some() {
            document["inference"] = json!(summary.chunks);
            document["overview"] = json!(summary.overview);
        }
        return console.document(&document);
    }
    if let Some(results) = &summary.overview {
        console.text(overview::text(results))?;
    }
    for thresholds in &summary.thresholds {
        console.text(format!("\n{}", operating_points::text(thresholds)))?;
    }
    if let Some(tables) = &summary.evaluation {
        console.text(format!("\nalignment and curves of the pool\n{}", alignment_text(tables)))?;
    }
    if let Some(transfer) = transfer {
        console.text(format!("\ntransfer (means over held-out data)\n{}", transfer_text(&transfer)))?;
    }
    console.text(format!("\noutputs are in {}\n", options.out.display()))
}

/// What a run would do, what it would take, and what is missing for it.
fn dry_run(pipeline: &PipelineConfig, options: &RunOptions, console: &Console) -> Result<(), Failure> {
    let estimate = estimate(pipeline, options, console)?;
    if let Some(estimate) = &estimate {
        console.text(views::estimate::text(estimate))?;
    }
    let stages = if estimate.as_ref().is_none_or(RunEstimate::is_ready) {
        preview(pipeline, options, console)?
    } else {
        console.text("the stages that would run are shown once nothing is missing\n")?;
        Vec::new()
    };
    for report in &stages {
        console.text(dry_run_line(report))?;
    }
    let mut document = json!({
        "name": pipeline.name, "sha256": pipeline.sha256(), "out": options.out, "dry_run": true, "stages": stages,
    });
    if let Some(estimate) = estimate {
        document["outlook"] = json!(estimate);
    }
    console.document(&document)
}
