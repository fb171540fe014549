//! The rotary embedding, halves against halves as in the hub's layout.

use crate::shape::ModelShape;
use plimsoll_kernels::wide;

/// Cosines and sines of every position.
#[derive(Debug)]
pub(super) struct RotaryTable {
    cosines: Vec<f32>,
    sines: Vec<f32>,
    half: usize,
    hidden: usize,
}

impl RotaryTable {
    #[expect(clippy::cast_possible_truncation, reason = "cosines and sines to f32, rounded")]
    pub(super) fn new(shape: &ModelShape) -> Self {
        let half = shape.head() / 2;
        let angles = (0..shape.context).flat_map(|position| {
            (0..half).map(move |index| position as f64 * shape.rope_theta.powf(-(index as f64) / half as f64))
        });
        let (cosines, sines) = angles.map(|angle| (angle.cos() as f32, angle.sin() as f32)).unzip();
        Self { cosines, sines, half, hidden: shape.hidden }
    }

    /// Turns the queries and keys of `[n, 3 hidden]`.
    pub(super) fn turn(&self, rows: &mut [f32], positions: &[usize]) {
        apply(self, rows, positions, 1.0);
    }

    /// Turns them back: the gradient's way.
    pub(super) fn turn_back(&self, rows: &mut [f32], positions: &[usize]) {
        apply(self, rows, positions, -1.0);
    }
}

wide! {
    fn apply(rotary: &RotaryTable, rows: &mut [f32], positions: &[usize], sign: f32) {
        let half = rotary.half;
        for (row, position) in rows.chunks_exact_mut(3 * rotary.hidden).zip(positions) {
            let cosines = &rotary.cosines[position * half..][..half];
            let sines = &rotary.sines[position * half..][..half];
            for head in row[..2 * rotary.hidden].chunks_exact_mut(2 * half) {
                let (low, high) = head.split_at_mut(half);
                let angles = cosines.iter().zip(sines);
                for ((low, high), (cosine, sine)) in low.iter_mut().zip(high).zip(angles) {
                    let (x, y) = (*low, *high);
                    *low = x * cosine - y * (sign * sine);
                    *high = y * cosine + x * (sign * sine);
                }
            }
        }
    }
}
