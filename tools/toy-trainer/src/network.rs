//! The decoder as it is trained: forward and backward by hand over products of matrices, in f32, on one
//! thread. A general autograd keeps and copies several times as much.
//!
//! Documents are packed one after the other; attention never leaves its document. What stays is what the
//! backward pass needs; the memory is used again from run to run.

mod attention;
mod gate;
mod loss;
mod norm;
mod rotary;

use super::sample::{Packed, Sample, runs};
use super::shape::{Block, Layout, Shape};
use plimsoll_kernels::product::{Matrix, Target, multiply};
use rotary::Rotary;

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

/// A decoder without its numbers, and the memory in which it works.
#[derive(Debug)]
pub struct Network {
    shape: Shape,
    layout: Layout,
    rotary: Rotary,
    blocks: Vec<Kept>,
    last: Last,
    scratch: Scratch,
}

/// What a block keeps for the way back.
#[derive(Debug, Default, Clone)]
struct Kept {
    before: Vec<f32>,
    before_scale: Vec<f32>,
    before_normed: Vec<f32>,
    query_key_value: Vec<f32>,
    attention: Vec<f32>,
    mixed: Vec<f32>,
    middle: Vec<f32>,
    middle_scale: Vec<f32>,
    middle_normed: Vec<f32>,
    gate_up: Vec<f32>,
    gated: Vec<f32>,
}

/// What stands behind the last block.
#[derive(Debug, Default)]
struct Last {
    stream: Vec<f32>,
    scale: Vec<f32>,
    normed: Vec<f32>,
    chosen: Vec<f32>,
    logits: Vec<f32>,
}

/// What is needed for a moment.
#[derive(Debug, Default)]
struct Scratch {
    stream: Vec<f32>,
    narrow: Vec<f32>,
    wide: Vec<f32>,
    wider: Vec<f32>,
    scores: Vec<f32>,
}

impl Network {
    /// A decoder of this shape.
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            layout: Layout::new(&shape),
            rotary: Rotary::new(&shape),
            blocks: vec![Kept::default(); shape.layers],
            last: Last::default(),
            scratch: Scratch::default(),
        }
    }

    /// Its shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Where its matrices lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The loss of some documents under these numbers.
    pub fn loss(&mut self, numbers: &[f32], samples: &[Sample]) -> Loss {
        let mut loss = Loss::default();
        for run in runs(samples, RUN) {
            let packed = Packed::new(&samples[run]);
            self.forward(numbers, &packed);
            loss::add(&mut loss, &mut self.last.logits, &packed, self.shape.vocabulary, None);
        }
        loss
    }

    /// The loss, and the gradient of its mean per weight, which is overwritten.
    pub fn gradient(&mut self, numbers: &[f32], samples: &[Sample], gradient: &mut [f32]) -> Loss {
        gradient.fill(0.0);
        let mut loss = Loss::default();
        let weights = samples.iter().flat_map(|sample| sample.weights.iter().skip(1));
        let weight: f64 = weights.map(|weight| f64::from(*weight)).sum();
        for run in runs(samples, RUN) {
            let packed = Packed::new(&samples[run]);
            self.forward(numbers, &packed);
            loss::add(&mut loss, &mut self.last.logits, &packed, self.shape.vocabulary, Some(weight));
            self.backward(numbers, &packed, gradient);
        }
        loss
    }

    /// The logits behind every place that foretells a token with weight, in order, row by row.
    pub fn logits(&mut self, numbers: &[f32], sample: &Sample) -> &[f32] {
        self.forward(numbers, &Packed::new(std::slice::from_ref(sample)));
        &self.last.logits
    }

    fn forward(&mut self, numbers: &[f32], packed: &Packed) {
        let (shape, count) = (self.shape, packed.tokens.len());
        let hidden = shape.hidden;
        let stream = &mut self.last.stream;
        resize(stream, count * hidden);
        for (row, token) in stream.chunks_exact_mut(hidden).zip(&packed.tokens) {
            row.copy_from_slice(&numbers[*token as usize * hidden..][..hidden]);
        }
        for (layer, kept) in self.blocks.iter_mut().enumerate() {
            let block = self.layout.block(&shape, layer);
            kept.forward(&Here { shape: &shape, numbers, packed, rotary: &self.rotary, block }, stream);
        }
        let last = &mut self.last;
        let weights = &numbers[self.layout.final_norm(&shape)..][..hidden];
        norm::forward(&last.stream, weights, shape.norm_epsilon, &mut last.normed, &mut last.scale);
        resize(&mut last.chosen, packed.foretold.len() * hidden);
        for (row, foretold) in last.chosen.chunks_exact_mut(hidden).zip(&packed.foretold) {
            row.copy_from_slice(&last.normed[foretold.place * hidden..][..hidden]);
        }
        resize(&mut last.logits, packed.foretold.len() * shape.vocabulary);
        let embedding = Matrix::new(&numbers[..shape.vocabulary * hidden], shape.vocabulary, hidden);
        let chosen = Matrix::new(&last.chosen, packed.foretold.len(), hidden);
        multiply(Target::over(&mut last.logits), chosen, embedding.t(), 1.0);
    }

    /// From the gradient of the logits, which stands in their place, to that of all numbers.
    fn backward(&mut self, numbers: &[f32], packed: &Packed, gradient: &mut [f32]) {
        let shape = self.shape;
        let hidden = shape.hidden;
        let (last, scratch) = (&mut self.last, &mut self.scratch);
        let foretold = packed.foretold.len();
        let logits = Matrix::new(&last.logits, foretold, shape.vocabulary);
        let embedding = ..shape.vocabulary * hidden;
        let chosen = Matrix::new(&last.chosen, foretold, hidden);
        multiply(Target::onto(&mut gradient[embedding]), logits.t(), chosen, 1.0);
        let matrix = Matrix::new(&numbers[embedding], shape.vocabulary, hidden);
        resize(&mut scratch.wide, foretold * hidden);
        multiply(Target::over(&mut scratch.wide), logits, matrix, 1.0);
        resize(&mut scratch.narrow, packed.tokens.len() * hidden);
        scratch.narrow.fill(0.0);
        for (row, foretold) in scratch.wide.chunks_exact(hidden).zip(&packed.foretold) {
            scratch.narrow[foretold.place * hidden..][..hidden].copy_from_slice(row);
        }
        resize(&mut scratch.stream, packed.tokens.len() * hidden);
        scratch.stream.fill(0.0);
        let at = self.layout.final_norm(&shape);
        let normed =
            norm::Normed { input: &last.stream, weights: &numbers[at..][..hidden], scale: &last.scale };
        normed.backward(&scratch.narrow, &mut scratch.stream, &mut gradient[at..][..hidden]);
        for (layer, kept) in self.blocks.iter().enumerate().rev() {
            let block = self.layout.block(&shape, layer);
            let here = Here { shape: &shape, numbers, packed, rotary: &self.rotary, block };
            kept.backward(&here, scratch, gradient);
        }
        for (row, token) in scratch.stream.chunks_exact(hidden).zip(&packed.tokens) {
            let line = &mut gradient[*token as usize * hidden..][..hidden];
            line.iter_mut().zip(row).for_each(|(line, row)| *line += row);
        }
    }
}

/// Where a block stands.
struct Here<'a> {
    shape: &'a Shape,
    numbers: &'a [f32],
    packed: &'a Packed,
    rotary: &'a Rotary,
    block: Block,
}

impl Here<'_> {
    /// The matrix that begins there.
    fn matrix(&self, at: usize, rows: usize, columns: usize) -> Matrix<'_> {
        Matrix::new(&self.numbers[at..][..rows * columns], rows, columns)
    }

    fn weights(&self, at: usize) -> &[f32] {
        &self.numbers[at..][..self.shape.hidden]
    }
}

impl Kept {
    /// From the stream before the block to that behind it, in place.
    fn forward(&mut self, here: &Here<'_>, stream: &mut [f32]) {
        let (hidden, wide, block) = (here.shape.hidden, here.shape.feed_forward, here.block);
        let (count, epsilon) = (here.packed.tokens.len(), here.shape.norm_epsilon);
        copy(&mut self.before, stream);
        let weights = here.weights(block.input_norm);
        norm::forward(&self.before, weights, epsilon, &mut self.before_normed, &mut self.before_scale);
        resize(&mut self.query_key_value, count * 3 * hidden);
        let matrix = here.matrix(block.query_key_value, 3 * hidden, hidden);
        let normed = Matrix::new(&self.before_normed, count, hidden);
        multiply(Target::over(&mut self.query_key_value), normed, matrix.t(), 1.0);
        here.rotary.turn(&mut self.query_key_value, &here.packed.positions);
        resize(&mut self.mixed, count * hidden);
        attention::forward(here, &self.query_key_value, &mut self.attention, &mut self.mixed);
        let matrix = here.matrix(block.output, hidden, hidden);
        multiply(Target::onto(stream), Matrix::new(&self.mixed, count, hidden), matrix.t(), 1.0);

        copy(&mut self.middle, stream);
        let weights = here.weights(block.middle_norm);
        norm::forward(&self.middle, weights, epsilon, &mut self.middle_normed, &mut self.middle_scale);
        resize(&mut self.gate_up, count * 2 * wide);
        let matrix = here.matrix(block.gate_up, 2 * wide, hidden);
        let normed = Matrix::new(&self.middle_normed, count, hidden);
        multiply(Target::over(&mut self.gate_up), normed, matrix.t(), 1.0);
        resize(&mut self.gated, count * wide);
        gate::forward(&self.gate_up, wide, &mut self.gated);
        let matrix = here.matrix(block.down, hidden, wide);
        multiply(Target::onto(stream), Matrix::new(&self.gated, count, wide), matrix.t(), 1.0);
    }

    /// From the gradient of the stream behind the block to that before it, in `scratch.stream`.
    fn backward(&self, here: &Here<'_>, scratch: &mut Scratch, gradient: &mut [f32]) {
        let (hidden, wide, block) = (here.shape.hidden, here.shape.feed_forward, here.block);
        let count = here.packed.tokens.len();
        let behind = Matrix::new(&scratch.stream, count, hidden);
        resize(&mut scratch.wide, count * wide);
        multiply(Target::over(&mut scratch.wide), behind, here.matrix(block.down, hidden, wide), 1.0);
        let gated = Matrix::new(&self.gated, count, wide);
        multiply(Target::onto(&mut gradient[block.down..]), behind.t(), gated, 1.0);
        resize(&mut scratch.wider, count * 2 * wide);
        gate::backward(&self.gate_up, wide, &scratch.wide, &mut scratch.wider);
        let gate_up = Matrix::new(&scratch.wider, count, 2 * wide);
        let normed = Matrix::new(&self.middle_normed, count, hidden);
        multiply(Target::onto(&mut gradient[block.gate_up..]), gate_up.t(), normed, 1.0);
        let matrix = here.matrix(block.gate_up, 2 * wide, hidden);
        resize(&mut scratch.narrow, count * hidden);
        multiply(Target::over(&mut scratch.narrow), gate_up, matrix, 1.0);
        let normed = norm::Normed {
            input: &self.middle,
            weights: here.weights(block.middle_norm),
            scale: &self.middle_scale,
        };
        let at = block.middle_norm..block.middle_norm + hidden;
        normed.backward(&scratch.narrow, &mut scratch.stream, &mut gradient[at]);
        self.attention_backward(here, scratch, gradient);
    }

    fn attention_backward(&self, here: &Here<'_>, scratch: &mut Scratch, gradient: &mut [f32]) {
        let (hidden, block, count) = (here.shape.hidden, here.block, here.packed.tokens.len());
        let behind = Matrix::new(&scratch.stream, count, hidden);
        multiply(Target::over(&mut scratch.narrow), behind, here.matrix(block.output, hidden, hidden), 1.0);
        let mixed = Matrix::new(&self.mixed, count, hidden);
        multiply(Target::onto(&mut gradient[block.output..]), behind.t(), mixed, 1.0);
        resize(&mut scratch.wide, count * 3 * hidden);
        let kept = attention::Attended { query_key_value: &self.query_key_value, attention: &self.attention };
        kept.backward(here, &scratch.narrow, &mut scratch.wide, &mut scratch.scores);
        here.rotary.turn_back(&mut scratch.wide, &here.packed.positions);
        let query_key_value = Matrix::new(&scratch.wide, count, 3 * hidden);
        let normed = Matrix::new(&self.before_normed, count, hidden);
        multiply(Target::onto(&mut gradient[block.query_key_value..]), query_key_value.t(), normed, 1.0);
        let matrix = here.matrix(block.query_key_value, 3 * hidden, hidden);
        multiply(Target::over(&mut scratch.narrow), query_key_value, matrix, 1.0);
        let normed = norm::Normed {
            input: &self.before,
            weights: here.weights(block.input_norm),
            scale: &self.before_scale,
        };
        let at = block.input_norm..block.input_norm + hidden;
        normed.backward(&scratch.narrow, &mut scratch.stream, &mut gradient[at]);
    }
}

fn resize(numbers: &mut Vec<f32>, length: usize) {
    numbers.resize(length, 0.0);
}

fn copy(to: &mut Vec<f32>, from: &[f32]) {
    to.clear();
    to.extend_from_slice(from);
}

#[cfg(test)]
mod tests;
