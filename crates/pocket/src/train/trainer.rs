//! A training from its plan to its model, step by step, with checkpoints.
//!
//! What a step does depends on the plan, the seed and the progress alone: a training that was cut off goes
//! on from its last checkpoint and ends with the same bits.

use std::fs;
use std::path::{Path, PathBuf};

use plimsoll_core::Seed;
use plimsoll_core::seed::key_of;
use plimsoll_engine::{OpenedModel, Placement};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checkpoint::{Checkpoint, Phase, Progress};
use super::error::TrainError;
use super::folder::{self, Stored, whole, whole_json};
use super::follow_ups::Taught;
use super::held_out::{HeldOut, Look};
use super::network::Network;
use super::optimiser::{Memory, Optimiser};
use super::plan::{Plan, Recall};
use super::reader::Reader;
use super::sample::Sample;
use super::{follow_ups, numbers, vocabulary};
use crate::suite::{Document, Mixture, Stream, fixed_phrases};

/// Beginnings of a user's text that stand behind an empty line in every prompt, and labels of options, which
/// become one token with what stands before them.
const FRAMES: [&str; 2] = ["Question:", "Answer ("];
const LABELS: [&str; 6] = ["\n\nA.", "\nA.", "\nB.", "\nC.", "\nD.", "\nE."];

/// What a step did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Where it ended.
    pub progress: Progress,
    /// The loss of its documents, in nats per weight.
    pub loss: f64,
    /// The length of its gradient.
    pub gradient: f32,
    /// What a look behind it found, if there was one.
    pub look: Option<Look>,
}

/// A training.
#[derive(Debug)]
pub struct Trainer {
    plan: Plan,
    seed: Seed,
    folder: PathBuf,
    training: String,
    tokenizer: Value,
    reader: Reader,
    network: Network,
    held_out: HeldOut,
    everything: Stream,
    recall: Stream,
    about: Vec<Sample>,
    numbers: Vec<f32>,
    optimiser: Optimiser,
    gradient: Vec<f32>,
    progress: Progress,
}

impl Trainer {
    /// A training in a folder: a new one, or the one that was cut off there.
    ///
    /// # Errors
    /// [`TrainError::Begun`] for a new one where one is, and whatever the suite, the tokenizer and the file
    /// system have.
    pub fn new(plan: Plan, seed: Seed, folder: &Path, resume: bool) -> Result<Self, TrainError> {
        let work = folder.join("training");
        fs::create_dir_all(&work).map_err(TrainError::io(&work))?;
        let training = identity(&plan, seed);
        let checkpoint = work.join("checkpoint.safetensors");
        if checkpoint.exists() && !resume {
            return Err(TrainError::Begun { path: folder.to_owned() });
        }
        let tokenizer = known_or_learnt(&plan, seed, &work.join("tokenizer.json"), checkpoint.exists())?;
        let mut reader = Reader::new(&tokenizer, plan.shape.vocabulary)?;
        let held_out = HeldOut::new(&plan, seed, &mut reader, &work)?;
        let stream = |mixture: &Mixture, label: &str| {
            let suite = |source| TrainError::Suite { what: label.to_owned(), source };
            Stream::new(seed.derive(label), mixture).map_err(suite)
        };
        let everything = stream(&plan.mixture, "everything")?;
        let recall = stream(&plan.mixture.exercises(plan.recall.comparisons), "recall")?;
        let network = Network::new(plan.shape);
        let begin = if checkpoint.exists() {
            Checkpoint::read(&checkpoint, &training)?
        } else {
            let numbers = numbers::draw(&plan.shape, network.layout(), seed.derive("numbers"));
            let memory = Memory::new(network.layout());
            let numbers = numbers.map_err(TrainError::Draw)?;
            Checkpoint { progress: Progress::BEGIN, numbers, memory }
        };
        if begin.numbers.len() != network.layout().len() {
            return Err(TrainError::damaged(&checkpoint, "it has not the numbers of the shape"));
        }
        let mut trainer = Self {
            optimiser: Optimiser::new(plan.optimiser, begin.memory),
            gradient: vec![0.0; network.layout().len()],
            numbers: begin.numbers,
            progress: begin.progress,
            about: Vec::new(),
            folder: folder.to_owned(),
            plan,
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
            trainer.about = trainer.read_about()?;
        }
        Ok(trainer)
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// One step; `None` when nothing is left to do and the model is written.
    ///
    /// # Errors
    /// [`TrainError::Gate`] for a model that does not recall in time, [`TrainError::Diverged`], and whatever
    /// the suite and the file system have.
    pub fn step(&mut self) -> Result<Option<Step>, TrainError> {
        if self.progress.phase == Phase::Done {
            return Ok(None);
        }
        let samples = self.samples()?;
        let rate = self.rate();
        let loss = self.network.gradient(&self.numbers, &samples, &mut self.gradient);
        if !loss.nats.is_finite() {
            return Err(TrainError::Diverged { step: self.progress.steps });
        }
        let layout = self.network.layout();
        let gradient = self.optimiser.step(layout, &mut self.numbers, &mut self.gradient, rate);
        let tokens = samples.iter().map(|sample| sample.tokens.len() as u64 - 1).sum::<u64>();
        self.progress.steps += 1;
        self.progress.phase_steps += 1;
        self.progress.tokens += tokens;
        self.progress.phase_tokens += tokens;
        let entered = self.progress;
        let ends = self.ends()?;
        let mut step = Step { progress: entered, loss: loss.mean(), gradient, look: None };
        if ends || self.progress.steps.is_multiple_of(self.plan.look) {
            let look = self.held_out.look(&mut self.network, &self.numbers);
            if self.progress.phase == Phase::Recall {
                self.gate(&look)?;
            }
            step.look = Some(look);
            self.keep(&step)?;
        }
        Ok(Some(step))
    }

    /// Whether the phase has had what it was given; then the next one is entered.
    fn ends(&mut self) -> Result<bool, TrainError> {
        match self.progress.phase {
            Phase::Everything if self.progress.phase_tokens >= self.plan.tokens => {
                if self.plan.follow_ups.questions == 0 {
                    return self.finish();
                }
                self.write(&self.folder.join("first"), Stored::F32)?;
                self.about = self.make_about()?;
                self.progress = self.progress.enter(Phase::FollowUps);
                // The way to this point was another task's: momentum of it would lead astray.
                let memory = Memory::new(self.network.layout());
                self.optimiser = Optimiser::new(self.plan.optimiser, memory);
                Ok(true)
            }
            Phase::FollowUps if self.progress.documents >= self.about.len() as u64 => self.finish(),
            _ => Ok(false),
        }
    }

    /// Nothing is left to do: writes what is handed out.
    fn finish(&mut self) -> Result<bool, TrainError> {
        self.progress = self.progress.enter(Phase::Done);
        self.write(&self.folder, Stored::Bf16)?;
        Ok(true)
    }

    /// What was exercised is there, or not yet, or its time is up.
    fn gate(&mut self, look: &Look) -> Result<(), TrainError> {
        let Recall { comparisons, due, .. } = self.plan.recall;
        let share = if comparisons > 0.0 { look.recall.min(look.comparisons) } else { look.recall };
        if share >= due {
            self.progress = self.progress.enter(Phase::Everything);
        } else if self.progress.phase_tokens >= self.plan.recall.most_tokens {
            return Err(TrainError::Gate { tokens: self.progress.tokens, share, due });
        }
        Ok(())
    }

    /// The documents of the next step.
    fn samples(&mut self) -> Result<Vec<Sample>, TrainError> {
        let (mut samples, mut tokens) = (Vec::new(), 0);
        let due = match self.progress.phase {
            Phase::Recall => self.plan.recall.step_tokens,
            Phase::Everything | Phase::FollowUps | Phase::Done => self.plan.step_tokens,
        };
        while tokens < due {
            let index = self.progress.documents;
            let sample = match self.progress.phase {
                Phase::Recall => self.document(index, true)?,
                Phase::Everything => self.document(index, false)?,
                Phase::FollowUps | Phase::Done => {
                    match self.about.get(usize::try_from(index).unwrap_or(usize::MAX)) {
                        Some(sample) => sample.clone(),
                        None => break,
                    }
                }
            };
            self.progress.documents += 1;
            if sample.tokens.len() > self.plan.shape.context {
                return Err(TrainError::Context {
                    tokens: sample.tokens.len(),
                    context: self.plan.shape.context,
                });
            }
            tokens += sample.tokens.len() - 1;
            samples.push(sample);
        }
        Ok(samples)
    }

    fn document(&mut self, index: u64, recall: bool) -> Result<Sample, TrainError> {
        let stream = if recall { &self.recall } else { &self.everything };
        let document = stream.document(index).map_err(|source| TrainError::Document { index, source })?;
        self.reader.document(&document, &self.plan.weights)
    }

    /// The rate of the next step.
    #[expect(clippy::cast_possible_truncation, reason = "a rate to f32, rounded")]
    fn rate(&self) -> f32 {
        let plan = &self.plan;
        let warm = ((self.progress.steps + 1) as f64 / plan.warm_up.max(1) as f64).min(1.0);
        let (height, left) = match self.progress.phase {
            Phase::Recall => (plan.rate, 1.0),
            Phase::Everything => {
                let done = self.progress.phase_tokens as f64 / plan.tokens.max(1) as f64;
                (plan.rate, ((1.0 - done) / plan.decay).clamp(0.0, 1.0))
            }
            Phase::FollowUps | Phase::Done => {
                let done = self.progress.documents as f64 / self.about.len().max(1) as f64;
                let warm = (self.progress.phase_steps as f64 + 1.0) / 10.0;
                (plan.follow_ups.rate, warm.min(1.0 - done).clamp(0.0, 1.0))
            }
        };
        (f64::from(height) * warm * left) as f32
    }

    /// What the last phase learns: questions about answers, and documents of everything between them.
    fn make_about(&mut self) -> Result<Vec<Sample>, TrainError> {
        let first = self.folder.join("first");
        let model = OpenedModel::open(&first).map_err(TrainError::engine(&first))?;
        let model = model.load(Placement::cpu_f32()).map_err(TrainError::engine(&first))?;
        let seed = self.seed.derive("follow-ups");
        let plan = self.plan.follow_ups.clone();
        let Taught { samples: asked, right } = follow_ups::samples(&model, &plan, seed, &mut self.reader)?;
        let mut about = Vec::new();
        let (mut due, mut next) = (0.0, self.progress.documents);
        for sample in asked {
            about.push(sample);
            due += plan.documents;
            while due >= 1.0 {
                about.push(self.document(next, false)?);
                (due, next) = (due - 1.0, next + 1);
            }
        }
        let lists: Vec<_> = about.iter().map(|sample| (&sample.tokens, &sample.weights)).collect();
        let text = json!({"right": right, "samples": lists}).to_string();
        whole(&self.about_path(), text.as_bytes())?;
        Ok(about)
    }

    fn read_about(&self) -> Result<Vec<Sample>, TrainError> {
        #[derive(Deserialize)]
        struct About {
            samples: Vec<(Vec<u32>, Vec<f32>)>,
        }
        let path = self.about_path();
        let text = fs::read(&path).map_err(TrainError::io(&path))?;
        let about: About =
            serde_json::from_slice(&text).map_err(|error| TrainError::damaged(&path, &error))?;
        Ok(about.samples.into_iter().map(|(tokens, weights)| Sample { tokens, weights }).collect())
    }

    fn about_path(&self) -> PathBuf {
        self.folder.join("training/follow_ups.json")
    }

    /// Writes the model as it is now.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub fn write(&self, folder: &Path, stored: Stored) -> Result<(), TrainError> {
        folder::write(folder, &self.plan.shape, &self.numbers, &self.tokenizer, stored)
    }

    /// Writes the curve, then the checkpoint: a curve that is ahead is cut when the training goes on.
    fn keep(&self, step: &Step) -> Result<(), TrainError> {
        let path = self.folder.join("training/curve.jsonl");
        let mut curve =
            if path.exists() { fs::read(&path).map_err(TrainError::io(&path))? } else { Vec::new() };
        let line = serde_json::to_string(step).map_err(|error| TrainError::damaged(&path, &error))?;
        curve.extend_from_slice(line.as_bytes());
        curve.push(b'\n');
        whole(&path, &curve)?;
        whole_json(&self.folder.join("training/plan.json"), &json!(self.plan))?;
        let memory = self.optimiser.memory().clone();
        let checkpoint = Checkpoint { progress: self.progress, numbers: self.numbers.clone(), memory };
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
            let step: Step =
                serde_json::from_str(line).map_err(|error| TrainError::damaged(&path, &error))?;
            if step.progress.steps <= self.progress.steps {
                kept.push_str(line);
                kept.push('\n');
            }
        }
        whole(&path, kept.as_bytes())
    }
}

/// What a training is, in hexadecimal: another plan or seed is another training. How long the second phase is
/// may be changed on the way.
fn identity(plan: &Plan, seed: Seed) -> String {
    let plan = Plan { tokens: 0, ..plan.clone() };
    format!("{:016x}", key_of(seed.bits(), &json!(plan).to_string()))
}

/// The tokenizer of a training that goes on, or a new one, written.
fn known_or_learnt(plan: &Plan, seed: Seed, path: &Path, known: bool) -> Result<Value, TrainError> {
    if known {
        let text = fs::read(path).map_err(TrainError::io(path))?;
        return serde_json::from_slice(&text).map_err(|error| TrainError::damaged(path, &error));
    }
    let tokenizer = learn(plan, seed)?;
    whole_json(path, &tokenizer)?;
    Ok(tokenizer)
}

/// The tokenizer of a plan.
fn learn(plan: &Plan, seed: Seed) -> Result<Value, TrainError> {
    let what = "the tokenizer's documents";
    let suite = |source| TrainError::Suite { what: what.to_owned(), source };
    // Every fact alike: a rare name is no longer than a common one.
    let mixture = Mixture { zipf: 0.0, ..plan.mixture.clone() };
    let stream = Stream::new(seed.derive(what), &mixture).map_err(suite)?;
    let mut texts = Vec::new();
    for index in 0..plan.tokenizer_documents {
        match stream.document(index).map_err(|source| TrainError::Document { index, source })? {
            Document::Statements(text) => texts.push(format!(" {text}")),
            Document::Recall(recall) => texts.push(recall.text),
            Document::Dialogue(dialogue) => {
                texts.extend(dialogue.prompt.messages.into_iter().map(|message| message.text));
                texts.push(format!(" {}", dialogue.reply));
            }
        }
    }
    // What the last phase says.
    texts.extend(
        (0..plan.tokenizer_documents / 50).map(|_| " True False Answer: x\nConfidence: 0.2".to_owned()),
    );
    let mut phrases = fixed_phrases().map_err(suite)?;
    let framed = phrases.iter().filter(|phrase| FRAMES.iter().any(|frame| phrase.starts_with(frame)));
    let framed: Vec<String> = framed.map(|phrase| format!("\n\n{phrase}")).collect();
    phrases.extend(framed);
    phrases.extend(LABELS.map(str::to_owned));
    vocabulary::learn(&texts, &phrases, plan.shape.vocabulary)
}

#[cfg(test)]
mod tests;
