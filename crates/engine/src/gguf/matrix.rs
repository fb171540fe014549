//! A matrix that stays packed: multiplied with, or read row by row.

use std::sync::Arc;

use candle_core::quantized::{QMatMul, QTensor};
use candle_core::{CpuStorage, DType, Device, Module, Result, Storage, Tensor};
use plimsoll_kernels::packed::{Packed, Packing};
use plimsoll_kernels::product::Threads;

use super::blocks::BlockFormat;
use crate::product::plain;
use crate::weights::{EmbeddingRows, Linear};

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
    /// On the processor.
    Here(Arc<Here>),
    /// On a device, whose products of packed matrices are candle's.
    OnDevice(Arc<QTensor>, BlockFormat),
    Floats(Tensor),
}

/// Packed rows in memory, as they are in the file but in the decoder's order.
#[derive(Debug)]
struct Here {
    format: BlockFormat,
    packing: Packing,
    bytes: Vec<u8>,
    columns: usize,
}

impl Here {
    fn matrix(&self) -> Result<Packed<'_>> {
        let packed = Packed::new(self.packing, &self.bytes, self.columns);
        packed.ok_or_else(|| candle_core::Error::Msg("a packed matrix is no whole rows".to_owned()))
    }
}

impl GgufMatrix {
    /// Whole rows of packed weights, in memory; their rows are given in `dtype`.
    pub(super) fn here(
        (format, packing): (BlockFormat, Packing),
        bytes: Vec<u8>,
        columns: usize,
        dtype: DType,
    ) -> Self {
        let weights = Weights::Here(Arc::new(Here { format, packing, bytes, columns }));
        Self { weights, dtype }
    }

    /// Packed weights on a device.
    pub(super) fn on_device(weights: QTensor, format: BlockFormat, dtype: DType) -> Self {
        let weights = Weights::OnDevice(Arc::new(weights), format);
        Self { weights, dtype }
    }

    pub(super) fn floats(weights: Tensor) -> Self {
        let dtype = weights.dtype();
        let weights = Weights::Floats(weights);
        Self { weights, dtype }
    }

    fn size(&self) -> usize {
        match &self.weights {
            Weights::Here(weights) => weights.bytes.len(),
            Weights::OnDevice(weights, _) => weights.storage_size_in_bytes(),
            Weights::Floats(weights) => weights.elem_count() * weights.dtype().size_in_bytes(),
        }
    }

    /// How the weights are held; `None` where they are floats.
    pub fn packed_as(&self) -> Option<BlockFormat> {
        match &self.weights {
            Weights::Here(weights) => Some(weights.format),
            Weights::OnDevice(_, format) => Some(*format),
            Weights::Floats(_) => None,
        }
    }
}

impl Linear for GgufMatrix {
    /// On the processor the product is that of the unpacked matrix, up to the rounding of f32 sums, and a row gets
    /// the same bits whatever rows stand beside it. On a device, rows are rounded to 8 bits first.
    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        match &self.weights {
            Weights::Here(weights) => multiplied(&weights.matrix()?, rows),
            Weights::OnDevice(weights, _) => {
                QMatMul::QTensor(weights.clone()).forward(&rows.contiguous()?)?.to_dtype(rows.dtype())
            }
            Weights::Floats(weights) => plain(rows, &weights.t()?),
        }
    }

    fn bytes(&self) -> usize {
        self.size()
    }
}

/// `[n, in]` to `[n, out]`, in the dtype of the rows.
fn multiplied(matrix: &Packed<'_>, rows: &Tensor) -> Result<Tensor> {
    let (count, width) = rows.dims2()?;
    if width != matrix.columns() {
        candle_core::bail!("rows of {width} times a matrix of {}", matrix.columns())
    }
    let wide = rows.to_dtype(DType::F32)?.contiguous()?;
    let (storage, layout) = wide.storage_and_layout();
    let (Storage::Cpu(CpuStorage::F32(numbers)), Some((from, to))) = (&*storage, layout.contiguous_offsets())
    else {
        candle_core::bail!("rows of a product on the processor must be there")
    };
    let product = matrix.multiply(Threads::Pool, &numbers[from..to]);
    Tensor::from_vec(product, (count, matrix.lines()), &Device::Cpu)?.to_dtype(rows.dtype())
}

impl EmbeddingRows for GgufMatrix {
    fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        match &self.weights {
            Weights::Here(weights) => {
                let (matrix, ids) = (weights.matrix()?, ids.to_vec1::<u32>()?);
                let mut values = vec![0.0; ids.len() * matrix.columns()];
                for (id, values) in ids.iter().zip(values.chunks_exact_mut(matrix.columns())) {
                    if !matrix.line(*id as usize, values) {
                        candle_core::bail!("row {id} of a matrix of {}", matrix.lines())
                    }
                }
                Tensor::from_vec(values, (ids.len(), matrix.columns()), &Device::Cpu)?.to_dtype(self.dtype)
            }
            Weights::OnDevice(weights, _) => weights.embedding(ids)?.to_dtype(self.dtype),
            Weights::Floats(weights) => weights.index_select(ids, 0),
        }
    }

    fn bytes(&self) -> usize {
        self.size()
    }
}
