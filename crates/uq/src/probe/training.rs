//! Training: AdamW on the logistic loss, in seeded batches.

use std::num::NonZeroUsize;

use plimsoll_core::Seed;
use rand::Rng as _;

use super::error::ProbeError;
use super::examples::Example;
use super::learner::Learner;
use super::network::{DenseLayer, ProbeNetwork, shapes};

/// Rows of a step, unless a plan says otherwise.
const BATCH: NonZeroUsize = NonZeroUsize::new(32).unwrap();

/// How a probe is trained. These are scientific parameters: they stand in the plan and in the tables.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingSpec {
    /// Passes over the rows.
    pub epochs: u32,
    /// Step size of AdamW.
    pub learning_rate: f64,
    /// Rows of a step.
    pub batch: NonZeroUsize,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

impl TrainingSpec {
    /// The paper's epochs with a learning rate (5e-4 for the trained probe, 1e-4 for the
    /// out-of-distribution probe), and this project's batch of 32 and weight decay of 0.01.
    pub const fn with_learning_rate(learning_rate: f64) -> Self {
        Self { epochs: 20, learning_rate, batch: BATCH, weight_decay: 0.01 }
    }
}

/// Trains on rows ordered by key; `inputs` are their standardised states, one after another.
pub(super) fn train(
    examples: &[Example<'_>],
    inputs: &[f32],
    spec: &TrainingSpec,
    seed: &Seed,
) -> Result<ProbeNetwork, ProbeError> {
    let width = inputs.len() / examples.len().max(1);
    let mut learner = Learner::new(initial(width, seed), spec);
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for epoch in 0..spec.epochs {
        let order = epoch_order(examples, &seed.derive("epoch").derive_index(u64::from(epoch)));
        for batch in order.chunks(spec.batch.get()) {
            rows.clear();
            labels.clear();
            for row in batch {
                rows.extend_from_slice(&inputs[row * width..(row + 1) * width]);
                labels.push(f32::from(u8::from(examples[*row].correct)));
            }
            learner.step(&rows, &labels);
        }
    }
    let network = learner.network;
    let finite = |layer: &DenseLayer| layer.weight.iter().chain(&layer.bias).all(|value| value.is_finite());
    if network.layers.iter().all(finite) {
        Ok(network)
    } else {
        Err(ProbeError::Arithmetic { what: "a weight" })
    }
}

/// Rows in the order of an epoch: by a seeded hash of their keys.
fn epoch_order(examples: &[Example<'_>], seed: &Seed) -> Vec<usize> {
    let mut order: Vec<(u64, usize)> =
        examples.iter().enumerate().map(|(index, example)| (seed.hash_key(example.key), index)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, index)| index).collect()
}

/// Weights and biases, uniform in +-1/sqrt(inputs), as `torch.nn.Linear` starts. Layer by layer, weights
/// before biases, from one ChaCha8 stream.
fn initial(width: usize, seed: &Seed) -> ProbeNetwork {
    let mut rng = seed.derive("weights").rng();
    let mut uniform = |count: usize, inputs: usize| -> Vec<f32> {
        let bound = 1.0 / (inputs as f32).sqrt();
        (0..count).map(|_| (rng.random::<f32>() * 2.0 - 1.0) * bound).collect()
    };
    let layer = |(inputs, outputs): (usize, usize)| {
        let weight = uniform(outputs * inputs, inputs);
        DenseLayer { inputs, weight, bias: uniform(outputs, inputs) }
    };
    ProbeNetwork { layers: shapes(width).into_iter().map(layer).collect() }
}
