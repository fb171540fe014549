//! Attention of a few queries on the processor, as in decoding: one walk over keys and values where they lie.
//!
//! For one query candle's products are so small that starting them costs more than they do.

use std::ops::Range;

use candle_core::{CpuStorage, DType, Device, Storage, Tensor};
use half::bf16;
use rayon::prelude::*;

use super::attention_shape::AttentionShape;
use super::softmax::Sight;
use crate::cache::LayerCache;
use plimsoll_kernels::simd::{dot_of, widened};
use plimsoll_kernels::wide;

/// Sums of a product that run side by side; a head is at least as wide in every model that matters.
const LANES: usize = 32;
/// Maximum number of queries.
pub(super) const MAX_QUERIES: usize = 8;

/// The elements of a tensor, in its own memory.
enum Elements<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
}

/// Keys and values of one segment, `[key_value_heads, room, head_width]` each, and which tokens of it count.
struct CachePart<'a> {
    keys: Elements<'a>,
    values: Elements<'a>,
    room: usize,
    tokens: Range<usize>,
}

/// A call's queries, `[tokens, heads, head_width]`.
struct Queries<'a> {
    shape: &'a AttentionShape,
    elements: &'a [f32],
    sight: Sight,
    /// How many keys there are that any of them sees.
    keys: usize,
}

/// As [`super::attention::attend`], for at most [`MAX_QUERIES`] queries on the processor.
#[expect(clippy::cast_possible_truncation, reason = "scores are f32")]
pub(super) fn attend(
    shape: &AttentionShape,
    queries: &Tensor,
    first: usize,
    cache: &LayerCache,
) -> candle_core::Result<Tensor> {
    let (count, dtype) = (queries.dim(0)?, queries.dtype());
    let elements = queries.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let end = first + count;
    let begin = shape.window.map_or(0, |window| (first + 1).saturating_sub(window));
    let sight = Sight { queries: count, first: first - begin, window: shape.window };
    let queries = Queries { shape, elements: &elements, sight, keys: end - begin };
    // Held while their elements are read.
    let storages: Vec<_> = cache
        .segments()
        .map(|segment| (segment.keys.storage_and_layout().0, segment.values.storage_and_layout().0))
        .collect();
    let (mut parts, mut start) = (Vec::with_capacity(storages.len()), 0);
    for (segment, (keys, values)) in cache.segments().zip(&storages) {
        let tokens = begin.max(start) - start..end.min(start + segment.len).max(start) - start;
        if !tokens.is_empty() {
            let (keys, values) = (stored(keys)?, stored(values)?);
            parts.push(CachePart { keys, values, room: segment.keys.dim(1)?, tokens });
        }
        start += segment.len;
    }
    let mixed = queries.mix(&parts, shape.scale as f32);
    let width = shape.key_value_heads * shape.group * shape.head_width;
    Tensor::from_vec(mixed, (count, width), &Device::Cpu)?.to_dtype(dtype)
}

/// A cache's tensors are made whole and contiguous, so the storage is the tensor.
fn stored(storage: &Storage) -> candle_core::Result<Elements<'_>> {
    match storage {
        Storage::Cpu(CpuStorage::F32(elements)) => Ok(Elements::F32(elements)),
        Storage::Cpu(CpuStorage::BF16(elements)) => Ok(Elements::Bf16(elements)),
        _ => candle_core::bail!("a cache on the processor must be of type F32 or BF16"),
    }
}

impl Queries<'_> {
    /// `[tokens, heads * head_width]`.
    fn mix(&self, parts: &[CachePart<'_>], scale: f32) -> Vec<f32> {
        let AttentionShape { key_value_heads, group, head_width, .. } = *self.shape;
        let by_head: Vec<Vec<f32>> =
            (0..key_value_heads).into_par_iter().map(|head| self.head(head, parts, scale)).collect();
        // From one key head after the other to one token after the other.
        let run = group * head_width;
        let token = |token: usize| {
            by_head.iter().flat_map(move |mixed| &mixed[token * run..(token + 1) * run]).copied()
        };
        (0..self.sight.queries).flat_map(token).collect()
    }

    /// What the queries of one key head get, `[tokens, group, head_width]`.
    fn head(&self, head: usize, parts: &[CachePart<'_>], scale: f32) -> Vec<f32> {
        let AttentionShape { key_value_heads, group, head_width, .. } = *self.shape;
        let run = group * head_width;
        let mut mixed = vec![0.0; self.sight.queries * run];
        let mut scores = vec![0.0; self.keys];
        for (row, mixed) in mixed.chunks_exact_mut(head_width).enumerate() {
            let (token, member) = (row / group, row % group);
            let at = (token * key_value_heads + head) * run + member * head_width;
            let query = &self.elements[at..at + head_width];
            let mut begin = 0;
            for part in parts {
                let lines = part.lines(head, head_width);
                part.keys.score(lines, query, &mut scores[begin..begin + part.tokens.len()]);
                begin += part.tokens.len();
            }
            self.sight.shares(token, &mut scores, scale);
            begin = 0;
            for part in parts {
                let lines = part.lines(head, head_width);
                part.values.add(lines, &scores[begin..begin + part.tokens.len()], mixed);
                begin += part.tokens.len();
            }
        }
        mixed
    }
}

impl CachePart<'_> {
    /// The range of a head's tokens among the elements.
    fn lines(&self, head: usize, width: usize) -> Range<usize> {
        let begin = head * self.room;
        (begin + self.tokens.start) * width..(begin + self.tokens.end) * width
    }
}

impl Elements<'_> {
    /// One product for each key.
    fn score(&self, lines: Range<usize>, query: &[f32], scores: &mut [f32]) {
        match self {
            Self::F32(keys) => score_f32(&keys[lines], query, scores),
            Self::Bf16(keys) => score_bf16(&keys[lines], query, scores),
        }
    }

    /// Adds each value, times its share.
    fn add(&self, lines: Range<usize>, shares: &[f32], sum: &mut [f32]) {
        match self {
            Self::F32(values) => add_f32(&values[lines], shares, sum),
            Self::Bf16(values) => add_bf16(&values[lines], shares, sum),
        }
    }
}

wide! {
    fn score_f32(keys: &[f32], query: &[f32], scores: &mut [f32]) {
        score(keys, query, scores, |number| number);
    }
}

wide! {
    fn score_bf16(keys: &[bf16], query: &[f32], scores: &mut [f32]) {
        score(keys, query, scores, widened);
    }
}

wide! {
    fn add_f32(values: &[f32], shares: &[f32], sum: &mut [f32]) {
        add(values, shares, sum, |number| number);
    }
}

wide! {
    fn add_bf16(values: &[bf16], shares: &[f32], sum: &mut [f32]) {
        add(values, shares, sum, widened);
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
fn score<T: Copy>(keys: &[T], query: &[f32], scores: &mut [f32], widened: impl Fn(T) -> f32 + Copy) {
    for (score, key) in scores.iter_mut().zip(keys.chunks_exact(query.len())) {
        *score = dot_of::<LANES, _>(key, query, widened);
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
fn add<T: Copy>(values: &[T], shares: &[f32], sum: &mut [f32], widened: impl Fn(T) -> f32 + Copy) {
    for (value, share) in values.chunks_exact(sum.len()).zip(shares) {
        for (sum, number) in sum.iter_mut().zip(value) {
            *sum = share.mul_add(widened(*number), *sum);
        }
    }
}
