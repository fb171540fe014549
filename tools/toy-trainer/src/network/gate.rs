//! `SwiGLU`: silu of the gate times the up projection.

use plimsoll_kernels::simd::exp;
use plimsoll_kernels::wide;

wide! {
    /// `[n, 2 width]`, the gates first, to `[n, width]`.
    pub(super) fn forward(gate_up: &[f32], width: usize, gated: &mut [f32]) {
        for (row, out) in gate_up.chunks_exact(2 * width).zip(gated.chunks_exact_mut(width)) {
            let (gate, up) = row.split_at(width);
            for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                *out = gate * up / (1.0 + exp(-gate));
            }
        }
    }
}

wide! {
    /// The gradient of the gate and of the up projection.
    ///
    /// # Formula
    /// With s the logistic function of the gate x: of the gate g up s (1 + x (1 - s)), of up g x s.
    pub(super) fn backward(gate_up: &[f32], width: usize, gradient: &[f32], into: &mut [f32]) {
        for ((row, gradient), out) in gate_up
            .chunks_exact(2 * width)
            .zip(gradient.chunks_exact(width))
            .zip(into.chunks_exact_mut(2 * width))
        {
            let (gate, up) = row.split_at(width);
            let (gate_gradient, up_gradient) = out.split_at_mut(width);
            let inputs = gate.iter().zip(up).zip(gradient);
            for (((x, up), g), (gate_gradient, up_gradient)) in inputs.zip(gate_gradient.iter_mut().zip(up_gradient)) {
                let s = 1.0 / (1.0 + exp(-x));
                *gate_gradient = g * up * s * x.mul_add(1.0 - s, 1.0);
                *up_gradient = g * x * s;
            }
        }
    }
}
