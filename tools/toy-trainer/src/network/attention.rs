//! Causal attention, document by document and head by head, as products of small matrices.

use std::ops::Range;

use super::Here;
use plimsoll_kernels::product::{Matrix, Target, multiply};
use plimsoll_kernels::simd::{dot, exp, largest, sum};
use plimsoll_kernels::wide;

/// One head in one document: where it lies.
struct Head {
    document: Range<usize>,
    number: usize,
    width: usize,
    hidden: usize,
    /// Where its weights begin.
    weights: usize,
}

impl Head {
    /// All of them, in order.
    fn all<'a>(here: &'a Here<'_>) -> impl Iterator<Item = Self> + 'a {
        let (width, hidden) = (here.shape.head(), here.shape.hidden);
        let mut weights = 0;
        here.packed.documents.iter().flat_map(move |document| {
            let start = weights;
            let square = document.len() * document.len();
            weights += square * here.shape.heads;
            (0..here.shape.heads).map(move |number| Self {
                document: document.clone(),
                number,
                width,
                hidden,
                weights: start + number * square,
            })
        })
    }

    fn len(&self) -> usize {
        self.document.len()
    }

    /// Its queries (0), keys (1) or values (2).
    fn start(&self, which: usize) -> usize {
        self.document.start * 3 * self.hidden + which * self.hidden + self.number * self.width
    }

    fn matrix<'a>(&self, query_key_value: &'a [f32], which: usize) -> Matrix<'a> {
        let numbers = &query_key_value[self.start(which)..];
        Matrix::within(numbers, self.len(), self.width, 3 * self.hidden)
    }

    fn target<'a>(&self, query_key_value: &'a mut [f32], which: usize) -> Target<'a> {
        Target::over(&mut query_key_value[self.start(which)..]).stride(3 * self.hidden)
    }

    /// Its part of `[n, hidden]`.
    fn narrow(&self) -> usize {
        self.document.start * self.hidden + self.number * self.width
    }

    fn square(&self) -> Range<usize> {
        self.weights..self.weights + self.len() * self.len()
    }

    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }
}

fn squares(here: &Here<'_>) -> usize {
    here.packed.documents.iter().map(|document| document.len() * document.len() * here.shape.heads).sum()
}

/// Values mixed by the weights of attention, which are kept.
pub(super) fn forward(here: &Here<'_>, query_key_value: &[f32], kept: &mut Vec<f32>, mixed: &mut [f32]) {
    super::resize(kept, squares(here));
    for head in Head::all(here).filter(|head| head.len() > 0) {
        let weights = &mut kept[head.square()];
        let (queries, keys) = (head.matrix(query_key_value, 0), head.matrix(query_key_value, 1));
        multiply(Target::over(weights), queries, keys.t(), head.scale());
        softmax(weights, head.len());
        let weights = Matrix::new(&kept[head.square()], head.len(), head.len());
        let out = Target::over(&mut mixed[head.narrow()..]).stride(head.hidden);
        multiply(out, weights, head.matrix(query_key_value, 2), 1.0);
    }
}

wide! {
    /// Of each row of a square up to its own place; 0 behind it.
    fn softmax(square: &mut [f32], length: usize) {
        for (place, row) in square.chunks_exact_mut(length).enumerate() {
            let (seen, unseen) = row.split_at_mut(place + 1);
            let most = largest(seen);
            for x in seen.iter_mut() {
                *x = exp(*x - most);
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
    fn of_scores(square: &mut [f32], weights: &[f32], length: usize) {
        for (row, weights) in square.chunks_exact_mut(length).zip(weights.chunks_exact(length)) {
            let mean = dot(row, weights);
            for (x, weight) in row.iter_mut().zip(weights) {
                *x = weight * (*x - mean);
            }
        }
    }
}

/// What attention was given and kept.
pub(super) struct Attended<'a> {
    pub(super) query_key_value: &'a [f32],
    pub(super) attention: &'a [f32],
}

impl Attended<'_> {
    /// The gradient of queries, keys and values from that of what was mixed.
    ///
    /// # Formula
    /// With P the weights and G = dO V^T their gradient: dV = P^T dO, that of the scores is
    /// S = P (G - rowsum(P G)), dQ = S K and dK = S^T Q, both scaled.
    pub(super) fn backward(
        &self,
        here: &Here<'_>,
        gradient: &[f32],
        into: &mut [f32],
        scratch: &mut Vec<f32>,
    ) {
        for head in Head::all(here).filter(|head| head.len() > 0) {
            let length = head.len();
            super::resize(scratch, length * length);
            let mixed = Matrix::within(&gradient[head.narrow()..], length, head.width, head.hidden);
            multiply(Target::over(scratch), mixed, head.matrix(self.query_key_value, 2).t(), 1.0);
            let weights = &self.attention[head.square()];
            multiply(head.target(into, 2), Matrix::new(weights, length, length).t(), mixed, 1.0);
            of_scores(scratch, weights, length);
            let scores = Matrix::new(scratch, length, length);
            multiply(head.target(into, 0), scores, head.matrix(self.query_key_value, 1), head.scale());
            multiply(head.target(into, 1), scores.t(), head.matrix(self.query_key_value, 0), head.scale());
        }
    }
}
