//! A linear layer on slices.

use candle_core::{CpuStorage, DType, Storage, Tensor};
use plimsoll_kernels::packed::ProductRows;
use plimsoll_kernels::product::Threads;

use super::super::block::{Projection, Projections};
use super::sized;
use crate::product::multiply_f32;
use crate::weights::ProcessorMatrix;

/// A linear layer with its bias.
#[derive(Debug)]
pub(super) struct FlatProjection {
    matrix: ProcessorMatrix,
    outputs: usize,
    bias: Option<Vec<f32>>,
}

impl FlatProjection {
    /// `None` if the weights are not in the memory of the processor, or not of a type that is multiplied in f32.
    pub(super) fn new(projection: &Projection) -> candle_core::Result<Option<Self>> {
        let Some(matrix) = projection.weight.on_processor() else { return Ok(None) };
        let bias = projection.bias.as_ref().map(floats).transpose()?;
        Ok(Some(Self { outputs: matrix.outputs(), matrix, bias }))
    }

    /// A layer without a bias.
    pub(super) fn plain(matrix: ProcessorMatrix) -> Self {
        Self { outputs: matrix.outputs(), matrix, bias: None }
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// `[n, in]` to `[n, out]`.
    pub(super) fn forward(&self, rows: &mut ProductRows<'_>, results: &mut [f32]) -> candle_core::Result<()> {
        match &self.matrix {
            ProcessorMatrix::Packed(matrix, kernel) => {
                matrix.multiply_into(*kernel, Threads::Pool, rows, results);
            }
            ProcessorMatrix::Floats(matrix) => {
                let width = matrix.dim(1)?;
                let (storage, layout) = matrix.storage_and_layout();
                let (Storage::Cpu(CpuStorage::F32(values)), Some((from, to))) =
                    (&*storage, layout.contiguous_offsets())
                else {
                    candle_core::bail!("a matrix on the processor must be whole and of f32")
                };
                multiply_f32(rows.floats(), &values[from..to], width, results);
            }
        }
        if let Some(bias) = &self.bias {
            for row in results.chunks_exact_mut(bias.len()) {
                for (sum, bias) in row.iter_mut().zip(bias) {
                    *sum += bias;
                }
            }
        }
        Ok(())
    }
}

/// One projection each, or the one in which several are stored.
#[derive(Debug)]
pub(super) enum FlatProjections<const N: usize> {
    Apart([FlatProjection; N]),
    /// With the width of each, in order.
    Fused(FlatProjection, [usize; N]),
}

impl<const N: usize> FlatProjections<N> {
    pub(super) fn new(projections: &Projections<N>) -> candle_core::Result<Option<Self>> {
        match projections {
            Projections::Fused(projection, widths) => {
                Ok(FlatProjection::new(projection)?.map(|projection| Self::Fused(projection, *widths)))
            }
            Projections::Apart(all) => {
                let all: Option<Vec<_>> =
                    all.iter().map(FlatProjection::new).collect::<candle_core::Result<_>>()?;
                Ok(all.and_then(|all| all.try_into().ok()).map(Self::Apart))
            }
        }
    }

    /// `[n, in]` to `[n, width]` each; `fused` is memory for the results that are stored in one.
    pub(super) fn forward(
        &self,
        rows: &mut ProductRows<'_>,
        count: usize,
        results: [&mut [f32]; N],
        fused: &mut Vec<f32>,
    ) -> candle_core::Result<()> {
        match self {
            Self::Apart(all) => {
                for (projection, results) in all.iter().zip(results) {
                    projection.forward(rows, results)?;
                }
            }
            Self::Fused(projection, widths) => {
                let all = sized(fused, count * projection.outputs());
                projection.forward(rows, all)?;
                let mut begin = 0;
                for (width, results) in widths.iter().zip(results) {
                    let lines = all.chunks_exact(projection.outputs());
                    for (result, line) in results.chunks_exact_mut(*width).zip(lines) {
                        result.copy_from_slice(&line[begin..begin + width]);
                    }
                    begin += width;
                }
            }
        }
        Ok(())
    }
}

/// The numbers of a small tensor.
pub(super) fn floats(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()
}
