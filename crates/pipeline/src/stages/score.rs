//! `score`: every method's confidence in every answer, joined to the labels, or imported from other programs' files.

pub(crate) mod import;
mod tables;

use plimsoll_core::records::GenerationRow;
use plimsoll_core::{Decoding, Question};
use plimsoll_evaluate::HoldOut;
use plimsoll_ingest::pool::PoolRole;
use plimsoll_router::Confidence;
use plimsoll_store::Provenance;
use plimsoll_store::tables::{confidences, scores};
use plimsoll_uq::methods::{PromptKind, Scoring};
use plimsoll_uq::{MethodConfig, MissingReason, ObservedSignals};
use serde_json::{Value, json};

use self::tables::{MethodScores, QuestionScore, Tables};
use crate::config::models::ModelConfig;
use crate::costs;
use crate::cross_fit::probes::{FoldScores, Probes};
use crate::failure::Failure;
use crate::observations::{GenerationsByQuestion, Labels, ModelObservations};
use crate::observer::Observer;
use crate::run_folder::RunFolder;
use crate::shards::Shard;
use crate::stage::Stage;
use crate::workload::{PromptSet, Workload};

/// The part of the pipeline that scores depend on.
pub(crate) fn parameters(workload: &Workload<'_>, held_out: &[HoldOut]) -> Value {
    let methods = &workload.inference.methods;
    let methods: Vec<Value> =
        methods.iter().map(|method| json!([method.id, method.variant_hash()])).collect();
    let prices: Vec<Value> = workload.models().map(|model| json!([model.id, model.price])).collect();
    let held_out: Vec<&str> = held_out.iter().map(|by| by.name()).collect();
    json!({
        "seed": workload.seed, "methods": methods, "prices": prices, "held_out": held_out,
        "tables": [confidences::TABLE.version, scores::TABLE.version],
    })
}

/// What the stage needs.
#[derive(Debug)]
pub(crate) struct ScoreStage<'a> {
    pub(crate) workload: &'a Workload<'a>,
    /// The answers' files.
    pub(crate) shards: &'a [Shard<'a>],
    /// SHA-256 of each small model's weights, where they are known.
    pub(crate) weights: Vec<Option<String>>,
    /// What transfer tests hold out.
    pub(crate) held_out: Vec<HoldOut>,
    pub(crate) folder: &'a RunFolder,
    pub(crate) observer: &'a dyn Observer,
}

/// What models answered to the questions of one dataset.
pub(crate) struct DatasetObservations<'a> {
    pub(crate) name: &'a str,
    pub(crate) questions: Vec<&'a Question>,
    /// The small model's, for main prompts.
    pub(crate) main: GenerationsByQuestion,
    /// The small model's, for prompts that ask for a confidence too.
    pub(crate) verbalized: GenerationsByQuestion,
    /// Of each large model, for main prompts.
    pub(crate) large: Vec<GenerationsByQuestion>,
}

impl DatasetObservations<'_> {
    /// The greedy answer that a method is about.
    pub(crate) fn answer(&self, method: &MethodConfig, question: &str) -> Option<&GenerationRow> {
        let generations = match method.prompt {
            PromptKind::Main => &self.main,
            PromptKind::Verbalized => &self.verbalized,
        };
        generations.get(question).and_then(|rows| rows.iter().find(|row| row.sample_index == 0))
    }
}

/// A method that scores one small model.
#[derive(Clone, Copy)]
struct MethodToScore<'a> {
    slm: &'a ModelConfig,
    method: &'a MethodConfig,
    labels: &'a Labels,
}

impl<'a> ScoreStage<'a> {
    /// Scores everything; gives the paths of the files, the table of scores first.
    ///
    /// # Errors
    /// A failure for tables that cannot be read or written, or probes that cannot be trained.
    pub(crate) fn run(&self, provenance: &Provenance) -> Result<Vec<String>, Failure> {
        let labels = Labels::read(self.folder)?;
        let mut tables = Tables::create(self.folder, provenance)?;
        let inference = self.workload.inference;
        let steps = inference.slms.len() * inference.methods.len();
        let progress = self.observer.steps(Stage::Score, steps as u64);
        for (index, slm) in inference.slms.iter().enumerate() {
            let datasets = self.datasets(index)?;
            for method in &inference.methods {
                progress.message(&format!("{} {}", slm.id, method.id));
                let scored = MethodToScore { slm, method, labels: &labels };
                match &method.scoring {
                    Scoring::Closed(formula) => {
                        self.closed(ClosedMethod { scored, formula: *formula }, &datasets, &mut tables)?;
                    }
                    Scoring::Probe(probe) => {
                        let probes = self.probes(slm, index);
                        let trained = probes.train(method, probe, &labels)?;
                        for dataset in &datasets {
                            let folds = probes.score(&trained, dataset.name, &dataset.questions)?;
                            self.probed(scored, dataset, folds, &mut tables)?;
                        }
                        tables.add_outputs(trained.write(self.folder)?);
                    }
                }
                progress.step();
            }
        }
        tables.finish()
    }

    fn observations(&self, model: usize) -> ModelObservations<'a> {
        ModelObservations { shards: self.shards, folder: self.folder, model }
    }

    /// What was answered for each dataset, by one small model and by all large ones.
    fn datasets(&self, slm: usize) -> Result<Vec<DatasetObservations<'a>>, Failure> {
        let (slms, llms) = (self.workload.inference.slms.len(), self.workload.inference.llms.len());
        let main = |set: &&PromptSet| set.kind == PromptKind::Main && set.role == PoolRole::Main;
        let mut all = Vec::new();
        for set in self.workload.sets.iter().filter(main) {
            let name = set.dataset.as_str();
            let generations = |model, kind| self.observations(model).generations(name, kind, PoolRole::Main);
            let large = (slms..slms + llms).map(|model| generations(model, PromptKind::Main));
            all.push(DatasetObservations {
                name,
                questions: self.workload.pool.questions(name, PoolRole::Main).collect(),
                main: generations(slm, PromptKind::Main)?,
                verbalized: generations(slm, PromptKind::Verbalized)?,
                large: large.collect::<Result<_, _>>()?,
            });
        }
        Ok(all)
    }

    fn probes(&self, slm: &'a ModelConfig, index: usize) -> Probes<'_> {
        Probes {
            workload: self.workload,
            observations: self.observations(index),
            slm,
            weights: self.weights.get(index).cloned().flatten(),
            held_out: &self.held_out,
        }
    }

    /// A method with a formula: each question is scored by itself.
    fn closed(
        &self,
        closed: ClosedMethod<'_>,
        datasets: &[DatasetObservations<'_>],
        tables: &mut Tables,
    ) -> Result<(), Failure> {
        let (inference, MethodToScore { slm, method, labels }) = (self.workload.inference, closed.scored);
        for dataset in datasets {
            let questions = dataset.questions.iter().copied();
            let rows =
                questions.map(|question| closed.score(question, dataset, inference.decoding)).collect();
            let scores = MethodScores { slm, method, dataset, rows };
            tables.write_confidences(&scores, None)?;
            tables.write_scores(&scores, inference, labels)?;
        }
        Ok(())
    }

    /// A method that is a probe. Thresholds are fitted on the scores of no fold; those of folds are for transfer tests.
    fn probed(
        &self,
        scored: MethodToScore<'_>,
        dataset: &DatasetObservations<'_>,
        folds: Vec<FoldScores>,
        tables: &mut Tables,
    ) -> Result<(), Failure> {
        let MethodToScore { slm, method, labels } = scored;
        for FoldScores { fold, scored } in folds {
            let rows = dataset.questions.iter().copied().zip(scored);
            let row = |(question, scored)| QuestionScore { question, scored, answer_mass: None };
            let scores = MethodScores { slm, method, dataset, rows: rows.map(row).collect() };
            tables.write_confidences(&scores, fold.as_deref())?;
            if fold.is_none() {
                tables.write_scores(&scores, self.workload.inference, labels)?;
            }
        }
        Ok(())
    }
}

/// A confidence from the observations of one question.
type Formula = fn(&ObservedSignals<'_>, &Value) -> Result<Confidence, MissingReason>;

/// A method with a formula.
#[derive(Clone, Copy)]
struct ClosedMethod<'a> {
    scored: MethodToScore<'a>,
    formula: Formula,
}

impl ClosedMethod<'_> {
    fn score<'q>(
        &self,
        question: &'q Question,
        dataset: &DatasetObservations<'_>,
        decoding: Decoding,
    ) -> QuestionScore<'q> {
        let MethodToScore { method, labels, .. } = self.scored;
        let id = question.question_id.as_str();
        let answer = dataset.answer(method, id);
        let rows = dataset.main.get(id).map_or(&[][..], Vec::as_slice);
        // Those at the method's temperature.
        let samples: Vec<GenerationRow> = costs::samples(&method.request, decoding, rows).cloned().collect();
        let observed = ObservedSignals {
            kind: question.answer_kind,
            question: &question.question,
            answer: if method.prompt == PromptKind::Main { answer } else { None },
            label: answer.and_then(|answer| labels.get(answer)),
            samples: &samples,
            verbalized: dataset.verbalized.get(id).and_then(|rows| rows.first()),
        };
        QuestionScore {
            question,
            scored: (self.formula)(&observed, &method.parameters),
            answer_mass: plimsoll_uq::method(method.id).and_then(|method| method.answer_mass(&observed)),
        }
    }
}
