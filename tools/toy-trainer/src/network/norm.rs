//! `RMSNorm`, as transformers computes it.

use plimsoll_kernels::simd::dot;
use plimsoll_kernels::wide;

/// Rows divided by their root mean square, times the weights. `scale` gets one over the root of each row.
pub(super) fn forward(
    input: &[f32],
    weights: &[f32],
    epsilon: f64,
    output: &mut Vec<f32>,
    scale: &mut Vec<f32>,
) {
    super::resize(output, input.len());
    super::resize(scale, input.len() / weights.len());
    rows(input, weights, epsilon, output, scale);
}

wide! {
    fn rows(input: &[f32], weights: &[f32], epsilon: f64, output: &mut [f32], scale: &mut [f32]) {
        let width = weights.len();
        let rows = input.chunks_exact(width).zip(output.chunks_exact_mut(width));
        for ((row, out), scale) in rows.zip(scale) {
            *scale = one_over_root(f64::from(dot(row, row)) / width as f64 + epsilon);
            for ((out, x), weight) in out.iter_mut().zip(row).zip(weights) {
                *out = x * *scale * weight;
            }
        }
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "to f32, rounded")]
fn one_over_root(mean: f64) -> f32 {
    (1.0 / mean.sqrt()) as f32
}

/// Inputs of a norm, for its backward pass.
pub(super) struct NormInputs<'a> {
    pub(super) input: &'a [f32],
    pub(super) weights: &'a [f32],
    pub(super) scale: &'a [f32],
}

impl NormInputs<'_> {
    /// Adds the gradient of the input to `into`, and that of the weights.
    ///
    /// # Formula
    /// With x the row, s its scale, w the weights and g the gradient of w x s:
    /// s (g w - x s mean(g w x s)).
    pub(super) fn backward(&self, gradient: &[f32], into: &mut [f32], weight_gradient: &mut [f32]) {
        backward(self, gradient, into, weight_gradient, &mut vec![0.0; self.weights.len()]);
    }
}

wide! {
    fn backward(
        normed: &NormInputs<'_>,
        gradient: &[f32],
        into: &mut [f32],
        weight_gradient: &mut [f32],
        weighted: &mut [f32],
    ) {
        let width = normed.weights.len();
        let share = 1.0 / width as f32;
        let rows = normed.input.chunks_exact(width).zip(gradient.chunks_exact(width));
        for (((row, gradient), into), scale) in rows.zip(into.chunks_exact_mut(width)).zip(normed.scale) {
            for ((weighted, g), weight) in weighted.iter_mut().zip(gradient).zip(normed.weights) {
                *weighted = g * weight;
            }
            for ((gradient_of_weight, g), x) in weight_gradient.iter_mut().zip(gradient).zip(row) {
                *gradient_of_weight = (g * scale).mul_add(*x, *gradient_of_weight);
            }
            let mean = dot(weighted, row) * scale * share;
            for ((into, weighted), x) in into.iter_mut().zip(weighted.iter()).zip(row) {
                *into += scale * (x * scale).mul_add(-mean, *weighted);
            }
        }
    }
}
