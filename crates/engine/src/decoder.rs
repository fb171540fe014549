//! The decoder: a [`DecoderSpec`] and weights from [`Tensors`], stepped over rows of tokens.
//!
//! Rows of a step may differ in what came before and in how many tokens come now. Their tokens are
//! concatenated, not padded; only attention looks at rows one by one. So what a row gets does not depend on the
//! rows beside it, beyond the rounding of sums that a matrix product may order otherwise.

mod attention;
mod attention_shape;
mod block;
mod elementwise;
mod few;
mod flat;
mod load;
mod norm;
mod pass;
mod rotary;
mod softmax;

use std::sync::Arc;

use candle_core::{DType, Tensor};

use crate::cache::{KvCache, LayerCache, PageLayout, PagePool, Pages, Store};
use crate::spec::DecoderSpec;
use crate::weights::{Embedding, Linear, Placement, Tensors};
use crate::weights_error::WeightsError;
use block::DecoderBlock;
use elementwise::scaled;
use flat::FlatDecoder;
use load::{Loader, Parts};
use norm::RmsNorm;
use rotary::RotaryTables;

/// A language model that is loaded.
#[derive(Debug)]
pub struct Decoder {
    spec: DecoderSpec,
    placement: Placement,
    embedding: Embedding,
    blocks: Vec<DecoderBlock>,
    norm: RmsNorm,
    head: Arc<dyn Linear>,
    ropes: Vec<RotaryTables>,
    /// What its caches know it by.
    identity: Arc<()>,
    /// How it computes on the processor in f32, and where its caches are then.
    flat: Option<(FlatDecoder, Arc<PagePool>)>,
}

impl Decoder {
    /// Loads every tensor that the spec requires.
    ///
    /// # Errors
    /// [`WeightsError`] if the spec is not valid, a tensor is missing, has another shape, holds NaN or
    /// infinities, or is not in the spec.
    pub fn load(
        spec: DecoderSpec,
        tensors: &dyn Tensors,
        placement: Placement,
    ) -> Result<Self, WeightsError> {
        let mut decoder = Self::load_reference(spec, tensors, placement)?;
        if decoder.placement.device.is_cpu() && decoder.placement.dtype == DType::F32 {
            let flat = FlatDecoder::new(&decoder);
            let flat = flat
                .map_err(|source| WeightsError::Device { name: decoder.spec.architecture.clone(), source })?;
            decoder.flat = flat.map(|flat| (flat, PagePool::new(PageLayout::new(&decoder.spec))));
        }
        Ok(decoder)
    }

    /// As [`Decoder::load`], but it computes with tensors on every device: the reference that the faster way of the
    /// processor is held to.
    ///
    /// # Errors
    /// As [`Decoder::load`].
    pub fn load_reference(
        spec: DecoderSpec,
        tensors: &dyn Tensors,
        placement: Placement,
    ) -> Result<Self, WeightsError> {
        spec.validate().map_err(WeightsError::Spec)?;
        let Parts { embedding, blocks, norm, head } = Loader::new(&spec, tensors, &placement).load()?;
        let ropes = spec.ropes.iter().map(RotaryTables::new).collect();
        let identity = Arc::new(());
        Ok(Self { spec, placement, embedding, blocks, norm, head, ropes, identity, flat: None })
    }

    /// What it is made of.
    pub fn spec(&self) -> &DecoderSpec {
        &self.spec
    }

    /// Where it is, and in which dtype it computes.
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// An empty cache for a sequence.
    pub fn cache(&self) -> KvCache {
        let store = match &self.flat {
            Some((_, pool)) => Store::Pages(Pages::new(Arc::clone(pool))),
            None => Store::Tensors(self.blocks.iter().map(|_| LayerCache::default()).collect()),
        };
        KvCache::new(Arc::clone(&self.identity), store, self.ropes.len())
    }

    /// Maximum number of bytes that the keys and values of so many tokens after others take. Those before may end
    /// within a page, which is then copied.
    pub fn cache_bytes(&self, tokens: usize) -> usize {
        match &self.flat {
            Some((_, pool)) => pool.bytes_for(tokens),
            None => LayerCache::max_tokens(tokens)
                .saturating_mul(2 * self.blocks.len() * self.spec.key_value_width())
                .saturating_mul(self.placement.dtype.size_in_bytes()),
        }
    }

    /// Bytes that all caches of this decoder hold now, what several share counted once; `None` on a device.
    pub fn cached_bytes(&self) -> Option<usize> {
        self.flat.as_ref().map(|(_, pool)| pool.live_bytes())
    }

    /// The logits of rows of the stream after the last block and the final norm.
    fn logits(&self, normed: &Tensor) -> candle_core::Result<Tensor> {
        let logits = self.head.forward(normed)?.to_dtype(DType::F32)?;
        let logits = scaled(logits, 1.0 / self.spec.multipliers.logits_divisor)?;
        match self.spec.logit_cap {
            Some(cap) => logits.affine(1.0 / cap, 0.0)?.tanh()?.affine(cap, 0.0),
            None => Ok(logits),
        }
    }

    /// The scaled embedding of tokens.
    fn embed(&self, tokens: Vec<u32>) -> candle_core::Result<Tensor> {
        let count = tokens.len();
        let ids = Tensor::from_vec(tokens, count, &self.placement.device)?;
        let rows = self.embedding.rows.rows(&ids)?;
        scaled(rows, rounded(self.spec.multipliers.embedding, self.placement.dtype))
    }
}

/// As transformers holds the factor of Gemma's embedding.
#[expect(clippy::cast_possible_truncation, reason = "rounded on purpose")]
fn rounded(factor: f64, dtype: DType) -> f64 {
    match dtype {
        DType::BF16 => half::bf16::from_f64(factor).to_f64(),
        DType::F16 => half::f16::from_f64(factor).to_f64(),
        _ => f64::from(factor as f32),
    }
}
