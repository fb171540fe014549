//! `score`, where models are asked: every method's confidence in every answer, joined to the grades that it
//! is held against.

use std::collections::BTreeMap;

use plimsoll_core::records::{ConfidenceRow, GenerationRow, ScoreRow};
use plimsoll_core::{MissingSignal, Question};
use plimsoll_evaluate::HoldOut;
use plimsoll_ingest::pool::PoolRole;
use plimsoll_router::Confidence;
use plimsoll_store::tables::{confidences, scores};
use plimsoll_store::{Provenance, TableWriter};
use plimsoll_uq::methods::{PromptKind, Scoring as How};
use plimsoll_uq::{MethodConfig, MissingReason, ObservedSignals};
use serde_json::{Value, json};

use super::SCORE;
use super::answers::{Labels, OfModel, Said};
use super::asked::Asked;
use super::costs;
use super::inference::Part;
use super::key;
use super::probes::Probes;
use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::manifest::Source;
use crate::folder::{OutputFolder, table_path};
use crate::pipeline::asking::ModelPlan;
use crate::progress::Progress;

/// A confidence, or why there is none.
pub(crate) type Scored = Result<Confidence, String>;

/// What scoring needs.
#[derive(Debug)]
pub(crate) struct Scoring<'a> {
    /// The questions.
    pub(crate) asked: &'a Asked<'a>,
    /// The answers' files.
    pub(crate) parts: &'a [Part<'a>],
    /// SHA-256 of each small model's weights, where they are known.
    pub(crate) weights: Vec<Option<String>>,
    /// What a transfer test will hold out.
    pub(crate) held_out: Vec<HoldOut>,
    /// What it depends on.
    pub(crate) parameters: Value,
    /// The answers' and labels' records, for the provenance.
    pub(crate) inputs: Vec<Source>,
    /// Told what happens.
    pub(crate) console: &'a Console,
}

/// The part of the plan that scores depend on.
pub(crate) fn parameters(asked: &Asked<'_>, held_out: &[HoldOut]) -> Value {
    let methods: Vec<Value> =
        asked.asking.methods.iter().map(|method| json!([method.id, method.variant_hash()])).collect();
    let prices: Vec<Value> = asked.models().map(|model| json!([model.id, model.price])).collect();
    let held_out: Vec<&str> = held_out.iter().map(|by| by.name()).collect();
    json!({
        "seed": asked.seed, "methods": methods, "prices": prices, "held_out": held_out,
        "tables": [confidences::TABLE.version, scores::TABLE.version],
    })
}

/// The tables as they grow.
struct Tables {
    confidences: TableWriter,
    scores: TableWriter,
    outputs: Vec<String>,
}

impl Tables {
    fn create(folder: &OutputFolder, provenance: &Provenance) -> Result<Self, Failure> {
        let (scores_output, output) = (table_path(scores::TABLE.name), table_path(confidences::TABLE.name));
        let create = |table, output: &str| {
            TableWriter::create(table, &folder.path(output), provenance).or_fail(Kind::Stage)
        };
        Ok(Self {
            confidences: create(&confidences::TABLE, &output)?,
            scores: create(&scores::TABLE, &scores_output)?,
            // The table of scores is the stage's first output, by which later stages know it.
            outputs: vec![scores_output, output],
        })
    }

    fn finish(self) -> Result<Vec<String>, Failure> {
        self.confidences.finish().or_fail(Kind::Stage)?;
        self.scores.finish().or_fail(Kind::Stage)?;
        Ok(self.outputs)
    }
}

/// Confidences of one method, model and dataset, with the answers that they speak of.
struct ScoreSeries<'a> {
    slm: &'a ModelPlan,
    method: &'a MethodConfig,
    dataset: &'a str,
    rows: Vec<Row<'a>>,
}

/// What a method says of the answer to a question.
struct Row<'a> {
    question: &'a Question,
    scored: Scored,
    /// How likely the replies are together whose probabilities the method compares.
    answer_mass: Option<f64>,
}

/// What was said of one dataset.
struct OfDataset<'a> {
    name: &'a str,
    questions: Vec<&'a Question>,
    main: Said,
    verbalized: Said,
    /// Of each large model.
    large: Vec<Said>,
}

impl OfDataset<'_> {
    /// The greedy answer that a method speaks of.
    fn answer(&self, method: &MethodConfig, question: &str) -> Option<&GenerationRow> {
        let said = match method.prompt {
            PromptKind::Main => &self.main,
            PromptKind::Verbalized => &self.verbalized,
        };
        said.get(question).and_then(|rows| rows.iter().find(|row| row.sample_index == 0))
    }
}

impl Scoring<'_> {
    /// Scores everything; gives the names of the files, the table of scores first.
    ///
    /// # Errors
    /// A failure for tables that cannot be read or written, or probes that cannot be trained.
    pub(crate) fn run(&self, folder: &OutputFolder) -> Result<Vec<String>, Failure> {
        let labels = Labels::read(folder)?;
        let provenance = key::provenance(SCORE, &self.parameters, &self.inputs, self.asked.seed);
        let mut tables = Tables::create(folder, &provenance)?;
        let asking = self.asked.asking;
        let steps = asking.slms.len() * asking.methods.len();
        let progress = Progress::steps(self.console, SCORE, steps as u64);
        for (place, slm) in asking.slms.iter().enumerate() {
            let of_model = |model| OfModel { asked: self.asked, parts: self.parts, folder, model };
            let datasets = self.datasets(&of_model, place)?;
            let probes = Probes {
                of: of_model(place),
                slm,
                weights: self.weights.get(place).cloned().flatten(),
                held_out: &self.held_out,
            };
            for method in &asking.methods {
                progress.doing(format!("{} {}", slm.id, method.id));
                match &method.scoring {
                    How::Closed(_) => self.closed((method, slm), &datasets, &labels, &mut tables)?,
                    How::Probe(probe) => {
                        let trained = probes.train(method, probe, &labels)?;
                        for dataset in &datasets {
                            let scored = probes.score(&trained, dataset.name, &dataset.questions)?;
                            for (fold, scored) in scored {
                                let rows = dataset.questions.iter().copied().zip(scored);
                                let row = |(question, scored)| Row { question, scored, answer_mass: None };
                                let rows = rows.map(row).collect();
                                let series = ScoreSeries { slm, method, dataset: dataset.name, rows };
                                Self::write_confidences(&series, fold.as_deref(), &mut tables)?;
                                if fold.is_none() {
                                    self.write_scores(&series, dataset, &labels, &mut tables)?;
                                }
                            }
                        }
                        tables.outputs.extend(trained.keep(folder)?);
                    }
                }
                progress.step();
            }
        }
        tables.finish()
    }

    /// What was said of each dataset, by the small model at this place and by all large ones.
    fn datasets<'s>(
        &'s self,
        of_model: &dyn Fn(usize) -> OfModel<'s>,
        slm: usize,
    ) -> Result<Vec<OfDataset<'s>>, Failure> {
        let (slms, llms) = (self.asked.asking.slms.len(), self.asked.asking.llms.len());
        let main = |set: &&super::asked::AskSet| set.kind == PromptKind::Main && set.role == PoolRole::Main;
        let mut all = Vec::new();
        for set in self.asked.sets.iter().filter(main) {
            let name = set.dataset.as_str();
            let said = |model, kind| of_model(model).said(name, kind, PoolRole::Main);
            let large = (slms..slms + llms).map(|model| said(model, PromptKind::Main));
            all.push(OfDataset {
                name,
                questions: self.asked.pool.of(name, PoolRole::Main).collect(),
                main: said(slm, PromptKind::Main)?,
                verbalized: said(slm, PromptKind::Verbalized)?,
                large: large.collect::<Result<_, _>>()?,
            });
        }
        Ok(all)
    }

    /// A method that scores each question by itself.
    fn closed(
        &self,
        (method, slm): (&MethodConfig, &ModelPlan),
        datasets: &[OfDataset<'_>],
        labels: &Labels,
        tables: &mut Tables,
    ) -> Result<(), Failure> {
        for dataset in datasets {
            let questions = dataset.questions.iter().copied();
            let rows = questions.map(|question| self.score_one(method, question, dataset, labels)).collect();
            let series = ScoreSeries { slm, method, dataset: dataset.name, rows };
            Self::write_confidences(&series, None, tables)?;
            self.write_scores(&series, dataset, labels, tables)?;
        }
        Ok(())
    }

    fn score_one<'q>(
        &self,
        method: &MethodConfig,
        question: &'q Question,
        dataset: &OfDataset<'_>,
        labels: &Labels,
    ) -> Row<'q> {
        let How::Closed(score) = method.scoring else {
            let scored = Err(MissingSignal::NotRecorded.name().to_owned());
            return Row { question, scored, answer_mass: None };
        };
        let id = question.question_id.as_str();
        let answer = dataset.answer(method, id);
        let samples = dataset.main.get(id).map_or_else(Vec::new, |rows| self.samples(method, rows));
        let verbalized = dataset.verbalized.get(id).and_then(|rows| rows.first());
        let observed = ObservedSignals {
            kind: question.answer_kind,
            question: &question.question,
            answer: if method.prompt == PromptKind::Main { answer } else { None },
            label: answer.and_then(|answer| labels.of(answer)),
            samples: &samples,
            verbalized,
        };
        Row {
            question,
            scored: score(&observed, &method.parameters).map_err(MissingReason::name),
            answer_mass: plimsoll_uq::method(method.id).and_then(|method| method.answer_mass(&observed)),
        }
    }

    /// The samples that a method asked for: those at its temperature.
    fn samples(&self, method: &MethodConfig, rows: &[GenerationRow]) -> Vec<GenerationRow> {
        costs::samples(&method.request, self.asked.asking.decoding, rows).cloned().collect()
    }

    fn write_confidences(
        series: &ScoreSeries<'_>,
        fold: Option<&str>,
        tables: &mut Tables,
    ) -> Result<(), Failure> {
        let variant_hash = series.method.variant_hash();
        let rows: Vec<ConfidenceRow> = series
            .rows
            .iter()
            .map(|row| ConfidenceRow {
                question_id: row.question.question_id.to_string(),
                dataset: series.dataset.to_owned(),
                model: series.slm.id.clone(),
                method: series.method.id.to_owned(),
                fold: fold.map(str::to_owned),
                confidence: row.scored.as_ref().ok().map(|confidence| confidence.get()),
                missing_reason: row.scored.as_ref().err().cloned(),
                answer_mass: row.answer_mass,
                variant_hash: variant_hash.clone(),
            })
            .collect();
        tables.confidences.write_rows(&rows).or_fail(Kind::Stage)
    }

    fn write_scores(
        &self,
        series: &ScoreSeries<'_>,
        dataset: &OfDataset<'_>,
        labels: &Labels,
        tables: &mut Tables,
    ) -> Result<(), Failure> {
        let asking = self.asked.asking;
        let pairs: Vec<Option<usize>> =
            if asking.llms.is_empty() { vec![None] } else { (0..asking.llms.len()).map(Some).collect() };
        for llm in pairs {
            let row = |Row { question, scored, .. }: &Row<'_>| {
                let id = question.question_id.as_str();
                let answer = dataset.answer(series.method, id);
                let large = llm.and_then(|llm| dataset.large[llm].get(id)).and_then(|rows| rows.first());
                let rows = dataset.main.get(id).map_or(&[][..], Vec::as_slice);
                ScoreRow {
                    question_id: id.to_owned(),
                    dataset: series.dataset.to_owned(),
                    domain: Some(question.domain.to_string()),
                    slm: Some(series.slm.id.clone()),
                    llm: llm.map(|llm| asking.llms[llm].id.clone()),
                    method: series.method.id.to_owned(),
                    confidence: scored.as_ref().ok().map(|confidence| confidence.get()),
                    slm_correct: labels.outcome(answer).as_bool(),
                    llm_correct: labels.outcome(large).as_bool(),
                    cluster_id: question.cluster_id.clone(),
                    slm_cost: answer.and_then(|answer| {
                        costs::of_method(series.method, asking.decoding, series.slm.price, (answer, rows))
                    }),
                    llm_cost: llm
                        .zip(large)
                        .and_then(|(llm, large)| costs::of_text(large, asking.llms[llm].price)),
                }
            };
            let rows: Vec<ScoreRow> = series.rows.iter().map(row).collect();
            tables.scores.write_rows(&rows).or_fail(Kind::Stage)?;
        }
        Ok(())
    }
}

/// Questions of a list by their ids.
pub(crate) fn by_id<'q>(questions: &[&'q Question]) -> BTreeMap<&'q str, &'q Question> {
    questions.iter().map(|question| (question.question_id.as_str(), *question)).collect()
}
