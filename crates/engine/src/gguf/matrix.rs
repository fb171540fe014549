//! A matrix that stays packed: multiplied with, or read row by row.

use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{DType, Module, Result, Tensor};

use super::blocks::BlockFormat;

/// A matrix `[out, in]` of a GGUF file. Copies share the weights, so that tied embeddings serve as the last
/// projection, too.
#[derive(Debug, Clone)]
pub struct GgufMatrix {
    weights: Weights,
    /// What rows are given in.
    dtype: DType,
}

#[derive(Debug, Clone)]
enum Weights {
    Packed(Arc<QTensor>),
    Floats(Tensor),
}

impl GgufMatrix {
    /// Whether candle can multiply with such a matrix as it is packed. Its products of these three formats
    /// take blocks two at a time.
    pub(super) fn stays_packed(format: BlockFormat, columns: usize) -> bool {
        let blocks = columns / format.values_per_block();
        match format {
            BlockFormat::F32 | BlockFormat::F16 | BlockFormat::BF16 => false,
            BlockFormat::Q4_1 | BlockFormat::Q5_0 | BlockFormat::Q5_1 => blocks.is_multiple_of(2),
            _ => true,
        }
    }

    pub(super) fn packed(weights: QTensor, dtype: DType) -> Self {
        let weights = Weights::Packed(Arc::new(weights));
        Self { weights, dtype }
    }

    pub(super) fn floats(weights: Tensor) -> Self {
        let dtype = weights.dtype();
        let weights = Weights::Floats(weights);
        Self { weights, dtype }
    }

    /// How many bytes the weights have in memory. On the CPU, candle keeps a second copy of some packed
    /// formats in another order, made when they are first multiplied with; it is not counted here.
    pub fn bytes(&self) -> usize {
        match &self.weights {
            Weights::Packed(weights) => weights.storage_size_in_bytes(),
            Weights::Floats(weights) => weights.elem_count() * weights.dtype().size_in_bytes(),
        }
    }

    /// How the weights are held; `None` where they are floats.
    pub fn packed_as(&self) -> Option<GgmlDType> {
        match &self.weights {
            Weights::Packed(weights) => Some(weights.dtype()),
            Weights::Floats(_) => None,
        }
    }

    /// `x` `[.., in]`, of two dimensions or more, times the matrix: `[.., out]`, in the type of `x`.
    /// With packed weights, `x` is rounded to 8 bits first, block by block, as in llama.cpp.
    ///
    /// # Errors
    /// An `x` of another width, type or device.
    pub fn product(&self, x: &Tensor) -> Result<Tensor> {
        match &self.weights {
            Weights::Packed(weights) => {
                // Half precision would be multiplied one value at a time.
                let wide = match x.dtype() {
                    DType::F16 => x.to_dtype(DType::F32)?,
                    _ => x.clone(),
                };
                let product = QMatMul::QTensor(weights.clone());
                product.forward(&wide.contiguous()?)?.to_dtype(x.dtype())
            }
            Weights::Floats(weights) => x.broadcast_matmul(&weights.t()?),
        }
    }

    /// The rows of that many ids `[n]` (U32), unpacked: `[n, in]`.
    ///
    /// # Errors
    /// An id that is no row.
    pub fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        match &self.weights {
            Weights::Packed(weights) => weights.embedding(ids)?.to_dtype(self.dtype),
            Weights::Floats(weights) => weights.index_select(ids, 0),
        }
    }
}
