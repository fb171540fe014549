//! A run: the stages of a pipeline in order, each skipped if nothing that it depends on changed.

mod dependencies;
mod inputs;
mod options;
mod scores;
mod share;
mod state;
mod work;

use plimsoll_router::Thresholds;

use self::dependencies::Dependencies;
use self::inputs::RunInputs;
use self::state::RunState;
use crate::broken_limits::BrokenLimit;
use crate::config::PipelineConfig;
use crate::estimate::{self, RunEstimate};
use crate::failure::Failure;
use crate::observer::Observer;
use crate::overview::Overview;
use crate::run_folder::RunFolder;
use crate::stage::{Stage, StageReport, StageStatus};
use crate::stages::evaluate::EvaluationTables;
use crate::stages::infer::ChunkCounts;

pub use self::options::RunOptions;
pub use self::share::Share;
pub use self::work::{WorkOptions, WorkSummary, work};

/// What a run did, and what came out of it.
#[derive(Debug)]
pub struct RunSummary {
    /// What became of each stage, in order.
    pub stages: Vec<StageReport>,
    /// Chunks of the stage `infer`, if it ran.
    pub chunks: Option<ChunkCounts>,
    /// The results in brief, where models were asked and scored.
    pub overview: Option<Overview>,
    /// The thresholds files of the pipeline, from stage `fit` on.
    pub thresholds: Vec<Thresholds>,
    /// The tables of the evaluation, if it ran.
    pub evaluation: Option<EvaluationTables>,
    /// The limits that the scores break; [`crate::broken_limits::check`] makes a failure of them.
    pub broken_limits: Vec<BrokenLimit>,
}

/// Runs a pipeline: stages whose outputs are current are skipped, a run that was ended goes on where it stopped.
///
/// # Errors
/// [`Failure`] says whose fault it is. Everything that was finished stays in the folder.
pub fn run(
    config: &PipelineConfig,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<RunSummary, Failure> {
    check_until(config, options.until)?;
    let store = options.store.as_deref().map(work::open_store).transpose()?;
    if store.is_some() && config.inference().is_none() {
        return Err(Failure::usage(
            "--store: a pipeline that starts from `import` asks no model, so nothing is shared",
        ));
    }
    let (inputs, prepared) = RunInputs::locate(config, options.until, options.locations(), observer)?;
    let dependencies = Dependencies::new(config, inputs);
    let mut run = RunState::open(&dependencies, options, observer)?;
    let chunks = match &dependencies.inputs {
        RunInputs::Import(inputs) => {
            run.import(inputs)?;
            None
        }
        RunInputs::Inference(inputs) => run.inference(inputs, prepared, store.as_ref())?,
    };
    let fitted = run.stage(Stage::Draw, RunState::draw)?.flatten();
    run.stage(Stage::Fit, |run| run.fit(fitted))?;
    let evaluation = run.stage(Stage::Evaluate, RunState::evaluate)?;
    run.stage(Stage::Report, RunState::report)?;
    Ok(RunSummary {
        chunks,
        overview: run.overview()?,
        thresholds: if options.until >= Stage::Fit { run.thresholds()? } else { Vec::new() },
        evaluation,
        broken_limits: run.broken_limits()?,
        stages: run.reports,
    })
}

/// Estimates what a run will take, and finds what is missing for it; `None` for a pipeline that asks no models.
/// Nothing is fetched or written.
///
/// # Errors
/// A failure for questions that can be read and make no pool.
pub fn estimate(
    config: &PipelineConfig,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Option<RunEstimate>, Failure> {
    let locations = options.locations();
    let inference = config.inference();
    inference.map(|inference| estimate::estimate(config, inference, locations, observer)).transpose()
}

/// The stages that a run would run, as far as that is known before. Nothing is written.
///
/// # Errors
/// As [`run`], for inputs that are missing.
pub fn preview(
    config: &PipelineConfig,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Vec<StageReport>, Failure> {
    check_until(config, options.until)?;
    let (inputs, _) = RunInputs::locate(config, options.until, options.locations(), observer)?;
    let dependencies = Dependencies::new(config, inputs);
    let folder = RunFolder::read(&options.out, observer);
    let mut reports = Vec::new();
    // What the stages before it would write is not known, so a later stage may turn out to be current.
    let (mut changed, mut any_runs): (Option<Stage>, bool) = (None, false);
    for stage in Stage::in_run(Dependencies::first(config), options.until) {
        let reason = dependencies.stale(stage, &folder)?;
        let (status, depends_on) = match (&reason, changed) {
            (Some(_), _) => (StageStatus::WouldRun, None),
            (None, _) if any_runs && stage == Stage::Report => (StageStatus::MayRun, None),
            (None, Some(before)) => (StageStatus::MayRun, Some(before)),
            (None, None) => (StageStatus::Skipped, None),
        };
        if reason.is_some() && stage <= Stage::Score {
            changed = Some(stage);
        }
        any_runs |= reason.is_some();
        reports.push(StageReport { stage, status, reason, depends_on });
    }
    Ok(reports)
}

fn check_until(config: &PipelineConfig, until: Stage) -> Result<(), Failure> {
    if until == Stage::Transfer {
        return Err(Failure::usage("--until: transfer is a part of the stage evaluate"));
    }
    if until < Dependencies::first(config) {
        return Err(Failure::usage(format!(
            "--until: a pipeline that starts from `import` has no stage {}; its first is score",
            until.name()
        )));
    }
    Ok(())
}
