//! A matrix that stays packed: multiplied with, or read row by row.

use std::sync::Arc;

use candle_core::quantized::{QMatMul, QTensor};
use candle_core::{CpuStorage, DType, Device, Module, Result, Storage, Tensor};
use plimsoll_kernels::packed::{Kernel, PackedMatrix};
use plimsoll_kernels::product::Threads;

use super::blocks::BlockFormat;
use crate::product::plain;
use crate::weights::{EmbeddingRows, Linear, ProcessorMatrix};

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
    Here(Arc<PackedMatrix>, BlockFormat, Kernel),
    /// On a device, whose products of packed matrices are candle's.
    OnDevice(Arc<QTensor>, BlockFormat),
    Floats(Tensor),
}

impl GgufMatrix {
    /// Packed weights in memory, multiplied by that kernel; their rows are given in `dtype`.
    pub(super) fn here(format: BlockFormat, matrix: PackedMatrix, kernel: Kernel, dtype: DType) -> Self {
        let weights = Weights::Here(Arc::new(matrix), format, kernel);
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
            Weights::Here(weights, ..) => weights.bytes(),
            Weights::OnDevice(weights, _) => weights.storage_size_in_bytes(),
            Weights::Floats(weights) => weights.elem_count() * weights.dtype().size_in_bytes(),
        }
    }

    /// How the weights are held; `None` where they are floats.
    pub fn packed_as(&self) -> Option<BlockFormat> {
        match &self.weights {
            Weights::Here(_, format, _) | Weights::OnDevice(_, format) => Some(*format),
            Weights::Floats(_) => None,
        }
    }
}

impl Linear for GgufMatrix {
    /// Rows are rounded to 8 bits first, block by block. On the processor a row gets the same bits whatever rows stand
    /// beside it, by every kernel.
    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        match &self.weights {
            Weights::Here(weights, _, kernel) => multiplied(weights, *kernel, rows),
            Weights::OnDevice(weights, _) => {
                QMatMul::QTensor(weights.clone()).forward(&rows.contiguous()?)?.to_dtype(rows.dtype())
            }
            Weights::Floats(weights) => plain(rows, &weights.t()?),
        }
    }

    fn on_processor(&self) -> Option<ProcessorMatrix> {
        match &self.weights {
            Weights::Here(weights, _, kernel) if self.dtype == DType::F32 => {
                Some(ProcessorMatrix::Packed(Arc::clone(weights), *kernel))
            }
            Weights::Here(..) | Weights::OnDevice(..) => None,
            Weights::Floats(weights) => ProcessorMatrix::floats(weights),
        }
    }

    fn bytes(&self) -> usize {
        self.size()
    }
}

/// `[n, in]` to `[n, out]`, in the dtype of the rows.
fn multiplied(matrix: &PackedMatrix, kernel: Kernel, rows: &Tensor) -> Result<Tensor> {
    let (count, width) = rows.dims2()?;
    if width != matrix.inputs() {
        candle_core::bail!("rows of {width} times a matrix of {}", matrix.inputs())
    }
    let wide = rows.to_dtype(DType::F32)?.contiguous()?;
    let (storage, layout) = wide.storage_and_layout();
    let (Storage::Cpu(CpuStorage::F32(numbers)), Some((from, to))) = (&*storage, layout.contiguous_offsets())
    else {
        candle_core::bail!("rows of a product on the processor must be there")
    };
    let product = matrix.multiply(kernel, Threads::Pool, &numbers[from..to]);
    Tensor::from_vec(product, (count, matrix.outputs()), &Device::Cpu)?.to_dtype(rows.dtype())
}

impl EmbeddingRows for GgufMatrix {
    fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        match &self.weights {
            Weights::Here(matrix, ..) => {
                let ids = ids.to_vec1::<u32>()?;
                let mut values = vec![0.0; ids.len() * matrix.inputs()];
                for (id, values) in ids.iter().zip(values.chunks_exact_mut(matrix.inputs())) {
                    if !matrix.output(*id as usize, values) {
                        candle_core::bail!("row {id} of a matrix of {}", matrix.outputs())
                    }
                }
                Tensor::from_vec(values, (ids.len(), matrix.inputs()), &Device::Cpu)?.to_dtype(self.dtype)
            }
            Weights::OnDevice(weights, _) => weights.embedding(ids)?.to_dtype(self.dtype),
            Weights::Floats(weights) => weights.index_select(ids, 0),
        }
    }

    fn bytes(&self) -> usize {
        self.size()
    }
}
