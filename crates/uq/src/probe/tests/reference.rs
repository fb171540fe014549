//! The same training, written as slowly and plainly as possible, in f64.

use plimsoll_core::Seed;
use rand::Rng as _;

use super::super::{Example, TrainingSpec};

/// Layers as (weights by output, biases), with the standardisation before them.
pub(super) struct Slow {
    mean: Vec<f64>,
    deviation: Vec<f64>,
    layers: Vec<(Vec<Vec<f64>>, Vec<f64>)>,
}

/// First and second moments of a parameter.
#[derive(Clone, Copy, Default)]
struct Moments(f64, f64);

impl Slow {
    fn standard(&self, state: &[f32]) -> Vec<f64> {
        (0..state.len())
            .map(|feature| {
                let centred = f64::from(state[feature]) - self.mean[feature];
                if self.deviation[feature] > 0.0 { centred / self.deviation[feature] } else { 0.0 }
            })
            .collect()
    }

    /// The input, then the output of every layer; inner ones after `LeakyReLU`.
    fn forward(&self, input: Vec<f64>) -> Vec<Vec<f64>> {
        let mut values = vec![input];
        for (index, (weight, bias)) in self.layers.iter().enumerate() {
            let input = values.last().unwrap();
            let mut output = Vec::new();
            for (row, bias) in weight.iter().zip(bias) {
                let mut sum = *bias;
                for (weight, value) in row.iter().zip(input) {
                    sum += weight * value;
                }
                let inner = index + 1 < self.layers.len();
                output.push(if inner && sum < 0.0 { 0.01 * sum } else { sum });
            }
            values.push(output);
        }
        values
    }

    pub(super) fn score(&self, state: &[f32]) -> f64 {
        let logit = self.forward(self.standard(state)).last().unwrap()[0];
        1.0 / (1.0 + (-logit).exp())
    }

    /// Adds the gradient of one row's loss, times `share`, to `gradient`.
    fn backward(&self, example: &Example<'_>, share: f64, gradient: &mut [(Vec<Vec<f64>>, Vec<f64>)]) {
        let values = self.forward(self.standard(example.state));
        let logit = values.last().unwrap()[0];
        let label = if example.correct { 1.0 } else { 0.0 };
        let mut output_gradient = vec![share * (1.0 / (1.0 + (-logit).exp()) - label)];
        for index in (0..self.layers.len()).rev() {
            let input = &values[index];
            let mut input_gradient = vec![0.0; input.len()];
            for (output, error) in output_gradient.iter().enumerate() {
                for (feature, value) in input.iter().enumerate() {
                    gradient[index].0[output][feature] += error * value;
                    input_gradient[feature] += error * self.layers[index].0[output][feature];
                }
                gradient[index].1[output] += error;
            }
            if index > 0 {
                for (error, value) in input_gradient.iter_mut().zip(input) {
                    *error *= if *value < 0.0 { 0.01 } else { 1.0 };
                }
            }
            output_gradient = input_gradient;
        }
    }
}

pub(super) fn train(examples: &[Example<'_>], spec: &TrainingSpec, seed: &Seed) -> Slow {
    let mut slow = start(examples, seed);
    let zeros = |slow: &Slow| -> Vec<(Vec<Vec<f64>>, Vec<f64>)> {
        slow.layers.iter().map(|(w, b)| (vec![vec![0.0; w[0].len()]; w.len()], vec![0.0; b.len()])).collect()
    };
    let mut moments: Vec<Moments> =
        vec![Moments::default(); slow.layers.iter().map(|(w, b)| w.len() * w[0].len() + b.len()).sum()];
    let mut step = 0;
    for epoch in 0..spec.epochs {
        let hash = seed.derive("epoch").derive_index(u64::from(epoch));
        let mut order: Vec<&Example<'_>> = examples.iter().collect();
        order.sort_by_key(|example| hash.hash_key(example.key));
        for batch in order.chunks(spec.batch.get()) {
            let mut gradient = zeros(&slow);
            for example in batch {
                slow.backward(example, 1.0 / batch.len() as f64, &mut gradient);
            }
            step += 1;
            update(&mut slow, &gradient, &mut moments, spec, step);
        }
    }
    slow
}

/// One step of `AdamW` with the usual constants.
fn update(
    slow: &mut Slow,
    gradient: &[(Vec<Vec<f64>>, Vec<f64>)],
    moments: &mut [Moments],
    spec: &TrainingSpec,
    step: i32,
) {
    let gradients = gradient.iter().flat_map(|(w, b)| w.iter().flatten().chain(b));
    let parameters = slow.layers.iter_mut().flat_map(|(w, b)| w.iter_mut().flatten().chain(b));
    for ((parameter, gradient), Moments(first, second)) in parameters.zip(gradients).zip(moments) {
        *first = 0.9 * *first + 0.1 * gradient;
        *second = 0.999 * *second + 0.001 * gradient * gradient;
        let first_hat = *first / (1.0 - 0.9f64.powi(step));
        let second_hat = *second / (1.0 - 0.999f64.powi(step));
        *parameter -= spec.learning_rate * spec.weight_decay * *parameter;
        *parameter -= spec.learning_rate * first_hat / (second_hat.sqrt() + 1e-8);
    }
}

fn start(examples: &[Example<'_>], seed: &Seed) -> Slow {
    let width = examples[0].state.len();
    let count = examples.len() as f64;
    let column = |feature: usize| examples.iter().map(move |example| f64::from(example.state[feature]));
    let mean: Vec<f64> = (0..width).map(|feature| column(feature).sum::<f64>() / count).collect();
    let deviation = (0..width)
        .map(|feature| {
            (column(feature).map(|value| (value - mean[feature]).powi(2)).sum::<f64>() / count).sqrt()
        })
        .collect();
    let mut rng = seed.derive("weights").rng();
    let mut layers = Vec::new();
    for (inputs, outputs) in [(width, 256), (256, 128), (128, 64), (64, 1)] {
        let bound = 1.0 / (inputs as f32).sqrt();
        let mut draw = || f64::from((rng.random::<f32>() * 2.0 - 1.0) * bound);
        let weight = (0..outputs).map(|_| (0..inputs).map(|_| draw()).collect()).collect();
        layers.push((weight, (0..outputs).map(|_| draw()).collect()));
    }
    Slow { mean, deviation, layers }
}
