//! What a decoder does with each row between its products: norms, rotations, gates.

use crate::simd::{dot, exp};
use crate::wide;

wide! {
    /// `x / sqrt(mean(x^2) + epsilon) * weight` of one row.
    pub fn rms_norm(row: &[f32], weight: &[f32], epsilon: f32, normed: &mut [f32]) {
        let scale = 1.0 / (dot(row, row) / row.len() as f32 + epsilon).sqrt();
        for ((normed, value), weight) in normed.iter_mut().zip(row).zip(weight) {
            *normed = value * scale * weight;
        }
    }
}

wide! {
    /// As [`rms_norm`], in place.
    pub fn rms_norm_in_place(row: &mut [f32], weight: &[f32], epsilon: f32) {
        let scale = 1.0 / (dot(row, row) / row.len() as f32 + epsilon).sqrt();
        for (value, weight) in row.iter_mut().zip(weight) {
            *value = *value * scale * weight;
        }
    }
}

wide! {
    /// Rotates pairs of entries: i of the first half with i of the second.
    pub fn rotate_halves(head: &mut [f32], cosines: &[f32], sines: &[f32]) {
        let (firsts, seconds) = head.split_at_mut(cosines.len());
        for (((first, second), cosine), sine) in firsts.iter_mut().zip(seconds).zip(cosines).zip(sines) {
            (*first, *second) = (*first * cosine - *second * sine, *first * sine + *second * cosine);
        }
    }
}

/// Rotates pairs of entries that stand side by side.
pub fn rotate_interleaved(head: &mut [f32], cosines: &[f32], sines: &[f32]) {
    for ((pair, cosine), sine) in head.as_chunks_mut::<2>().0.iter_mut().zip(cosines).zip(sines) {
        *pair = [pair[0] * cosine - pair[1] * sine, pair[0] * sine + pair[1] * cosine];
    }
}

wide! {
    /// `gate * sigmoid(gate) * up`, into `gate`.
    pub fn silu_gate(gate: &mut [f32], up: &[f32]) {
        for (gate, up) in gate.iter_mut().zip(up) {
            *gate = *gate / (1.0 + exp(-*gate)) * up;
        }
    }
}

wide! {
    /// GELU of `gate` by its tanh approximation, times `up`, into `gate`.
    ///
    /// # Formula
    /// `0.5 x (1 + tanh u)` is `x / (1 + exp(-2 u))`, with u = sqrt(2 / pi) (x + 0.044715 x^3).
    pub fn gelu_tanh_gate(gate: &mut [f32], up: &[f32]) {
        const MINUS_TWICE_ROOT: f32 = -2.0 * 0.797_884_6;
        for (gate, up) in gate.iter_mut().zip(up) {
            let x = *gate;
            *gate = x / (1.0 + exp(MINUS_TWICE_ROOT * x * (1.0 + 0.044_715 * x * x))) * up;
        }
    }
}

wide! {
    /// `stream + scale * part`, into `stream`.
    pub fn add_scaled(stream: &mut [f32], part: &[f32], scale: f32) {
        for (sum, part) in stream.iter_mut().zip(part) {
            *sum += scale * part;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A few units in the last place of f32.
    const TOLERANCE: f64 = 1e-6;

    fn close(found: f32, expected: f64) -> bool {
        (f64::from(found) - expected).abs() <= TOLERANCE * expected.abs().max(1.0)
    }

    proptest! {
        #[test]
        fn norms_are_those_of_the_definition(row in prop::collection::vec(-9.0_f32..9.0, 1..70)) {
            let weight: Vec<f32> = row.iter().map(|value| value.cos()).collect();
            let square: f64 = row.iter().map(|value| f64::from(*value).powi(2)).sum();
            let scale = 1.0 / (square / row.len() as f64 + 1e-3).sqrt();
            let mut normed = vec![0.0; row.len()];
            rms_norm(&row, &weight, 1e-3, &mut normed);
            for ((found, value), weight) in normed.iter().zip(&row).zip(&weight) {
                prop_assert!(close(*found, f64::from(*value) * scale * f64::from(*weight)));
            }
            let mut own = row;
            rms_norm_in_place(&mut own, &weight, 1e-3);
            prop_assert_eq!(own, normed);
        }

        #[test]
        fn gates_are_those_of_the_definition(
            gate in prop::collection::vec(prop_oneof![-12.0_f32..12.0, -1e4_f32..1e4, Just(0.0)], 1..40),
        ) {
            let up: Vec<f32> = gate.iter().map(|value| value.sin()).collect();
            let (mut silu, mut gelu) = (gate.clone(), gate.clone());
            silu_gate(&mut silu, &up);
            gelu_tanh_gate(&mut gelu, &up);
            for (index, (x, up)) in gate.iter().zip(&up).enumerate() {
                let (x, up) = (f64::from(*x), f64::from(*up));
                prop_assert!(close(silu[index], x / (1.0 + (-x).exp()) * up), "{} {}", x, silu[index]);
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
                prop_assert!(close(gelu[index], 0.5 * x * (1.0 + inner.tanh()) * up), "{} {}", x, gelu[index]);
            }
        }

        #[test]
        fn rotations_keep_the_length_of_each_pair_and_turn_by_the_angle(
            pairs in prop::collection::vec((-3.0_f32..3.0, -3.0_f32..3.0, -3.0_f32..3.0), 1..20),
        ) {
            let cosines: Vec<f32> = pairs.iter().map(|(_, _, angle)| angle.cos()).collect();
            let sines: Vec<f32> = pairs.iter().map(|(_, _, angle)| angle.sin()).collect();
            let mut halves: Vec<f32> = pairs.iter().map(|(a, ..)| *a).chain(pairs.iter().map(|(_, b, _)| *b)).collect();
            let mut interleaved: Vec<f32> = pairs.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
            rotate_halves(&mut halves, &cosines, &sines);
            rotate_interleaved(&mut interleaved, &cosines, &sines);
            for (index, (a, b, angle)) in pairs.iter().enumerate() {
                let (a, b, angle) = (f64::from(*a), f64::from(*b), f64::from(*angle));
                let expected = [a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()];
                prop_assert!(close(halves[index], expected[0]) && close(halves[pairs.len() + index], expected[1]));
                prop_assert!(close(interleaved[2 * index], expected[0]) && close(interleaved[2 * index + 1], expected[1]));
            }
        }
    }
}
