//! Root-mean-square norms.

use candle_core::{DType, Tensor};
use candle_nn::ops::rms_norm;

/// A norm over the last dimension, computed in f32 whatever comes in.
#[derive(Debug)]
pub(super) struct RmsNorm {
    /// The stored weight with its offset, F32.
    weight: Tensor,
    epsilon: f32,
}

impl RmsNorm {
    #[expect(clippy::cast_possible_truncation, reason = "the norm is computed in f32")]
    pub(super) fn new(stored: &Tensor, norm: crate::spec::Norm) -> candle_core::Result<Self> {
        let weight = if norm.offset == 0.0 { stored.clone() } else { stored.affine(1.0, norm.offset)? };
        Ok(Self { weight, epsilon: norm.epsilon as f32 })
    }

    /// The stored weight with its offset.
    pub(super) fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// What is added to the mean square.
    pub(super) fn epsilon(&self) -> f32 {
        self.epsilon
    }

    pub(super) fn forward(&self, rows: &Tensor) -> candle_core::Result<Tensor> {
        let dtype = rows.dtype();
        let rows = rows.contiguous()?.to_dtype(DType::F32)?;
        rms_norm(&rows, &self.weight, self.epsilon)?.to_dtype(dtype)
    }
}
