//! The workload of a run: the pool of questions, the prompts made of them, and which model gets which prompts.

use std::collections::BTreeMap;

use plimsoll_backend::Request;
use plimsoll_core::records::DatasetRow;
use plimsoll_core::{Question, Seed, SignalRequest};
use plimsoll_hub::FileSource;
use plimsoll_ingest::pool::{DatasetReport, Pool, PoolDataset, PoolOptions, PoolRole, RoleShares, pool};
use plimsoll_ingest::prompts::{PromptSpec, prompt};
use plimsoll_uq::methods::PromptKind;

use crate::config::inference::{DatasetConfig, InferenceConfig};
use crate::config::models::{ModelBackend, ModelConfig};
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::locations::Locations;
use crate::observer::Observer;
use crate::questions::{self, QuestionSet, QuestionSource};
use crate::run_folder::manifest::InputFile;

/// All that a run asks models.
#[derive(Debug)]
pub(crate) struct Workload<'a> {
    pub(crate) inference: &'a InferenceConfig,
    /// Seed of the pipeline.
    pub(crate) seed: u64,
    /// The questions, with their roles.
    pub(crate) pool: Pool,
    /// What became of each dataset's rows.
    pub(crate) datasets: Vec<DatasetRow>,
    /// The benchmark files that were read.
    pub(crate) inputs: Vec<InputFile>,
    /// Requests that go to models alike.
    pub(crate) sets: Vec<PromptSet>,
}

/// Requests of one dataset, with one kind of prompt and for one purpose.
#[derive(Debug)]
pub(crate) struct PromptSet {
    pub(crate) dataset: String,
    pub(crate) kind: PromptKind,
    /// What the answers are for.
    pub(crate) role: PoolRole,
    /// In the order of the pool.
    pub(crate) requests: Vec<Request>,
    /// SHA-256 of the hashes of their prompts, in that order.
    pub(crate) prompts_sha256: String,
}

/// A set of prompts for one model.
#[derive(Debug)]
pub(crate) struct ModelTask {
    /// Index of the model among all, small ones first.
    pub(crate) model: usize,
    /// Index in [`Workload::sets`].
    pub(crate) set: usize,
    /// What is observed beside the answers.
    pub(crate) signals: SignalRequest,
}

impl<'a> Workload<'a> {
    /// Reads every dataset, draws the pool and writes the prompts.
    ///
    /// # Errors
    /// Whatever is wrong with a source, naming the dataset.
    pub(crate) fn gather(
        inference: &'a InferenceConfig,
        seed: u64,
        locations: Locations<'_>,
        observer: &dyn Observer,
    ) -> Result<Self, Failure> {
        let mut read = Vec::with_capacity(inference.datasets.len());
        for dataset in &inference.datasets {
            let questions = read_dataset(dataset, locations, observer)
                .map_err(|failure| failure.during(format!("dataset `{}`", dataset.id)))?;
            read.push(questions);
        }
        let mut inputs = Vec::new();
        for (dataset, questions) in inference.datasets.iter().zip(&read) {
            for file in &questions.files {
                inputs.push(InputFile { name: format!("{}/{}", dataset.id, file.name), ..file.clone() });
            }
        }
        let options = PoolOptions {
            seed: Seed::new(seed).derive("pool"),
            shares: RoleShares::USUAL,
            probe_rows_per_main_row: inference.probe_signals().map_or(0.0, |_| inference.pool.probe_rows),
            duplicates: inference.pool.duplicates,
        };
        let entries = inference.datasets.iter().zip(&read).map(|(dataset, questions)| PoolDataset {
            questions: questions.ingested.questions.clone(),
            refused: questions.ingested.refused.len() as u64,
            unlabelled: questions.ingested.unlabelled(),
            sample: dataset.sample,
            few_shot: inference.prompt_for(dataset).few_shot,
        });
        let pool = pool(entries.collect(), &options).or_fail(FailureKind::Input)?;
        let datasets = dataset_rows(inference, &read, &pool);
        let sets = prompt_sets(inference, &read, &pool);
        let workload = Self { inference, seed, pool, datasets, inputs, sets };
        workload.check(observer)?;
        Ok(workload)
    }

    /// Fails if no question of a dataset is left to ask, or if exemplars are missing: that would change the prompts.
    fn check(&self, observer: &dyn Observer) -> Result<(), Failure> {
        for (dataset, report) in self.inference.datasets.iter().zip(&self.pool.report.datasets) {
            let id = &dataset.id;
            if report.main == 0 {
                return Err(Failure::input(format!(
                    "dataset `{id}`: no question is left to ask of its {} rows: {} are refused (`plimsoll datasets inspect` \
                     says why), the others are duplicates or set apart for exemplars and probes, 1 cluster in 5",
                    report.rows, report.refused
                )));
            }
            if report.few_shot < report.few_shot_asked {
                return Err(Failure::input(format!(
                    "dataset `{id}`: {} exemplars are wanted and its source has {}; 4 in 100 questions are set apart for \
                     this; ask for fewer (`prompt: {{few_shot: ..}}` of the dataset)",
                    report.few_shot_asked, report.few_shot
                )));
            }
            if report.main < report.asked {
                observer.note(&format!(
                    "dataset `{id}`, split {}: {} questions are asked of the {} wanted (of its {} rows some are refused, \
                     duplicates, or set apart for exemplars and probes)",
                    report.split, report.main, report.asked, report.rows
                ));
            }
        }
        Ok(())
    }

    /// Which model gets which prompts, model by model.
    pub(crate) fn tasks(&self) -> Vec<ModelTask> {
        let slms = self.inference.slms.len();
        let mut tasks = Vec::new();
        for (model, config) in self.models().enumerate() {
            // Hidden states are observed in this process only, so nothing is asked elsewhere for probes.
            let is_local = matches!(config.backend, ModelBackend::Candle(_));
            let probes = self.inference.probe_signals().filter(|_| is_local);
            for (index, set) in self.sets.iter().enumerate() {
                let signals = match (model < slms, set.role, set.kind) {
                    (true, PoolRole::ProbeTraining, _) => probes.clone(),
                    (true, _, kind) => Some(self.inference.signals(kind)),
                    (false, PoolRole::Main, PromptKind::Main) => Some(SignalRequest::answer()),
                    (false, ..) => None,
                };
                tasks.extend(signals.map(|signals| ModelTask { model, set: index, signals }));
            }
        }
        tasks
    }

    /// The models, small ones first.
    pub(crate) fn models(&self) -> impl Iterator<Item = &'a ModelConfig> + use<'a> {
        self.inference.slms.iter().chain(&self.inference.llms)
    }

    /// Questions by id.
    pub(crate) fn questions(&self) -> BTreeMap<&str, &Question> {
        self.pool.rows.iter().map(|row| (row.question.question_id.as_str(), &row.question)).collect()
    }
}

/// Reads a dataset; relative paths start at the pipeline's folder.
///
/// # Errors
/// Whatever is wrong with its source.
pub(crate) fn read_dataset(
    dataset: &DatasetConfig,
    locations: Locations<'_>,
    observer: &dyn Observer,
) -> Result<QuestionSet, Failure> {
    let source = match FileSource::parse(&dataset.source).or_fail(FailureKind::Usage)? {
        _ if dataset.source == questions::POCKET => dataset.source.clone(),
        FileSource::Local(path) => locations.base.join(path).display().to_string(),
        FileSource::Hub(_) => dataset.source.clone(),
    };
    let mapping = dataset.mapping.as_ref().map(|mapping| locations.base.join(mapping));
    let source = QuestionSource {
        id: &dataset.id,
        source: &source,
        split: dataset.split.as_deref(),
        config: dataset.config.as_deref(),
        mapping: mapping.as_deref(),
        offline: locations.offline,
    };
    questions::read(&source, observer)
}

fn dataset_rows(inference: &InferenceConfig, read: &[QuestionSet], pool: &Pool) -> Vec<DatasetRow> {
    let datasets = inference.datasets.iter().zip(read).zip(&pool.report.datasets);
    datasets.map(|((dataset, questions), report)| dataset_row(dataset, questions, report)).collect()
}

fn dataset_row(dataset: &DatasetConfig, questions: &QuestionSet, report: &DatasetReport) -> DatasetRow {
    DatasetRow {
        dataset: dataset.id.clone(),
        domain: questions.dataset.get().domain().to_owned(),
        split: report.split.clone(),
        source: dataset.source.clone(),
        commit: questions.commit.clone(),
        licence: questions.dataset.get().licence().to_owned(),
        rows: report.rows,
        refused: report.refused,
        unlabelled: report.unlabelled,
        asked: report.asked,
        sampled: report.sampled,
        dropped_exact: report.dropped_exact,
        dropped_near: report.dropped_near,
        main: report.main,
        few_shot: report.few_shot,
        probe_training: report.probe_training,
    }
}

/// Every dataset once, in the order of the pipeline: main prompts, those of probe-training rows, those that ask for a
/// confidence too.
fn prompt_sets(inference: &InferenceConfig, read: &[QuestionSet], pool: &Pool) -> Vec<PromptSet> {
    let mut sets: Vec<PromptSet> = Vec::new();
    for (dataset, questions) in inference.datasets.iter().zip(read) {
        if sets.iter().any(|set| set.dataset == dataset.id) {
            // Another split of a dataset whose pool rows have their prompts already.
            continue;
        }
        let prompts = inference.prompt_for(dataset);
        let spec =
            PromptSpec::new(questions.dataset.get(), prompts.style).with_instruction(prompts.instruction);
        let exemplars: Vec<&Question> =
            pool.questions(&dataset.id, PoolRole::FewShot).take(prompts.few_shot).collect();
        let requests = |role, spec: &PromptSpec| -> Vec<Request> {
            let request = |question: &Question| Request {
                question_id: question.question_id.clone(),
                source_row: Some(question.source_row),
                prompt: prompt(question, &exemplars, spec),
            };
            pool.questions(&dataset.id, role).map(request).collect()
        };
        let mut push = |kind, role, requests: Vec<Request>| {
            if !requests.is_empty() {
                let prompts_sha256 = prompts_sha256(&requests);
                sets.push(PromptSet { dataset: dataset.id.clone(), kind, role, requests, prompts_sha256 });
            }
        };
        push(PromptKind::Main, PoolRole::Main, requests(PoolRole::Main, &spec));
        if inference.probe_signals().is_some() {
            push(PromptKind::Main, PoolRole::ProbeTraining, requests(PoolRole::ProbeTraining, &spec));
        }
        if inference.verbalizes() {
            let spec = spec.clone().verbalized();
            push(PromptKind::Verbalized, PoolRole::Main, requests(PoolRole::Main, &spec));
        }
    }
    sets
}

fn prompts_sha256(requests: &[Request]) -> String {
    let hashes: Vec<String> = requests.iter().map(|request| request.prompt.hash()).collect();
    plimsoll_core::canonical::sha256_hex(hashes.concat().as_bytes())
}
