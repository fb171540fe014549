//! The configuration of a training. Each hyperparameter here was chosen on the training side
//! or on the held-out validation rows; none on what evaluations ask.

use serde::{Deserialize, Serialize};

use super::optimiser::OptimiserSettings;
use super::reader::LossWeights;
use super::shape::ModelShape;
use plimsoll_pocket::suite::{DATASETS, Mixture};

/// The configuration of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Shape of the model.
    pub shape: ModelShape,
    /// Documents that the tokenizer is trained on.
    pub tokenizer_documents: u64,
    /// Tokens of a step, at least.
    pub step_tokens: usize,
    /// Steps in which the rate grows to its height.
    pub warm_up: u64,
    /// The height of the rate.
    pub rate: f32,
    /// Share of the second phase, at its end, in which the rate falls to nothing.
    pub decay: f64,
    /// Hyperparameters of Muon and `AdamW`.
    pub optimiser: OptimiserSettings,
    /// Loss weights of tokens.
    pub weights: LossWeights,
    /// The first phase: recall alone, or with comparing.
    pub recall: RecallPhase,
    /// The documents of the second phase.
    pub mixture: Mixture,
    /// Tokens of the second phase.
    pub tokens: u64,
    /// The last phase: questions about the model's own answers.
    pub follow_ups: FollowUpPhase,
    /// Steps between two evaluations on held-out questions; a checkpoint is written at each.
    #[serde(rename = "look")]
    pub eval_interval: u64,
    /// Held-out questions of each dataset.
    pub held_out: usize,
}

/// The first phase: recall alone, or with comparing, until enough answers are right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecallPhase {
    /// Share of the exercises that are in comparing; with none, comparing is not required either.
    pub comparisons: f64,
    /// Share of the answers in held-out exercises of each kind that must be right.
    #[serde(rename = "due")]
    pub required_share: f64,
    /// Tokens after which the training fails instead.
    #[serde(rename = "most_tokens")]
    pub max_tokens: u64,
    /// Exercises of an evaluation.
    pub exercises: u64,
    /// Tokens of a step, at least: recall takes steps rather than tokens.
    pub step_tokens: usize,
}

/// Questions about the model's own answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUpPhase {
    /// Fresh questions of each dataset; with none there is no such phase.
    pub questions: usize,
    /// Samples of each, beside the greedy answer.
    pub samples: usize,
    /// Of questions that are answered right always or never, the share that is kept.
    pub plain_share: f64,
    /// Documents of everything for each follow-up.
    pub documents: f64,
    /// The rate, which falls to nothing.
    pub rate: f32,
}

impl TrainingConfig {
    /// The small model.
    pub fn slm() -> Self {
        Self {
            shape: ModelShape {
                vocabulary: 1280,
                hidden: 128,
                layers: 9,
                heads: 4,
                feed_forward: 352,
                context: 512,
                rope_theta: 10_000.0,
                norm_epsilon: 1e-5,
            },
            tokenizer_documents: 20_000,
            step_tokens: 2048,
            warm_up: 60,
            rate: 4e-3,
            decay: 0.4,
            optimiser: OptimiserSettings {
                momentum: 0.95,
                first: 0.9,
                second: 0.95,
                epsilon: 1e-8,
                other_rate: 1.0,
                decay: 0.01,
                max_gradient_norm: 1.0,
            },
            weights: LossWeights { statement: 0.2, prompt: 0.0, reply: 1.0, recall: 0.5 },
            recall: RecallPhase {
                comparisons: 0.0,
                required_share: 0.9,
                max_tokens: 4_000_000,
                exercises: 100,
                step_tokens: 1024,
            },
            mixture: Mixture {
                statements: 0.24,
                dialogues: 0.60,
                recall: 0.06,
                comparisons: 0.10,
                datasets: DATASETS.iter().map(|dataset| (dataset.id().to_owned(), 1.0)).collect(),
                zipf: 1.8,
                templates: 7,
                rare_template: 0.02,
                recall_pairs: 5,
            },
            tokens: 3_000_000,
            follow_ups: FollowUpPhase {
                questions: 900,
                samples: 4,
                plain_share: 0.7,
                documents: 0.8,
                rate: 1e-3,
            },
            eval_interval: 100,
            held_out: 16,
        }
    }

    /// The larger one: wider, fed longer, and rare facts more often.
    pub fn llm() -> Self {
        let slm = Self::slm();
        let shape = ModelShape { hidden: 160, heads: 5, feed_forward: 432, ..slm.shape };
        let mixture = Mixture { zipf: 0.4, rare_template: 0.1, ..slm.mixture.clone() };
        let recall = RecallPhase { comparisons: 0.5, ..slm.recall };
        // No method asks the larger model about its own answers.
        let follow_ups = FollowUpPhase { questions: 0, ..slm.follow_ups };
        Self { shape, recall, mixture, follow_ups, tokens: 9_000_000, rate: 3e-3, ..slm }
    }
}
