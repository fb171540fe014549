//! Training: AdamW on the logistic loss, in seeded batches.

use std::num::NonZeroUsize;

use candle_core::{Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer as _, ParamsAdamW};
use plimsoll_core::Seed;
use rand::Rng as _;

use super::error::ProbeError;
use super::examples::Example;
use super::network::{Layer, NEGATIVE_SLOPE, Network, shapes};

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
) -> Result<Network, ProbeError> {
    let width = inputs.len() / examples.len().max(1);
    let parameters = initial(width, seed).map_err(ProbeError::Candle)?;
    let params =
        ParamsAdamW { lr: spec.learning_rate, weight_decay: spec.weight_decay, ..ParamsAdamW::default() };
    let variables = parameters.iter().flat_map(|(weight, bias)| [weight.clone(), bias.clone()]).collect();
    let mut optimizer = AdamW::new(variables, params).map_err(ProbeError::Candle)?;
    for epoch in 0..spec.epochs {
        let order = epoch_order(examples, &seed.derive("epoch").derive_index(u64::from(epoch)));
        for batch in order.chunks(spec.batch.get()) {
            let loss = batch_loss(&parameters, examples, inputs, batch).map_err(ProbeError::Candle)?;
            optimizer.backward_step(&loss).map_err(ProbeError::Candle)?;
        }
    }
    let network = network(&parameters).map_err(ProbeError::Candle)?;
    let finite = |layer: &Layer| layer.weight.iter().chain(&layer.bias).all(|value| value.is_finite());
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
fn initial(width: usize, seed: &Seed) -> candle_core::Result<Vec<(Var, Var)>> {
    let mut rng = seed.derive("weights").rng();
    let mut uniform = |count: usize, inputs: usize| -> Vec<f32> {
        let bound = 1.0 / (inputs as f32).sqrt();
        (0..count).map(|_| (rng.random::<f32>() * 2.0 - 1.0) * bound).collect()
    };
    let layer = |(inputs, outputs): (usize, usize)| {
        let weight = uniform(outputs * inputs, inputs);
        let bias = uniform(outputs, inputs);
        Ok((
            Var::from_vec(weight, (outputs, inputs), &Device::Cpu)?,
            Var::from_vec(bias, outputs, &Device::Cpu)?,
        ))
    };
    shapes(width).into_iter().map(layer).collect()
}

/// Mean logistic loss of a batch.
///
/// # Formula
/// max(z, 0) - z y + ln(1 + exp(-|z|)), z the log-odds, y 1 for a right answer.
fn batch_loss(
    parameters: &[(Var, Var)],
    examples: &[Example<'_>],
    inputs: &[f32],
    batch: &[usize],
) -> candle_core::Result<Tensor> {
    let width = inputs.len() / examples.len();
    let rows: Vec<f32> =
        batch.iter().flat_map(|row| &inputs[row * width..(row + 1) * width]).copied().collect();
    let labels: Vec<f32> = batch.iter().map(|row| f32::from(u8::from(examples[*row].correct))).collect();
    let mut values = Tensor::from_vec(rows, (batch.len(), width), &Device::Cpu)?;
    for (index, (weight, bias)) in parameters.iter().enumerate() {
        values = values.matmul(&weight.t()?)?.broadcast_add(bias)?;
        if index + 1 < parameters.len() {
            values = candle_nn::ops::leaky_relu(&values, NEGATIVE_SLOPE)?;
        }
    }
    let logits = values.squeeze(1)?;
    let labels = Tensor::from_vec(labels, batch.len(), &Device::Cpu)?;
    let softplus = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    ((logits.relu()? - (&logits * labels)?)? + softplus)?.mean_all()
}

fn network(parameters: &[(Var, Var)]) -> candle_core::Result<Network> {
    let layer = |(weight, bias): &(Var, Var)| {
        Ok(Layer { inputs: weight.dim(1)?, weight: weight.flatten_all()?.to_vec1()?, bias: bias.to_vec1()? })
    };
    Ok(Network { layers: parameters.iter().map(layer).collect::<candle_core::Result<_>>()? })
}
