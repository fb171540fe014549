//! Steps of a training: the logistic loss of a batch, its gradient by hand, and AdamW.

use plimsoll_kernels::adamw::AdamW;
use plimsoll_kernels::product::{Matrix, Target, multiply};

use super::network::{DenseLayer, NEGATIVE_SLOPE, ProbeNetwork};
use super::training::TrainingSpec;

/// The slope, in which training computes.
#[expect(clippy::cast_possible_truncation, reason = "0.01 in f32")]
const SLOPE: f32 = NEGATIVE_SLOPE as f32;

/// A network that learns.
#[derive(Debug)]
pub(super) struct Learner {
    pub(super) network: ProbeNetwork,
    /// Gradients of the loss, in the same shapes.
    gradient: ProbeNetwork,
    moments: [ProbeNetwork; 2],
    adamw: AdamW,
    steps: u64,
    /// Outputs of each layer for a batch, row-major; the last are log-odds.
    outputs: Vec<Vec<f32>>,
    /// Gradients of the loss with respect to a layer's outputs and inputs, row-major.
    output_gradient: Vec<f32>,
    input_gradient: Vec<f32>,
}

impl Learner {
    #[expect(clippy::cast_possible_truncation, reason = "rates to f32, in which steps are taken")]
    pub(super) fn new(network: ProbeNetwork, spec: &TrainingSpec) -> Self {
        let empty = ProbeNetwork { layers: network.layers.iter().map(DenseLayer::zeros).collect() };
        let adamw = AdamW {
            rate: spec.learning_rate as f32,
            first: 0.9,
            second: 0.999,
            epsilon: 1e-8,
            decay: spec.weight_decay as f32,
        };
        Self {
            outputs: vec![Vec::new(); network.layers.len()],
            gradient: empty.clone(),
            moments: [empty.clone(), empty],
            network,
            adamw,
            steps: 0,
            output_gradient: Vec::new(),
            input_gradient: Vec::new(),
        }
    }

    /// One step on a batch: rows one after another, and for each 1 if the answer is right, else 0.
    pub(super) fn step(&mut self, rows: &[f32], labels: &[f32]) {
        self.forward(rows, labels.len());
        self.backward(rows, labels);
        self.steps += 1;
        let [first, second] = &mut self.moments;
        let moments = first.layers.iter_mut().zip(&mut second.layers);
        let layers = self.network.layers.iter_mut().zip(&self.gradient.layers).zip(moments);
        for ((layer, gradient), (first, second)) in layers {
            let moments = [&mut first.weight[..], &mut second.weight];
            self.adamw.step(self.steps, &mut layer.weight, &gradient.weight, moments);
            let moments = [&mut first.bias[..], &mut second.bias];
            self.adamw.step(self.steps, &mut layer.bias, &gradient.bias, moments);
        }
    }

    fn forward(&mut self, rows: &[f32], count: usize) {
        let last = self.network.layers.len() - 1;
        for (index, layer) in self.network.layers.iter().enumerate() {
            let (done, rest) = self.outputs.split_at_mut(index);
            let (input, output) = (done.last().map_or(rows, Vec::as_slice), &mut rest[0]);
            output.clear();
            (0..count).for_each(|_| output.extend_from_slice(&layer.bias));
            let input = Matrix::new(input, count, layer.inputs);
            multiply(Target::onto(output), input, layer.matrix().t(), 1.0);
            if index < last {
                for value in output {
                    *value = if *value < 0.0 { *value * SLOPE } else { *value };
                }
            }
        }
    }

    /// Of the mean over the batch of max(z, 0) - z y + ln(1 + exp(-|z|)), z the log-odds, y the label.
    fn backward(&mut self, rows: &[f32], labels: &[f32]) {
        let count = labels.len();
        let Some(log_odds) = self.outputs.last() else { return };
        let error = |(z, y): (&f32, &f32)| (1.0 / (1.0 + (-z).exp()) - y) / count as f32;
        self.output_gradient.clear();
        self.output_gradient.extend(log_odds.iter().zip(labels).map(error));
        for index in (0..self.network.layers.len()).rev() {
            let (layer, gradient) = (&self.network.layers[index], &mut self.gradient.layers[index]);
            let input = if index == 0 { rows } else { &self.outputs[index - 1] };
            let outputs = layer.bias.len();
            let output_gradient = Matrix::new(&self.output_gradient, count, outputs);
            multiply(
                Target::over(&mut gradient.weight),
                output_gradient.t(),
                Matrix::new(input, count, layer.inputs),
                1.0,
            );
            gradient.bias.fill(0.0);
            for row in self.output_gradient.chunks_exact(outputs) {
                gradient.bias.iter_mut().zip(row).for_each(|(sum, error)| *sum += error);
            }
            if index > 0 {
                self.input_gradient.resize(count * layer.inputs, 0.0);
                multiply(Target::over(&mut self.input_gradient), output_gradient, layer.matrix(), 1.0);
                for (error, value) in self.input_gradient.iter_mut().zip(input) {
                    *error *= if *value < 0.0 { SLOPE } else { 1.0 };
                }
                std::mem::swap(&mut self.output_gradient, &mut self.input_gradient);
            }
        }
    }
}

impl DenseLayer {
    fn zeros(&self) -> Self {
        Self { inputs: self.inputs, weight: vec![0.0; self.weight.len()], bias: vec![0.0; self.bias.len()] }
    }

    fn matrix(&self) -> Matrix<'_> {
        Matrix::new(&self.weight, self.bias.len(), self.inputs)
    }
}
