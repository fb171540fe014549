//! Matrices that stay packed: blocks of small integers with scales, as GGUF files hold them, times rows of f32.
//!
//! Rows are taken as they are, not rounded to 8 bits first: a product is that of the unpacked matrix, to the
//! rounding of f32 sums. Each entry is a sum of its own in a fixed order, so that a row gets the same bits however
//! many rows stand beside it, on any threads and any processor.

#[macro_use]
mod kernels;
mod vectors;

use rayon::prelude::*;

use kernels::{LARGE, SMALL};

use crate::product::Threads;

/// Lines of a matrix that are unpacked and multiplied together: their sums fill the registers.
const TOGETHER: usize = 4;
/// Lines that a thread takes at once.
const SHARE: usize = 64;

/// How numbers are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the formats' own")]
pub enum Packing {
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
}

/// What computes with packed numbers on the processor at hand.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Wide256,
    #[cfg(target_arch = "x86_64")]
    Wide512,
}

impl Kind {
    fn here() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Wide512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Wide256;
            }
        }
        Self::Plain
    }
}

/// Calls the function of that name for the processor at hand.
macro_rules! on {
    ($kind:expr, $name:ident($($argument:expr),*)) => {
        match $kind {
            Kind::Plain => vectors::plain::$name($($argument),*),
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "only machines with these instructions may run them")]
            // SAFETY: the machine was asked for them.
            Kind::Wide256 => unsafe { vectors::wide256::$name($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "only machines with these instructions may run them")]
            // SAFETY: the machine was asked for them.
            Kind::Wide512 => unsafe { vectors::wide512::$name($($argument),*) },
        }
    };
}

impl Packing {
    /// Every packing.
    pub const ALL: [Self; 10] = [
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q2K,
        Self::Q3K,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
    ];

    /// Values and bytes of a block.
    const fn layout(self) -> (usize, usize) {
        match self {
            Self::Q4_0 => (SMALL, 18),
            Self::Q4_1 => (SMALL, 20),
            Self::Q5_0 => (SMALL, 22),
            Self::Q5_1 => (SMALL, 24),
            Self::Q8_0 => (SMALL, 34),
            Self::Q2K => (LARGE, 84),
            Self::Q3K => (LARGE, 110),
            Self::Q4K => (LARGE, 144),
            Self::Q5K => (LARGE, 176),
            Self::Q6K => (LARGE, 210),
        }
    }

    /// Values of a block.
    pub const fn values(self) -> usize {
        self.layout().0
    }

    /// Bytes of a block.
    pub const fn bytes(self) -> usize {
        self.layout().1
    }

    /// Unpacks whole blocks whose scales are finite, in order, to the bit as the format defines it. What does not
    /// fill a block on either side is left alone.
    pub fn unpack(self, bytes: &[u8], values: &mut [f32]) {
        self.unpack_on(Kind::here(), bytes, values);
    }

    fn unpack_on(self, kind: Kind, bytes: &[u8], values: &mut [f32]) {
        match self {
            Self::Q4_0 => on!(kind, q4_0(bytes, values)),
            Self::Q4_1 => on!(kind, q4_1(bytes, values)),
            Self::Q5_0 => on!(kind, q5_0(bytes, values)),
            Self::Q5_1 => on!(kind, q5_1(bytes, values)),
            Self::Q8_0 => on!(kind, q8_0(bytes, values)),
            Self::Q2K => on!(kind, q2_k(bytes, values)),
            Self::Q3K => on!(kind, q3_k(bytes, values)),
            Self::Q4K => on!(kind, q4_k(bytes, values)),
            Self::Q5K => on!(kind, q5_k(bytes, values)),
            Self::Q6K => on!(kind, q6_k(bytes, values)),
        }
    }
}

/// A packed matrix: lines of whole blocks, one line after the other.
#[derive(Debug, Clone, Copy)]
pub struct Packed<'a> {
    packing: Packing,
    bytes: &'a [u8],
    columns: usize,
}

impl<'a> Packed<'a> {
    /// Lines of so many columns; `None` unless bytes and columns are whole lines and whole blocks.
    pub fn new(packing: Packing, bytes: &'a [u8], columns: usize) -> Option<Self> {
        let blocks =
            (columns > 0 && columns.is_multiple_of(packing.values())).then(|| columns / packing.values())?;
        let line = blocks.checked_mul(packing.bytes())?;
        bytes.len().is_multiple_of(line).then_some(Self { packing, bytes, columns })
    }

    fn line_bytes(&self) -> usize {
        self.columns / self.packing.values() * self.packing.bytes()
    }

    /// Numbers of a line.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many lines it has.
    pub fn lines(&self) -> usize {
        self.bytes.len() / self.line_bytes()
    }

    /// Unpacks one line; false if there is no such line, or `values` has not its length.
    pub fn line(&self, index: usize, values: &mut [f32]) -> bool {
        let at = index.saturating_mul(self.line_bytes());
        let found = self.bytes.get(at..).and_then(|rest| rest.get(..self.line_bytes()));
        match found {
            Some(bytes) if values.len() == self.columns => {
                self.packing.unpack(bytes, values);
                true
            }
            _ => false,
        }
    }

    /// Rows times the transposed matrix: `[n, columns]` to `[n, lines]`, row after row.
    ///
    /// # Panics
    /// If `rows` are not whole rows: a mistake of the caller.
    pub fn multiply(&self, threads: Threads, rows: &[f32]) -> Vec<f32> {
        assert!(rows.len().is_multiple_of(self.columns), "rows as wide as the matrix");
        let (count, lines) = (rows.len() / self.columns, self.lines());
        if count == 0 {
            return Vec::new();
        }
        // Line after line: each thread writes to a stretch of its own.
        let mut sums = vec![0.0; lines * count];
        let kind = Kind::here();
        let share = |(sums, bytes): (&mut [f32], &[u8])| self.share(kind, bytes, rows, sums);
        let (stretch, bytes) = (SHARE * count, SHARE * self.line_bytes());
        match threads {
            Threads::One => sums.chunks_mut(stretch).zip(self.bytes.chunks(bytes)).for_each(share),
            Threads::Pool => sums.par_chunks_mut(stretch).zip(self.bytes.par_chunks(bytes)).for_each(share),
        }
        if count == 1 { sums } else { transposed(&sums, count, threads) }
    }

    /// The sums of some lines, `[lines, n]`.
    fn share(&self, kind: Kind, bytes: &[u8], rows: &[f32], sums: &mut [f32]) {
        let (count, line_bytes) = (rows.len() / self.columns, self.line_bytes());
        let mut values = vec![0.0; TOGETHER * self.columns];
        for (sums, bytes) in sums.chunks_mut(TOGETHER * count).zip(bytes.chunks(TOGETHER * line_bytes)) {
            let values = &mut values[..bytes.len() / line_bytes * self.columns];
            self.packing.unpack_on(kind, bytes, values);
            on!(kind, dots(values, rows, self.columns, sums));
        }
    }
}

/// `[lines, n]` to `[n, lines]`.
fn transposed(sums: &[f32], count: usize, threads: Threads) -> Vec<f32> {
    let lines = sums.len() / count;
    let mut product = vec![0.0; sums.len()];
    let row = |(row, target): (usize, &mut [f32])| {
        for (target, sums) in target.iter_mut().zip(sums.chunks_exact(count)) {
            *target = sums[row];
        }
    };
    match threads {
        Threads::One => product.chunks_mut(lines).enumerate().for_each(row),
        Threads::Pool => product.par_chunks_mut(lines).enumerate().for_each(row),
    }
    product
}

#[cfg(test)]
mod tests;
