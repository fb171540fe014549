//! Attention of each row to its own cache.

use candle_core::{D, DType, Tensor};

use super::attention_shape::AttentionShape;
use super::few;
use super::softmax::{Sight, softmax};
use crate::cache::LayerCache;
use crate::product::plain;

/// Queries that are computed at once, so that the scores of a long prompt are never there all together.
const BLOCK: usize = 256;

/// Queries of one row, `[tokens, heads, head_width]`, the first of which is the sequence's token `first`, and
/// its cache, which holds their keys already. Gives `[tokens, heads * head_width]`.
pub(super) fn attend(
    shape: &AttentionShape,
    queries: &Tensor,
    first: usize,
    cache: &LayerCache,
) -> candle_core::Result<Tensor> {
    let tokens = queries.dim(0)?;
    if tokens <= few::MAX_QUERIES && queries.device().is_cpu() {
        return few::attend(shape, queries, first, cache);
    }
    if tokens <= BLOCK {
        return attend_block(shape, queries, first, cache);
    }
    let blocks = (0..tokens)
        .step_by(BLOCK)
        .map(|begin| {
            let block = queries.narrow(0, begin, BLOCK.min(tokens - begin))?;
            attend_block(shape, &block, first + begin, cache)
        })
        .collect::<candle_core::Result<_>>()?;
    joined(blocks, 0)
}

fn attend_block(
    shape: &AttentionShape,
    queries: &Tensor,
    first: usize,
    cache: &LayerCache,
) -> candle_core::Result<Tensor> {
    let AttentionShape { key_value_heads, group, head_width, .. } = *shape;
    let tokens = queries.dim(0)?;
    let end = first + tokens;
    let begin = shape.window.map_or(0, |window| (first + 1).saturating_sub(window));
    let parts = parts(cache, begin, end)?;
    let dtype = queries.dtype();
    let by_head = widened(queries.transpose(0, 1)?.contiguous()?)?;
    let queries = by_head.reshape((key_value_heads, group * tokens, head_width))?;
    let scores: Vec<Tensor> = parts
        .iter()
        .map(|(keys, _)| plain(&queries, &keys.t()?)?.to_dtype(DType::F32))
        .collect::<candle_core::Result<_>>()?;
    let scores = joined(scores, 2)?;
    let sight = Sight { queries: tokens, first: first - begin, window: shape.window };
    let shares = softmax(scores, shape.scale, sight)?.to_dtype(queries.dtype())?;
    let mixed = mix(&shares, &parts)?;
    mixed
        .reshape((key_value_heads * group, tokens, head_width))?
        .transpose(0, 1)?
        .reshape((tokens, key_value_heads * group * head_width))?
        .to_dtype(dtype)
}

/// On the processor candle has no product of bf16: it would widen all room of a cache, and round the scores.
fn widened(tensor: Tensor) -> candle_core::Result<Tensor> {
    if tensor.device().is_cpu() { tensor.to_dtype(DType::F32) } else { Ok(tensor) }
}

/// Keys and values of the sequence's tokens `begin..end`, segment by segment.
fn parts(cache: &LayerCache, begin: usize, end: usize) -> candle_core::Result<Vec<(Tensor, Tensor)>> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for segment in cache.segments() {
        let (from, to) = (begin.max(start), end.min(start + segment.len));
        if from < to {
            let (keys, values) = segment.part(from - start, to - start)?;
            parts.push((widened(keys)?, widened(values)?));
        }
        start += segment.len;
    }
    Ok(parts)
}

/// Concatenated, without a copy of a single one.
pub(super) fn joined(mut parts: Vec<Tensor>, dim: usize) -> candle_core::Result<Tensor> {
    if parts.len() == 1 { Ok(parts.swap_remove(0)) } else { Tensor::cat(&parts, dim) }
}

/// Values, weighted by the shares of their keys.
fn mix(shares: &Tensor, parts: &[(Tensor, Tensor)]) -> candle_core::Result<Tensor> {
    let (mut sum, mut start): (Option<Tensor>, usize) = (None, 0);
    for (_, values) in parts {
        let count = values.dim(1)?;
        let part = plain(&shares.narrow(D::Minus1, start, count)?.contiguous()?, values)?;
        sum = Some(match sum {
            None => part,
            Some(sum) => (sum + part)?,
        });
        start += count;
    }
    sum.ok_or_else(|| candle_core::Error::Msg("attention without keys".to_owned()))
}
