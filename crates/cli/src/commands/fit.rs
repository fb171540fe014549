//! `plimsoll fit`.

mod decisions;

use std::path::PathBuf;

use clap::Args;
use plimsoll_pipeline::calibration::CalibrationWriter;
use plimsoll_pipeline::run_folder::{RunFolder, Stopwatch};
use plimsoll_pipeline::stage_key::StageDependencies;
use plimsoll_pipeline::stages::fit::SeriesFit;
use plimsoll_pipeline::threshold_files::{self, FileOrigin, ThresholdsFile};
use plimsoll_pipeline::{Failure, Stage};
use serde_json::json;

use self::decisions::Refit;
use crate::arguments::fit_options::FitOptions;
use crate::arguments::store_options::{StoreOptions, note_counts};
use crate::console::Console;
use crate::views::operating_points;

/// Fit thresholds on a table of scores.
///
/// The table (CSV, JSON lines or Parquet) has the columns `question_id`, `dataset`, `method`, `confidence`
/// (in [0, 1], higher = more likely correct, empty = missing) and `slm_correct`, and where there are any:
/// `domain`, `slm`, `llm`, `llm_correct`, `cluster_id`, `slm_cost`, `llm_cost`. Several models, methods and
/// datasets may be in one table; each (SLM, LLM, method) is fitted by itself on the pool of its datasets.
///
/// A share of the rows is drawn from equal-width bins of the confidence: the calibration set. On it, one
/// threshold is fitted per target. OUT then holds tables/calibration.parquet, one SLM--LLM.thresholds.json
/// per pair of models, and manifest.json, which records every option with its default.
///
/// Where the files are Parquet in folders `slm=../llm=../method=..`, one series after the other is read, and memory is that
/// of the largest. With --store, any number of machines run the same command and share the series; each ends with
/// the same files. See docs/scaling.md.
///
/// With --decisions, the points of a file that is in force are fitted anew on a log of its own decisions, by
/// inverse propensity: JSON lines of the router's decision record with its `propensity`, and `slm_correct` or
/// `llm_correct` of the answer that was shown. A log without exploration is refused: it says nothing of other
/// thresholds. A regret needs both answers to a question and stays as it was, as do costs.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll fit --scores scores.csv --out calibration/mine
  plimsoll fit --scores 'logs/*.parquet' --ratio 0.1 0.3 --accuracy 0.8 \\
      --risk selective_error:0.1:0.1 --out calibration/mine
  plimsoll fit --scores /shared/scores --store /shared/store --out calibration/mine
  plimsoll fit --decisions log.jsonl --thresholds slm--llm.thresholds.json --out calibration/anew")]
pub(crate) struct FitArguments {
    /// Tables of scores: files, patterns, folders of partitions (dataset=a/..), or the URL of one (s3://..; needs the feature `cloud`)
    #[arg(long, required_unless_present = "decisions", num_args = 1.., value_name = "FILE")]
    scores: Vec<String>,
    /// A log of decisions with propensities instead, as JSON lines
    #[arg(long, value_name = "LOG", conflicts_with_all = ["scores", "store"], requires = "thresholds")]
    decisions: Option<PathBuf>,
    /// The thresholds file that decided; its targets are fitted anew, or those that are given
    #[arg(long, value_name = "FILE", requires = "decisions")]
    thresholds: Option<PathBuf>,
    #[command(flatten)]
    options: FitOptions,
    #[command(flatten)]
    store: StoreOptions,
    /// Output folder; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub(super) fn run(arguments: &FitArguments, console: &Console) -> Result<(), Failure> {
    let parameters = arguments.options.parameters()?;
    if let (Some(log), Some(base)) = (&arguments.decisions, &arguments.thresholds) {
        let own_targets = arguments.options.has_targets();
        let spec = Refit { log, base, out: &arguments.out, parameters: &parameters, own_targets };
        let (folder, written) = decisions::refit(spec, console)?;
        return show(&folder, &[written], None, console);
    }
    let mut files = console.scores(&arguments.scores)?;
    let shared = arguments.store.open()?;
    let mut folder = RunFolder::open(&arguments.out, console)?;
    let stopwatch = Stopwatch::start();
    let source = files.series(console)?;
    threshold_files::file_names(source.keys())?;

    let pipeline = parameters.as_pipeline("plimsoll fit");
    folder.set_pipeline(&pipeline.name, &pipeline.sha256);
    let draw = StageDependencies {
        stage: Stage::Draw,
        parameters: parameters.draw_key(),
        inputs: files.inputs.clone(),
    };
    let mut calibration = CalibrationWriter::create(&folder, &draw.provenance(parameters.seed))?;
    let fit = SeriesFit::new(&parameters, &pipeline);
    let (fitted, counts) = fit.run(&source, &mut calibration, shared.as_ref(), console)?;
    let drawn = calibration.finish()?;
    folder.record(draw.completed(vec![CalibrationWriter::output()], stopwatch))?;

    let stopwatch = Stopwatch::start();
    let origin =
        FileOrigin { pipeline: &pipeline, sources: &files.inputs, models: &[], parameters: &parameters };
    let written = threshold_files::write_all(fitted, origin, &folder)?;
    let outputs = written.iter().map(|file| file.name.clone()).collect();
    let fit = StageDependencies {
        stage: Stage::Fit,
        parameters: parameters.fit_key(&pipeline),
        inputs: files.inputs,
    };
    folder.record(fit.completed(outputs, stopwatch))?;
    threshold_files::note_choice_of_methods(source.keys(), &parameters, console);
    note_counts(shared.as_ref(), counts, console);
    show(&folder, &written, Some(drawn), console)
}

fn show(
    folder: &RunFolder,
    written: &[ThresholdsFile],
    drawn: Option<u64>,
    console: &Console,
) -> Result<(), Failure> {
    let file = |file: &ThresholdsFile| {
        json!({
            "path": folder.path(&file.name), "sha256": file.thresholds.sha256,
            "slm": file.thresholds.slm.id, "llm": file.thresholds.llm.as_ref().map(|llm| &llm.id),
        })
    };
    let points: Vec<_> = written.iter().flat_map(|file| operating_points::rows(&file.thresholds)).collect();
    console.document(&json!({
        "files": written.iter().map(file).collect::<Vec<_>>(), "calibration_rows": drawn, "operating_points": points,
    }))?;
    for file in written {
        console.text(operating_points::text(&file.thresholds))?;
    }
    let names: Vec<String> =
        written.iter().map(|file| folder.path(&file.name).display().to_string()).collect();
    let drawn = drawn.map_or_else(String::new, |drawn| format!("{drawn} calibration rows; "));
    console.text(format!("{drawn}wrote {}\n", names.join(", ")))
}
