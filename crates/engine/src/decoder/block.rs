//! One block: attention and feed-forward part, each with its norms, added to the residual stream.

use std::sync::Arc;

use candle_core::{D, Tensor};
use rayon::prelude::*;

use super::attention::{attend, joined};
use super::attention_shape::AttentionShape;
use super::elementwise;
use super::norm::RmsNorm;
use super::rotary::Angles;
use crate::cache::LayerCache;
use crate::spec::Activation;
use crate::weights::Linear;

/// A linear layer with its bias.
#[derive(Debug)]
pub(super) struct Projection {
    pub(super) weight: Arc<dyn Linear>,
    pub(super) bias: Option<Tensor>,
}

impl Projection {
    fn forward(&self, rows: &Tensor) -> candle_core::Result<Tensor> {
        let product = self.weight.forward(rows)?;
        match &self.bias {
            Some(bias) => product.broadcast_add(bias),
            None => Ok(product),
        }
    }
}

/// One projection, or the matrix in which several are stored.
#[derive(Debug)]
pub(super) enum Projections<const N: usize> {
    Apart([Projection; N]),
    /// With the width of each, in order.
    Fused(Projection, [usize; N]),
}

impl<const N: usize> Projections<N> {
    fn forward(&self, rows: &Tensor) -> candle_core::Result<Vec<Tensor>> {
        match self {
            Self::Apart(projections) => {
                projections.iter().map(|projection| projection.forward(rows)).collect()
            }
            Self::Fused(projection, widths) => {
                let all = projection.forward(rows)?;
                let mut begin = 0;
                let part = |width: &usize| {
                    let part = all.narrow(D::Minus1, begin, *width)?.contiguous();
                    begin += width;
                    part
                };
                widths.iter().map(part).collect()
            }
        }
    }
}

/// One block of a decoder.
#[derive(Debug)]
pub(super) struct DecoderBlock {
    pub(super) index: usize,
    pub(super) shape: AttentionShape,
    pub(super) rope: usize,
    pub(super) activation: Activation,
    pub(super) residual: f64,
    pub(super) input_norm: RmsNorm,
    pub(super) query_key_value: Projections<3>,
    /// Of the heads of queries, and of keys.
    pub(super) head_norms: Option<[RmsNorm; 2]>,
    pub(super) output: Projection,
    pub(super) output_norm: Option<RmsNorm>,
    pub(super) feed_forward_norm: RmsNorm,
    pub(super) gate_up: Projections<2>,
    pub(super) down: Projection,
    pub(super) feed_forward_output_norm: Option<RmsNorm>,
}

/// The tokens of one row in a pass.
#[derive(Debug)]
pub(super) struct Span<'a> {
    /// The cache of the row, layer by layer.
    pub(super) layers: &'a mut [LayerCache],
    /// Position of the first token in the sequence.
    pub(super) first: usize,
    pub(super) tokens: usize,
}

impl DecoderBlock {
    /// `stream` is `[tokens of all spans, hidden]`.
    pub(super) fn forward(
        &self,
        stream: &Tensor,
        angles: &[Angles],
        spans: &mut [Span<'_>],
    ) -> candle_core::Result<Tensor> {
        let mixed = self.attention(&self.input_norm.forward(stream)?, &angles[self.rope], spans)?;
        let stream = self.added(stream, mixed, self.output_norm.as_ref())?;
        let gated = self.feed_forward(&self.feed_forward_norm.forward(&stream)?)?;
        self.added(&stream, gated, self.feed_forward_output_norm.as_ref())
    }

    fn added(&self, stream: &Tensor, part: Tensor, norm: Option<&RmsNorm>) -> candle_core::Result<Tensor> {
        let part = match norm {
            Some(norm) => norm.forward(&part)?,
            None => part,
        };
        elementwise::sum(stream, &elementwise::scaled(part, self.residual)?)
    }

    fn attention(
        &self,
        rows: &Tensor,
        angles: &Angles,
        spans: &mut [Span<'_>],
    ) -> candle_core::Result<Tensor> {
        let [queries, keys, values] = self.heads(rows, angles)?;
        let mut begins = Vec::with_capacity(spans.len());
        let mut begin = 0;
        for span in &mut *spans {
            let by_head = |heads: &Tensor| heads.narrow(0, begin, span.tokens)?.transpose(0, 1)?.contiguous();
            span.layers[self.index].append(span.first, &by_head(&keys)?, &by_head(&values)?)?;
            begins.push(begin);
            begin += span.tokens;
        }
        let attend = |(span, begin): (&Span<'_>, &usize)| {
            let queries = queries.narrow(0, *begin, span.tokens)?;
            attend(&self.shape, &queries, span.first, &span.layers[self.index])
        };
        // A device orders its work itself.
        let mixed: candle_core::Result<Vec<Tensor>> = if rows.device().is_cpu() {
            spans.par_iter().zip(&begins).map(attend).collect()
        } else {
            spans.iter().zip(&begins).map(attend).collect()
        };
        self.output.forward(&joined(mixed?, 0)?)
    }

    /// Queries, keys and values, each `[tokens, heads, head_width]`, the first two normalised and rotated.
    fn heads(&self, rows: &Tensor, angles: &Angles) -> candle_core::Result<[Tensor; 3]> {
        let mut parts = self.query_key_value.forward(rows)?.into_iter();
        let (Some(queries), Some(keys), Some(values)) = (parts.next(), parts.next(), parts.next()) else {
            candle_core::bail!("queries, keys and values are three")
        };
        let tokens = rows.dim(0)?;
        let split = |part: &Tensor| {
            let heads = part.dim(1)? / self.shape.head_width;
            part.reshape((tokens, heads, self.shape.head_width))
        };
        let (mut queries, mut keys) = (split(&queries)?, split(&keys)?);
        if let Some([query_norm, key_norm]) = &self.head_norms {
            queries = query_norm.forward(&queries)?;
            keys = key_norm.forward(&keys)?;
        }
        Ok([angles.rotate(&queries)?, angles.rotate(&keys)?, split(&values)?])
    }

    fn feed_forward(&self, rows: &Tensor) -> candle_core::Result<Tensor> {
        let parts = self.gate_up.forward(rows)?;
        let [gate, up] = parts.as_slice() else { candle_core::bail!("gate and up are two") };
        self.down.forward(&elementwise::gated(self.activation, gate, up)?)
    }
}
