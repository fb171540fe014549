//! What a plan asks: its questions, gathered into a pool, and the prompts that go to each model.

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_backend::Request;
use plimsoll_core::records::DatasetRow;
use plimsoll_core::{Question, Seed, SignalRequest};
use plimsoll_hub::Source as Place;
use plimsoll_ingest::pool::{Entry, Pool, PoolOptions, PoolRole, RoleShares, pool};
use plimsoll_ingest::prompts::{PromptSpec, prompt};
use plimsoll_uq::methods::PromptKind;

use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::manifest::Source;
use crate::pipeline::asking::{Asking, BackendName, DatasetPlan};
use crate::questions::{self, Questions, Wanted};

/// The questions of a plan, and everything that is asked about them.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// The plan.
    pub(crate) asking: &'a Asking,
    /// Its seed.
    pub(crate) seed: u64,
    /// The questions, with their roles.
    pub(crate) pool: Pool,
    /// What became of each dataset's rows.
    pub(crate) datasets: Vec<DatasetRow>,
    /// The files that were read.
    pub(crate) sources: Vec<Source>,
    /// Asks that are put to models alike.
    pub(crate) sets: Vec<AskSet>,
}

/// Asks of one dataset in one form for one purpose.
#[derive(Debug)]
pub(crate) struct AskSet {
    /// The dataset.
    pub(crate) dataset: String,
    /// In which form they are asked.
    pub(crate) kind: PromptKind,
    /// What the answers are for.
    pub(crate) role: PoolRole,
    /// The asks, in the order of the pool.
    pub(crate) requests: Vec<Request>,
    /// SHA-256 of the hashes of their prompts, in that order.
    pub(crate) prompts_sha256: String,
}

/// A set of asks put to one model.
#[derive(Debug)]
pub(crate) struct Group {
    /// Place of the model among small and large ones, small ones first.
    pub(crate) model: usize,
    /// Place of the set in [`Asked::sets`].
    pub(crate) set: usize,
    /// What is observed beside the answers.
    pub(crate) signals: SignalRequest,
}

impl<'a> Asked<'a> {
    /// Reads every dataset of a plan that lies in the folder `base`, and makes the pool and the prompts.
    /// `offline`: nothing is fetched.
    ///
    /// # Errors
    /// Whatever is wrong with a source, naming the dataset.
    pub(crate) fn gather(
        asking: &'a Asking,
        seed: u64,
        (base, offline): (&Path, bool),
        console: &Console,
    ) -> Result<Self, Failure> {
        let mut read = Vec::with_capacity(asking.datasets.len());
        for dataset in &asking.datasets {
            let questions = read_one(dataset, (base, offline), console)
                .map_err(|failure| failure.during(format!("dataset `{}`", dataset.id)))?;
            read.push(questions);
        }
        let mut sources = Vec::new();
        for (plan, questions) in asking.datasets.iter().zip(&read) {
            for file in &questions.files {
                let name = format!("{}/{}", plan.id, file.name);
                sources.push(Source { name, sha256: file.sha256.clone(), bytes: file.bytes });
            }
        }
        let options = PoolOptions {
            seed: Seed::new(seed).derive("pool"),
            shares: RoleShares::USUAL,
            probe_rows_per_main_row: asking.probe_signals().map_or(0.0, |_| asking.pool.probe_rows),
            duplicates: asking.pool.duplicates,
        };
        let entries = asking.datasets.iter().zip(&read).map(|(plan, questions)| Entry {
            questions: questions.ingested.questions.clone(),
            refused: questions.ingested.refused.len() as u64,
            unlabelled: questions.ingested.unlabelled(),
            sample: plan.sample,
            few_shot: asking.prompt_of(plan).few_shot,
        });
        let pool = pool(entries.collect(), &options).or_fail(Kind::Input)?;
        let datasets = dataset_rows(asking, &read, &pool);
        let sets = ask_sets(asking, &read, &pool);
        let asked = Self { asking, seed, pool, datasets, sources, sets };
        asked.check(console)?;
        Ok(asked)
    }

    /// Whether a dataset can be read from where it lies, nothing being fetched.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) fn find_dataset(dataset: &DatasetPlan, base: &Path, console: &Console) -> Result<(), Failure> {
        read_one(dataset, (base, true), console).map(|_| ())
    }

    /// A pool in which nothing is asked is no use, and exemplars that are missing change what is asked.
    fn check(&self, console: &Console) -> Result<(), Failure> {
        for (plan, report) in self.asking.datasets.iter().zip(&self.pool.report.datasets) {
            if report.main == 0 {
                return Err(Failure::input(format!(
                    "dataset `{}`: no question is left to ask of its {} rows: {} are refused (`plimsoll datasets inspect` \
                     says why), the others are duplicates or set apart for exemplars and probes, 1 cluster in 5",
                    plan.id, report.rows, report.refused
                )));
            }
            if report.few_shot < report.few_shot_asked {
                return Err(Failure::input(format!(
                    "dataset `{}`: {} exemplars are wanted and its source has {}; 4 in 100 questions are set apart for \
                     this; ask for fewer (`prompt: {{few_shot: ..}}` of the dataset)",
                    plan.id, report.few_shot_asked, report.few_shot
                )));
            }
            if report.main < report.asked {
                console.note(format_args!(
                    "dataset `{}`, split {}: {} questions are asked of the {} wanted (of its {} rows some are refused, \
                     duplicates, or set apart for exemplars and probes)",
                    plan.id, report.split, report.main, report.asked, report.rows
                ));
            }
        }
        Ok(())
    }

    /// What is put to which model, model by model.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let slms = self.asking.slms.len();
        let mut groups = Vec::new();
        for (model, plan) in self.models().enumerate() {
            // Nobody can look into a model elsewhere, so nothing is asked for its probes.
            let probes = self.asking.probe_signals().filter(|_| plan.backend == BackendName::Candle);
            for (set, asked) in self.sets.iter().enumerate() {
                let signals = match (model < slms, asked.role, asked.kind) {
                    (true, PoolRole::ProbeTraining, _) => probes.clone(),
                    (true, _, kind) => Some(self.asking.signals(kind)),
                    (false, PoolRole::Main, PromptKind::Main) => Some(SignalRequest::answer()),
                    (false, ..) => None,
                };
                groups.extend(signals.map(|signals| Group { model, set, signals }));
            }
        }
        groups
    }

    /// The ids of the models, small ones first.
    pub(crate) fn models(&self) -> impl Iterator<Item = &'a crate::pipeline::asking::ModelPlan> + use<'a> {
        self.asking.slms.iter().chain(&self.asking.llms)
    }

    /// Questions by id.
    pub(crate) fn questions(&self) -> BTreeMap<&str, &Question> {
        self.pool.rows.iter().map(|row| (row.question.question_id.as_str(), &row.question)).collect()
    }
}

/// Reads a dataset; relative paths start at the plan's folder.
fn read_one(
    plan: &DatasetPlan,
    (base, offline): (&Path, bool),
    console: &Console,
) -> Result<Questions, Failure> {
    let source = match Place::parse(&plan.source).or_fail(Kind::Usage)? {
        _ if plan.source == questions::POCKET => plan.source.clone(),
        Place::Local(path) => base.join(path).display().to_string(),
        Place::Hub(_) => plan.source.clone(),
    };
    let mapping = plan.mapping.as_ref().map(|mapping| base.join(mapping));
    let wanted = Wanted {
        id: &plan.id,
        source: &source,
        split: plan.split.as_deref(),
        config: plan.config.as_deref(),
        mapping: mapping.as_deref(),
        offline,
    };
    questions::read(&wanted, console)
}

fn dataset_rows(asking: &Asking, read: &[Questions], pool: &Pool) -> Vec<DatasetRow> {
    let row = |((plan, questions), report): ((&DatasetPlan, &Questions), &_)| {
        let report: &plimsoll_ingest::pool::DatasetReport = report;
        DatasetRow {
            dataset: plan.id.clone(),
            domain: questions.dataset.get().domain().to_owned(),
            split: report.split.clone(),
            source: plan.source.clone(),
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
    };
    asking.datasets.iter().zip(read).zip(&pool.report.datasets).map(row).collect()
}

/// Every dataset once, in the order of the plan: main prompts, those of probe-training rows, those that ask
/// for a confidence too.
fn ask_sets(asking: &Asking, read: &[Questions], pool: &Pool) -> Vec<AskSet> {
    let mut sets: Vec<AskSet> = Vec::new();
    for (plan, questions) in asking.datasets.iter().zip(read) {
        if sets.iter().any(|set| set.dataset == plan.id) {
            // Another split of a dataset whose pool rows are asked already.
            continue;
        }
        let prompts = asking.prompt_of(plan);
        let spec = PromptSpec::new(questions.dataset.get(), prompts.style);
        let exemplars: Vec<&Question> = pool.of(&plan.id, PoolRole::FewShot).take(prompts.few_shot).collect();
        let requests = |role, spec: &PromptSpec| -> Vec<Request> {
            let ask = |question: &Question| Request {
                question_id: question.question_id.clone(),
                source_row: Some(question.source_row),
                prompt: prompt(question, &exemplars, spec),
            };
            pool.of(&plan.id, role).map(ask).collect()
        };
        let mut push = |kind, role, requests: Vec<Request>| {
            if !requests.is_empty() {
                let prompts_sha256 = prompts_sha256(&requests);
                sets.push(AskSet { dataset: plan.id.clone(), kind, role, requests, prompts_sha256 });
            }
        };
        push(PromptKind::Main, PoolRole::Main, requests(PoolRole::Main, &spec));
        if asking.probe_signals().is_some() {
            push(PromptKind::Main, PoolRole::ProbeTraining, requests(PoolRole::ProbeTraining, &spec));
        }
        if asking.verbalizes() {
            push(
                PromptKind::Verbalized,
                PoolRole::Main,
                requests(PoolRole::Main, &spec.clone().verbalized()),
            );
        }
    }
    sets
}

fn prompts_sha256(requests: &[Request]) -> String {
    let hashes: Vec<String> = requests.iter().map(|ask| ask.prompt.hash()).collect();
    plimsoll_core::canonical::sha256_hex(hashes.concat().as_bytes())
}
