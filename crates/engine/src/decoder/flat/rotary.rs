//! Rotation of heads in place.

use plimsoll_kernels::rows::{rotate_halves, rotate_interleaved};
use rayon::prelude::*;

use super::SHARE;
use crate::spec::RopePairs;

/// Cosines and sines of the tokens of a pass.
#[derive(Debug)]
pub(in crate::decoder) struct FlatAngles {
    pub(in crate::decoder) pairs: RopePairs,
    /// Pairs of a head that are rotated; the rest of a head passes.
    pub(in crate::decoder) half: usize,
    /// `[tokens, half]`.
    pub(in crate::decoder) cosines: Vec<f32>,
    pub(in crate::decoder) sines: Vec<f32>,
}

impl FlatAngles {
    /// How many tokens they are for.
    pub(super) fn tokens(&self) -> usize {
        self.cosines.len() / self.half
    }

    /// Rotates rows of heads, one row for each token.
    pub(super) fn rotate(&self, rows: &mut [f32], head_width: usize) {
        let tokens = self.tokens();
        if tokens == 0 {
            return;
        }
        let width = rows.len() / tokens;
        let share = (SHARE / width).max(1);
        let angles = self.cosines.par_chunks(share * self.half).zip(self.sines.par_chunks(share * self.half));
        rows.par_chunks_mut(share * width).zip(angles).for_each(|(rows, (cosines, sines))| {
            let angles = cosines.chunks_exact(self.half).zip(sines.chunks_exact(self.half));
            for (row, (cosines, sines)) in rows.chunks_exact_mut(width).zip(angles) {
                for head in row.chunks_exact_mut(head_width) {
                    let head = &mut head[..2 * self.half];
                    match self.pairs {
                        RopePairs::Halves => rotate_halves(head, cosines, sines),
                        RopePairs::Interleaved => rotate_interleaved(head, cosines, sines),
                    }
                }
            }
        });
    }
}
