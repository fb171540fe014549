//! The seam between a decoder and whatever its weights come from.
//!
//! A container (safetensors, GGUF) implements [`Tensors`]. Names are those that transformers gives the
//! tensors, `model.layers.0.self_attn.q_proj.weight`; shapes are rows first, `[out, in]` for a linear layer.
//! What a linear layer is, the decoder does not know: it calls [`Linear::forward`].

use std::fmt::Debug;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use plimsoll_kernels::packed::{Kernel, PackedMatrix};

use crate::product::product;
use crate::weights_error::WeightsError;

/// Where tensors go, and in which dtype.
#[derive(Debug, Clone)]
pub struct Placement {
    /// The dtype of the computation: F32 or BF16 (F16 on devices that have it).
    pub dtype: DType,
    /// The device.
    pub device: Device,
}

impl Placement {
    /// F32 on the processor.
    pub fn cpu_f32() -> Self {
        Self { dtype: DType::F32, device: Device::Cpu }
    }

    /// The kind of the device: `cpu`, `cuda` or `metal`.
    pub fn device_name(&self) -> &'static str {
        match self.device {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
            Device::Metal(_) => "metal",
        }
    }
}

/// The named tensors of a model.
pub trait Tensors: Debug {
    /// All names, sorted.
    fn names(&self) -> Vec<&str>;

    /// The shape of a tensor, if it is there.
    fn shape(&self, name: &str) -> Option<&[usize]>;

    /// A tensor as it is, converted to `placement.dtype`.
    ///
    /// # Errors
    /// [`WeightsError`] naming the tensor if it is missing, has another shape, is cut short, holds NaN or
    /// infinities, or is of a type that cannot be converted.
    fn dense(&self, name: &str, shape: &[usize], placement: &Placement) -> Result<Tensor, WeightsError>;

    /// A linear layer without its bias: `shape` is `[out, in]`.
    ///
    /// # Errors
    /// As [`Tensors::dense`].
    fn linear(
        &self,
        name: &str,
        shape: [usize; 2],
        placement: &Placement,
    ) -> Result<Arc<dyn Linear>, WeightsError> {
        Ok(Arc::new(DenseLinear::new(self.dense(name, &shape, placement)?)))
    }

    /// The embedding: `shape` is `[vocabulary, hidden]`. With `tied` it comes with the linear layer of the
    /// same weights, stored once where the container can.
    ///
    /// # Errors
    /// As [`Tensors::dense`].
    fn embedding(
        &self,
        name: &str,
        shape: [usize; 2],
        placement: &Placement,
        tied: bool,
    ) -> Result<Embedding, WeightsError> {
        let table = self.dense(name, &shape, placement)?;
        let head = tied.then(|| Arc::new(DenseLinear::new(table.clone())) as Arc<dyn Linear>);
        Ok(Embedding { rows: Arc::new(DenseRows::new(table)), head })
    }
}

/// A matrix `[out, in]` in the memory of the processor, for products in f32.
#[derive(Debug, Clone)]
pub enum ProcessorMatrix {
    /// Packed, with the kernel that multiplies it.
    Packed(Arc<PackedMatrix>, Kernel),
    /// Of f32, contiguous.
    Floats(Tensor),
}

impl ProcessorMatrix {
    /// Rows of the matrix.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Packed(matrix, _) => matrix.outputs(),
            Self::Floats(matrix) => matrix.dims().first().copied().unwrap_or(0),
        }
    }

    /// A tensor, if it is such a matrix.
    pub(crate) fn floats(matrix: &Tensor) -> Option<Self> {
        let is_ours = matrix.device().is_cpu() && matrix.dtype() == DType::F32 && matrix.is_contiguous();
        (is_ours && matrix.rank() == 2).then(|| Self::Floats(matrix.clone()))
    }
}

/// A matrix that rows are multiplied with.
pub trait Linear: Debug + Send + Sync {
    /// `[n, in]` to `[n, out]`, in the dtype of the input.
    ///
    /// # Errors
    /// Where the device fails.
    fn forward(&self, rows: &Tensor) -> candle_core::Result<Tensor>;

    /// The same matrix without tensors around it; `None` where it is not in the memory of the processor, or its rows are
    /// not f32.
    fn on_processor(&self) -> Option<ProcessorMatrix> {
        None
    }

    /// Bytes that it holds.
    fn bytes(&self) -> usize;
}

/// A table that rows are taken from.
pub trait EmbeddingRows: Debug + Send + Sync {
    /// Ids, `[n]` of U32, each below the vocabulary, to `[n, hidden]` in the dtype of the computation.
    ///
    /// # Errors
    /// Where the device fails.
    fn rows(&self, ids: &Tensor) -> candle_core::Result<Tensor>;

    /// Bytes that it holds, those shared with a tied [`Linear`] included.
    fn bytes(&self) -> usize;
}

/// An embedding and, if it is tied, the layer that makes logits.
#[derive(Debug, Clone)]
pub struct Embedding {
    /// From tokens to the residual stream.
    pub rows: Arc<dyn EmbeddingRows>,
    /// From the residual stream to logits, if the weights are tied.
    pub head: Option<Arc<dyn Linear>>,
}

/// A dense matrix.
#[derive(Debug, Clone)]
pub struct DenseLinear {
    weight: Tensor,
}

impl DenseLinear {
    /// `weight` is `[out, in]`, contiguous.
    pub fn new(weight: Tensor) -> Self {
        Self { weight }
    }
}

impl Linear for DenseLinear {
    fn forward(&self, rows: &Tensor) -> candle_core::Result<Tensor> {
        product(rows, &self.weight)
    }

    fn on_processor(&self) -> Option<ProcessorMatrix> {
        ProcessorMatrix::floats(&self.weight)
    }

    fn bytes(&self) -> usize {
        bytes(&self.weight)
    }
}

/// A dense table.
#[derive(Debug, Clone)]
pub struct DenseRows {
    table: Tensor,
}

impl DenseRows {
    /// `table` is `[vocabulary, hidden]`.
    pub fn new(table: Tensor) -> Self {
        Self { table }
    }
}

impl EmbeddingRows for DenseRows {
    fn rows(&self, ids: &Tensor) -> candle_core::Result<Tensor> {
        self.table.index_select(ids, 0)
    }

    fn bytes(&self) -> usize {
        bytes(&self.table)
    }
}

fn bytes(tensor: &Tensor) -> usize {
    tensor.elem_count() * tensor.dtype().size_in_bytes()
}

/// An empty list with capacity for so many values; without it the bytes that they take. A weight larger than the memory
/// is then an error, and not the end of the program.
pub(crate) fn room<T>(count: usize) -> Result<Vec<T>, usize> {
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| count.saturating_mul(size_of::<T>()))?;
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::room;

    #[test]
    fn what_no_memory_holds_is_an_error() {
        assert_eq!(room::<f32>(usize::MAX / 4), Err(usize::MAX - 3));
        assert_eq!(room::<f32>(usize::MAX), Err(usize::MAX));
        assert!(room::<f32>(7).unwrap().capacity() >= 7);
    }
}
