//! Matrices that stay packed: blocks of small integers with scales, as GGUF files hold them, times rows of f32.
//!
//! A matrix is laid out once for the kernels ([`PackedMatrix`]), which multiply as llama.cpp does: activations are rounded
//! to 8 bits, block by block, products are summed as integers and scaled. What is computed is defined to the bit, so
//! all kernels give the same: the choice of one ([`KernelChoice`]) is a choice of speed.

#[macro_use]
mod kernels;
mod vectors;

mod activations;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx_prepare;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx_runs;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx_tiles;
#[macro_use]
mod tiles;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod choice;
mod codes;
mod columns;
mod layout;
mod matrix;
mod multiply;
mod portable;
#[cfg(target_arch = "x86_64")]
mod vnni;

pub use activations::{ProductRows, RowMemory};
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(crate) use amx_tiles::tile_products_per_second;
pub use choice::{Kernel, KernelChoice, KernelError};
pub use matrix::{PackError, PackedMatrix, Packer};

use kernels::{LARGE, SMALL};

/// How values are packed.
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

/// What unpacks on the processor at hand.
#[derive(Debug, Clone, Copy)]
enum Vectors {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Wide256,
    #[cfg(target_arch = "x86_64")]
    Wide512,
}

impl Vectors {
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
    ($vectors:expr, $name:ident($($argument:expr),*)) => {
        match $vectors {
            Vectors::Plain => vectors::plain::$name($($argument),*),
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "only machines with these instructions may run them")]
            // SAFETY: the machine was asked for them.
            Vectors::Wide256 => unsafe { vectors::wide256::$name($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "only machines with these instructions may run them")]
            // SAFETY: the machine was asked for them.
            Vectors::Wide512 => unsafe { vectors::wide512::$name($($argument),*) },
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
        self.unpack_on(Vectors::here(), bytes, values);
    }

    fn unpack_on(self, vectors: Vectors, bytes: &[u8], values: &mut [f32]) {
        match self {
            Self::Q4_0 => on!(vectors, q4_0(bytes, values)),
            Self::Q4_1 => on!(vectors, q4_1(bytes, values)),
            Self::Q5_0 => on!(vectors, q5_0(bytes, values)),
            Self::Q5_1 => on!(vectors, q5_1(bytes, values)),
            Self::Q8_0 => on!(vectors, q8_0(bytes, values)),
            Self::Q2K => on!(vectors, q2_k(bytes, values)),
            Self::Q3K => on!(vectors, q3_k(bytes, values)),
            Self::Q4K => on!(vectors, q4_k(bytes, values)),
            Self::Q5K => on!(vectors, q5_k(bytes, values)),
            Self::Q6K => on!(vectors, q6_k(bytes, values)),
        }
    }
}

#[cfg(test)]
mod tests;
