//! Blocks as files have them, taken apart: a code for each input, and the scales beside the codes.

use super::Packing;
use super::kernels::{LARGE, scale_and_minimum, spread};
use super::layout::MAX_RUNS;

/// Bytes that are taken together.
const PART: usize = 16;

/// A block that is taken apart. Of a small packing only the first 32 codes are set, of a packing without minima
/// no minimum.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) codes: [u8; LARGE],
    /// In half precision, as the file has it.
    pub(super) scale: [u8; 2],
    /// As `scale`.
    pub(super) minimum: [u8; 2],
    pub(super) run_scales: [i8; MAX_RUNS],
    pub(super) run_minima: [u8; MAX_RUNS],
}

impl Block {
    pub(super) const EMPTY: Self = Self {
        codes: [0; LARGE],
        scale: [0; 2],
        minimum: [0; 2],
        run_scales: [0; MAX_RUNS],
        run_minima: [0; MAX_RUNS],
    };

    /// Takes one block apart, which has the bytes of its packing.
    pub(super) fn read(&mut self, packing: Packing, block: &[u8]) {
        match packing {
            Packing::Q4_0 => self.nibbles(block, None, 2),
            Packing::Q4_1 => self.nibbles(block, None, 4),
            Packing::Q5_0 => self.nibbles(block, Some(2), 6),
            Packing::Q5_1 => self.nibbles(block, Some(4), 8),
            Packing::Q8_0 => {
                for (code, byte) in self.codes.iter_mut().zip(&block[2..]) {
                    *code = byte ^ 0x80;
                }
            }
            Packing::Q2K => self.q2_k(block),
            Packing::Q3K => self.q3_k(block),
            Packing::Q4K => self.q4_k(block, None, 16),
            Packing::Q5K => self.q4_k(block, Some(16), 48),
            Packing::Q6K => self.q6_k(block),
        }
        let (scale, minimum) = match packing {
            Packing::Q2K => (80, 82),
            Packing::Q3K => (108, 108),
            Packing::Q6K => (208, 208),
            _ => (0, 2),
        };
        self.scale = [block[scale], block[scale + 1]];
        self.minimum = [block[minimum], block[minimum + 1]];
    }

    /// Four bits a code, the second half of a small block in the upper ones; a fifth bit for each where `fifth` says.
    fn nibbles(&mut self, block: &[u8], fifth: Option<usize>, from: usize) {
        for side in 0..2 {
            let mut codes = bits(part(block, from), 4 * side, 15);
            if let Some(fifth) = fifth {
                let (low, high) = (spread(block[fifth + 2 * side]), spread(block[fifth + 1 + 2 * side]));
                let (low, high) = (low.to_le_bytes(), high.to_le_bytes());
                for (code, bit) in codes.iter_mut().zip(low.iter().chain(&high)) {
                    *code |= bit << 4;
                }
            }
            self.put(side, codes);
        }
    }

    /// 16 runs of 16 codes of two bits; of each run four bits of scale and four of minimum.
    fn q2_k(&mut self, block: &[u8]) {
        for run in 0..16 {
            let (half, pair, side) = (run / 8, run % 8 / 2, run % 2);
            self.put(run, bits(part(block, 16 + half * 32 + side * 16), 2 * pair, 3));
            self.run_scales[run] = (block[run] & 15).cast_signed();
            self.run_minima[run] = block[run] >> 4;
        }
    }

    /// 16 runs of 16 codes of two bits and one bit apart, with a scale of six bits.
    fn q3_k(&mut self, block: &[u8]) {
        for run in 0..16 {
            let (half, pair, side) = (run / 8, run % 8 / 2, run % 2);
            let third = bits(part(block, side * 16), half * 4 + pair, 1);
            let low = bits(part(block, 32 + half * 32 + side * 16), 2 * pair, 3);
            self.put(run, joined(low, third, 2));
            let low = block[96 + run % 8] >> (run / 8 * 4) & 15;
            let high = block[104 + run % 4] >> (run / 4 * 2) & 3;
            self.run_scales[run] = (low | high << 4).cast_signed() - 32;
        }
    }

    /// Eight runs of 32 codes of four bits, two runs in the halves of the same bytes; a fifth bit for each where
    /// `fifth` says.
    fn q4_k(&mut self, block: &[u8], fifth: Option<usize>, from: usize) {
        for run in 0..8 {
            for side in 0..2 {
                let mut codes = bits(part(block, from + run / 2 * 32 + side * 16), run % 2 * 4, 15);
                if let Some(fifth) = fifth {
                    codes = joined(codes, bits(part(block, fifth + side * 16), run, 1), 4);
                }
                self.put(2 * run + side, codes);
            }
            let (scale, minimum) = scale_and_minimum(&block[4..16], run);
            self.run_scales[run] = scale.cast_signed();
            self.run_minima[run] = minimum;
        }
    }

    /// 16 runs of 16 codes of six bits: four in one place, two in another.
    fn q6_k(&mut self, block: &[u8]) {
        for run in 0..16 {
            let (half, pair, side) = (run / 8, run % 8 / 2, run % 2);
            let low = bits(part(block, half * 64 + pair % 2 * 32 + side * 16), pair / 2 * 4, 15);
            let upper = bits(part(block, 128 + half * 32 + side * 16), 2 * pair, 3);
            self.put(run, joined(low, upper, 4));
            self.run_scales[run] = block[192 + run].cast_signed();
        }
    }

    fn put(&mut self, index: usize, codes: [u8; PART]) {
        self.codes[index * PART..][..PART].copy_from_slice(&codes);
    }
}

#[inline]
fn part(block: &[u8], from: usize) -> &[u8; PART] {
    // A block holds all its parts; the other arm is never reached, and the compiler knows it.
    block[from..].first_chunk().unwrap_or(&[0; PART])
}

#[inline]
fn bits(bytes: &[u8; PART], shift: usize, mask: u8) -> [u8; PART] {
    bytes.map(|byte| byte >> shift & mask)
}

#[inline]
fn joined(bytes: [u8; PART], upper: [u8; PART], shift: usize) -> [u8; PART] {
    std::array::from_fn(|at| bytes[at] | upper[at] << shift)
}
