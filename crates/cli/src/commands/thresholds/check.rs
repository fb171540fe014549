//! `plimsoll thresholds check`.

mod rows;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use plimsoll_fit::check::{CheckSpec, CheckStatus, PointCheck, check};
use plimsoll_pipeline::threshold_files::read_file;
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _};
use plimsoll_router::thresholds::OperatingPoint;
use plimsoll_router::{Router, Target, Thresholds};
use serde::Serialize;

use self::rows::RowsByMethod;
use crate::arguments::values;
use crate::console::Console;
use crate::text_table::{Side, TextTable, complement};
use crate::views::operating_points::estimate;

/// Check whether a published file still holds on newly labelled rows.
///
/// Each operating point gets one of three answers: `holds`, `does_not_hold`, or `too_few_rows` with how many
/// would do. A routing ratio is held to what the file says it achieved, an accuracy or a gap to the LLM to its
/// target, each give or take TOLERANCE; a cost to its budget and this share of it; a risk to its alpha, without
/// tolerance. With probability at least 1 - DELTA no answer but `too_few_rows` is wrong, all points together:
/// check one point (--method, --target) where rows are few.
///
/// NEW is a table of scores as `plimsoll fit` takes it, of rows that the file was not fitted on; of rows that
/// share a cluster one is taken. LOG is a decision log: JSON lines of the router's decision record, with
/// `slm_correct` and `llm_correct` where an answer was labelled. A figure that lacks labels is `too_few_rows`.
/// Labels must not depend on the answer: those of complaints alone say nothing about the rest.
///
/// Exit code 5 if a point does not hold; with --strict also if rows are too few.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll thresholds check slm--llm.thresholds.json --scores new.csv
  plimsoll thresholds check slm--llm.thresholds.json --decisions log.jsonl \\
      --method perplexity --target selective_error=0.1:0.1 --strict --json")]
pub(crate) struct CheckArguments {
    /// The thresholds file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Newly labelled rows: files, patterns, or folders of partitions (dataset=a/..)
    #[arg(long, num_args = 1.., value_name = "NEW", required_unless_present = "decisions")]
    scores: Vec<String>,
    /// A labelled decision log instead, as JSON lines
    #[arg(long, value_name = "LOG", conflicts_with = "scores")]
    decisions: Option<PathBuf>,
    /// Only the operating points of this method
    #[arg(long, value_name = "M")]
    method: Option<String>,
    /// Only this operating point: `routing_ratio=R`, `accuracy=A`, `selective_error=ALPHA:DELTA`, ..
    #[arg(long, value_name = "T", requires = "method", value_parser = values::target)]
    target: Option<Target>,
    /// By how much a ratio, an accuracy, a gap or a cost may miss what was published
    #[arg(long, default_value = "0.05", value_name = "TOLERANCE", value_parser = values::share)]
    #[arg(allow_negative_numbers = true)]
    tolerance: f64,
    /// Probability that an answer is wrong, in (0, 1)
    #[arg(long, default_value = "0.05", value_name = "DELTA", value_parser = values::open_share)]
    #[arg(allow_negative_numbers = true)]
    delta: f64,
    /// Exit code 5 also where rows are too few
    #[arg(long)]
    strict: bool,
}

/// What was checked.
#[derive(Debug, Serialize)]
struct Checked {
    /// That of the worst point; `too_few_rows` is worse than `holds`.
    status: CheckStatus,
    thresholds_sha256: String,
    tolerance: f64,
    delta: f64,
    methods: Vec<CheckedMethod>,
}

/// The points of one method.
#[derive(Debug, Serialize)]
struct CheckedMethod {
    method: String,
    /// Rows checked on, one of each cluster.
    rows: u64,
    /// Of these, without a confidence.
    missing: u64,
    operating_points: Vec<PointCheck>,
}

/// Runs the command.
pub(super) fn run(arguments: &CheckArguments, console: &Console) -> Result<(), Failure> {
    let thresholds = read_file(&arguments.file)?;
    let points = chosen(&thresholds, arguments)?;
    let rows = match &arguments.decisions {
        Some(log) => RowsByMethod::from_log(log, &thresholds)?,
        None => RowsByMethod::from_tables(&arguments.scores, &thresholds, console)?,
    };
    let checked = checked(&thresholds, &points, &rows, arguments)?;
    console.document(&checked)?;
    console.text(text(&checked))?;
    verdict(&checked, arguments.strict)
}

/// The points that are to be checked, with their methods. Those without a threshold claim nothing.
fn chosen<'a>(
    thresholds: &'a Thresholds,
    arguments: &CheckArguments,
) -> Result<Vec<(&'a str, &'a OperatingPoint)>, Failure> {
    let known: Vec<&str> = thresholds.methods.iter().map(|method| method.id.as_str()).collect();
    if let Some(method) = &arguments.method {
        if let Some(target) = &arguments.target {
            Router::without_device_check(thresholds, method, target).or_fail(FailureKind::Usage)?;
        }
        if !known.contains(&method.as_str()) {
            return Err(Failure::usage(format!(
                "the thresholds file has no method `{method}`; it has: {}",
                known.join(", ")
            )));
        }
    }
    let methods = thresholds
        .methods
        .iter()
        .filter(|method| arguments.method.as_ref().is_none_or(|wanted| *wanted == method.id));
    let is_chosen = |point: &OperatingPoint| {
        point.threshold.is_some() && arguments.target.is_none_or(|target| target == point.target)
    };
    let points = methods.flat_map(|method| method.operating_points.iter().map(|point| (&*method.id, point)));
    let points: Vec<_> = points.filter(|(_, point)| is_chosen(point)).collect();
    if points.is_empty() {
        return Err(Failure::usage(format!(
            "`{}` has no operating point with a threshold, so there is nothing to check",
            arguments.file.display()
        )));
    }
    Ok(points)
}

fn checked(
    thresholds: &Thresholds,
    points: &[(&str, &OperatingPoint)],
    rows: &RowsByMethod,
    arguments: &CheckArguments,
) -> Result<Checked, Failure> {
    let CheckArguments { tolerance, delta, .. } = *arguments;
    let spec = CheckSpec { delta: delta / points.len() as f64, tolerance };
    let mut methods: Vec<CheckedMethod> = Vec::new();
    for (method, point) in points {
        let own = rows.of(method)?;
        let Some(checked) = check(point, own, spec) else { continue };
        match methods.last_mut().filter(|last| last.method == *method) {
            Some(last) => last.operating_points.push(checked),
            None => methods.push(CheckedMethod {
                method: (*method).to_owned(),
                rows: own.len() as u64,
                missing: own.iter().filter(|row| row.confidence.is_none()).count() as u64,
                operating_points: vec![checked],
            }),
        }
    }
    let all = methods.iter().flat_map(|method| &method.operating_points);
    let status = all.map(|point| point.status).max().unwrap_or(CheckStatus::TooFewRows);
    Ok(Checked { status, thresholds_sha256: thresholds.sha256.clone(), tolerance, delta, methods })
}

/// Exit code 5 where something does not hold.
fn verdict(checked: &Checked, strict: bool) -> Result<(), Failure> {
    let all = || checked.methods.iter().flat_map(|method| &method.operating_points);
    let named = |status: CheckStatus| {
        let own = all().filter(|point| point.status == status);
        own.map(|point| point.id.as_str()).collect::<Vec<_>>().join(", ")
    };
    let message = match checked.status {
        CheckStatus::DoesNotHold => format!("does not hold: {}", named(CheckStatus::DoesNotHold)),
        CheckStatus::TooFewRows if strict => format!("too few rows: {}", named(CheckStatus::TooFewRows)),
        _ => return Ok(()),
    };
    Err(Failure::new(FailureKind::Limit, message))
}

fn text(checked: &Checked) -> String {
    let mut text = String::new();
    for method in &checked.methods {
        // Writing to a `String` cannot fail.
        let CheckedMethod { method: name, rows, missing, .. } = method;
        let _ = writeln!(text, "{name}: {rows} rows, {missing} without a confidence");
        text.push_str(&table(method).text(2));
    }
    let sure = complement(checked.delta);
    let _ = writeln!(text, "with probability at least {sure} no answer but `too few rows` is wrong");
    text
}

fn table(method: &CheckedMethod) -> TextTable {
    let mut table = TextTable::new(&[
        ("target", Side::Left),
        ("answer", Side::Left),
        ("deferred", Side::Left),
        ("accuracy", Side::Left),
        ("selective error", Side::Left),
    ]);
    for point in &method.operating_points {
        table.push([
            point.id.split_once('/').map_or(point.id.as_str(), |(_, target)| target).to_owned(),
            answer(point),
            estimate(point.routing_ratio),
            estimate(point.accuracy),
            estimate(point.selective_error),
        ]);
    }
    table
}

fn answer(point: &PointCheck) -> String {
    match (point.status, point.rows_needed) {
        (CheckStatus::Holds, _) => "holds".to_owned(),
        (CheckStatus::DoesNotHold, _) => "does not hold".to_owned(),
        (CheckStatus::TooFewRows, Some(rows)) => format!("too few rows: about {rows} would do"),
        (CheckStatus::TooFewRows, None) if point.unlabelled > 0 => {
            format!("too few rows: {} lack a label", point.unlabelled)
        }
        (CheckStatus::TooFewRows, None) => "too few rows".to_owned(),
    }
}
