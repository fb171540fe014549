//! The stages of a run: which must run, and running them.

use std::path::Path;

use plimsoll_backend::Cancel;
use plimsoll_core::records::AlignmentRow;
use plimsoll_core::{ScoreSeries, ScoreTable};
use plimsoll_import::read_scores;
use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::Method;
use plimsoll_store::read_rows;
use plimsoll_store::tables::{alignment, confidences, scores};
use serde::Serialize;

use super::Stage;
use super::dependencies::Dependencies;
use super::origin::{Models, Origin};
use crate::commands::thresholds::read_file;
use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::{Done, OutputFolder, Stopwatch, table_path};
use crate::pipeline::plan::{Limits, Ungraded};
use crate::pipeline::{self, Plan};
use crate::progress::Progress;
use crate::score_files::{Asked as AskedFor, failure};
use crate::stages::definitions::Definitions;
use crate::stages::evaluation::{Tables, Work, judge};
use crate::stages::fitting::{CalibrationWriter, draw_all, fit_all};
use crate::stages::inference::{self, Inference, parts};
use crate::stages::labelling::Labelling;
use crate::stages::made::Made;
use crate::stages::scoring::Scoring;
use crate::stages::served::served;
use crate::stages::summary::{self, Masses, Overview};
use crate::stages::threshold_files::{self, Origin as FileOrigin};
use crate::stages::{ingest, key, limits, outlook, report};

/// What became of a stage.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) stage: &'static str,
    pub(super) status: &'static str,
    pub(super) reason: Option<String>,
}

/// A run of a plan.
#[derive(Debug)]
pub(super) struct Run<'a> {
    on: Dependencies<'a>,
    limits: Limits,
    folder: OutputFolder,
    console: &'a Console,
    cancel: Cancel,
    /// The scores, once a stage needs them, and the limits that they break.
    scores: Option<(ScoreTable, Vec<limits::Broken>)>,
    /// Fitted together with the draw, for the stage that writes them.
    methods: Option<Vec<Method>>,
    tables: Option<Tables>,
    inference: Option<inference::Done>,
    reports: Vec<Report>,
}

impl<'a> Run<'a> {
    /// Opens the output folder.
    pub(super) fn open(
        on: Dependencies<'a>,
        limits: Limits,
        (out, cancel): (&Path, Cancel),
        console: &'a Console,
    ) -> Result<Self, Failure> {
        let mut folder = OutputFolder::open(out, console)?;
        folder.set_plan(&on.pipeline.name, &on.pipeline.sha256);
        let (scores, methods, tables, inference, reports) = (None, None, None, None, Vec::new());
        Ok(Self { on, limits, folder, console, cancel, scores, methods, tables, inference, reports })
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

    /// What was asked, if models were.
    pub(super) fn inference(&self) -> Option<&inference::Done> {
        self.inference.as_ref()
    }

    /// The tables of the evaluation, if it ran.
    pub(super) fn evaluated(&self) -> Option<&Tables> {
        self.tables.as_ref()
    }

    /// Runs a stage, unless nothing that it depends on changed. `until` is the last stage of this run.
    pub(super) fn stage(&mut self, stage: Stage, until: Stage) -> Result<(), Failure> {
        let reason = stale(&self.folder, &self.on, stage)?;
        let line = match &reason {
            None => "skipped, unchanged".to_owned(),
            Some(reason) => format!("runs: {reason}"),
        };
        self.console.text(format!("{:<9} {line}\n", stage.name()))?;
        let status = if reason.is_some() { "ran" } else { "skipped" };
        if reason.is_some() {
            match stage {
                Stage::Ingest => self.ingest(),
                Stage::Infer => self.infer(),
                Stage::Label => self.label(),
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

    /// Records a stage that ran.
    fn record(&mut self, stage: Stage, outputs: Vec<String>, stopwatch: Stopwatch) -> Result<(), Failure> {
        let done = Done {
            stage: stage.name(),
            key: self.on.key(stage, &self.folder),
            parameters: self.on.parameters(stage),
            inputs: self.on.inputs(stage, &self.folder),
            outputs,
            stopwatch,
        };
        if let Some(old) = self.folder.record(done)? {
            self.folder.remove_outdated(&old, self.console);
        }
        Ok(())
    }

    fn models(&self) -> Result<&Models<'a>, Failure> {
        self.on.models().ok_or_else(|| Failure::new(Kind::Stage, "the plan asks no model"))
    }

    fn ingest(&mut self) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start();
        let outputs = ingest::write(&self.models()?.asked, &self.folder)?;
        self.record(Stage::Ingest, outputs, stopwatch)
    }

    fn infer(&mut self) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start();
        let prepared = match &mut self.on.origin {
            Origin::Asking(models) => std::mem::take(&mut models.prepared),
            Origin::Import(_) => Vec::new(),
        };
        let models = self.models()?;
        let plan = outlook::of_models(&models.asked, &prepared)?;
        self.console.text(format!("{}\n", outlook::models_table(&plan).text(2)))?;
        let work = Inference {
            asked: &models.asked,
            groups: &models.groups,
            cancel: self.cancel.clone(),
            console: self.console,
        };
        let (done, outputs) = work.run(prepared, &self.folder)?;
        self.inference = Some(done);
        self.record(Stage::Infer, outputs, stopwatch)
    }

    fn label(&mut self) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start();
        let judge = match &mut self.on.origin {
            Origin::Asking(models) => models.judge.take(),
            Origin::Import(_) => None,
        };
        let models = self.models()?;
        let grading = self.on.plan.labels.grading.as_ref();
        let grading = grading.ok_or_else(|| Failure::new(Kind::Stage, "the plan grades nothing"))?;
        let parts = parts(&models.asked, &models.groups);
        let work = Labelling {
            asked: &models.asked,
            parts: &parts,
            grading,
            inputs: self.on.inputs(Stage::Label, &self.folder),
            console: self.console,
        };
        let outputs = work.run(&self.folder, judge.map(|judge| (judge, &self.cancel)))?;
        self.record(Stage::Label, outputs, stopwatch)
    }

    fn score(&mut self) -> Result<(), Failure> {
        if let Origin::Import(files) = &self.on.origin {
            let imported = files.run(self.on.plan.seed, &mut self.folder, self.console)?;
            return self.take_scores(imported.table);
        }
        let stopwatch = Stopwatch::start();
        let models = self.models()?;
        let parts = parts(&models.asked, &models.groups);
        let work = Scoring {
            asked: &models.asked,
            parts: &parts,
            weights: models.named.iter().map(|model| model.weights_sha256.clone()).collect(),
            held_out: self.on.held_out(),
            parameters: self.on.parameters(Stage::Score),
            inputs: self.on.inputs(Stage::Score, &self.folder),
            console: self.console,
        };
        let outputs = work.run(&self.folder)?;
        self.record(Stage::Score, outputs, stopwatch)
    }

    /// What each method's confidence is, for the thresholds files.
    fn definitions(&self) -> Definitions<'_> {
        let methods = self.on.plan.asking().map(|asking| asking.methods.as_slice());
        let probes = self.folder.record_of(Stage::Score.name()).map(|record| record.outputs.as_slice());
        Definitions::new(methods, probes.unwrap_or_default())
    }

    fn draw(&mut self, until: Stage) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start();
        let with_fit = until >= Stage::Fit && stale(&self.folder, &self.on, Stage::Fit)?.is_some();
        self.load_scores()?;
        let Some((table, _)) = &self.scores else { return Ok(()) };
        let inputs = self.on.inputs(Stage::Draw, &self.folder);
        let parameters = self.on.parameters(Stage::Draw);
        let provenance = key::provenance(Stage::Draw.name(), &parameters, &inputs, self.on.plan.seed);
        let spec = self.on.fit.fit_spec();
        let mut writer = CalibrationWriter::create(&self.folder, &provenance)?;
        if with_fit {
            // One pass over the sorted series does for both stages.
            threshold_files::file_names(table)?;
            let fitted = fit_all(table, (&spec, &self.definitions()), Some(&mut writer), self.console)?;
            self.methods = Some(fitted);
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
            None => fit_all(table, (&self.on.fit.fit_spec(), &self.definitions()), None, self.console)?,
        };
        let models = self.on.models().map_or(&[][..], |models| models.named.as_slice());
        let origin = FileOrigin {
            pipeline: &self.on.pipeline,
            sources: self.on.sources(),
            models,
            parameters: &self.on.fit,
        };
        let written = threshold_files::write_all(table, methods, origin, &self.folder)?;
        threshold_files::note_choice_of_methods(table, &self.on.fit, self.console);
        let outputs = written.into_iter().map(|file| file.name).collect();
        self.record(Stage::Fit, outputs, stopwatch)
    }

    fn evaluate(&mut self) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start();
        self.load_scores()?;
        let Some((table, _)) = &self.scores else { return Ok(()) };
        let asking = self.on.plan.asking();
        let made = asking.map(|asking| Made::read(&asking.methods, &self.folder)).transpose()?;
        let judging = Some(self.on.fit.judging());
        let no_map = |_: &ScoreSeries| None;
        let work =
            Work { table, judging, transfer: self.on.transfer(), made: made.as_ref(), method_of: &no_map };
        let tables = judge(&work, Stage::Evaluate.name(), self.console)?;
        let parameters = self.on.parameters(Stage::Evaluate);
        let inputs = self.on.inputs(Stage::Evaluate, &self.folder);
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
        let imported = read_scores(&[path], &progress).map_err(|error| failure(error, AskedFor::OfFiles))?;
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
        let scored = self.folder.record_of(Stage::Score.name()).is_some();
        if self.limits != Limits::default() && scored {
            self.load_scores()?;
        }
        Ok(self.scores.as_mut().map(|(_, broken)| std::mem::take(broken)).unwrap_or_default())
    }

    /// What came out, for people; `None` before there are scores of models that were asked.
    pub(super) fn overview(&mut self, until: Stage) -> Result<Option<Overview>, Failure> {
        if until < Stage::Score || self.on.plan.asking().is_none() {
            return Ok(None);
        }
        self.load_scores()?;
        let methods = self.on.plan.asking().map_or(&[][..], |asking| asking.methods.as_slice());
        let Some((table, _)) = &self.scores else { return Ok(None) };
        let path = self.folder.path(&table_path(alignment::TABLE.name));
        let aligned: Vec<AlignmentRow> = if until >= Stage::Evaluate {
            read_rows(&path, &alignment::TABLE).or_fail(Kind::Stage)?
        } else {
            Vec::new()
        };
        let masses = Masses::read(&self.folder.path(&table_path(confidences::TABLE.name)))?;
        Ok(Some(summary::overview((table, &masses), methods, &aligned, served(&self.folder)?)))
    }

    /// The thresholds files of this plan, as they lie in the folder.
    pub(super) fn thresholds(&self) -> Result<Vec<Thresholds>, Failure> {
        let outputs = self.folder.record_of(Stage::Fit.name()).map(|record| record.outputs.as_slice());
        let outputs = outputs.unwrap_or_default().iter();
        outputs.map(|output| read_file(&self.folder.path(&output.path))).collect()
    }
}

/// Why a stage must run; `None` if nothing that it depends on changed.
pub(super) fn stale(
    folder: &OutputFolder,
    on: &Dependencies<'_>,
    stage: Stage,
) -> Result<Option<String>, Failure> {
    folder.stale(stage.name(), &on.key(stage, folder), &on.parameters(stage))
}
