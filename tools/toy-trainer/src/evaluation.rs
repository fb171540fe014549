//! Evaluation on held-out data: the validation rows of the suite, and exercises in recall.

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_core::{AnswerKind, Question, Seed};
use plimsoll_ingest::prompts::{PromptSpec, PromptStyle, prompt};
use plimsoll_ingest::read_files;
use serde::{Deserialize, Serialize};

use super::config::TrainingConfig;
use super::error::TrainError;
use super::network::{Loss, TrainableDecoder};
use super::reader::DocumentReader;
use super::sample::TrainingSample;
use plimsoll_pocket::suite::{DATASETS, Stream, TrainingDocument, native_file, native_rows};

/// What an evaluation during training measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvalReport {
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

/// Held-out questions and exercises as samples.
#[derive(Debug)]
pub struct HeldOutSet {
    recall: Vec<TrainingSample>,
    comparisons: Vec<TrainingSample>,
    questions: Vec<(String, Vec<TrainingSample>)>,
}

impl HeldOutSet {
    /// The held-out set of a training. Rows are read through a file in `folder`, as evaluations read them.
    ///
    /// # Errors
    /// [`TrainError`] for rows that do not read.
    pub fn new(
        config: &TrainingConfig,
        seed: Seed,
        reader: &mut DocumentReader,
        folder: &Path,
    ) -> Result<Self, TrainError> {
        let recall = exercises(config, 0.0, seed.derive("held-out exercises"), reader)?;
        let comparisons = exercises(config, 1.0, seed.derive("held-out comparisons"), reader)?;
        let mut questions = Vec::new();
        for dataset in DATASETS {
            let rows = rows(*dataset, "validation", folder)?;
            let rows = rows.iter().take(config.held_out);
            let samples = rows.map(|row| {
                let prompt = prompt(row, &[], &PromptSpec::new(*dataset, PromptStyle::Direct));
                reader.dialogue(&prompt.messages, &[(reply(row), 1.0)], 0.0)
            });
            questions.push((dataset.id().to_owned(), samples.collect::<Result<_, _>>()?));
        }
        Ok(Self { recall, comparisons, questions })
    }

    /// Evaluates the parameters on it.
    pub fn evaluate(&self, network: &mut TrainableDecoder, parameters: &[f32]) -> EvalReport {
        let mut report = EvalReport {
            loss: 0.0,
            recall: exercise_accuracy(network, parameters, &self.recall),
            comparisons: exercise_accuracy(network, parameters, &self.comparisons),
            accuracy: 0.0,
            datasets: BTreeMap::new(),
        };
        let mut loss = Loss::default();
        for (dataset, samples) in &self.questions {
            let found = network.loss(parameters, samples);
            loss.nats += found.nats;
            loss.weight += found.weight;
            let right = samples.iter().filter(|sample| runs(network, parameters, sample).all(|right| right));
            let share = right.count() as f64 / samples.len().max(1) as f64;
            report.datasets.insert(dataset.clone(), share);
        }
        report.loss = loss.mean();
        report.accuracy = report.datasets.values().sum::<f64>() / report.datasets.len().max(1) as f64;
        report
    }
}

/// Held-out exercises, all of one kind.
fn exercises(
    config: &TrainingConfig,
    comparisons: f64,
    seed: Seed,
    reader: &mut DocumentReader,
) -> Result<Vec<TrainingSample>, TrainError> {
    let suite = |source| TrainError::Suite { what: "held-out exercises".to_owned(), source };
    let stream = Stream::new(seed, &config.mixture.exercises(comparisons)).map_err(suite)?;
    let (mut exercises, mut index) = (Vec::new(), 0);
    while (exercises.len() as u64) < config.recall.exercises {
        let document =
            stream.document(index).map_err(|source| TrainError::TrainingDocument { index, source })?;
        // Repeated words are easier, and all of them form one run.
        if let TrainingDocument::Recall(recall) = &document
            && recall.answers.windows(2).all(|pair| pair[0].end < pair[1].start)
        {
            exercises.push(reader.document(&document, &config.weights)?);
        }
        index += 1;
    }
    Ok(exercises)
}

/// The share of answers in exercises that come out right.
fn exercise_accuracy(
    network: &mut TrainableDecoder,
    parameters: &[f32],
    exercises: &[TrainingSample],
) -> f64 {
    let mut right: Vec<bool> = Vec::new();
    for sample in exercises {
        right.extend(runs(network, parameters, sample));
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

/// For each run of consecutive tokens with weight, whether greedy decoding gives it.
pub(crate) fn runs(
    network: &mut TrainableDecoder,
    parameters: &[f32],
    sample: &TrainingSample,
) -> impl Iterator<Item = bool> + use<> {
    let logits = network.logits(parameters, sample);
    let positions: Vec<usize> =
        (1..sample.tokens.len()).filter(|position| sample.weights[*position] > 0.0).collect();
    let width = logits.len() / positions.len().max(1);
    let firsts: Vec<bool> = logits
        .chunks_exact(width.max(1))
        .zip(&positions)
        .map(|(row, position)| {
            let logit = row[sample.tokens[*position] as usize];
            row.iter().filter(|other| **other >= logit).count() == 1
        })
        .collect();
    let mut runs: Vec<(usize, bool)> = Vec::new();
    for (position, first) in positions.into_iter().zip(firsts) {
        match runs.last_mut().filter(|(last, _)| *last + 1 == position) {
            Some((last, right)) => (*last, *right) = (position, *right && first),
            None => runs.push((position, first)),
        }
    }
    runs.into_iter().map(|(_, right)| right)
}
