//! A matrix that stays packed: multiplied with, or read row by row.

use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{DType, Module, Result, Tensor};

use super::blocks::BlockFormat;
use crate::product::plain;
use crate::weights::{Linear, Rows};

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

    fn size(&self) -> usize {
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
}

impl Linear for GgufMatrix {
    /// With packed weights, rows are rounded to 8 bits first, block by block, as in llama.cpp.
    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        match &self.weights {
            Weights::Packed(weights) => {
                // On the CPU, candle would multiply half precision one value at a time.
                let wide = match rows.dtype() {
                    DType::F16 if rows.device().is_cpu() => rows.to_dtype(DType::F32)?,
                    _ => rows.contiguous()?,
                };
                let product = QMatMul::QTensor(weights.clone()).forward(&wide)?;
                product.to_dtype(rows.dtype())
            }
            Weights::Floats(weights) => plain(rows, &weights.t()?),
        }
    }

    /// On the CPU, candle makes a second copy of some packed formats in another order when they are first
    /// multiplied with; it is not counted here.
    fn bytes(&self) -> usize {
        self.size()
    }
}

impl Rows for GgufMatrix {
    fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        match &self.weights {
            Weights::Packed(weights) => weights.embedding(ids)?.to_dtype(self.dtype),
            Weights::Floats(weights) => weights.index_select(ids, 0),
        }
    }

    fn bytes(&self) -> usize {
        self.size()
    }
}
