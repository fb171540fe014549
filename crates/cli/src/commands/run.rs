//! `plimsoll run`.

mod dependencies;
mod dry_run;
mod origin;
mod stage;

use std::path::{Path, PathBuf};

use clap::Args;
use plimsoll_backend::Cancel;
use plimsoll_evaluate::summarise;
use serde_json::json;

use self::dependencies::Dependencies;
use self::origin::Origin;
use self::stage::Run;
use crate::console::Console;
use crate::failure::{Failure, Kind};
use crate::pipeline;
use crate::pipeline::Plan;
use crate::pipeline::plan::Limits;
use crate::stages::evaluation::{judged_text, transfer_text};
use crate::stages::{
    DRAW, EVALUATE, FIT, INFER, INGEST, LABEL, REPORT, SCORE, limits, operating_points, summary,
};

/// Run a plan: from questions, or from scores that others made, to thresholds and their evaluation.
///
/// A plan that asks models has the stages ingest (gather the questions), infer (every model answers), label
/// (grade the answers), score (each method's confidence), draw, fit, evaluate and report; one that imports scores
/// begins at score. Each is skipped if nothing that it depends on changed since it last ran in this folder and
/// its outputs are still what it wrote: another policy of grading asks no model anew, and a method that needs
/// nothing new to be observed does not either. Kill it at any time (or press Ctrl-C): answers are kept in
/// chunks, the same command goes on from there to the same tables, and no file is half-written.
///
/// OUT then holds tables/*.parquet, one SLM--LLM.thresholds.json per pair of models, report.html with its
/// figures, README.md (a dataset card), and manifest.json, which records what each stage read and wrote. The
/// same plan and the same files give the same bytes.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll run pipelines/phone.yaml --dry-run
  plimsoll run mine.yaml --until infer
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
    /// Last stage to run: ingest, infer, label, score, draw, fit, evaluate or report
    #[arg(long, value_name = "STAGE", value_parser = until)]
    until: Option<Stage>,
    /// Change a key of the plan; the value is YAML, items of lists go by number. May be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    assignments: Vec<String>,
    /// Say what would run, what it would take and what is missing, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Exit code 5 if any confidence is missing or any answer is ungraded, as limits of 0 would
    #[arg(long)]
    strict: bool,
}

/// The stages that a run has, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Gathering questions.
    Ingest,
    /// Asking models.
    Infer,
    /// Grading answers.
    Label,
    /// Importing scores, or making them.
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
    const ALL: [Self; 8] = [
        Self::Ingest,
        Self::Infer,
        Self::Label,
        Self::Score,
        Self::Draw,
        Self::Fit,
        Self::Evaluate,
        Self::Report,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Ingest => INGEST,
            Self::Infer => INFER,
            Self::Label => LABEL,
            Self::Score => SCORE,
            Self::Draw => DRAW,
            Self::Fit => FIT,
            Self::Evaluate => EVALUATE,
            Self::Report => REPORT,
        }
    }

    /// The stages of a plan up to the last that is wanted.
    fn of(plan: &Plan, until: Self) -> impl Iterator<Item = Self> {
        let first = if plan.asking().is_some() { Self::Ingest } else { Self::Score };
        Self::ALL.into_iter().filter(move |stage| (first..=until).contains(stage))
    }
}

fn until(text: &str) -> Result<Stage, String> {
    if let Some(stage) = Stage::ALL.into_iter().find(|stage| stage.name() == text) {
        return Ok(stage);
    }
    Err("known stages are ingest, infer, label, score, draw, fit, evaluate and report".to_owned())
}

/// Runs the command.
pub(super) fn run(arguments: &RunArguments, console: &Console) -> Result<(), Failure> {
    let plan = pipeline::read(&arguments.plan, &arguments.assignments)?;
    let until = arguments.until.unwrap_or(Stage::Report);
    if Stage::of(&plan, until).next().is_none() {
        return Err(Failure::usage(format!(
            "--until: a plan that starts from `import` has no stage {}; its first is score",
            until.name()
        )));
    }
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from("calibration/runs").join(&plan.name));
    if plan.evaluation.is_none() {
        console.note("the plan has no `evaluation`: there are no intervals, and transfer is not tested");
    }
    if arguments.dry_run {
        return dry_run::run(&plan, &arguments.plan, (&out, until), console);
    }
    let cancel = cancel_on_interrupt()?;
    let origin = Origin::find(&plan, &arguments.plan, (&out, until), console)?;
    let on = Dependencies::new(&plan, origin);
    let limits = if arguments.strict { Limits::STRICT } else { plan.limits };
    let mut run = Run::open(on, limits, (&out, cancel), console)?;
    for stage in Stage::of(&plan, until) {
        run.stage(stage, until)?;
    }
    let broken = run.broken()?;
    show(&mut run, until, &broken, console)?;
    limits::check(&broken)
}

/// Ctrl-C ends the run in good order; a second one ends it at once.
fn cancel_on_interrupt() -> Result<Cancel, Failure> {
    let cancel = Cancel::new();
    let on_interrupt = cancel.clone();
    let set = ctrlc::set_handler(move || {
        if on_interrupt.is_cancelled() {
            // Files are whole or not there, so nothing is lost but the chunk under way.
            std::process::abort();
        }
        on_interrupt.cancel();
    });
    set.map_err(|error| Failure::from_error(Kind::Stage, error))?;
    Ok(cancel)
}

fn show(
    run: &mut Run<'_>,
    until: Stage,
    broken: &[limits::Broken],
    console: &Console,
) -> Result<(), Failure> {
    let files = if until >= Stage::Fit { run.thresholds()? } else { Vec::new() };
    let overview = run.overview(until)?;
    let transfer = run.evaluated().and_then(|tables| tables.transfer.as_ref()).map(|rows| summarise(rows));
    if console.json() {
        let points: Vec<_> = files.iter().flat_map(operating_points::rows).collect();
        let mut document = json!({
            "name": run.plan().name, "sha256": run.plan().sha256(), "out": run.out(), "stages": run.reports(),
            "operating_points": points, "transfer_summary": transfer, "broken_limits": broken,
        });
        if run.plan().asking().is_some() {
            document["inference"] = json!(run.inference());
            document["overview"] = json!(overview);
        }
        return console.document(&document);
    }
    if let Some(overview) = &overview {
        console.text(summary::text(overview))?;
    }
    for thresholds in &files {
        console.text(format!("\n{}", operating_points::text(thresholds)))?;
    }
    if let Some(tables) = run.evaluated() {
        console.text(format!("\nalignment and curves of the pool\n{}", judged_text(tables)))?;
    }
    if let Some(transfer) = transfer {
        console.text(format!("\ntransfer (means over held-out data)\n{}", transfer_text(&transfer)))?;
    }
    console.text(format!("\noutputs are in {}\n", run.out().display()))
}

/// The folder of a plan, where its relative paths start.
fn folder_of(plan_path: &Path) -> &Path {
    plan_path.parent().unwrap_or(Path::new(""))
}
