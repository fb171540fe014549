//! Probes of one small model: trained on the rows set apart for them, each scoring what it must not have seen.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_core::missing::MissingReason;
use plimsoll_core::seed::key_of;
use plimsoll_core::signal::HiddenStateSignal;
use plimsoll_core::{DatasetId, MissingSignal, Question, Seed};
use plimsoll_evaluate::HoldOut;
use plimsoll_files::write_atomic;
use plimsoll_ingest::pool::PoolRole;
use plimsoll_router::Confidence;
use plimsoll_uq::MethodConfig;
use plimsoll_uq::methods::{ProbeKind, ProbeMethod, PromptKind};
use plimsoll_uq::probe::{CrossFitted, Example, HeldOutDatasets, Probe, ProbeOrigin, TrainingRow};

use super::fold_name;
use crate::config::models::ModelConfig;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::file_name::safe;
use crate::observations::{Labels, ModelObservations};
use crate::run_folder::RunFolder;
use crate::workload::Workload;

/// The folder of probes in a run folder.
const PROBES: &str = "probes";

/// The probes of one small model.
#[derive(Debug)]
pub(crate) struct Probes<'a> {
    pub(crate) workload: &'a Workload<'a>,
    pub(crate) observations: ModelObservations<'a>,
    pub(crate) slm: &'a ModelConfig,
    /// SHA-256 of its weights, where they are known.
    pub(crate) weights: Option<String>,
    /// What a transfer test will hold out.
    pub(crate) held_out: &'a [HoldOut],
}

/// The probes of one method.
#[derive(Debug)]
pub(crate) struct TrainedProbes {
    probes: CrossFitted,
    kind: ProbeKind,
    signal: HiddenStateSignal,
    folds: Vec<(String, HeldOutDatasets)>,
    datasets: BTreeSet<DatasetId>,
    origin: ProbeOrigin,
    stem: String,
}

/// A confidence, or why there is none.
pub(crate) type Scored = Result<Confidence, MissingReason>;

/// The confidences of one dataset's questions, in their order.
#[derive(Debug)]
pub(crate) struct FoldScores {
    /// The transfer test that they are for; `None` for those that thresholds are fitted on.
    pub(crate) fold: Option<String>,
    pub(crate) scored: Vec<Scored>,
}

/// A row set apart for probes.
struct Row {
    dataset: DatasetId,
    key: u64,
    cluster: u64,
    state: Vec<f32>,
    correct: bool,
}

impl Probes<'_> {
    /// Trains every probe of a method that scores or tests need.
    pub(crate) fn train(
        &self,
        method: &MethodConfig,
        probe: &ProbeMethod,
        labels: &Labels,
    ) -> Result<TrainedProbes, Failure> {
        let signal = HiddenStateSignal { layer: probe.layer, position: probe.position };
        let datasets = self.datasets()?;
        let rows = self.training_rows(&datasets, signal, labels)?;
        let examples: Vec<TrainingRow<'_>> = rows
            .iter()
            .map(|row| TrainingRow {
                dataset: &row.dataset,
                example: Example {
                    key: row.key,
                    cluster: row.cluster,
                    state: &row.state,
                    correct: row.correct,
                },
            })
            .collect();
        let folds = match probe.kind {
            // It learns from its own dataset alone, whatever is held out.
            ProbeKind::SameDataset => Vec::new(),
            ProbeKind::OtherDatasets => self.folds()?,
        };
        let seed =
            Seed::new(self.workload.seed).derive("score").derive(self.slm.id.as_str()).derive(method.id);
        let tasks: Vec<HeldOutDatasets> = folds.iter().map(|(_, group)| group.clone()).collect();
        let probes = CrossFitted::train(probe, &datasets, &examples, &tasks, (&seed, &|_| {}));
        let during = format!("method `{}` of model `{}`", method.id, self.slm.id);
        let probes = probes.or_fail(FailureKind::Stage).map_err(|failure| failure.during(during))?;
        let origin = ProbeOrigin {
            method: method.id.to_owned(),
            model: self.slm.id.to_string(),
            weights_sha256: self.weights.clone().unwrap_or_default(),
            layer: probe.layer,
            position: probe.position.name().to_owned(),
            datasets: Vec::new(),
        };
        let stem = file_stem(self.slm.id.as_str(), method.id);
        Ok(TrainedProbes { probes, kind: probe.kind, signal, folds, datasets, origin, stem })
    }

    /// The confidences of a dataset's questions, in their order: those that thresholds are fitted on, then
    /// those of each transfer test.
    pub(crate) fn score(
        &self,
        trained: &TrainedProbes,
        dataset: &str,
        questions: &[&Question],
    ) -> Result<Vec<FoldScores>, Failure> {
        let id = DatasetId::new(dataset).or_fail(FailureKind::Stage)?;
        let states = self.observations.hidden_states(dataset, PoolRole::Main, trained.signal)?;
        let none = HeldOutDatasets::new();
        let folds = [(None, &none)].into_iter();
        let folds = folds.chain(trained.folds.iter().map(|(name, group)| (Some(name.clone()), group)));
        let mut all = Vec::new();
        for (name, group) in folds {
            let mut scored = Vec::with_capacity(questions.len());
            for question in questions {
                let (_, cluster) = keys(question);
                scored.push(match states.get(question.question_id.as_str()) {
                    None => Err(MissingSignal::NotRecorded.into()),
                    Some(Err(reason)) => Err((*reason).into()),
                    Some(Ok(state)) => trained
                        .probes
                        .score(&id, group, cluster, state)
                        .or_fail(FailureKind::Stage)?
                        .map_err(Into::into),
                });
            }
            all.push(FoldScores { fold: name, scored });
        }
        Ok(all)
    }

    fn datasets(&self) -> Result<BTreeSet<DatasetId>, Failure> {
        let main = self
            .workload
            .sets
            .iter()
            .filter(|set| set.kind == PromptKind::Main && set.role == PoolRole::Main);
        main.map(|set| DatasetId::new(set.dataset.as_str()).or_fail(FailureKind::Stage)).collect()
    }

    /// What each transfer test holds out. A single dataset (or domain) is no test: nothing would be left.
    fn folds(&self) -> Result<Vec<(String, HeldOutDatasets)>, Failure> {
        let mut folds = Vec::new();
        for by in self.held_out {
            let mut tasks: BTreeMap<&str, HeldOutDatasets> = BTreeMap::new();
            for row in &self.workload.datasets {
                let name = match by {
                    HoldOut::Dataset => &row.dataset,
                    HoldOut::Domain => &row.domain,
                };
                let id = DatasetId::new(row.dataset.as_str()).or_fail(FailureKind::Stage)?;
                tasks.entry(name).or_default().insert(id);
            }
            if tasks.len() > 1 {
                let named = |(name, group): (&str, HeldOutDatasets)| (fold_name(*by, name), group);
                folds.extend(tasks.into_iter().map(named));
            }
        }
        Ok(folds)
    }

    /// The rows set apart for probes that have a state and a grade.
    fn training_rows(
        &self,
        datasets: &BTreeSet<DatasetId>,
        signal: HiddenStateSignal,
        labels: &Labels,
    ) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        for dataset in datasets {
            let role = PoolRole::ProbeTraining;
            let questions: Vec<&Question> = self.workload.pool.questions(dataset.as_str(), role).collect();
            let questions: BTreeMap<&str, &Question> =
                questions.iter().map(|question| (question.question_id.as_str(), *question)).collect();
            let generations = self.observations.generations(dataset.as_str(), PromptKind::Main, role)?;
            for (id, state) in self.observations.hidden_states(dataset.as_str(), role, signal)? {
                let answer = generations.get(&id).and_then(|rows| rows.first());
                let (Some(question), Ok(state), Some(correct)) =
                    (questions.get(id.as_str()), state, labels.outcome(answer).as_bool())
                else {
                    continue;
                };
                let (key, cluster) = keys(question);
                rows.push(Row { dataset: dataset.clone(), key, cluster, state, correct });
            }
        }
        Ok(rows)
    }
}

/// The beginning of the names of a method's probes in a run folder.
pub(crate) fn file_stem(slm: &str, method: &str) -> String {
    format!("{PROBES}/{}--{}", safe(slm), safe(method))
}

/// Keys of a question and of its cluster, whose questions are not independent.
fn keys(question: &Question) -> (u64, u64) {
    let dataset = key_of(0, question.dataset.as_str());
    (key_of(dataset, question.question_id.as_str()), key_of(dataset, question.cluster()))
}

impl TrainedProbes {
    /// Writes the probes that are shipped; gives the names of the files.
    pub(crate) fn write(&self, folder: &RunFolder) -> Result<Vec<String>, Failure> {
        let mut outputs = Vec::new();
        match self.kind {
            ProbeKind::OtherDatasets => {
                // All datasets share the one that learnt from all of them.
                let shipped = self.datasets.first().and_then(|dataset| self.probes.shipped(dataset));
                outputs.extend(shipped.map(|probe| self.write_one(probe, None, folder)).transpose()?);
            }
            ProbeKind::SameDataset => {
                for dataset in &self.datasets {
                    let shipped = self.probes.shipped(dataset);
                    let written = shipped.map(|probe| self.write_one(probe, Some(dataset), folder));
                    outputs.extend(written.transpose()?);
                }
            }
        }
        Ok(outputs)
    }

    fn write_one(
        &self,
        probe: &Probe,
        dataset: Option<&DatasetId>,
        folder: &RunFolder,
    ) -> Result<String, Failure> {
        let datasets: Vec<String> = match dataset {
            Some(dataset) => vec![dataset.to_string()],
            None => self.datasets.iter().map(ToString::to_string).collect(),
        };
        let origin = ProbeOrigin { datasets, ..self.origin.clone() };
        let bytes = probe.to_bytes(&origin).or_fail(FailureKind::Stage)?;
        let suffix = dataset.map_or_else(String::new, |dataset| format!("--{}", safe(dataset.as_str())));
        let output = format!("{}{suffix}.safetensors", self.stem);
        write_atomic(&folder.path(&output), |file| file.write_all(&bytes)).or_fail(FailureKind::Stage)?;
        Ok(output)
    }
}
