//! Rows times a dense matrix, `[n, in]` and `[out, in]` to `[n, out]`, and the plain product of tensors.
//!
//! On the processor candle's kernels are at their best with many rows. For one or a few, as in decoding, they
//! read the matrix at a fraction of the memory's rate, and a bf16 matrix candle widens to f32 whole. So few rows
//! are multiplied here, some by the kernels the other way round, and bf16 matrices are widened in blocks.

use candle_core::{CpuStorage, DType, Layout, Storage, Tensor};
use half::bf16;
use rayon::prelude::*;

use plimsoll_kernels::product::{Matrix, Target, Threads, multiply_on};
use plimsoll_kernels::simd::{dot_of, widened};
use plimsoll_kernels::wide;

/// Up to so many rows, each entry is a sum of its own.
const FEW: usize = 4;
/// Up to so many rows, the kernels are faster with the matrix on the left.
const SOME: usize = 64;
/// Rows of the matrix that a thread takes at once.
const SHARE: usize = 128;
/// Rows of a bf16 matrix that are widened at once.
const WIDENED: usize = 1024;
/// Sums that run side by side, as many as fill the registers.
const LANES: usize = 32;

/// Rows times the transposed matrix, in the dtype of the rows, which is that of the matrix.
pub(crate) fn product(rows: &Tensor, matrix: &Tensor) -> candle_core::Result<Tensor> {
    let count = rows.dim(0)?;
    let dtype = rows.dtype();
    if !matrix.device().is_cpu() || !matches!(dtype, DType::F32 | DType::BF16) || matrix.dtype() != dtype {
        return plain(rows, &matrix.t()?);
    }
    if count <= FEW {
        return few(rows, matrix);
    }
    if dtype == DType::F32 {
        return some_or_many(rows, matrix);
    }
    let (rows, out) = (rows.to_dtype(DType::F32)?, matrix.dim(0)?);
    let begins: Vec<usize> = (0..out).step_by(WIDENED).collect();
    let products = begins.into_par_iter().map(|begin| {
        let block = matrix.narrow(0, begin, WIDENED.min(out - begin))?;
        some_or_many(&rows, &block.to_dtype(DType::F32)?)?.to_dtype(dtype)
    });
    Tensor::cat(&products.collect::<candle_core::Result<Vec<_>>>()?, 1)
}

/// By the kernels, both of f32.
fn some_or_many(rows: &Tensor, matrix: &Tensor) -> candle_core::Result<Tensor> {
    if rows.dim(0)? <= SOME {
        return plain(matrix, &rows.t()?)?.t()?.contiguous();
    }
    plain(rows, &matrix.t()?)
}

/// `left * right`, `[.., m, k]` and `[.., k, n]` to `[.., m, n]`: candle's product, without what it costs to
/// call it on a processor (see [`plimsoll_kernels::product`]).
pub(crate) fn plain(left: &Tensor, right: &Tensor) -> candle_core::Result<Tensor> {
    if !left.device().is_cpu() || left.dtype() != DType::F32 || right.dtype() != DType::F32 {
        return left.matmul(right);
    }
    let ((left_storage, left_layout), (right_storage, right_layout)) =
        (left.storage_and_layout(), right.storage_and_layout());
    let (lefts, rights) = (
        Stack::from_storage(&left_storage, left_layout)?,
        Stack::from_storage(&right_storage, right_layout)?,
    );
    let ([rows, inner], [same_inner, columns]) = (lefts.shape, rights.shape);
    if (lefts.count, inner) != (rights.count, same_inner) || left.rank() != right.rank() {
        candle_core::bail!("no product of {:?} and {:?}", left.shape(), right.shape())
    }
    let mut values = vec![0.0; lefts.count * rows * columns];
    for (index, target) in values.chunks_exact_mut((rows * columns).max(1)).enumerate() {
        multiply_on(Threads::Pool, Target::over(target), lefts.matrix(index), rights.matrix(index), 1.0);
    }
    let mut shape = left.dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = columns;
    }
    Tensor::from_vec(values, shape, left.device())
}

/// The matrices of a tensor of two or three dimensions, as they lie in memory.
struct Stack<'a> {
    values: &'a [f32],
    count: usize,
    apart: usize,
    shape: [usize; 2],
    strides: [usize; 2],
}

impl<'a> Stack<'a> {
    fn from_storage(storage: &'a Storage, layout: &Layout) -> candle_core::Result<Self> {
        let Storage::Cpu(CpuStorage::F32(values)) = storage else {
            candle_core::bail!("a product of f32 on the processor has another tensor")
        };
        let values = &values[layout.start_offset()..];
        match (layout.dims(), layout.stride()) {
            (&[rows, columns], &[down, along]) => {
                Ok(Self { values, count: 1, apart: 0, shape: [rows, columns], strides: [down, along] })
            }
            (&[count, rows, columns], &[apart, down, along]) => {
                Ok(Self { values, count, apart, shape: [rows, columns], strides: [down, along] })
            }
            (dims, _) => candle_core::bail!("a product of {dims:?}"),
        }
    }

    fn matrix(&self, index: usize) -> Matrix<'a> {
        Matrix::strided(&self.values[index * self.apart..], self.shape, self.strides)
    }
}

/// Rows times the transposed matrix, on slices: rows are of `width`, results of the rows of the matrix.
pub(crate) fn multiply_f32(rows: &[f32], matrix: &[f32], width: usize, results: &mut [f32]) {
    let (count, out) = (rows.len() / width.max(1), matrix.len() / width.max(1));
    let (rows_matrix, columns) = (Matrix::new(rows, count, width), Matrix::new(matrix, out, width));
    if count > SOME {
        multiply_on(Threads::Pool, Target::over(results), rows_matrix, columns.t(), 1.0);
        return;
    }
    let sums = if count <= FEW {
        sums(rows, matrix, width, share_f32)
    } else {
        let mut sums = vec![0.0; count * out];
        multiply_on(Threads::Pool, Target::over(&mut sums), columns, rows_matrix.t(), 1.0);
        sums
    };
    for (row, results) in results.chunks_exact_mut(out.max(1)).enumerate() {
        for (result, sums) in results.iter_mut().zip(sums.chunks_exact(count)) {
            *result = sums[row];
        }
    }
}

fn few(rows: &Tensor, matrix: &Tensor) -> candle_core::Result<Tensor> {
    let (count, (out, width)) = (rows.dim(0)?, matrix.dims2()?);
    let values = rows.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let (storage, layout) = matrix.storage_and_layout();
    let (Storage::Cpu(storage), Some((from, to))) = (&*storage, layout.contiguous_offsets()) else {
        candle_core::bail!("a matrix on the processor must be contiguous")
    };
    let sums = match storage {
        CpuStorage::F32(matrix) => sums(&values, &matrix[from..to], width, share_f32),
        CpuStorage::BF16(matrix) => sums(&values, &matrix[from..to], width, share_bf16),
        _ => candle_core::bail!("a matrix of {:?} is not multiplied here", matrix.dtype()),
    };
    let product = Tensor::from_vec(sums, (out, count), rows.device())?;
    product.t()?.contiguous()?.to_dtype(rows.dtype())
}

/// `[out, n]`: every row of the matrix is read once, for all rows.
fn sums<T: Sync>(
    rows: &[f32],
    matrix: &[T],
    width: usize,
    multiply: impl Fn(&[T], &[f32], usize, &mut [f32]) + Sync,
) -> Vec<f32> {
    let count = rows.len() / width.max(1);
    let mut sums = vec![0.0; matrix.len() / width.max(1) * count];
    sums.par_chunks_mut(SHARE * count).zip(matrix.par_chunks(SHARE * width)).for_each(|(sums, share)| {
        multiply(share, rows, width, sums);
    });
    sums
}

wide! {
    fn share_f32(matrix: &[f32], rows: &[f32], width: usize, sums: &mut [f32]) {
        share(matrix, rows, width, sums, |number| number);
    }
}

wide! {
    fn share_bf16(matrix: &[bf16], rows: &[f32], width: usize, sums: &mut [f32]) {
        share(matrix, rows, width, sums, widened);
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
fn share<T: Copy>(
    matrix: &[T],
    rows: &[f32],
    width: usize,
    sums: &mut [f32],
    widened: impl Fn(T) -> f32 + Copy,
) {
    let count = rows.len() / width.max(1);
    for (sums, line) in sums.chunks_exact_mut(count).zip(matrix.chunks_exact(width)) {
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(width)) {
            *sum = dot_of::<LANES, _>(line, row, widened);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use proptest::prelude::*;

    /// Of sums of at most 100 products of values below 1, in f32.
    const F32_TOLERANCE: f64 = 1e-4;
    /// What rounding a sum to the 8 bits of bf16 changes, as a share of it.
    const BF16_ROUNDING: f64 = 1.0 / 256.0;

    fn naive(rows: &[f32], matrix: &[f32], width: usize) -> Vec<f64> {
        let dot = |row: &[f32], line: &[f32]| -> f64 {
            row.iter().zip(line).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        rows.chunks(width).flat_map(|row| matrix.chunks(width).map(move |line| dot(row, line))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn products_are_those_of_the_definition(
            count in prop::sample::select(vec![1_usize, 2, 4, 5, 16, 64, 65]),
            out in prop::sample::select(vec![1_usize, 7, 128, 300, 1025]),
            width in 1_usize..100, seed in any::<u64>(),
        ) {
            let number = |index: usize| {
                let mixed = (index as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                bf16::from_f32((mixed >> 40) as f32 / (1_u64 << 23) as f32 - 1.0).to_f32()
            };
            let rows: Vec<f32> = (0..count * width).map(number).collect();
            let matrix: Vec<f32> = (0..out * width).map(|index| number(index + 100_000)).collect();
            let expected = naive(&rows, &matrix, width);
            for (dtype, rounding) in [(DType::F32, 0.0), (DType::BF16, BF16_ROUNDING)] {
                let tensor = |values: &[f32], lines: usize| {
                    Tensor::from_slice(values, (lines, width), &Device::Cpu)?.to_dtype(dtype)
                };
                let found = product(&tensor(&rows, count).unwrap(), &tensor(&matrix, out).unwrap()).unwrap();
                prop_assert_eq!(found.dims(), [count, out]);
                prop_assert_eq!(found.dtype(), dtype);
                let found = found.to_dtype(DType::F32).unwrap().flatten_all().unwrap();
                for (found, expected) in found.to_vec1::<f32>().unwrap().iter().zip(&expected) {
                    let max = F32_TOLERANCE + rounding * expected.abs();
                    prop_assert!((f64::from(*found) - expected).abs() <= max, "{} {}", found, expected);
                }
            }
        }
    }
}
