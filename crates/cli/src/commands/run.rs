//! `plimsoll run`.

mod dependencies;
mod stage;

use std::path::PathBuf;

use clap::Args;
use plimsoll_evaluate::summarise;
use serde_json::json;

use self::dependencies::Dependencies;
use self::stage::Run;
use crate::console::Console;
use crate::failure::Failure;
use crate::pipeline;
use crate::pipeline::plan::Limits;
use crate::stages::evaluation::{judged_text, transfer_text};
use crate::stages::import::Inputs;
use crate::stages::{DRAW, EVALUATE, FIT, REPORT, SCORE, limits, operating_points};

/// Run a plan: import scores, draw the calibration set, fit thresholds, evaluate, report.
///
/// The stages are score, draw, fit, evaluate and report. Each is skipped if nothing that it depends on changed
/// since it last ran in this folder and its outputs are still what it wrote; a changed target fits anew
/// but does not import anew. Kill it at any time: finished stages are kept, and no file is half-written.
///
/// OUT then holds tables/*.parquet, one SLM--LLM.thresholds.json per pair of models, report.html with its
/// figures, README.md (a dataset card), and manifest.json, which records what each stage read and wrote. The same plan and the same files give the same bytes.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  MMLU_PRO_LOGS=logs plimsoll run pipelines/mmlu-pro-logs.yaml
  plimsoll run mine.yaml --set import.folder=/data/logs --set thresholds.routing_ratio='[0.2, 0.4]'
  plimsoll run mine.yaml --until fit --out try")]
pub(crate) struct RunArguments {
    /// The plan, a YAML file
    #[arg(value_name = "PIPELINE")]
    plan: PathBuf,
    /// Output folder [default: calibration/runs/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Last stage to run: score, draw, fit, evaluate or report
    #[arg(long, value_name = "STAGE", value_parser = until)]
    until: Option<Stage>,
    /// Change a key of the plan; the value is YAML, items of lists go by number. May be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    assignments: Vec<String>,
    /// Say what would run, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Exit code 5 if any confidence is missing or any answer is ungraded, as limits of 0 would
    #[arg(long)]
    strict: bool,
}

/// The stages that a run has, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Importing scores.
    Score,
    /// Drawing the calibration set.
    Draw,
    /// Fitting thresholds.
    Fit,
    /// Judging them.
    Evaluate,
    /// Showing it all.
    Report,
}

impl Stage {
    const ALL: [Self; 5] = [Self::Score, Self::Draw, Self::Fit, Self::Evaluate, Self::Report];

    const fn name(self) -> &'static str {
        match self {
            Self::Score => SCORE,
            Self::Draw => DRAW,
            Self::Fit => FIT,
            Self::Evaluate => EVALUATE,
            Self::Report => REPORT,
        }
    }
}

fn until(text: &str) -> Result<Stage, String> {
    if let Some(stage) = Stage::ALL.into_iter().find(|stage| stage.name() == text) {
        return Ok(stage);
    }
    Err(match text {
        "ingest" | "infer" | "label" => format!(
            "a plan that starts from `import` has no stage {text}; this version has score, draw, fit, evaluate and report"
        ),
        _ => "known stages are score, draw, fit, evaluate and report".to_owned(),
    })
}

/// Runs the command.
pub(super) fn run(arguments: &RunArguments, console: &Console) -> Result<(), Failure> {
    let plan = pipeline::read(&arguments.plan, &arguments.assignments)?;
    let inputs = Inputs::find(&plan, &arguments.plan)?;
    let until = arguments.until.unwrap_or(Stage::Report);
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from("calibration/runs").join(&plan.name));
    if plan.evaluation.is_none() {
        console.note("the plan has no `evaluation`: there are no intervals, and transfer is not tested");
    }
    let on = Dependencies::new(&plan, &inputs);
    if arguments.dry_run {
        return stage::dry_run(&on, &out, until, console);
    }
    let limits = if arguments.strict { Limits::STRICT } else { plan.limits };
    let mut run = Run::open(on, limits, &out, console)?;
    for stage in Stage::ALL.into_iter().filter(|stage| *stage <= until) {
        run.stage(stage, until)?;
    }
    let broken = run.broken()?;
    show(&run, until, &broken, console)?;
    limits::check(&broken)
}

fn show(run: &Run<'_>, until: Stage, broken: &[limits::Broken], console: &Console) -> Result<(), Failure> {
    let files = if until >= Stage::Fit { run.thresholds()? } else { Vec::new() };
    let summary = run.evaluated().and_then(|tables| tables.transfer.as_ref()).map(|rows| summarise(rows));
    if console.json() {
        let points: Vec<_> = files.iter().flat_map(operating_points::rows).collect();
        return console.document(&json!({
            "name": run.plan().name, "sha256": run.plan().sha256(), "out": run.out(), "stages": run.reports(),
            "operating_points": points, "transfer_summary": summary, "broken_limits": broken,
        }));
    }
    for thresholds in &files {
        console.text(format!("\n{}", operating_points::text(thresholds)))?;
    }
    if let Some(tables) = run.evaluated() {
        console.text(format!("\nalignment and curves of the pool\n{}", judged_text(tables)))?;
    }
    if let Some(summary) = summary {
        console.text(format!("\ntransfer (means over held-out data)\n{}", transfer_text(&summary)))?;
    }
    console.text(format!("\noutputs are in {}\n", run.out().display()))
}
