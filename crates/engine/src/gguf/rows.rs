//! The rows of a tensor in a file, in the order in which transformers has them.

use std::ops::Range;

use super::blocks::BlockFormat;
use super::header::TensorInfo;

/// How the rows of a tensor stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowOrder {
    /// As transformers has them.
    AsStored,
    /// In each head of so many rows, the first of the second half after the first of the first half, and
    /// so on: pairs that turn together stand side by side.
    Interleaved {
        /// Rows of a head; even.
        head: usize,
    },
}

/// The rows of one tensor.
#[derive(Debug)]
pub(super) struct RowLayout {
    format: BlockFormat,
    offset: u64,
    order: RowOrder,
    count: usize,
    values: usize,
    bytes: usize,
}

impl RowLayout {
    /// A vector is one row, unless its order changes: then each value is one.
    pub(super) fn new(info: &TensorInfo, order: RowOrder) -> Self {
        let all: usize = info.shape.iter().product();
        let each_alone = info.shape.len() == 1 && order != RowOrder::AsStored;
        let values = match info.shape.last() {
            Some(&values) if !each_alone => values,
            _ => 1,
        };
        let blocks = values / info.format.values_per_block();
        Self {
            format: info.format,
            offset: info.offset,
            order,
            count: all / values,
            values,
            bytes: blocks * info.format.bytes_per_block(),
        }
    }

    pub(super) fn format(&self) -> BlockFormat {
        self.format
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Values in a row.
    pub(super) fn values(&self) -> usize {
        self.values
    }

    /// Bytes of a row.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Where these rows stand, in this order: offsets in the file, and how many bytes stand together there.
    pub(super) fn pieces(&self, rows: Range<usize>) -> impl Iterator<Item = (u64, usize)> {
        let together = match self.order {
            RowOrder::AsStored => rows.len(),
            RowOrder::Interleaved { .. } => 1,
        };
        let piece = move |row| (self.offset + (self.stored(row) * self.bytes) as u64, together * self.bytes);
        rows.step_by(together.max(1)).map(piece)
    }

    /// The offset of a row in the file.
    fn stored(&self, row: usize) -> usize {
        match self.order {
            RowOrder::AsStored => row,
            RowOrder::Interleaved { head } => {
                let (start, within) = (row / head * head, row % head);
                let half = head / 2;
                start + 2 * (within % half) + within / half
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(shape: &[usize], order: RowOrder) -> RowLayout {
        let info = TensorInfo { shape: shape.to_vec(), format: BlockFormat::F32, offset: 100, bytes: 0 };
        RowLayout::new(&info, order)
    }

    #[test]
    fn rows_as_stored_are_read_together() {
        let rows = rows(&[6, 2], RowOrder::AsStored);
        assert_eq!(rows.pieces(2..5).collect::<Vec<_>>(), [(100 + 16, 24)]);
        assert_eq!(rows.pieces(2..2).count(), 0);
    }

    #[test]
    fn interleaved_rows_are_put_half_a_head_apart() {
        // Two heads of four rows: the file has rows 0 2 1 3 of each.
        let order = RowOrder::Interleaved { head: 4 };
        for rows in [rows(&[8, 2], order), rows(&[8], order)] {
            let stored: Vec<_> = (0..8).map(|row| rows.stored(row)).collect();
            assert_eq!(stored, [0, 2, 1, 3, 4, 6, 5, 7]);
            assert_eq!(rows.count(), 8);
            let size = rows.bytes();
            let pieces: Vec<_> = rows.pieces(1..3).collect();
            assert_eq!(pieces, [(100 + 2 * size as u64, size), (100 + size as u64, size)]);
        }
    }
}
