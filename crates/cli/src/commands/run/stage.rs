//! The stages of a run: which must run, and running them.

use std::path::Path;

use plimsoll_calibset::read_scores;
use plimsoll_core::ScoreTable;
use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::Method;
use plimsoll_store::tables::scores;
use serde::Serialize;

use super::Stage;
use super::dependencies::Dependencies;
use crate::commands::thresholds::read_file;
use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::manifest::Source;
use crate::folder::{Done, OutputFolder, Stopwatch, table_path};
use crate::pipeline::plan::{Limits, Ungraded};
use crate::pipeline::{self, Plan};
use crate::progress::Progress;
use crate::score_files::{Asked, failure};
use crate::stages::evaluation::{Tables, Work, judge};
use crate::stages::fitting::{CalibrationWriter, draw_all, fit_all};
use crate::stages::threshold_files::{self, Origin};
use crate::stages::{key, limits, report};

/// What became of a stage.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    stage: &'static str,
    status: &'static str,
    reason: Option<String>,
}

/// A run of a plan.
#[derive(Debug)]
pub(super) struct Run<'a> {
    on: Dependencies<'a>,
    limits: Limits,
    folder: OutputFolder,
    console: &'a Console,
    /// The scores, once a stage needs them, and the limits that they break.
    scores: Option<(ScoreTable, Vec<limits::Broken>)>,
    /// Fitted together with the draw, for the stage that writes them.
    methods: Option<Vec<Method>>,
    tables: Option<Tables>,
    reports: Vec<Report>,
}

impl<'a> Run<'a> {
    /// Opens the output folder.
    pub(super) fn open(
        on: Dependencies<'a>,
        limits: Limits,
        out: &Path,
        console: &'a Console,
    ) -> Result<Self, Failure> {
        let mut folder = OutputFolder::open(out, console)?;
        folder.set_plan(&on.pipeline.name, &on.pipeline.sha256);
        let (scores, methods, tables, reports) = (None, None, None, Vec::new());
        Ok(Self { on, limits, folder, console, scores, methods, tables, reports })
    }

    /// The plan.
    pub(super) fn plan(&self) -> &Plan {
        self.on.plan
    }

    /// The output folder.
    pub(super) fn out(&self) -> &Path {
        self.folder.root()
    }

    /// What became of each stage.
    pub(super) fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// The tables of the evaluation, if it ran.
    pub(super) fn evaluated(&self) -> Option<&Tables> {
        self.tables.as_ref()
    }

    /// Runs a stage, unless nothing that it depends on changed. `until` is the last stage of this run.
    pub(super) fn stage(&mut self, stage: Stage, until: Stage) -> Result<(), Failure> {
        let reason = self.stale(stage)?;
        let line = match &reason {
            None => "skipped, unchanged".to_owned(),
            Some(reason) => format!("runs: {reason}"),
        };
        self.console.text(format!("{:<9} {line}\n", stage.name()))?;
        let status = if reason.is_some() { "ran" } else { "skipped" };
        if reason.is_some() {
            match stage {
                Stage::Score => self.score(),
                Stage::Draw => self.draw(until),
                Stage::Fit => self.fit(),
                Stage::Evaluate => self.evaluate(),
                Stage::Report => self.report(),
            }
            .map_err(|failure| failure.during(format!("stage {}", stage.name())))?;
        }
        self.reports.push(Report { stage: stage.name(), status, reason });
        Ok(())
    }

    /// Why a stage must run.
    fn stale(&self, stage: Stage) -> Result<Option<String>, Failure> {
        stale(&self.folder, &self.on, stage)
    }

    /// The table of scores as it was recorded.
    fn scores_source(&self) -> Option<Source> {
        scores_source(&self.folder)
    }

    /// Records a stage that ran.
    fn record(&mut self, stage: Stage, outputs: Vec<String>, stopwatch: Stopwatch) -> Result<(), Failure> {
        let scores = self.scores_source();
        let inputs = match stage {
            Stage::Report => report::sources(&self.folder),
            _ => self.on.inputs(stage, scores.as_ref()),
        };
        let done = Done {
            stage: stage.name(),
            key: key_of(&self.folder, &self.on, stage),
            parameters: self.on.parameters(stage),
            inputs,
            outputs,
            stopwatch,
        };
        if let Some(old) = self.folder.record(done)? {
            self.folder.remove_outdated(&old, self.console);
        }
        Ok(())
    }

    fn score(&mut self) -> Result<(), Failure> {
        let imported = self.on.files.run(self.on.plan.seed, &mut self.folder, self.console)?;
        self.take_scores(imported.table)
    }

    fn draw(&mut self, until: Stage) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start();
        let with_fit = until >= Stage::Fit && self.stale(Stage::Fit)?.is_some();
        self.load_scores()?;
        let Some((table, _)) = &self.scores else { return Ok(()) };
        let inputs = self.on.inputs(Stage::Draw, self.scores_source().as_ref());
        let parameters = self.on.parameters(Stage::Draw);
        let provenance = key::provenance(Stage::Draw.name(), &parameters, &inputs, self.on.plan.seed);
        let spec = self.on.fit.fit_spec();
        let mut writer = CalibrationWriter::create(&self.folder, &provenance)?;
        if with_fit {
            // One pass over the sorted series does for both stages.
            threshold_files::file_names(table)?;
            self.methods = Some(fit_all(table, &spec, Some(&mut writer), self.console)?);
        } else {
            draw_all(table, &spec, &mut writer, self.console)?;
        }
        writer.finish()?;
        self.record(Stage::Draw, vec![CalibrationWriter::output()], stopwatch)
    }

    fn fit(&mut self) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start();
        self.load_scores()?;
        let Some((table, _)) = &self.scores else { return Ok(()) };
        threshold_files::file_names(table)?;
        let methods = match self.methods.take() {
            Some(methods) => methods,
            None => fit_all(table, &self.on.fit.fit_spec(), None, self.console)?,
        };
        let origin =
            Origin { pipeline: &self.on.pipeline, sources: &self.on.files.sources, parameters: &self.on.fit };
        let written = threshold_files::write_all(table, methods, origin, &self.folder)?;
        threshold_files::note_choice_of_methods(table, &self.on.fit, self.console);
        let outputs = written.into_iter().map(|file| file.name).collect();
        self.record(Stage::Fit, outputs, stopwatch)
    }

    fn evaluate(&mut self) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start();
        self.load_scores()?;
        let Some((table, _)) = &self.scores else { return Ok(()) };
        let judging = Some(self.on.fit.judging());
        let work = Work { table, judging, transfer: self.on.transfer(), method_of: &|_| None };
        let tables = judge(&work, Stage::Evaluate.name(), self.console);
        let parameters = self.on.parameters(Stage::Evaluate);
        let inputs = self.on.inputs(Stage::Evaluate, self.scores_source().as_ref());
        let provenance = key::provenance(Stage::Evaluate.name(), &parameters, &inputs, self.on.plan.seed);
        let mut outputs = tables.write_judged(&self.folder, &provenance)?;
        outputs.extend(tables.write_transfer(&self.folder, &provenance)?);
        self.record(Stage::Evaluate, outputs, stopwatch)?;
        self.tables = Some(tables);
        Ok(())
    }

    fn report(&mut self) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start();
        self.load_scores()?;
        let Some((scores, _)) = &self.scores else { return Ok(()) };
        let facts = report::Facts {
            pipeline: &self.on.pipeline,
            plan_yaml: pipeline::to_yaml(self.on.plan).or_fail(Kind::Stage)?,
            bins: self.on.plan.calibration.bins,
            scores,
            thresholds: self.thresholds()?,
        };
        let outputs = report::write(facts, &self.folder)?;
        self.record(Stage::Report, outputs, stopwatch)
    }

    /// Reads the scores back, if no stage of this run made them.
    fn load_scores(&mut self) -> Result<(), Failure> {
        if self.scores.is_some() {
            return Ok(());
        }
        let path = self.folder.path(&table_path(scores::TABLE.name));
        let progress = Progress::rows(self.console, "scores");
        let imported = read_scores(&[path], &progress).map_err(|error| failure(error, Asked::OfFiles))?;
        drop(progress);
        self.take_scores(imported.table)
    }

    fn take_scores(&mut self, mut table: ScoreTable) -> Result<(), Failure> {
        let broken = limits::broken(&table, self.limits);
        if self.on.plan.labels.ungraded == Ungraded::Exclude {
            table.exclude_ungraded();
            if table.excluded_ungraded > 0 {
                self.console.note(format_args!("{} ungraded rows are left out", table.excluded_ungraded));
            }
            if table.series.is_empty() {
                return Err(Failure::new(
                    Kind::Input,
                    "no row is left: no SLM answer is graded, and `labels: {ungraded: exclude}` leaves such out",
                ));
            }
        }
        self.scores = Some((table, broken));
        Ok(())
    }

    /// The limits that the scores break.
    pub(super) fn broken(&mut self) -> Result<Vec<limits::Broken>, Failure> {
        if self.limits != Limits::default() {
            self.load_scores()?;
        }
        Ok(self.scores.as_mut().map(|(_, broken)| std::mem::take(broken)).unwrap_or_default())
    }

    /// The thresholds files of this plan, as they lie in the folder.
    pub(super) fn thresholds(&self) -> Result<Vec<Thresholds>, Failure> {
        let outputs = self.folder.record_of(Stage::Fit.name()).map(|record| record.outputs.as_slice());
        let outputs = outputs.unwrap_or_default().iter();
        outputs.map(|output| read_file(&self.folder.path(&output.path))).collect()
    }
}

/// Says what would run.
pub(super) fn dry_run(
    on: &Dependencies<'_>,
    out: &Path,
    until: Stage,
    console: &Console,
) -> Result<(), Failure> {
    let folder = OutputFolder::look(out, console);
    let mut reports = Vec::new();
    let (mut imports, mut changes) = (false, false);
    for stage in Stage::ALL.into_iter().filter(|stage| *stage <= until) {
        let reason = stale(&folder, on, stage)?;
        let (status, line) = match &reason {
            Some(reason) => ("would_run", format!("would run: {reason}")),
            None if changes && stage == Stage::Report => {
                ("may_run", "would run if what it shows turns out to be other".to_owned())
            }
            None if imports => ("may_run", "would run if the scores turn out to be others".to_owned()),
            None => ("skipped", "would be skipped, unchanged".to_owned()),
        };
        imports |= stage == Stage::Score && reason.is_some();
        changes |= reason.is_some();
        console.text(format!("{:<9} {line}\n", stage.name()))?;
        reports.push(Report { stage: stage.name(), status, reason });
    }
    let pipeline = &on.pipeline;
    console.document(&serde_json::json!({
        "name": pipeline.name, "sha256": pipeline.sha256, "out": out, "dry_run": true, "stages": reports,
    }))
}

/// Why a stage must run; `None` if nothing that it depends on changed.
fn stale(folder: &OutputFolder, on: &Dependencies<'_>, stage: Stage) -> Result<Option<String>, Failure> {
    folder.stale(stage.name(), &key_of(folder, on, stage), &on.parameters(stage))
}

/// Hash of everything that a stage depends on.
fn key_of(folder: &OutputFolder, on: &Dependencies<'_>, stage: Stage) -> String {
    match stage {
        Stage::Report => key::key(stage.name(), &on.parameters(stage), &report::sources(folder)),
        _ => on.key(stage, scores_source(folder).as_ref()),
    }
}

fn scores_source(folder: &OutputFolder) -> Option<Source> {
    let record = folder.record_of(Stage::Score.name())?;
    let output = record.outputs.first()?;
    let name = format!("{}.parquet", scores::TABLE.name);
    Some(Source { name, sha256: output.sha256.clone(), bytes: output.bytes })
}
