//! Looks at held-out questions: the validation rows of the suite, and exercises in recall.

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_core::{AnswerKind, Question, Seed};
use plimsoll_ingest::prompts::{PromptSpec, PromptStyle, prompt};
use plimsoll_ingest::read_files;
use serde::{Deserialize, Serialize};

use super::error::TrainError;
use super::network::{Loss, Network};
use super::plan::Plan;
use super::reader::Reader;
use super::sample::Sample;
use plimsoll_pocket::suite::{DATASETS, Document, Stream, native_file, native_rows};

/// What a look found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Nats per token of replies to held-out questions.
    pub loss: f64,
    /// Share of the answers in held-out exercises in recall whose every token comes first.
    pub recall: f64,
    /// The same of exercises in comparing.
    pub comparisons: f64,
    /// Mean over datasets of the share of replies whose every token comes first.
    pub accuracy: f64,
    /// The same of each dataset.
    pub datasets: BTreeMap<String, f64>,
}

/// What is looked at.
#[derive(Debug)]
pub struct HeldOut {
    recall: Vec<Sample>,
    comparisons: Vec<Sample>,
    questions: Vec<(String, Vec<Sample>)>,
}

impl HeldOut {
    /// That of a plan. Rows are read through a file in `folder`, as evaluations read them.
    ///
    /// # Errors
    /// [`TrainError`] for rows that do not read.
    pub fn new(plan: &Plan, seed: Seed, reader: &mut Reader, folder: &Path) -> Result<Self, TrainError> {
        let recall = exercises(plan, 0.0, seed.derive("held-out exercises"), reader)?;
        let comparisons = exercises(plan, 1.0, seed.derive("held-out comparisons"), reader)?;
        let mut questions = Vec::new();
        for dataset in DATASETS {
            let rows = rows(*dataset, "validation", folder)?;
            let rows = rows.iter().take(plan.held_out);
            let samples = rows.map(|row| {
                let prompt = prompt(row, &[], &PromptSpec::new(*dataset, PromptStyle::Direct));
                reader.dialogue(&prompt.messages, &[(reply(row), 1.0)], 0.0)
            });
            questions.push((dataset.id().to_owned(), samples.collect::<Result<_, _>>()?));
        }
        Ok(Self { recall, comparisons, questions })
    }

    /// Looks.
    pub fn look(&self, network: &mut Network, numbers: &[f32]) -> Look {
        let mut look = Look {
            loss: 0.0,
            recall: answered(network, numbers, &self.recall),
            comparisons: answered(network, numbers, &self.comparisons),
            accuracy: 0.0,
            datasets: BTreeMap::new(),
        };
        let mut loss = Loss::default();
        for (dataset, samples) in &self.questions {
            let found = network.loss(numbers, samples);
            loss.nats += found.nats;
            loss.weight += found.weight;
            let right = samples.iter().filter(|sample| runs(network, numbers, sample).all(|right| right));
            let share = right.count() as f64 / samples.len().max(1) as f64;
            look.datasets.insert(dataset.clone(), share);
        }
        look.loss = loss.mean();
        look.accuracy = look.datasets.values().sum::<f64>() / look.datasets.len().max(1) as f64;
        look
    }
}

/// Held-out exercises, all of one kind.
fn exercises(
    plan: &Plan,
    comparisons: f64,
    seed: Seed,
    reader: &mut Reader,
) -> Result<Vec<Sample>, TrainError> {
    let suite = |source| TrainError::Suite { what: "held-out exercises".to_owned(), source };
    let stream = Stream::new(seed, &plan.mixture.exercises(comparisons)).map_err(suite)?;
    let (mut exercises, mut index) = (Vec::new(), 0);
    while (exercises.len() as u64) < plan.recall.exercises {
        let document = stream.document(index).map_err(|source| TrainError::Document { index, source })?;
        // Words that are said again are easier, and all of them one run.
        if let Document::Recall(recall) = &document
            && recall.answers.windows(2).all(|pair| pair[0].end < pair[1].start)
        {
            exercises.push(reader.document(&document, &plan.weights)?);
        }
        index += 1;
    }
    Ok(exercises)
}

/// The share of answers in exercises that come out right.
fn answered(network: &mut Network, numbers: &[f32], exercises: &[Sample]) -> f64 {
    let mut right: Vec<bool> = Vec::new();
    for sample in exercises {
        right.extend(runs(network, numbers, sample));
    }
    right.iter().filter(|right| **right).count() as f64 / right.len().max(1) as f64
}

/// The questions of a split, read from a file as any benchmark's.
///
/// # Errors
/// [`TrainError::Suite`], [`TrainError::Rows`], [`TrainError::Io`].
pub fn rows(
    dataset: &dyn plimsoll_ingest::Dataset,
    split: &str,
    folder: &Path,
) -> Result<Vec<Question>, TrainError> {
    let id = dataset.id();
    let suite = |source| TrainError::Suite { what: format!("the {split} rows of {id}"), source };
    let path = folder.join(native_file(id, split));
    std::fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
    super::folder::whole(&path, native_rows(id, split).map_err(suite)?.as_bytes())?;
    let read = read_files(dataset, &[path], split);
    let read =
        read.map_err(|source| TrainError::Rows { dataset: id.to_owned(), source: Box::new(source) })?;
    Ok(read.questions)
}

/// The reply that models are taught: an option's words, else the answer itself.
pub fn reply(question: &Question) -> &str {
    let gold = question.gold.first().map_or("", String::as_str);
    match question.answer_kind {
        AnswerKind::Choice => question.choice(gold).unwrap_or(gold),
        AnswerKind::Number | AnswerKind::Boolean | AnswerKind::Span => gold,
    }
}

/// Whether each run of tokens with weight, one behind the other, would be said greedily.
pub(crate) fn runs(
    network: &mut Network,
    numbers: &[f32],
    sample: &Sample,
) -> impl Iterator<Item = bool> + use<> {
    let logits = network.logits(numbers, sample);
    let places: Vec<usize> = (1..sample.tokens.len()).filter(|place| sample.weights[*place] > 0.0).collect();
    let width = logits.len() / places.len().max(1);
    let firsts: Vec<bool> = logits
        .chunks_exact(width.max(1))
        .zip(&places)
        .map(|(row, place)| {
            let logit = row[sample.tokens[*place] as usize];
            row.iter().filter(|other| **other >= logit).count() == 1
        })
        .collect();
    let mut runs: Vec<(usize, bool)> = Vec::new();
    for (place, first) in places.into_iter().zip(firsts) {
        match runs.last_mut().filter(|(last, _)| *last + 1 == place) {
            Some((last, right)) => (*last, *right) = (place, *right && first),
            None => runs.push((place, first)),
        }
    }
    runs.into_iter().map(|(_, right)| right)
}
