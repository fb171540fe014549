//! `plimsoll fit --decisions`: points fitted anew on a log of decisions.

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_core::Seed;
use plimsoll_fit::decisions::{LogProblem, LoggedRow, RefitSpec, log_shows, logged_labels, refitted};
use plimsoll_pipeline::decision_log::{self, LoggedDecision};
use plimsoll_pipeline::fit_parameters::FitParameters;
use plimsoll_pipeline::run_folder::manifest::InputFile;
use plimsoll_pipeline::run_folder::{RunFolder, Stopwatch};
use plimsoll_pipeline::stage_key::StageDependencies;
use plimsoll_pipeline::threshold_files::{ThresholdsFile, read_file, write_file};
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _, Stage};
use plimsoll_router::thresholds::{Adaptation, Method, OperatingPoint, Status};
use plimsoll_router::{Route, Target};
use serde_json::json;

use crate::console::Console;

/// What is fitted, and where it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refit<'a> {
    pub(super) log: &'a Path,
    pub(super) base: &'a Path,
    pub(super) out: &'a Path,
    /// Bootstrap, seed, and the targets if any were given; else those of the file.
    pub(super) parameters: &'a FitParameters,
    pub(super) own_targets: bool,
}

/// Fits every method of the log, writes the file and gives it back.
pub(super) fn refit(spec: Refit<'_>, console: &Console) -> Result<(RunFolder, ThresholdsFile), Failure> {
    let Refit { log, base, out, parameters, own_targets } = spec;
    let mut thresholds = read_file(base)?;
    let decisions = decision_log::read(log)?;
    let inputs = vec![InputFile::from_path(log)?, InputFile::from_path(base)?];
    let rows = rows_by_method(log, &decisions, &thresholds.methods)?;
    let stopwatch = Stopwatch::start();
    let refit_spec = RefitSpec {
        bins: thresholds.calibration.bins,
        bootstrap: parameters.bootstrap,
        seed: Seed::new(parameters.seed),
    };
    let base_sha256 = thresholds.sha256.clone();
    for method in &mut thresholds.methods {
        let Some((rows, lines)) = rows.get(method.id.as_str()) else { continue };
        if own_targets {
            let targets = parameters.fit_spec().targets;
            let points = targets.into_iter().map(|target| point(base, method, target));
            method.operating_points = points.collect::<Result<_, _>>()?;
        }
        let made = refitted(method, rows, refit_spec).map_err(|problem| at_line(log, lines, problem))?;
        *method = made;
        let labels = logged_labels(rows);
        let mut adaptation =
            Adaptation::new(base_sha256.as_str(), inputs[0].sha256.as_str(), rows.len() as u64);
        adaptation.missing = method.rows.missing;
        adaptation.labelled = labels.slm + labels.llm;
        adaptation.decisions = Some(labels);
        method.adapted = Some(adaptation);
    }
    let thresholds = thresholds.sealed().or_fail(FailureKind::Stage)?;
    let mut folder = RunFolder::open(out, console)?;
    let pipeline = parameters.as_pipeline("plimsoll fit --decisions");
    folder.set_pipeline(&pipeline.name, &pipeline.sha256);
    // A file's path ends with its name: it was read.
    let name = base.file_name().unwrap_or_default().to_string_lossy().into_owned();
    write_file(&folder.path(&name), &thresholds)?;
    let parameters = json!({ "seed": parameters.seed, "bootstrap": parameters.bootstrap, "targets": parameters.thresholds });
    let stage = StageDependencies { stage: Stage::Fit, parameters, inputs };
    folder.record(stage.completed(vec![name.clone()], stopwatch))?;
    Ok((folder, ThresholdsFile { name, thresholds }))
}

/// The point of a target that was asked for, before it is fitted. One that no log shows can only stay as it is in the file.
fn point(base: &Path, method: &Method, target: Target) -> Result<OperatingPoint, Failure> {
    if log_shows(target) {
        return Ok(OperatingPoint::new(&method.id, target, Status::NotReached));
    }
    method.operating_points.iter().find(|point| point.target == target).cloned().ok_or_else(|| {
        Failure::usage(format!(
            "a log of decisions cannot show the target {target}: a regret needs both answers to a question, and costs are not in \
             the log; and `{}` has no such point of {} to keep. Fit it on a score table with both models' labels",
            base.display(),
            method.id
        ))
    })
}

/// The rows of each method with the lines that they stand on.
type RowsByMethod<'a> = BTreeMap<&'a str, (Vec<LoggedRow>, Vec<usize>)>;

fn rows_by_method<'a>(
    log: &Path,
    decisions: &'a [LoggedDecision],
    methods: &[Method],
) -> Result<RowsByMethod<'a>, Failure> {
    let mut rows = RowsByMethod::new();
    for decision in decisions {
        decision_log::check_method(log, decision, methods)?;
        let line = decision.line;
        let propensity = decision.propensity.ok_or_else(|| {
            Failure::input(format!(
                "`{}`, line {line}: no `propensity`: a log without exploration shows each answer on one side of the \
                 threshold alone, and no other threshold can be judged by it. Decide with an exploration share first",
                log.display()
            ))
        })?;
        let correct = match decision.route {
            Route::Slm => decision.slm_correct,
            Route::Llm => decision.llm_correct,
        };
        let row = LoggedRow { confidence: decision.confidence, route: decision.route, propensity, correct };
        let (own, lines) = rows.entry(decision.method.as_str()).or_default();
        own.push(row);
        lines.push(line);
    }
    Ok(rows)
}

/// A problem with a row as one with its line.
fn at_line(log: &Path, lines: &[usize], problem: LogProblem) -> Failure {
    match problem.index().and_then(|index| lines.get(index)) {
        Some(line) => Failure::input(format!("`{}`, line {line}: {problem}", log.display())),
        None => Failure::input(format!("`{}`: {problem}", log.display())),
    }
}
