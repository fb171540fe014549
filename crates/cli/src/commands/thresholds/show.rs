//! `plimsoll thresholds show`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use plimsoll_router::thresholds::{LabelSource, Method};
use plimsoll_router::{ModelIdentity, Thresholds};

use crate::console::Console;
use crate::text_table::complement;
use crate::views::operating_points::{self, estimate};
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::threshold_files::read_file;

/// Show the operating points of a file.
///
/// Per method: each target with its threshold, the share of questions deferred and the accuracy that
/// it achieved on the calibration set (with 95 % intervals where the file has them), how the fit went, and
/// below the table the guarantees and remarks; above it what a device must state of the model that it runs. `--json`
/// prints the checked document itself.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  plimsoll thresholds show slm--llm.thresholds.json")]
pub(crate) struct ShowArguments {
    /// The thresholds file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs the command.
pub(super) fn run(arguments: &ShowArguments, console: &Console) -> Result<(), Failure> {
    let thresholds = read_file(&arguments.file)?;
    console.document(&thresholds)?;
    console.text(origin(&thresholds))?;
    console.text(device(&thresholds.slm))?;
    console.text(operating_points::text(&thresholds))?;
    console.text(remarks(&thresholds))
}

fn origin(thresholds: &Thresholds) -> String {
    let calibration = &thresholds.calibration;
    let questions: u64 = calibration.datasets.iter().map(|dataset| dataset.questions).sum();
    let labels = match calibration.labels {
        LabelSource::Graded => "graded by rule",
        LabelSource::Judged => "a judge's verdicts: a guarantee is on the judge's label",
        other => other.name(),
    };
    let ungraded = if calibration.ungraded_excluded { "left out" } else { "counted as wrong" };
    format!(
        "sha256   {}\npipeline {} ({})\nprogram  {} {}\ndata     {questions} questions of {} datasets; {} bins, fraction \
         {}, seed {}, {} bootstrap replicates\nlabels   {labels}; ungraded answers {ungraded}\n\n",
        thresholds.sha256,
        thresholds.pipeline.name,
        thresholds.pipeline.sha256,
        thresholds.program.name,
        thresholds.program.version,
        calibration.datasets.len(),
        calibration.bins,
        calibration.fraction,
        calibration.seed,
        calibration.bootstrap,
    )
}

/// What a device has to state to be trusted with the file: a line that an app may copy the keys of.
fn device(slm: &ModelIdentity) -> String {
    let mut stated = serde_json::json!(slm);
    if let Some(fields) = stated.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    format!(
        "device   {stated}\n         what a device must state of itself; where each value comes from: docs/thresholds-file.md\n\n"
    )
}

/// Guarantees and notes of all points.
fn remarks(thresholds: &Thresholds) -> String {
    let mut text = String::new();
    for method in &thresholds.methods {
        for line in method_remarks(method) {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{line}");
        }
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

fn method_remarks(method: &Method) -> Vec<String> {
    let mut lines = Vec::new();
    for point in &method.operating_points {
        if let Some(guarantee) = &point.guarantee {
            lines.push(format!(
                "{}: {} <= {} with probability >= {}; {} of {} tested rows wrong, p = {:.4}; on the pool's distribution",
                point.id,
                guarantee.risk.name(),
                guarantee.alpha,
                complement(guarantee.delta),
                guarantee.losses,
                guarantee.trials,
                guarantee.p_value,
            ));
        }
        if let Some(twin) = &point.conservative {
            let what = if method.adapted.is_some() {
                "the estimate less one standard deviation"
            } else {
                "the lower 95 % limit"
            };
            lines.push(format!(
                "{}: {what} reaches it at threshold {:.6}, deferring {}",
                point.id,
                twin.threshold.get(),
                estimate(Some(twin.achieved.routing_ratio)),
            ));
        }
        if let Some(tie) = &point.tie_break {
            lines.push(format!(
                "{}: many rows share the confidence {}; threshold {:.6}, deferring {:.4} of those rows at random, \
                 would reach it",
                point.id,
                tie.tied_confidence,
                tie.threshold.get(),
                tie.probability,
            ));
        }
        if let Some(note) = &point.note {
            lines.push(format!("{}: {note}", point.id));
        }
    }
    lines
}
