//! A training from its configuration to its model, step by step, with checkpoints.
//!
//! What a step does depends on the configuration, the seed and the progress alone: a training that was cut off goes
//! on from its last checkpoint and ends with the same bits.

use std::fs;
use std::path::{Path, PathBuf};

use plimsoll_core::Seed;
use plimsoll_core::seed::key_of;
use plimsoll_engine::{OpenedModel, Placement};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checkpoint::{Checkpoint, Phase, TrainingProgress};
use super::config::{RecallPhase, TrainingConfig};
use super::error::TrainError;
use super::evaluation::{EvalReport, HeldOutSet};
use super::folder::{self, WeightFormat, whole, whole_json};
use super::follow_ups::FollowUpSamples;
use super::network::TrainableDecoder;
use super::optimiser::{Optimiser, OptimiserState};
use super::reader::DocumentReader;
use super::sample::TrainingSample;
use super::{follow_ups, parameters, vocabulary};
use plimsoll_pocket::suite::{Mixture, Stream, TrainingDocument, fixed_phrases};

/// Beginnings of a user's text that follow an empty line in every prompt, and labels of options, which
/// become one token with what stands before them.
const FRAMES: [&str; 2] = ["Question:", "Answer ("];
const LABELS: [&str; 6] = ["\n\nA.", "\nA.", "\nB.", "\nC.", "\nD.", "\nE."];

/// What a step did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Progress after it.
    pub progress: TrainingProgress,
    /// The loss of its documents, in nats per weight.
    pub loss: f64,
    /// The Euclidean norm of its gradient.
    pub gradient: f32,
    /// The evaluation after it, if there was one.
    #[serde(rename = "look")]
    pub eval: Option<EvalReport>,
}

/// A training.
#[derive(Debug)]
pub struct Trainer {
    config: TrainingConfig,
    seed: Seed,
    folder: PathBuf,
    training: String,
    tokenizer: Value,
    reader: DocumentReader,
    network: TrainableDecoder,
    held_out: HeldOutSet,
    everything: Stream,
    recall: Stream,
    follow_up_samples: Vec<TrainingSample>,
    parameters: Vec<f32>,
    optimiser: Optimiser,
    gradient: Vec<f32>,
    progress: TrainingProgress,
}

impl Trainer {
    /// A training in a folder: a new one, or the one that was cut off there.
    ///
    /// # Errors
    /// [`TrainError::AlreadyStarted`] for a new one where one is, and whatever the suite, the tokenizer and the file
    /// system have.
    pub fn new(config: TrainingConfig, seed: Seed, folder: &Path, resume: bool) -> Result<Self, TrainError> {
        let work = folder.join("training");
        fs::create_dir_all(&work).map_err(TrainError::io(&work))?;
        let training = identity(&config, seed);
        let checkpoint = work.join("checkpoint.safetensors");
        if checkpoint.exists() && !resume {
            return Err(TrainError::AlreadyStarted { path: folder.to_owned() });
        }
        let tokenizer = known_or_learnt(&config, seed, &work.join("tokenizer.json"), checkpoint.exists())?;
        let mut reader = DocumentReader::new(&tokenizer, config.shape.vocabulary)?;
        let held_out = HeldOutSet::new(&config, seed, &mut reader, &work)?;
        let stream = |mixture: &Mixture, label: &str| {
            let suite = |source| TrainError::Suite { what: label.to_owned(), source };
            Stream::new(seed.derive(label), mixture).map_err(suite)
        };
        let everything = stream(&config.mixture, "everything")?;
        let recall = stream(&config.mixture.exercises(config.recall.comparisons), "recall")?;
        let network = TrainableDecoder::new(config.shape);
        let begin = if checkpoint.exists() {
            Checkpoint::read(&checkpoint, &training)?
        } else {
            let parameters = parameters::draw(&config.shape, network.layout(), seed.derive("numbers"));
            let state = OptimiserState::new(network.layout());
            let parameters = parameters.map_err(TrainError::Draw)?;
            Checkpoint { progress: TrainingProgress::BEGIN, parameters, state }
        };
        if begin.parameters.len() != network.layout().len() {
            return Err(TrainError::damaged(&checkpoint, "its parameters do not fit the shape"));
        }
        let mut trainer = Self {
            optimiser: Optimiser::new(config.optimiser, begin.state),
            gradient: vec![0.0; network.layout().len()],
            parameters: begin.parameters,
            progress: begin.progress,
            follow_up_samples: Vec::new(),
            folder: folder.to_owned(),
            config,
            seed,
            training,
            tokenizer,
            reader,
            network,
            held_out,
            everything,
            recall,
        };
        trainer.cut_curve()?;
        if trainer.progress.phase == Phase::FollowUps {
            trainer.follow_up_samples = trainer.read_follow_up_samples()?;
        }
        Ok(trainer)
    }

    /// How far it has come.
    pub fn progress(&self) -> TrainingProgress {
        self.progress
    }

    /// One step; `None` when nothing is left to do and the model is written.
    ///
    /// # Errors
    /// [`TrainError::Gate`] for a model that does not recall in time, [`TrainError::Diverged`], and whatever
    /// the suite and the file system have.
    pub fn step(&mut self) -> Result<Option<StepReport>, TrainError> {
        if self.progress.phase == Phase::Done {
            return Ok(None);
        }
        let samples = self.samples()?;
        let rate = self.rate();
        let loss = self.network.gradient(&self.parameters, &samples, &mut self.gradient);
        if !loss.nats.is_finite() {
            return Err(TrainError::Diverged { step: self.progress.steps });
        }
        let layout = self.network.layout();
        let gradient = self.optimiser.step(layout, &mut self.parameters, &mut self.gradient, rate);
        let tokens = samples.iter().map(|sample| sample.tokens.len() as u64 - 1).sum::<u64>();
        self.progress.steps += 1;
        self.progress.phase_steps += 1;
        self.progress.tokens += tokens;
        self.progress.phase_tokens += tokens;
        let entered = self.progress;
        let end_phase = self.end_phase()?;
        let mut step = StepReport { progress: entered, loss: loss.mean(), gradient, eval: None };
        if end_phase || self.progress.steps.is_multiple_of(self.config.eval_interval) {
            let eval = self.held_out.evaluate(&mut self.network, &self.parameters);
            if self.progress.phase == Phase::Recall {
                self.gate(&eval)?;
            }
            step.eval = Some(eval);
            self.save(&step)?;
        }
        Ok(Some(step))
    }

    /// Whether the phase has had what it was given; then the next one is entered.
    fn end_phase(&mut self) -> Result<bool, TrainError> {
        match self.progress.phase {
            Phase::Everything if self.progress.phase_tokens >= self.config.tokens => {
                if self.config.follow_ups.questions == 0 {
                    return self.finish();
                }
                self.write(&self.folder.join("first"), WeightFormat::F32)?;
                self.follow_up_samples = self.make_follow_up_samples()?;
                self.progress = self.progress.enter(Phase::FollowUps);
                // Momentum of another task would mislead the first steps.
                let state = OptimiserState::new(self.network.layout());
                self.optimiser = Optimiser::new(self.config.optimiser, state);
                Ok(true)
            }
            Phase::FollowUps if self.progress.documents >= self.follow_up_samples.len() as u64 => {
                self.finish()
            }
            _ => Ok(false),
        }
    }

    /// Writes the model that is released.
    fn finish(&mut self) -> Result<bool, TrainError> {
        self.progress = self.progress.enter(Phase::Done);
        self.write(&self.folder, WeightFormat::Bf16)?;
        Ok(true)
    }

    /// Ends the first phase once recall is there, and fails once its tokens are used up.
    fn gate(&mut self, eval: &EvalReport) -> Result<(), TrainError> {
        let RecallPhase { comparisons, required_share: required, .. } = self.config.recall;
        let share = if comparisons > 0.0 { eval.recall.min(eval.comparisons) } else { eval.recall };
        if share >= required {
            self.progress = self.progress.enter(Phase::Everything);
        } else if self.progress.phase_tokens >= self.config.recall.max_tokens {
            return Err(TrainError::Gate { tokens: self.progress.tokens, share, required });
        }
        Ok(())
    }

    /// The documents of the next step.
    fn samples(&mut self) -> Result<Vec<TrainingSample>, TrainError> {
        let (mut samples, mut tokens) = (Vec::new(), 0);
        let min_tokens = match self.progress.phase {
            Phase::Recall => self.config.recall.step_tokens,
            Phase::Everything | Phase::FollowUps | Phase::Done => self.config.step_tokens,
        };
        while tokens < min_tokens {
            let index = self.progress.documents;
            let sample = match self.progress.phase {
                Phase::Recall => self.document(index, true)?,
                Phase::Everything => self.document(index, false)?,
                Phase::FollowUps | Phase::Done => {
                    match self.follow_up_samples.get(usize::try_from(index).unwrap_or(usize::MAX)) {
                        Some(sample) => sample.clone(),
                        None => break,
                    }
                }
            };
            self.progress.documents += 1;
            if sample.tokens.len() > self.config.shape.context {
                return Err(TrainError::Context {
                    tokens: sample.tokens.len(),
                    context: self.config.shape.context,
                });
            }
            tokens += sample.tokens.len() - 1;
            samples.push(sample);
        }
        Ok(samples)
    }

    fn document(&mut self, index: u64, recall: bool) -> Result<TrainingSample, TrainError> {
        let stream = if recall { &self.recall } else { &self.everything };
        let document =
            stream.document(index).map_err(|source| TrainError::TrainingDocument { index, source })?;
        self.reader.document(&document, &self.config.weights)
    }

    /// The rate of the next step.
    #[expect(clippy::cast_possible_truncation, reason = "a rate to f32, rounded")]
    fn rate(&self) -> f32 {
        let config = &self.config;
        let warm = ((self.progress.steps + 1) as f64 / config.warm_up.max(1) as f64).min(1.0);
        let (height, left) = match self.progress.phase {
            Phase::Recall => (config.rate, 1.0),
            Phase::Everything => {
                let done = self.progress.phase_tokens as f64 / config.tokens.max(1) as f64;
                (config.rate, ((1.0 - done) / config.decay).clamp(0.0, 1.0))
            }
            Phase::FollowUps | Phase::Done => {
                let done = self.progress.documents as f64 / self.follow_up_samples.len().max(1) as f64;
                let warm = (self.progress.phase_steps as f64 + 1.0) / 10.0;
                (config.follow_ups.rate, warm.min(1.0 - done).clamp(0.0, 1.0))
            }
        };
        (f64::from(height) * warm * left) as f32
    }

    /// What the last phase learns: questions about answers, and documents of everything between them.
    fn make_follow_up_samples(&mut self) -> Result<Vec<TrainingSample>, TrainError> {
        let first = self.folder.join("first");
        let model = OpenedModel::open(&first).map_err(TrainError::engine(&first))?;
        let model = model.load(Placement::cpu_f32()).map_err(TrainError::engine(&first))?;
        let seed = self.seed.derive("follow-ups");
        let config = self.config.follow_ups.clone();
        let FollowUpSamples { samples: asked, right } =
            follow_ups::samples(&model, &config, seed, &mut self.reader)?;
        let mut follow_up_samples = Vec::new();
        let (mut pending, mut next) = (0.0, self.progress.documents);
        for sample in asked {
            follow_up_samples.push(sample);
            pending += config.documents;
            while pending >= 1.0 {
                follow_up_samples.push(self.document(next, false)?);
                (pending, next) = (pending - 1.0, next + 1);
            }
        }
        let lists: Vec<_> =
            follow_up_samples.iter().map(|sample| (&sample.tokens, &sample.weights)).collect();
        let text = json!({"right": right, "samples": lists}).to_string();
        whole(&self.follow_up_samples_path(), text.as_bytes())?;
        Ok(follow_up_samples)
    }

    fn read_follow_up_samples(&self) -> Result<Vec<TrainingSample>, TrainError> {
        #[derive(Deserialize)]
        struct StoredSamples {
            samples: Vec<(Vec<u32>, Vec<f32>)>,
        }
        let path = self.follow_up_samples_path();
        let text = fs::read(&path).map_err(TrainError::io(&path))?;
        let follow_up_samples: StoredSamples =
            serde_json::from_slice(&text).map_err(|error| TrainError::damaged(&path, &error))?;
        Ok(follow_up_samples
            .samples
            .into_iter()
            .map(|(tokens, weights)| TrainingSample { tokens, weights })
            .collect())
    }

    fn follow_up_samples_path(&self) -> PathBuf {
        self.folder.join("training/follow_ups.json")
    }

    /// Writes the model as it is now.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub fn write(&self, folder: &Path, format: WeightFormat) -> Result<(), TrainError> {
        folder::write(folder, &self.config.shape, &self.parameters, &self.tokenizer, format)
    }

    /// Writes the curve, then the checkpoint: a curve that is ahead is cut when the training goes on.
    fn save(&self, step: &StepReport) -> Result<(), TrainError> {
        let path = self.folder.join("training/curve.jsonl");
        let mut curve =
            if path.exists() { fs::read(&path).map_err(TrainError::io(&path))? } else { Vec::new() };
        let line = serde_json::to_string(step).map_err(|error| TrainError::damaged(&path, &error))?;
        curve.extend_from_slice(line.as_bytes());
        curve.push(b'\n');
        whole(&path, &curve)?;
        whole_json(&self.folder.join("training/plan.json"), &json!(self.config))?;
        let state = self.optimiser.state().clone();
        let checkpoint = Checkpoint { progress: self.progress, parameters: self.parameters.clone(), state };
        checkpoint.write(&self.folder.join("training/checkpoint.safetensors"), &self.training)
    }

    /// Cuts what the curve has beyond the checkpoint.
    fn cut_curve(&self) -> Result<(), TrainError> {
        let path = self.folder.join("training/curve.jsonl");
        if !path.exists() {
            return Ok(());
        }
        let text = fs::read_to_string(&path).map_err(TrainError::io(&path))?;
        let mut kept = String::new();
        for line in text.lines() {
            let step: StepReport =
                serde_json::from_str(line).map_err(|error| TrainError::damaged(&path, &error))?;
            if step.progress.steps <= self.progress.steps {
                kept.push_str(line);
                kept.push('\n');
            }
        }
        whole(&path, kept.as_bytes())
    }
}

/// Identifies a training, in hexadecimal: another configuration or seed is another training. The length of the second
/// phase may be changed on the way.
fn identity(config: &TrainingConfig, seed: Seed) -> String {
    let config = TrainingConfig { tokens: 0, ..config.clone() };
    format!("{:016x}", key_of(seed.bits(), &json!(config).to_string()))
}

/// The tokenizer of a training that goes on, or a new one, written.
fn known_or_learnt(
    config: &TrainingConfig,
    seed: Seed,
    path: &Path,
    known: bool,
) -> Result<Value, TrainError> {
    if known {
        let text = fs::read(path).map_err(TrainError::io(path))?;
        return serde_json::from_slice(&text).map_err(|error| TrainError::damaged(path, &error));
    }
    let tokenizer = learn(config, seed)?;
    whole_json(path, &tokenizer)?;
    Ok(tokenizer)
}

/// The tokenizer of a plan.
fn learn(config: &TrainingConfig, seed: Seed) -> Result<Value, TrainError> {
    let what = "the tokenizer's documents";
    let suite = |source| TrainError::Suite { what: what.to_owned(), source };
    // Every fact alike: a rare name is no longer than a common one.
    let mixture = Mixture { zipf: 0.0, ..config.mixture.clone() };
    let stream = Stream::new(seed.derive(what), &mixture).map_err(suite)?;
    let mut texts = Vec::new();
    for index in 0..config.tokenizer_documents {
        match stream.document(index).map_err(|source| TrainError::TrainingDocument { index, source })? {
            TrainingDocument::Statements(text) => texts.push(format!(" {text}")),
            TrainingDocument::Recall(recall) => texts.push(recall.text),
            TrainingDocument::Dialogue(dialogue) => {
                texts.extend(dialogue.prompt.messages.into_iter().map(|message| message.text));
                texts.push(format!(" {}", dialogue.reply));
            }
        }
    }
    // What the last phase says.
    texts.extend(
        (0..config.tokenizer_documents / 50).map(|_| " True False Answer: x\nConfidence: 0.2".to_owned()),
    );
    let mut phrases = fixed_phrases().map_err(suite)?;
    let framed = phrases.iter().filter(|phrase| FRAMES.iter().any(|frame| phrase.starts_with(frame)));
    let framed: Vec<String> = framed.map(|phrase| format!("\n\n{phrase}")).collect();
    phrases.extend(framed);
    phrases.extend(LABELS.map(str::to_owned));
    vocabulary::learn(&texts, &phrases, config.shape.vocabulary)
}

#[cfg(test)]
mod tests;
