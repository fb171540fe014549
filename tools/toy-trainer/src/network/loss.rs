//! Cross-entropy over the vocabulary.

use super::Loss;
use crate::sample::PackedSamples;
use plimsoll_kernels::simd::{exp, largest, sum};
use plimsoll_kernels::wide;

/// Adds the weighted loss of each row. With the weight of a whole step, the logits become their gradient.
pub(super) fn add(
    loss: &mut Loss,
    logits: &mut [f32],
    packed: &PackedSamples,
    vocabulary: usize,
    step: Option<f64>,
) {
    for (row, target) in logits.chunks_exact_mut(vocabulary).zip(&packed.targets) {
        let logit = row[target.token as usize];
        let (max, total) = powers(row);
        let weight = f64::from(target.weight);
        loss.nats += weight * (f64::from(total).ln() + f64::from(max) - f64::from(logit));
        loss.weight += weight;
        if let Some(step) = step {
            let share = share(weight / step);
            let each = share / total;
            for x in row.iter_mut() {
                *x *= each;
            }
            row[target.token as usize] -= share;
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a share to f32, rounded")]
fn share(share: f64) -> f32 {
    share as f32
}

wide! {
    /// exp(logit - max) of each logit, in place; gives the maximum and the sum.
    fn powers(row: &mut [f32]) -> (f32, f32) {
        let max = largest(row);
        for x in row.iter_mut() {
            *x = exp(*x - max);
        }
        (max, sum(row))
    }
}
