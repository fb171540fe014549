//! Scale, mask and softmax of attention scores, in one walk over them.

use candle_core::{CpuStorage, InplaceOp1, Layout, Tensor};
use rayon::prelude::*;

use plimsoll_kernels::simd::{exp, largest, sum};
use plimsoll_kernels::wide;

/// Which keys each query of a block sees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    /// Queries of the block.
    pub(super) queries: usize,
    /// Index of the first query among the keys: it sees keys `..= first`.
    pub(super) first: usize,
    /// How many keys, itself counted, a query sees at most.
    pub(super) window: Option<usize>,
}

impl Sight {
    /// The keys that a query sees, of `keys` in all.
    pub(super) fn seen(&self, query: usize, keys: usize) -> (usize, usize) {
        let end = (self.first + query + 1).min(keys);
        (self.window.map_or(0, |window| end.saturating_sub(window)), end)
    }

    /// Turns one query's scores into shares of 1; keys that it does not see have none.
    pub(super) fn shares(&self, query: usize, scores: &mut [f32], scale: f32) {
        let (from, to) = self.seen(query, scores.len());
        scores[..from].fill(0.0);
        scores[to..].fill(0.0);
        normalise(&mut scores[from..to], scale);
    }

    fn hides_anything(&self, keys: usize) -> bool {
        self.seen(0, keys).1 < keys || self.seen(self.queries.saturating_sub(1), keys).0 > 0
    }
}

/// `[key_value_heads, group * queries, keys]`, F32 and contiguous: turned into probabilities.
pub(super) fn softmax(scores: Tensor, scale: f64, sight: Sight) -> candle_core::Result<Tensor> {
    if scores.device().is_cpu() {
        scores.inplace_op1(&OnProcessor { scale, sight })?;
        return Ok(scores);
    }
    anywhere(&scores, scale, sight)
}

/// By the operations that every device has.
fn anywhere(scores: &Tensor, scale: f64, sight: Sight) -> candle_core::Result<Tensor> {
    let scores = scores.affine(scale, 0.0)?;
    let (heads, rows, keys) = scores.dims3()?;
    if !sight.hides_anything(keys) {
        return candle_nn::ops::softmax_last_dim(&scores);
    }
    let mut mask = vec![f32::NEG_INFINITY; sight.queries * keys];
    for (query, row) in mask.chunks_exact_mut(keys).enumerate() {
        let (from, to) = sight.seen(query, keys);
        row[from..to].fill(0.0);
    }
    let mask = Tensor::from_vec(mask, (1, 1, sight.queries, keys), scores.device())?;
    let grouped = scores.reshape((heads, rows / sight.queries, sight.queries, keys))?;
    candle_nn::ops::softmax_last_dim(&grouped.broadcast_add(&mask)?)?.reshape((heads, rows, keys))
}

struct OnProcessor {
    scale: f64,
    sight: Sight,
}

impl InplaceOp1 for OnProcessor {
    fn name(&self) -> &'static str {
        "attention-softmax"
    }

    #[expect(clippy::cast_possible_truncation, reason = "scores are f32")]
    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let keys = layout.shape().dims().last().copied().unwrap_or_default();
        let (CpuStorage::F32(values), Some((from, to))) = (storage, layout.contiguous_offsets()) else {
            candle_core::bail!("scores of attention must be contiguous and of type F32")
        };
        if keys == 0 {
            return Ok(());
        }
        let scale = self.scale as f32;
        values[from..to].par_chunks_exact_mut(keys).enumerate().for_each(|(row, scores)| {
            self.sight.shares(row % self.sight.queries, scores, scale);
        });
        Ok(())
    }
}

wide! {
    /// `scale` is above 0.
    fn normalise(scores: &mut [f32], scale: f32) {
        let highest = largest(scores) * scale;
        for score in scores.iter_mut() {
            *score = exp(score.mul_add(scale, -highest));
        }
        let all = sum(scores);
        for score in scores {
            *score /= all;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use proptest::prelude::*;

    /// Of shares of 1, in f32.
    const TOLERANCE: f32 = 1e-6;

    proptest! {
        #[test]
        fn the_processor_s_walk_is_what_every_device_does(
            queries in 1_usize..6, past in 0_usize..7, group in 1_usize..4,
            window in prop::option::of(1_usize..9), scale in 0.1..3.0_f64,
            values in prop::collection::vec(-9.0..9.0_f32, 2 * 3 * 5 * 11),
        ) {
            // The keys before the first query's window are cut off, as attention does.
            let first = window.map_or(past, |window| past.min(window - 1));
            let (keys, rows) = (first + queries, group * queries);
            let sight = Sight { queries, first, window };
            let scores = Tensor::from_slice(&values[..2 * rows * keys], (2, rows, keys), &Device::Cpu).unwrap();
            let general = anywhere(&scores, scale, sight).unwrap();
            let walked = softmax(scores.copy().unwrap(), scale, sight).unwrap();
            let off = (general - walked).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            prop_assert!(off.to_scalar::<f32>().unwrap() <= TOLERANCE);
        }
    }
}
