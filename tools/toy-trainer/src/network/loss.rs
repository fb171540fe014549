//! Cross-entropy over the vocabulary.

use super::Loss;
use crate::sample::Packed;
use plimsoll_kernels::simd::{exp, largest, sum};
use plimsoll_kernels::wide;

/// Adds the weighted loss of each row. With the weight of a whole step, the logits become their gradient.
pub(super) fn add(
    loss: &mut Loss,
    logits: &mut [f32],
    packed: &Packed,
    vocabulary: usize,
    step: Option<f64>,
) {
    for (row, foretold) in logits.chunks_exact_mut(vocabulary).zip(&packed.foretold) {
        let logit = row[foretold.token as usize];
        let (most, total) = powers(row);
        let weight = f64::from(foretold.weight);
        loss.nats += weight * (f64::from(total).ln() + f64::from(most) - f64::from(logit));
        loss.weight += weight;
        if let Some(step) = step {
            let share = share(weight / step);
            let each = share / total;
            for x in row.iter_mut() {
                *x *= each;
            }
            row[foretold.token as usize] -= share;
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a share to f32, rounded")]
fn share(number: f64) -> f32 {
    number as f32
}

wide! {
    /// Each logit as a power of e, over the largest; gives that one and the sum.
    fn powers(row: &mut [f32]) -> (f32, f32) {
        let most = largest(row);
        for x in row.iter_mut() {
            *x = exp(*x - most);
        }
        (most, sum(row))
    }
}
