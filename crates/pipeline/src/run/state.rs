//! A run under way: its folder, what it has found so far, and running one stage after the other.

use std::sync::Arc;

use plimsoll_backend::Cancel;
use plimsoll_core::records::AlignmentRow;
use plimsoll_evaluate::other_slms;
use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::Method;
use plimsoll_store::tables::{alignment, confidences, other_slm};
use plimsoll_store::{Provenance, read_rows};

use super::dependencies::Dependencies;
use super::inputs::{InferenceInputs, PreparedModels};
use super::options::RunOptions;
use super::scores::LoadedScores;
use crate::broken_limits::BrokenLimit;
use crate::calibration::CalibrationWriter;
use crate::chance::ChanceLevels;
use crate::chunk_store::ChunkStore;
use crate::config::inference::{GradingConfig, InferenceConfig};
use crate::config::pipeline_config::LimitsConfig;
use crate::config::to_yaml;
use crate::cross_fit::CrossFittedConfidences;
use crate::estimate::model_estimates;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::method_identity::MethodIdentities;
use crate::observer::Observer;
use crate::overview::{AnswerMasses, Overview, OverviewInputs, overview};
use crate::run_folder::{RunFolder, Stopwatch, table_path};
use crate::served::served;
use crate::shards::shards;
use crate::stage::{Stage, StageReport, StageStatus};
use crate::stages::draw::draw_all;
use crate::stages::evaluate::{EvaluationTables, EvaluationTask};
use crate::stages::fit::Fitting;
use crate::stages::infer::{ChunkCounts, InferStage};
use crate::stages::ingest;
use crate::stages::label::LabelStage;
use crate::stages::report::{self, ReportSources};
use crate::stages::score::ScoreStage;
use crate::stages::score::import::ImportInputs;
use crate::stages::transfer::TransferTask;
use crate::table_files::write_table;
use crate::threshold_files::{self, FileOrigin, FittedPairs, read_file};
use crate::usual_answers;

/// What a stage wrote, and what it gives to later ones.
pub(super) struct StageOutcome<T> {
    outputs: Vec<String>,
    value: T,
}

impl StageOutcome<()> {
    fn files(outputs: Vec<String>) -> Self {
        Self { outputs, value: () }
    }
}

/// A run under way.
pub(super) struct RunState<'r, 'a> {
    dependencies: &'r Dependencies<'a>,
    folder: RunFolder,
    until: Stage,
    limits: LimitsConfig,
    cancel: &'r Cancel,
    observer: &'r dyn Observer,
    pub(super) reports: Vec<StageReport>,
    /// The scores, once a stage has needed them.
    scores: Option<Arc<LoadedScores>>,
}

impl<'r, 'a> RunState<'r, 'a> {
    pub(super) fn open(
        dependencies: &'r Dependencies<'a>,
        options: &'r RunOptions,
        observer: &'r dyn Observer,
    ) -> Result<Self, Failure> {
        let mut folder = RunFolder::open(&options.out, observer)?;
        folder.set_pipeline(&dependencies.pipeline.name, &dependencies.pipeline.sha256);
        Ok(Self {
            dependencies,
            folder,
            until: options.until,
            limits: if options.strict { LimitsConfig::STRICT } else { dependencies.config.limits },
            cancel: &options.cancel,
            observer,
            reports: Vec::new(),
            scores: None,
        })
    }

    /// Runs a stage and records it, unless it comes after the last one or nothing that it depends on changed. Gives
    /// what the stage gives, if it ran.
    pub(super) fn stage<T>(
        &mut self,
        stage: Stage,
        work: impl FnOnce(&mut Self) -> Result<StageOutcome<T>, Failure>,
    ) -> Result<Option<T>, Failure> {
        if stage > self.until {
            return Ok(None);
        }
        let reason = self.dependencies.stale(stage, &self.folder)?;
        let status = if reason.is_some() { StageStatus::Ran } else { StageStatus::Skipped };
        let report = StageReport { stage, status, reason, depends_on: None };
        self.observer.stage(&report)?;
        let value = match status {
            StageStatus::Ran => {
                let stopwatch = Stopwatch::start();
                let outcome = work(self).and_then(|outcome| {
                    self.record(stage, outcome.outputs, stopwatch)?;
                    Ok(outcome.value)
                });
                Some(outcome.map_err(|failure| failure.during(format!("stage {}", stage.name())))?)
            }
            StageStatus::Skipped | StageStatus::WouldRun | StageStatus::MayRun => None,
        };
        self.reports.push(report);
        Ok(value)
    }

    fn record(&mut self, stage: Stage, outputs: Vec<String>, stopwatch: Stopwatch) -> Result<(), Failure> {
        let key = self.dependencies.key(stage, &self.folder);
        let mut completed = self.dependencies.stage(stage, &self.folder).completed(outputs, stopwatch);
        completed.key = key;
        if let Some(old) = self.folder.record(completed)? {
            self.folder.remove_outdated(&old, self.observer);
        }
        Ok(())
    }

    /// The stage `score` of a pipeline that imports.
    pub(super) fn import(&mut self, inputs: &ImportInputs) -> Result<(), Failure> {
        let seed = self.dependencies.config.seed;
        let imported = self.stage(Stage::Score, |run| {
            let (imported, output) = inputs.run(seed, &run.folder, run.observer)?;
            Ok(StageOutcome { outputs: vec![output], value: imported.table })
        })?;
        if let Some(table) = imported {
            let scores = LoadedScores::new(table, self.limits, self.dependencies.config, self.observer);
            let during = |failure: Failure| failure.during(format!("stage {}", Stage::Score.name()));
            self.scores = Some(Arc::new(scores.map_err(during)?));
        }
        Ok(())
    }

    /// The stages up to `score` of a pipeline that asks models; gives the chunks of `infer`, if it ran.
    pub(super) fn inference(
        &mut self,
        inputs: &InferenceInputs<'_>,
        prepared: PreparedModels<'_>,
        store: Option<&ChunkStore>,
    ) -> Result<Option<ChunkCounts>, Failure> {
        let workload = &inputs.workload;
        self.stage(Stage::Ingest, |run| {
            let dependencies = run.dependencies.stage(Stage::Ingest, &run.folder);
            ingest::write(workload, &dependencies, &run.folder).map(StageOutcome::files)
        })?;
        let chunks = self.stage(Stage::Infer, |run| {
            run.observer.workload(&model_estimates(workload, &prepared.models)?)?;
            let stage = InferStage {
                workload,
                tasks: &inputs.tasks,
                folder: &run.folder,
                store,
                cancel: run.cancel,
                observer: run.observer,
            };
            let inferred = stage.run(prepared.models)?;
            Ok(StageOutcome { outputs: inferred.outputs, value: inferred.counts })
        })?;
        let shards = shards(workload, &inputs.tasks);
        self.stage(Stage::Label, |run| {
            let stage = LabelStage {
                workload,
                shards: &shards,
                grading: run.grading()?,
                folder: &run.folder,
                cancel: run.cancel,
                observer: run.observer,
            };
            let files = run.dependencies.stage(Stage::Label, &run.folder).inputs;
            stage.run(prepared.judge, files).map(StageOutcome::files)
        })?;
        self.stage(Stage::Score, |run| {
            let weights = inputs.thresholds_identities.iter().map(|model| model.weights_sha256.clone());
            let stage = ScoreStage {
                workload,
                shards: &shards,
                weights: weights.collect(),
                held_out: run.dependencies.held_out(),
                folder: &run.folder,
                observer: run.observer,
            };
            stage.run(&run.provenance(Stage::Score)).map(StageOutcome::files)
        })?;
        Ok(chunks)
    }

    fn grading(&self) -> Result<&'r GradingConfig, Failure> {
        let grading = self.dependencies.config.labels.grading.as_ref();
        grading.ok_or_else(|| Failure::new(FailureKind::Stage, "the pipeline grades nothing"))
    }

    fn provenance(&self, stage: Stage) -> Provenance {
        self.dependencies.stage(stage, &self.folder).provenance(self.dependencies.config.seed)
    }

    fn identities(&self) -> MethodIdentities<'_> {
        match self.dependencies.config.inference() {
            None => MethodIdentities::imported(),
            Some(inference) => {
                let record = self.folder.stage_record(Stage::Score);
                let files = record.map(|record| record.outputs.as_slice()).unwrap_or_default();
                MethodIdentities::computed(&inference.methods, files)
            }
        }
    }

    /// Draws the calibration set. If the fit runs too, one pass over the sorted series does for both: its entries are
    /// given then.
    pub(super) fn draw(&mut self) -> Result<StageOutcome<Option<Vec<Method>>>, Failure> {
        let fits = self.until >= Stage::Fit && self.dependencies.stale(Stage::Fit, &self.folder)?.is_some();
        let scores = self.scores()?;
        let spec = self.dependencies.fit.fit_spec();
        let mut writer = CalibrationWriter::create(&self.folder, &self.provenance(Stage::Draw))?;
        let value = if fits {
            threshold_files::file_names(&scores.table.keys())?;
            let fitting = Fitting { table: &scores.table, spec: &spec, identities: self.identities() };
            Some(fitting.run(Some(&mut writer), self.observer)?)
        } else {
            draw_all(&scores.table, &spec, &mut writer, self.observer)?;
            None
        };
        writer.finish()?;
        Ok(StageOutcome { outputs: vec![CalibrationWriter::output()], value })
    }

    /// Writes the thresholds files. `fitted` are the entries, where the draw has fitted them.
    pub(super) fn fit(&mut self, fitted: Option<Vec<Method>>) -> Result<StageOutcome<()>, Failure> {
        let scores = self.scores()?;
        let table = &scores.table;
        let keys = table.keys();
        threshold_files::file_names(&keys)?;
        let spec = self.dependencies.fit.fit_spec();
        let methods = match fitted {
            Some(methods) => methods,
            None => Fitting { table, spec: &spec, identities: self.identities() }.run(None, self.observer)?,
        };
        let origin = FileOrigin {
            pipeline: &self.dependencies.pipeline,
            sources: self.dependencies.sources(),
            models: self.dependencies.thresholds_identities(),
            parameters: &self.dependencies.fit,
        };
        let fitted = FittedPairs::from_table(table, methods);
        let written = threshold_files::write_all(fitted, origin, &self.folder)?;
        threshold_files::note_choice_of_methods(&keys, &self.dependencies.fit, self.observer);
        let files: Vec<&Thresholds> = written.iter().map(|file| &file.thresholds).collect();
        let others = other_slms(table, &files);
        let mut outputs: Vec<String> = written.into_iter().map(|file| file.name).collect();
        // A run of one SLM has no such table.
        if !others.is_empty() {
            outputs.push(write_table(
                &other_slm::TABLE,
                &others,
                &self.folder,
                &self.provenance(Stage::Fit),
            )?);
        }
        Ok(StageOutcome::files(outputs))
    }

    pub(super) fn evaluate(&mut self) -> Result<StageOutcome<EvaluationTables>, Failure> {
        let scores = self.scores()?;
        let inference = self.dependencies.config.inference();
        let cross_fitted =
            inference.map(|inference| CrossFittedConfidences::read(&inference.methods, &self.folder));
        let cross_fitted = cross_fitted.transpose()?;
        let transfer = self.dependencies.transfer();
        let task = EvaluationTask {
            table: &scores.table,
            settings: self.dependencies.fit.evaluation_settings(),
            maps: None,
            transfer: transfer.map(|spec| TransferTask { spec, cross_fitted: cross_fitted.as_ref() }),
        };
        let value = task.run(self.observer)?;
        let outputs = value.write(&self.folder, &self.provenance(Stage::Evaluate))?;
        Ok(StageOutcome { outputs, value })
    }

    pub(super) fn report(&mut self) -> Result<StageOutcome<()>, Failure> {
        let scores = self.scores()?;
        let inputs = ReportSources {
            pipeline: &self.dependencies.pipeline,
            pipeline_yaml: to_yaml(self.dependencies.config)?,
            bins: self.dependencies.config.calibration.bins,
            scores: &scores.table,
            methods: self.dependencies.config.inference().map_or(&[], |inference| &inference.methods),
            thresholds: self.thresholds()?,
        };
        report::write(inputs, &self.folder).map(StageOutcome::files)
    }

    /// The scores; read back if no stage of this run has them yet.
    fn scores(&mut self) -> Result<Arc<LoadedScores>, Failure> {
        if let Some(scores) = &self.scores {
            return Ok(Arc::clone(scores));
        }
        let config = self.dependencies.config;
        let scores = Arc::new(LoadedScores::read(&self.folder, self.limits, config, self.observer)?);
        self.scores = Some(Arc::clone(&scores));
        Ok(scores)
    }

    /// The limits that the scores break.
    pub(super) fn broken_limits(&mut self) -> Result<Vec<BrokenLimit>, Failure> {
        if self.limits == LimitsConfig::default() || self.folder.stage_record(Stage::Score).is_none() {
            return Ok(Vec::new());
        }
        Ok(self.scores()?.broken_limits.clone())
    }

    /// The results in brief; `None` before there are scores of models that were asked.
    pub(super) fn overview(&mut self) -> Result<Option<Overview>, Failure> {
        match self.dependencies.config.inference() {
            Some(inference) if self.until >= Stage::Score => self.inference_overview(inference).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    fn inference_overview(&mut self, inference: &InferenceConfig) -> Result<Overview, Failure> {
        let scores = self.scores()?;
        let path = self.folder.path(&table_path(alignment::TABLE.name));
        let aligned: Vec<AlignmentRow> = if self.until >= Stage::Evaluate {
            read_rows(&path, &alignment::TABLE).or_fail(FailureKind::Stage)?
        } else {
            Vec::new()
        };
        let masses = AnswerMasses::read(&self.folder.path(&table_path(confidences::TABLE.name)))?;
        Ok(overview(OverviewInputs {
            table: &scores.table,
            masses: &masses,
            methods: &inference.methods,
            chance: &ChanceLevels::of_run(&self.folder)?,
            usual_answers: usual_answers::of_run(&self.folder)?,
            alignment: &aligned,
            served: served(&self.folder)?,
        }))
    }

    /// The thresholds files of this pipeline in the folder.
    pub(super) fn thresholds(&self) -> Result<Vec<Thresholds>, Failure> {
        let record = self.folder.stage_record(Stage::Fit);
        let outputs = record.map(|record| record.outputs.as_slice()).unwrap_or_default();
        let files = outputs.iter().filter(|output| output.path.ends_with(threshold_files::SUFFIX));
        files.map(|output| read_file(&self.folder.path(&output.path))).collect()
    }
}
