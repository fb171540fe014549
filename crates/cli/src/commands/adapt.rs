//! `plimsoll adapt`.

use std::path::PathBuf;

use clap::Args;
use plimsoll_fit::adapt::{Choice, TrafficRow, adapted_points};
use plimsoll_fit::traffic::expected_ratio_error;
use plimsoll_pipeline::threshold_files::{read_file, write_file};
use plimsoll_pipeline::traffic_file::{self, TrafficQuestion};
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _};
use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::{Adaptation, Method};
use serde::Serialize;

use crate::console::Console;

/// The ratio whose expected error is printed.
const HALF: f64 = 0.5;

/// Adapt a thresholds file to other traffic, from its confidences.
///
/// A threshold that was fitted on one pool misses its routing ratio on other traffic, mostly because the
/// model sounds more or less sure there. A few hundred confidences without a label mend that: the file that
/// is written has, for each routing ratio, the threshold at which this traffic has it. Accuracies and gaps
/// to the LLM are aimed at with the pool's maps on these confidences; with `slm_correct` and `llm_correct`
/// in --labels they lean on the labels, the more there are; --cautious keeps one standard deviation to spare. Costs and bounded risks stay as they are: what a
/// guarantee says is about the pool.
///
/// FILE holds JSON lines, {"confidence": 0.73}, or CSV with a column `confidence` (null or empty = missing);
/// `method` says of which method, where the thresholds file has several, and `id` breaks ties.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll adapt slm--llm.thresholds.json --confidences traffic.jsonl --out mine.thresholds.json
  plimsoll adapt slm--llm.thresholds.json --confidences traffic.csv --labels graded.csv --out mine.thresholds.json")]
pub(crate) struct AdaptArguments {
    /// The thresholds file
    #[arg(value_name = "THRESHOLDS")]
    file: PathBuf,
    /// Confidences of the traffic: .jsonl, .ndjson or .csv
    #[arg(long, value_name = "FILE")]
    confidences: PathBuf,
    /// Questions of the traffic with both answers graded, besides those of --confidences
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Choose thresholds of accuracies and gaps with one standard deviation to spare: reached nine times in
    /// ten instead of every second time, at a higher routing ratio
    #[arg(long)]
    cautious: bool,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What was adapted.
#[derive(Debug, Serialize)]
struct Adapted {
    out: PathBuf,
    methods: Vec<AdaptedMethod>,
}

#[derive(Debug, Serialize)]
struct AdaptedMethod {
    method: String,
    questions: u64,
    missing: u64,
    labelled: u64,
    expected_ratio_error: Option<f64>,
}

/// Runs the command.
pub(super) fn run(arguments: &AdaptArguments, console: &Console) -> Result<(), Failure> {
    let mut thresholds = read_file(&arguments.file)?;
    let mut questions = traffic_file::read(&arguments.confidences)?;
    if let Some(labels) = &arguments.labels {
        let labelled = traffic_file::read(labels)?;
        if labelled.iter().any(|question| question.graded.is_none()) {
            return Err(Failure::input(format!(
                "`{}` has a question without slm_correct and llm_correct",
                labels.display()
            )));
        }
        questions.extend(labelled);
    }
    let traffic_sha256 = traffic_file::sha256(&arguments.confidences)?;
    let choice = if arguments.cautious { Choice::Cautious } else { Choice::Expected };
    let methods = adapt(&mut thresholds, &questions, &traffic_sha256, choice)?;
    let thresholds = thresholds.sealed().or_fail(FailureKind::Stage)?;
    write_file(&arguments.out, &thresholds)?;
    let adapted = Adapted { out: arguments.out.clone(), methods };
    console.document(&adapted)?;
    console.text(text(&adapted))
}

/// Adapts every method that the traffic speaks of.
fn adapt(
    thresholds: &mut Thresholds,
    questions: &[TrafficQuestion],
    traffic_sha256: &str,
    choice: Choice,
) -> Result<Vec<AdaptedMethod>, Failure> {
    let known: Vec<String> = thresholds.methods.iter().map(|method| method.id.clone()).collect();
    for question in questions {
        match &question.method {
            None if known.len() != 1 => {
                return Err(Failure::input(format!(
                    "the thresholds file has {} methods ({}): each question needs its `method`",
                    known.len(),
                    known.join(", ")
                )));
            }
            Some(method) if !known.contains(method) => {
                return Err(Failure::input(format!(
                    "the thresholds file has no method `{method}`; it has: {}",
                    known.join(", ")
                )));
            }
            _ => {}
        }
    }
    let base = thresholds.sha256.clone();
    let mut adapted = Vec::new();
    for method in &mut thresholds.methods {
        let own = |question: &&TrafficQuestion| question.method.as_ref().is_none_or(|id| *id == method.id);
        let own: Vec<&TrafficQuestion> = questions.iter().filter(own).collect();
        if own.is_empty() {
            continue;
        }
        adapted.push(adapt_method(method, &own, &Provenance { base: &base, traffic_sha256 }, choice));
    }
    Ok(adapted)
}

/// What an adapted file was made from, by hash.
struct Provenance<'a> {
    base: &'a str,
    traffic_sha256: &'a str,
}

fn adapt_method(
    method: &mut Method,
    questions: &[&TrafficQuestion],
    provenance: &Provenance<'_>,
    choice: Choice,
) -> AdaptedMethod {
    let seed = method.tie_break.seed;
    let row = |question: &&TrafficQuestion| TrafficRow {
        confidence: question.confidence,
        u: seed.uniform(&question.id),
        graded: question.graded,
    };
    let traffic: Vec<TrafficRow> = questions.iter().map(row).collect();
    method.operating_points = adapted_points(method, &traffic, choice);
    let count = |is: fn(&TrafficRow) -> bool| traffic.iter().filter(|row| is(row)).count() as u64;
    let mut adaptation = Adaptation::new(provenance.base, provenance.traffic_sha256, traffic.len() as u64);
    adaptation.missing = count(|row| row.confidence.is_none());
    adaptation.labelled = count(|row| row.graded.is_some());
    let spread = method.datasets.level_sd;
    adaptation.expected_ratio_error = spread.map(|sd| expected_ratio_error(HALF, traffic.len() as u64, sd));
    let summary = AdaptedMethod {
        method: method.id.clone(),
        questions: adaptation.questions,
        missing: adaptation.missing,
        labelled: adaptation.labelled,
        expected_ratio_error: adaptation.expected_ratio_error,
    };
    method.adapted = Some(adaptation);
    summary
}

fn text(adapted: &Adapted) -> String {
    let line = |method: &AdaptedMethod| {
        let error = method.expected_ratio_error.map_or_else(
            || "the error of a ratio cannot be estimated from a pool of one dataset".to_owned(),
            |error| format!("a routing ratio of 0.5 is expected to be missed by {error:.3}"),
        );
        format!("{}: {} questions, {} labelled; {error}\n", method.method, method.questions, method.labelled)
    };
    let lines: String = adapted.methods.iter().map(line).collect();
    format!("{lines}{}\n", adapted.out.display())
}
