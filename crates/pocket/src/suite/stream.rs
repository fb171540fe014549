//! What models are trained on: an endless stream of documents, each by its index.

use plimsoll_core::prompt::Prompt;
use plimsoll_core::{Question, Seed};
use plimsoll_ingest::prompts::{PromptSpec, PromptStyle, prompt};
use serde::{Deserialize, Serialize};

use super::draw::{Feed, Sampler};
use super::error::SuiteError;
use super::recall::{self, Recall};
use super::side::SuiteSide;
use super::world::World;
use super::{DATASETS, datasets};

/// The mixture of documents in a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mixture {
    /// Weight of documents that state facts and sums.
    pub statements: f64,
    /// Weight of dialogues.
    pub dialogues: f64,
    /// Weight of exercises in recall.
    pub recall: f64,
    /// Weight of exercises in comparing.
    pub comparisons: f64,
    /// Datasets, for statements and dialogues, with their weights. Others do not occur.
    pub datasets: Vec<(String, f64)>,
    /// Exponent of the frequencies of facts, 0 to 3: the fact of rank r has a weight of r^-zipf.
    pub zipf: f64,
    /// How many wordings of a question or a fact occur, 1 to 7, the rare one not counted.
    pub templates: usize,
    /// How often the rare wording is taken, 0 to 1.
    pub rare_template: f64,
    /// Maximum number of pairs in an exercise, 2 to 8.
    pub recall_pairs: usize,
}

impl Mixture {
    /// Its exercises alone, of which this share is in comparing and the rest in recall.
    #[must_use]
    pub fn exercises(&self, comparisons: f64) -> Self {
        Self { statements: 0.0, dialogues: 0.0, recall: 1.0 - comparisons, comparisons, ..self.clone() }
    }
}

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub enum TrainingDocument {
    /// Sentences, one space between them.
    Statements(String),
    /// A question with the reply to it.
    Dialogue(Box<Dialogue>),
    /// An exercise.
    Recall(Recall),
}

/// A question with the reply to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Dialogue {
    /// A question of the training side.
    pub question: Question,
    /// Its direct prompt without exemplars, as it is sent in a run.
    pub prompt: Prompt,
    /// The reply: an option's words, a number, yes or no, a name; no space around it.
    pub reply: String,
}

/// A stream of documents.
#[derive(Debug, Clone)]
pub struct Stream {
    seed: Seed,
    feed: Feed,
    kinds: [f64; 4],
    weights: Vec<f64>,
    pairs: usize,
}

impl Stream {
    /// A stream of this seed.
    ///
    /// # Errors
    /// [`SuiteError`] for weights and parameters that are none, and for unknown datasets.
    pub fn new(seed: Seed, mixture: &Mixture) -> Result<Self, SuiteError> {
        let kinds = [mixture.statements, mixture.dialogues, mixture.recall, mixture.comparisons];
        let mut weights = vec![0.0; DATASETS.len()];
        for (id, weight) in &mixture.datasets {
            let number = datasets::number(id).ok_or_else(|| SuiteError::NoDataset { id: id.clone() })?;
            weights[number] = *weight;
        }
        check_weights("a weight of a kind of document", &kinds)?;
        if mixture.statements + mixture.dialogues > 0.0 {
            check_weights("a weight of a dataset", &weights)?;
        }
        check("zipf", mixture.zipf, 0.0..=3.0, "from 0 to 3")?;
        check("templates", mixture.templates as f64, 1.0..=7.0, "from 1 to 7")?;
        check("rare_template", mixture.rare_template, 0.0..=1.0, "from 0 to 1")?;
        check("recall_pairs", mixture.recall_pairs as f64, 2.0..=8.0, "from 2 to 8")?;
        let feed =
            Feed { zipf: mixture.zipf, templates: mixture.templates, rare_template: mixture.rare_template };
        Ok(Self { seed, feed, kinds, weights, pairs: mixture.recall_pairs })
    }

    /// The document with this index, whichever were taken before.
    ///
    /// # Errors
    /// [`SuiteError::NoQuestion`], which a test rules out.
    pub fn document(&self, index: u64) -> Result<TrainingDocument, SuiteError> {
        let mut draw = Sampler::new(self.seed.derive("document").derive_index(index), self.feed);
        Ok(match draw.weighted(&self.kinds) {
            0 => TrainingDocument::Statements(self.statements(&mut draw)),
            1 => TrainingDocument::Dialogue(Box::new(self.dialogue(&mut draw, index)?)),
            2 => TrainingDocument::Recall(recall::exercise(self.pairs, World::get(), &mut draw)),
            _ => TrainingDocument::Recall(recall::comparison(self.pairs, World::get(), &mut draw)),
        })
    }

    fn statements(&self, draw: &mut Sampler) -> String {
        let (count, mut sentences) = (draw.between(1, 4) as usize, Vec::new());
        while sentences.len() < count {
            let generator = datasets::generator(draw.weighted(&self.weights));
            sentences.push(generator.statement(World::get(), draw));
        }
        sentences.join(" ")
    }

    fn dialogue(&self, draw: &mut Sampler, index: u64) -> Result<Dialogue, SuiteError> {
        let number = draw.weighted(&self.weights);
        let dataset = DATASETS[number];
        let item = loop {
            let mut items = datasets::generator(number).items(World::get(), draw);
            let item = items.swap_remove(draw.below(items.len()));
            if item.side() == SuiteSide::Training {
                break item;
            }
        };
        let wrong = |source| SuiteError::NoQuestion { dataset: dataset.id().to_owned(), source };
        let question = item.question(dataset, &index.to_string()).map_err(wrong)?;
        let prompt = prompt(&question, &[], &PromptSpec::new(dataset, PromptStyle::Direct));
        Ok(Dialogue { question, prompt, reply: item.answer })
    }
}

fn check_weights(what: &'static str, weights: &[f64]) -> Result<(), SuiteError> {
    if let Some(value) = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
        return Err(SuiteError::Mixture { what, value: *value, expected: "a finite number of at least 0" });
    }
    let sum: f64 = weights.iter().sum();
    if sum > 0.0 {
        Ok(())
    } else {
        Err(SuiteError::Mixture { what, value: sum, expected: "above 0 for one at least" })
    }
}

fn check(
    what: &'static str,
    value: f64,
    range: std::ops::RangeInclusive<f64>,
    expected: &'static str,
) -> Result<(), SuiteError> {
    if range.contains(&value) { Ok(()) } else { Err(SuiteError::Mixture { what, value, expected }) }
}
