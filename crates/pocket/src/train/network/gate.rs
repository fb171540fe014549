//! `SwiGLU`: silu of the gate times what is let through.

use crate::train::simd::{exp, wide};

/// `[n, 2 width]`, the gates first, to `[n, width]`.
pub(super) fn forward(gate_up: &[f32], width: usize, gated: &mut [f32]) {
    wide(|| {
        for (row, out) in gate_up.chunks_exact(2 * width).zip(gated.chunks_exact_mut(width)) {
            let (gate, up) = row.split_at(width);
            for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                *out = gate * up / (1.0 + exp(-gate));
            }
        }
    });
}

/// The gradient of gates and what they let through.
///
/// # Formula
/// With s the logistic function of the gate x: of the gate g up s (1 + x (1 - s)), of the other g x s.
pub(super) fn backward(gate_up: &[f32], width: usize, gradient: &[f32], of_gate_up: &mut [f32]) {
    wide(|| {
        for ((row, gradient), out) in gate_up
            .chunks_exact(2 * width)
            .zip(gradient.chunks_exact(width))
            .zip(of_gate_up.chunks_exact_mut(2 * width))
        {
            let (gate, up) = row.split_at(width);
            let (of_gate, of_up) = out.split_at_mut(width);
            for index in 0..width {
                let (x, g) = (gate[index], gradient[index]);
                let s = 1.0 / (1.0 + exp(-x));
                of_gate[index] = g * up[index] * s * x.mul_add(1.0 - s, 1.0);
                of_up[index] = g * x * s;
            }
        }
    });
}
