//! Products of matrices that lie in slices, by the kernels that candle multiplies with, into memory that is there
//! already: a tensor for every product costs as much as a small product.
//!
//! Candle's own call asks the system for the number of cores at every product, on Linux by reading
//! `/proc/cpuinfo`, a text that grows with the cores: 70 microseconds on a machine of two, as long as 32 rows
//! times a matrix of 256 x 128 take.

/// A matrix in a slice.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    numbers: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Row after row.
    pub fn new(numbers: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::within(numbers, rows, columns, columns)
    }

    /// Rows that begin `stride` numbers apart.
    pub fn within(numbers: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        Self { numbers, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// Rows and columns whose numbers lie so far apart.
    pub fn strided(numbers: &'a [f32], [rows, columns]: [usize; 2], [row, column]: [usize; 2]) -> Self {
        Self { numbers, rows, columns, row_stride: row, column_stride: column }
    }

    /// With rows and columns exchanged.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            numbers: self.numbers,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    fn end(&self) -> usize {
        end(self.rows, self.columns, self.row_stride, self.column_stride)
    }
}

/// Beyond every slice if it does not fit a `usize`.
fn end(rows: usize, columns: usize, row_stride: usize, column_stride: usize) -> usize {
    if rows == 0 || columns == 0 {
        return 0;
    }
    let (down, along) = ((rows - 1).saturating_mul(row_stride), (columns - 1).saturating_mul(column_stride));
    down.saturating_add(along).saturating_add(1)
}

/// Where a product goes.
#[derive(Debug)]
pub struct Target<'a> {
    numbers: &'a mut [f32],
    stride: Option<usize>,
    add: bool,
}

impl<'a> Target<'a> {
    /// Overwritten, row after row.
    pub fn over(numbers: &'a mut [f32]) -> Self {
        Self { numbers, stride: None, add: false }
    }

    /// Added to, row after row.
    pub fn onto(numbers: &'a mut [f32]) -> Self {
        Self { numbers, stride: None, add: true }
    }

    /// With rows that begin so many numbers apart.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride: Some(stride), ..self }
    }
}

/// Who computes a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The caller, who has other work for the others.
    One,
    /// The threads of the pool that the caller runs in, if the product is worth it.
    Pool,
}

/// `scale * left * right`, on one thread.
///
/// # Panics
/// If shapes do not fit or a slice is too short: a mistake of the caller.
pub fn multiply(target: Target<'_>, left: Matrix<'_>, right: Matrix<'_>, scale: f32) {
    multiply_on(Threads::One, target, left, right, scale);
}

/// `scale * left * right`; the same bits on any threads.
///
/// # Panics
/// As [`multiply`].
#[expect(clippy::needless_pass_by_value, reason = "a target is made for one product")]
pub fn multiply_on(threads: Threads, target: Target<'_>, left: Matrix<'_>, right: Matrix<'_>, scale: f32) {
    let parallelism = match threads {
        Threads::Pool if rayon::current_num_threads() > 1 => {
            gemm::Parallelism::Rayon(rayon::current_num_threads())
        }
        Threads::One | Threads::Pool => gemm::Parallelism::None,
    };
    let stride = target.stride.unwrap_or(right.columns);
    assert_eq!(left.columns, right.rows, "the shapes of a product");
    assert!(left.end() <= left.numbers.len() && right.end() <= right.numbers.len(), "a matrix in its slice");
    assert!(
        stride >= right.columns && end(left.rows, right.columns, stride, 1) <= target.numbers.len(),
        "a product in its slice"
    );
    #[expect(unsafe_code, reason = "the kernels take pointers; every place they touch was checked above")]
    // SAFETY: both matrices and the target lie within their slices, and a `&mut` aliases neither.
    unsafe {
        gemm::gemm(
            left.rows,
            right.columns,
            left.columns,
            target.numbers.as_mut_ptr(),
            1,
            stride.cast_signed(),
            target.add,
            left.numbers.as_ptr(),
            left.column_stride.cast_signed(),
            left.row_stride.cast_signed(),
            right.numbers.as_ptr(),
            right.column_stride.cast_signed(),
            right.row_stride.cast_signed(),
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of sums of at most 9 products of numbers below 1, in f32.
    const TOLERANCE: f64 = 1e-6;

    #[test]
    fn products_are_those_of_the_definition() {
        let number = |index: usize| ((index * 37 + 11) % 64) as f32 / 64.0 - 0.5;
        let left: Vec<f32> = (0..7 * 12).map(number).collect();
        let right: Vec<f32> = (0..9 * 5).map(|index| number(index + 1000)).collect();
        // Seven rows of nine numbers, twelve apart; nine rows of five, met as their transpose.
        let stored: Vec<f32> = (0..5 * 9).map(|index| right[index % 9 * 5 + index / 9]).collect();
        let mut found = vec![0.25; 7 * 6];
        multiply(
            Target::onto(&mut found).stride(6),
            Matrix::within(&left, 7, 9, 12),
            Matrix::new(&stored, 5, 9).t(),
            0.5,
        );
        for row in 0..7 {
            for column in 0..5 {
                let sum: f64 = (0..9)
                    .map(|inner| f64::from(left[row * 12 + inner]) * f64::from(right[inner * 5 + column]))
                    .sum();
                assert!((f64::from(found[row * 6 + column]) - (0.25 + 0.5 * sum)).abs() < TOLERANCE);
            }
            assert_eq!(found[row * 6 + 5], 0.25, "what lies between rows is left alone");
        }
    }

    #[test]
    #[should_panic(expected = "a matrix in its slice")]
    fn strides_that_overflow_are_refused() {
        let huge = Matrix::strided(&[0.0; 4], [3, 1], [usize::MAX / 2 + 1, 1]);
        multiply(Target::over(&mut [0.0; 3]), huge, Matrix::new(&[1.0], 1, 1), 1.0);
    }

    #[test]
    fn any_threads_give_the_same_bits() {
        let number = |index: usize| ((index * 7919 + 13) % 1009) as f32 / 509.0 - 1.0;
        for [rows, inner, columns] in [[1, 4096, 700], [700, 4096, 1], [65, 129, 2050], [600, 511, 514]] {
            let left: Vec<f32> = (0..rows * inner).map(number).collect();
            let right: Vec<f32> = (0..inner * columns).map(|index| number(index + 500_000)).collect();
            let product = |threads| {
                let mut found = vec![0.0; rows * columns];
                let matrices = (Matrix::new(&left, rows, inner), Matrix::new(&right, columns, inner).t());
                multiply_on(threads, Target::over(&mut found), matrices.0, matrices.1, 1.0);
                found
            };
            let alone = product(Threads::One);
            for count in [2, 3, 8] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
                let together = pool.install(|| product(Threads::Pool));
                assert!(together == alone, "{rows} x {inner} x {columns} on {count}");
            }
        }
    }
}
