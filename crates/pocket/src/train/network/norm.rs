//! `RMSNorm`, as transformers computes it.

use crate::train::simd::{dot, wide};

/// Rows divided by their root mean square, times the weights. `scale` gets one over the root of each row.
pub(super) fn forward(
    input: &[f32],
    weights: &[f32],
    epsilon: f64,
    output: &mut Vec<f32>,
    scale: &mut Vec<f32>,
) {
    let width = weights.len();
    super::resize(output, input.len());
    super::resize(scale, input.len() / width);
    wide(|| {
        for ((row, out), scale) in
            input.chunks_exact(width).zip(output.chunks_exact_mut(width)).zip(scale.iter_mut())
        {
            let mean = f64::from(dot(row, row)) / width as f64;
            *scale = one_over_root(mean + epsilon);
            for ((out, x), weight) in out.iter_mut().zip(row).zip(weights) {
                *out = x * *scale * weight;
            }
        }
    });
}

#[expect(clippy::cast_possible_truncation, reason = "to f32, rounded")]
fn one_over_root(number: f64) -> f32 {
    (1.0 / number.sqrt()) as f32
}

/// What a norm was given.
pub(super) struct Normed<'a> {
    pub(super) input: &'a [f32],
    pub(super) weights: &'a [f32],
    pub(super) scale: &'a [f32],
}

impl Normed<'_> {
    /// Adds the gradient of the input to `into`, and that of the weights.
    ///
    /// # Formula
    /// With x the row, s its scale, w the weights and g the gradient of w x s:
    /// s (g w - x s mean(g w x s)).
    pub(super) fn backward(&self, gradient: &[f32], into: &mut [f32], of_weights: &mut [f32]) {
        let width = self.weights.len();
        let share = 1.0 / width as f32;
        let mut weighted = vec![0.0_f32; width];
        wide(|| {
            for (((row, gradient), into), scale) in self
                .input
                .chunks_exact(width)
                .zip(gradient.chunks_exact(width))
                .zip(into.chunks_exact_mut(width))
                .zip(self.scale)
            {
                for index in 0..width {
                    weighted[index] = gradient[index] * self.weights[index];
                    of_weights[index] = (gradient[index] * *scale).mul_add(row[index], of_weights[index]);
                }
                let mean = dot(&weighted, row) * scale * share;
                for index in 0..width {
                    into[index] += scale * (row[index] * *scale).mul_add(-mean, weighted[index]);
                }
            }
        });
    }
}
