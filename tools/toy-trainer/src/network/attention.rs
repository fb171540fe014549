//! Causal attention, document by document and head by head, as products of small matrices.

use std::ops::Range;

use super::BlockContext;
use plimsoll_kernels::product::{Matrix, Target, multiply};
use plimsoll_kernels::simd::{dot, exp, largest, sum};
use plimsoll_kernels::wide;

/// One head in one document, as ranges of the packed buffers.
struct Head {
    document: Range<usize>,
    index: usize,
    width: usize,
    hidden: usize,
    /// Offset of its weights.
    weights: usize,
}

impl Head {
    /// All of them, in order.
    fn all<'a>(context: &'a BlockContext<'_>) -> impl Iterator<Item = Self> + 'a {
        let (width, hidden) = (context.shape.head(), context.shape.hidden);
        let mut weights = 0;
        context.packed.documents.iter().flat_map(move |document| {
            let start = weights;
            let square = document.len() * document.len();
            weights += square * context.shape.heads;
            (0..context.shape.heads).map(move |index| Self {
                document: document.clone(),
                index,
                width,
                hidden,
                weights: start + index * square,
            })
        })
    }

    fn len(&self) -> usize {
        self.document.len()
    }

    /// Its queries (0), keys (1) or values (2).
    fn start(&self, which: usize) -> usize {
        self.document.start * 3 * self.hidden + which * self.hidden + self.index * self.width
    }

    fn matrix<'a>(&self, query_key_value: &'a [f32], which: usize) -> Matrix<'a> {
        let parameters = &query_key_value[self.start(which)..];
        Matrix::within(parameters, self.len(), self.width, 3 * self.hidden)
    }

    fn target<'a>(&self, query_key_value: &'a mut [f32], which: usize) -> Target<'a> {
        Target::over(&mut query_key_value[self.start(which)..]).stride(3 * self.hidden)
    }

    /// Offset of its columns in `[n, hidden]`.
    fn narrow(&self) -> usize {
        self.document.start * self.hidden + self.index * self.width
    }

    fn square(&self) -> Range<usize> {
        self.weights..self.weights + self.len() * self.len()
    }

    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }
}

fn squares(context: &BlockContext<'_>) -> usize {
    context
        .packed
        .documents
        .iter()
        .map(|document| document.len() * document.len() * context.shape.heads)
        .sum()
}

/// The values weighted by attention; `weights_out` keeps the weights for the backward pass.
pub(super) fn forward(
    context: &BlockContext<'_>,
    query_key_value: &[f32],
    weights_out: &mut Vec<f32>,
    attended: &mut [f32],
) {
    super::resize(weights_out, squares(context));
    for head in Head::all(context).filter(|head| head.len() > 0) {
        let weights = &mut weights_out[head.square()];
        let (queries, keys) = (head.matrix(query_key_value, 0), head.matrix(query_key_value, 1));
        multiply(Target::over(weights), queries, keys.t(), head.scale());
        softmax(weights, head.len());
        let weights = Matrix::new(&weights_out[head.square()], head.len(), head.len());
        let out = Target::over(&mut attended[head.narrow()..]).stride(head.hidden);
        multiply(out, weights, head.matrix(query_key_value, 2), 1.0);
    }
}

wide! {
    /// Softmax of each row of a square up to its own position; 0 after it.
    fn softmax(square: &mut [f32], length: usize) {
        for (position, row) in square.chunks_exact_mut(length).enumerate() {
            let (seen, unseen) = row.split_at_mut(position + 1);
            let max = largest(seen);
            for x in seen.iter_mut() {
                *x = exp(*x - max);
            }
            let share = 1.0 / sum(seen);
            for x in seen {
                *x *= share;
            }
            unseen.fill(0.0);
        }
    }
}

wide! {
    /// From the gradient of the weights to that of the scores, in place.
    fn score_gradients(square: &mut [f32], weights: &[f32], length: usize) {
        for (row, weights) in square.chunks_exact_mut(length).zip(weights.chunks_exact(length)) {
            let mean = dot(row, weights);
            for (x, weight) in row.iter_mut().zip(weights) {
                *x = weight * (*x - mean);
            }
        }
    }
}

/// Inputs and weights of an attention, for its backward pass.
pub(super) struct AttentionCache<'a> {
    pub(super) query_key_value: &'a [f32],
    pub(super) attention: &'a [f32],
}

impl AttentionCache<'_> {
    /// The gradient of queries, keys and values from that of the output.
    ///
    /// # Formula
    /// With P the weights and G = dO V^T their gradient: dV = P^T dO, that of the scores is
    /// S = P (G - rowsum(P G)), dQ = S K and dK = S^T Q, both scaled.
    pub(super) fn backward(
        &self,
        context: &BlockContext<'_>,
        gradient: &[f32],
        into: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        for head in Head::all(context).filter(|head| head.len() > 0) {
            let length = head.len();
            super::resize(scratch, length * length);
            let attended = Matrix::within(&gradient[head.narrow()..], length, head.width, head.hidden);
            multiply(Target::over(scratch), attended, head.matrix(self.query_key_value, 2).t(), 1.0);
            let weights = &self.attention[head.square()];
            multiply(head.target(into, 2), Matrix::new(weights, length, length).t(), attended, 1.0);
            score_gradients(scratch, weights, length);
            let scores = Matrix::new(scratch, length, length);
            multiply(head.target(into, 0), scores, head.matrix(self.query_key_value, 1), head.scale());
            multiply(head.target(into, 1), scores.t(), head.matrix(self.query_key_value, 0), head.scale());
        }
    }
}
