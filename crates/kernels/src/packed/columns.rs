//! A matrix of results, `[rows, outputs]`, shared out by columns among threads.

use std::marker::PhantomData;

/// Some columns of a matrix, all of its rows. No other slice is of the same entries.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    begin: *mut f32,
    width: usize,
    stride: usize,
    rows: usize,
    matrix: PhantomData<&'a mut [f32]>,
}

#[expect(
    unsafe_code,
    reason = "a pointer to f32 that stands for an exclusive borrow may go to another thread"
)]
// SAFETY: as `&mut [f32]`, which `Columns` is but for the gaps between its rows.
unsafe impl Send for Columns<'_> {}

impl<'a> Columns<'a> {
    /// Cuts a matrix of rows of `stride` into columns `width` wide; the last ones may be fewer.
    pub(super) fn split(matrix: &'a mut [f32], stride: usize, width: usize) -> Vec<Self> {
        assert!(stride > 0 && width > 0 && matrix.len().is_multiple_of(stride), "whole rows");
        let rows = matrix.len() / stride;
        if rows == 0 {
            return Vec::new();
        }
        let begin = matrix.as_mut_ptr();
        let part = |column: usize| Self {
            begin: begin.wrapping_add(column),
            width: width.min(stride - column),
            stride,
            rows,
            matrix: PhantomData,
        };
        (0..stride).step_by(width).map(part).collect()
    }

    /// The columns `from..from + width` of these, as far as there are so many.
    pub(super) fn narrow(&mut self, from: usize, width: usize) -> Columns<'_> {
        let from = from.min(self.width);
        Columns {
            begin: self.begin.wrapping_add(from),
            width: width.min(self.width - from),
            stride: self.stride,
            rows: self.rows,
            matrix: PhantomData,
        }
    }

    /// These columns of one row.
    pub(super) fn row(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows, "a row of the matrix");
        #[expect(unsafe_code, reason = "the entries of a row's columns lie within the matrix")]
        // SAFETY: `begin` points to column c of a matrix of `rows` rows of `stride`, with c + width <= stride, so all
        // of these entries lie in the matrix, whose borrow `Columns` holds. Columns that were split do not overlap, and
        // `self` is borrowed exclusively as long as the slice is.
        unsafe {
            std::slice::from_raw_parts_mut(self.begin.wrapping_add(row * self.stride), self.width)
        }
    }
}
