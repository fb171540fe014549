//! The decoder as it is trained: forward and backward by hand over products of matrices, in f32, on one
//! thread. A general autograd keeps and copies several times as much.
//!
//! Documents are packed one after the other; attention never leaves its document. Only what the
//! backward pass needs is kept, in memory that is reused from run to run.

mod attention;
mod gate;
mod loss;
mod norm;
mod rotary;

use super::sample::{PackedSamples, TrainingSample, runs};
use super::shape::{BlockOffsets, ModelShape, ParameterLayout};
use plimsoll_kernels::product::{Matrix, Target, multiply};
use rotary::RotaryTable;

/// Tokens of a run: small enough for the caches, large enough for the products.
const RUN: usize = 768;

/// Losses, weighted and summed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Loss {
    /// Sum of weight times cross-entropy, in nats.
    pub nats: f64,
    /// Sum of the weights.
    pub weight: f64,
}

impl Loss {
    /// Nats per token of weight 1; 0 without tokens.
    pub fn mean(&self) -> f64 {
        if self.weight > 0.0 { self.nats / self.weight } else { 0.0 }
    }
}

/// A decoder without its parameters, with the memory that it works in.
#[derive(Debug)]
pub struct TrainableDecoder {
    shape: ModelShape,
    layout: ParameterLayout,
    rotary: RotaryTable,
    blocks: Vec<Activations>,
    last: OutputState,
    scratch: Scratch,
}

/// Activations of a block that its backward pass needs.
#[derive(Debug, Default, Clone)]
struct Activations {
    input: Vec<f32>,
    input_scale: Vec<f32>,
    input_normed: Vec<f32>,
    query_key_value: Vec<f32>,
    attention: Vec<f32>,
    attended: Vec<f32>,
    middle: Vec<f32>,
    middle_scale: Vec<f32>,
    middle_normed: Vec<f32>,
    gate_up: Vec<f32>,
    gated: Vec<f32>,
}

/// Activations after the last block.
#[derive(Debug, Default)]
struct OutputState {
    stream: Vec<f32>,
    scale: Vec<f32>,
    normed: Vec<f32>,
    selected: Vec<f32>,
    logits: Vec<f32>,
}

/// Buffers whose contents do not outlive a call.
#[derive(Debug, Default)]
struct Scratch {
    stream: Vec<f32>,
    narrow: Vec<f32>,
    wide: Vec<f32>,
    wider: Vec<f32>,
    scores: Vec<f32>,
}

impl TrainableDecoder {
    /// A decoder of this shape.
    pub fn new(shape: ModelShape) -> Self {
        Self {
            shape,
            layout: ParameterLayout::new(&shape),
            rotary: RotaryTable::new(&shape),
            blocks: vec![Activations::default(); shape.layers],
            last: OutputState::default(),
            scratch: Scratch::default(),
        }
    }

    /// The shape of the decoder.
    pub fn shape(&self) -> &ModelShape {
        &self.shape
    }

    /// The offsets of its matrices.
    pub fn layout(&self) -> &ParameterLayout {
        &self.layout
    }

    /// The loss of some documents under these parameters.
    pub fn loss(&mut self, parameters: &[f32], samples: &[TrainingSample]) -> Loss {
        let mut loss = Loss::default();
        for run in runs(samples, RUN) {
            let packed = PackedSamples::new(&samples[run]);
            self.forward(parameters, &packed);
            loss::add(&mut loss, &mut self.last.logits, &packed, self.shape.vocabulary, None);
        }
        loss
    }

    /// The loss, and the gradient of its mean per weight, which is overwritten.
    pub fn gradient(&mut self, parameters: &[f32], samples: &[TrainingSample], gradient: &mut [f32]) -> Loss {
        gradient.fill(0.0);
        let mut loss = Loss::default();
        let weights = samples.iter().flat_map(|sample| sample.weights.iter().skip(1));
        let weight: f64 = weights.map(|weight| f64::from(*weight)).sum();
        for run in runs(samples, RUN) {
            let packed = PackedSamples::new(&samples[run]);
            self.forward(parameters, &packed);
            loss::add(&mut loss, &mut self.last.logits, &packed, self.shape.vocabulary, Some(weight));
            self.backward(parameters, &packed, gradient);
        }
        loss
    }

    /// The logits at every position whose target has a weight above 0, in order, row by row.
    pub fn logits(&mut self, parameters: &[f32], sample: &TrainingSample) -> &[f32] {
        self.forward(parameters, &PackedSamples::new(std::slice::from_ref(sample)));
        &self.last.logits
    }

    fn forward(&mut self, parameters: &[f32], packed: &PackedSamples) {
        let (shape, count) = (self.shape, packed.tokens.len());
        let hidden = shape.hidden;
        let stream = &mut self.last.stream;
        resize(stream, count * hidden);
        for (row, token) in stream.chunks_exact_mut(hidden).zip(&packed.tokens) {
            row.copy_from_slice(&parameters[*token as usize * hidden..][..hidden]);
        }
        for (layer, activations) in self.blocks.iter_mut().enumerate() {
            let block = self.layout.block(&shape, layer);
            activations.forward(
                &BlockContext { shape: &shape, parameters, packed, rotary: &self.rotary, block },
                stream,
            );
        }
        let last = &mut self.last;
        let weights = &parameters[self.layout.final_norm(&shape)..][..hidden];
        norm::forward(&last.stream, weights, shape.norm_epsilon, &mut last.normed, &mut last.scale);
        resize(&mut last.selected, packed.targets.len() * hidden);
        for (row, target) in last.selected.chunks_exact_mut(hidden).zip(&packed.targets) {
            row.copy_from_slice(&last.normed[target.position * hidden..][..hidden]);
        }
        resize(&mut last.logits, packed.targets.len() * shape.vocabulary);
        let embedding = Matrix::new(&parameters[..shape.vocabulary * hidden], shape.vocabulary, hidden);
        let selected = Matrix::new(&last.selected, packed.targets.len(), hidden);
        multiply(Target::over(&mut last.logits), selected, embedding.t(), 1.0);
    }

    /// From the gradient of the logits, which has overwritten them, to that of all parameters.
    fn backward(&mut self, parameters: &[f32], packed: &PackedSamples, gradient: &mut [f32]) {
        let shape = self.shape;
        let hidden = shape.hidden;
        let (last, scratch) = (&mut self.last, &mut self.scratch);
        let count = packed.targets.len();
        let logits = Matrix::new(&last.logits, count, shape.vocabulary);
        let embedding = ..shape.vocabulary * hidden;
        let selected = Matrix::new(&last.selected, count, hidden);
        multiply(Target::onto(&mut gradient[embedding]), logits.t(), selected, 1.0);
        let matrix = Matrix::new(&parameters[embedding], shape.vocabulary, hidden);
        resize(&mut scratch.wide, count * hidden);
        multiply(Target::over(&mut scratch.wide), logits, matrix, 1.0);
        resize(&mut scratch.narrow, packed.tokens.len() * hidden);
        scratch.narrow.fill(0.0);
        for (row, target) in scratch.wide.chunks_exact(hidden).zip(&packed.targets) {
            scratch.narrow[target.position * hidden..][..hidden].copy_from_slice(row);
        }
        resize(&mut scratch.stream, packed.tokens.len() * hidden);
        scratch.stream.fill(0.0);
        let at = self.layout.final_norm(&shape);
        let normed = norm::NormInputs {
            input: &last.stream,
            weights: &parameters[at..][..hidden],
            scale: &last.scale,
        };
        normed.backward(&scratch.narrow, &mut scratch.stream, &mut gradient[at..][..hidden]);
        for (layer, activations) in self.blocks.iter().enumerate().rev() {
            let block = self.layout.block(&shape, layer);
            let context = BlockContext { shape: &shape, parameters, packed, rotary: &self.rotary, block };
            activations.backward(&context, scratch, gradient);
        }
        for (row, token) in scratch.stream.chunks_exact(hidden).zip(&packed.tokens) {
            let line = &mut gradient[*token as usize * hidden..][..hidden];
            line.iter_mut().zip(row).for_each(|(line, row)| *line += row);
        }
    }
}

/// What a block computes with, besides its input.
struct BlockContext<'a> {
    shape: &'a ModelShape,
    parameters: &'a [f32],
    packed: &'a PackedSamples,
    rotary: &'a RotaryTable,
    block: BlockOffsets,
}

impl BlockContext<'_> {
    /// The matrix that begins at this offset.
    fn matrix(&self, at: usize, rows: usize, columns: usize) -> Matrix<'_> {
        Matrix::new(&self.parameters[at..][..rows * columns], rows, columns)
    }

    fn weights(&self, at: usize) -> &[f32] {
        &self.parameters[at..][..self.shape.hidden]
    }
}

impl Activations {
    /// From the residual stream before the block to that after it, in place.
    fn forward(&mut self, context: &BlockContext<'_>, stream: &mut [f32]) {
        let (hidden, wide, block) = (context.shape.hidden, context.shape.feed_forward, context.block);
        let (count, epsilon) = (context.packed.tokens.len(), context.shape.norm_epsilon);
        copy(&mut self.input, stream);
        let weights = context.weights(block.input_norm);
        norm::forward(&self.input, weights, epsilon, &mut self.input_normed, &mut self.input_scale);
        resize(&mut self.query_key_value, count * 3 * hidden);
        let matrix = context.matrix(block.query_key_value, 3 * hidden, hidden);
        let normed = Matrix::new(&self.input_normed, count, hidden);
        multiply(Target::over(&mut self.query_key_value), normed, matrix.t(), 1.0);
        context.rotary.turn(&mut self.query_key_value, &context.packed.positions);
        resize(&mut self.attended, count * hidden);
        attention::forward(context, &self.query_key_value, &mut self.attention, &mut self.attended);
        let matrix = context.matrix(block.output, hidden, hidden);
        multiply(Target::onto(stream), Matrix::new(&self.attended, count, hidden), matrix.t(), 1.0);

        copy(&mut self.middle, stream);
        let weights = context.weights(block.middle_norm);
        norm::forward(&self.middle, weights, epsilon, &mut self.middle_normed, &mut self.middle_scale);
        resize(&mut self.gate_up, count * 2 * wide);
        let matrix = context.matrix(block.gate_up, 2 * wide, hidden);
        let normed = Matrix::new(&self.middle_normed, count, hidden);
        multiply(Target::over(&mut self.gate_up), normed, matrix.t(), 1.0);
        resize(&mut self.gated, count * wide);
        gate::forward(&self.gate_up, wide, &mut self.gated);
        let matrix = context.matrix(block.down, hidden, wide);
        multiply(Target::onto(stream), Matrix::new(&self.gated, count, wide), matrix.t(), 1.0);
    }

    /// From the gradient of the residual stream after the block to that before it, in `scratch.stream`.
    fn backward(&self, context: &BlockContext<'_>, scratch: &mut Scratch, gradient: &mut [f32]) {
        let (hidden, wide, block) = (context.shape.hidden, context.shape.feed_forward, context.block);
        let count = context.packed.tokens.len();
        let output_gradient = Matrix::new(&scratch.stream, count, hidden);
        resize(&mut scratch.wide, count * wide);
        multiply(
            Target::over(&mut scratch.wide),
            output_gradient,
            context.matrix(block.down, hidden, wide),
            1.0,
        );
        let gated = Matrix::new(&self.gated, count, wide);
        multiply(Target::onto(&mut gradient[block.down..]), output_gradient.t(), gated, 1.0);
        resize(&mut scratch.wider, count * 2 * wide);
        gate::backward(&self.gate_up, wide, &scratch.wide, &mut scratch.wider);
        let gate_up = Matrix::new(&scratch.wider, count, 2 * wide);
        let normed = Matrix::new(&self.middle_normed, count, hidden);
        multiply(Target::onto(&mut gradient[block.gate_up..]), gate_up.t(), normed, 1.0);
        let matrix = context.matrix(block.gate_up, 2 * wide, hidden);
        resize(&mut scratch.narrow, count * hidden);
        multiply(Target::over(&mut scratch.narrow), gate_up, matrix, 1.0);
        let normed = norm::NormInputs {
            input: &self.middle,
            weights: context.weights(block.middle_norm),
            scale: &self.middle_scale,
        };
        let at = block.middle_norm..block.middle_norm + hidden;
        normed.backward(&scratch.narrow, &mut scratch.stream, &mut gradient[at]);
        self.attention_backward(context, scratch, gradient);
    }

    fn attention_backward(&self, context: &BlockContext<'_>, scratch: &mut Scratch, gradient: &mut [f32]) {
        let (hidden, block, count) = (context.shape.hidden, context.block, context.packed.tokens.len());
        let output_gradient = Matrix::new(&scratch.stream, count, hidden);
        multiply(
            Target::over(&mut scratch.narrow),
            output_gradient,
            context.matrix(block.output, hidden, hidden),
            1.0,
        );
        let attended = Matrix::new(&self.attended, count, hidden);
        multiply(Target::onto(&mut gradient[block.output..]), output_gradient.t(), attended, 1.0);
        resize(&mut scratch.wide, count * 3 * hidden);
        let cache =
            attention::AttentionCache { query_key_value: &self.query_key_value, attention: &self.attention };
        cache.backward(context, &scratch.narrow, &mut scratch.wide, &mut scratch.scores);
        context.rotary.turn_back(&mut scratch.wide, &context.packed.positions);
        let query_key_value = Matrix::new(&scratch.wide, count, 3 * hidden);
        let normed = Matrix::new(&self.input_normed, count, hidden);
        multiply(Target::onto(&mut gradient[block.query_key_value..]), query_key_value.t(), normed, 1.0);
        let matrix = context.matrix(block.query_key_value, 3 * hidden, hidden);
        multiply(Target::over(&mut scratch.narrow), query_key_value, matrix, 1.0);
        let normed = norm::NormInputs {
            input: &self.input,
            weights: context.weights(block.input_norm),
            scale: &self.input_scale,
        };
        let at = block.input_norm..block.input_norm + hidden;
        normed.backward(&scratch.narrow, &mut scratch.stream, &mut gradient[at]);
    }
}

fn resize(values: &mut Vec<f32>, length: usize) {
    values.resize(length, 0.0);
}

fn copy(to: &mut Vec<f32>, from: &[f32]) {
    to.clear();
    to.extend_from_slice(from);
}

#[cfg(test)]
mod tests;
