//! How blocks are unpacked with sixteen lanes, whatever they are.
//!
//! Blocks become values to the bit as the formats' own tools unpack them: they round after each product and each
//! sum, so none is fused.

/// Values of a block of the small packings, and of the large ones.
pub(super) const SMALL: usize = 32;
pub(super) const LARGE: usize = 256;

/// A finite half-precision number, without the branches for what is none.
pub(super) fn half(block: &[u8], from: usize) -> f32 {
    /// 2^112: from the exponents of f16 to those of f32, subnormal ones included.
    const SCALE: f32 = f32::from_bits(0x7780_0000);
    let bits = u32::from(block[from]) | u32::from(block[from + 1]) << 8;
    let size = f32::from_bits((bits & 0x7fff) << 13) * SCALE;
    f32::from_bits(size.to_bits() | (bits & 0x8000) << 16)
}

/// Eight bits as eight bytes of 1 or 0.
pub(super) fn spread(byte: u8) -> u64 {
    /// A byte in every byte; one bit of it, another in each; and what carries a bit, whichever it is, to the top.
    const EVERYWHERE: u64 = 0x0101_0101_0101_0101;
    const ONE_EACH: u64 = 0x8040_2010_0804_0201;
    const TO_THE_TOP: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let bits = u64::from(byte).wrapping_mul(EVERYWHERE) & ONE_EACH;
    bits.wrapping_add(TO_THE_TOP) >> 7 & EVERYWHERE
}

/// Scale and minimum, six bits each, of one of the eight runs of a `q4_k` or `q5_k` block.
pub(super) fn scale_and_minimum(packed: &[u8], run: usize) -> (u8, u8) {
    let (scale, minimum) = if run < 4 {
        (packed[run] & 63, packed[run + 4] & 63)
    } else {
        let low = packed[run + 4];
        (low & 15 | packed[run - 4] >> 6 << 4, low >> 4 | packed[run] >> 6 << 4)
    };
    (scale, minimum)
}

/// The unpackers on the vectors of the module in which this stands.
macro_rules! kernels {
    ([$($attribute:tt)*]) => {
        use crate::packed::kernels::{LARGE, SMALL, half, scale_and_minimum, spread};

        unpackers! {
            [$($attribute)*]
            /// Two values a byte, the second half of a block in the upper bits: `(value - 8) * scale`.
            q4_0(block: [u8; 18], values: [f32; SMALL]) {
                let (scale, packed) = (half(block, 0), bytes(block, 2));
                put(values, 0, times(plus(unsigned(bits(packed, 0, 15)), -8.0), scale));
                put(values, 1, times(plus(unsigned(bits(packed, 4, 15)), -8.0), scale));
            }
            /// As `q4_0`, with a minimum: `value * scale + minimum`.
            q4_1(block: [u8; 20], values: [f32; SMALL]) {
                let (scale, minimum, packed) = (half(block, 0), half(block, 2), bytes(block, 4));
                put(values, 0, plus(times(unsigned(bits(packed, 0, 15)), scale), minimum));
                put(values, 1, plus(times(unsigned(bits(packed, 4, 15)), scale), minimum));
            }
            /// As `q4_0` with a fifth bit for each value: `(value - 16) * scale`.
            q5_0(block: [u8; 22], values: [f32; SMALL]) {
                let (scale, packed) = (half(block, 0), bytes(block, 6));
                for side in 0..2 {
                    let fifth = halves(spread(block[2 + 2 * side]), spread(block[3 + 2 * side]));
                    let value = joined(bits(packed, 4 * side, 15), fifth, 4);
                    put(values, side, times(plus(unsigned(value), -16.0), scale));
                }
            }
            /// As `q4_1` with a fifth bit for each value.
            q5_1(block: [u8; 24], values: [f32; SMALL]) {
                let (scale, minimum, packed) = (half(block, 0), half(block, 2), bytes(block, 8));
                for side in 0..2 {
                    let fifth = halves(spread(block[4 + 2 * side]), spread(block[5 + 2 * side]));
                    let value = joined(bits(packed, 4 * side, 15), fifth, 4);
                    put(values, side, plus(times(unsigned(value), scale), minimum));
                }
            }
            /// Signed bytes times a scale.
            q8_0(block: [u8; 34], values: [f32; SMALL]) {
                let scale = half(block, 0);
                put(values, 0, times(signed(bytes(block, 2)), scale));
                put(values, 1, times(signed(bytes(block, 18)), scale));
            }
            /// 16 runs of 16 values of two bits; of each run four bits of scale and four of minimum.
            q2_k(block: [u8; 84], values: [f32; LARGE]) {
                let (scale, minimum) = (half(block, 80), half(block, 82));
                for run in 0..16 {
                    // Of each half of a block 32 bytes, two bits of each for four pairs of runs.
                    let (half_block, pair, side) = (run / 8, run % 8 / 2, run % 2);
                    let scale = scale * f32::from(block[run] & 15);
                    let minimum = minimum * f32::from(block[run] >> 4);
                    let packed = bytes(block, 16 + half_block * 32 + side * 16);
                    put(values, run, plus(times(unsigned(bits(packed, 2 * pair, 3)), scale), -minimum));
                }
            }
            /// 16 runs of 16 values of two bits and one bit apart, which takes 4 away where it is not set.
            q3_k(block: [u8; 110], values: [f32; LARGE]) {
                let scale = half(block, 108);
                for run in 0..16 {
                    let (half_block, pair, side) = (run / 8, run % 8 / 2, run % 2);
                    // Six bits of scale: four in one place, two in another.
                    let low = block[96 + run % 8] >> (run / 8 * 4) & 15;
                    let high = block[104 + run % 4] >> (run / 4 * 2) & 3;
                    let scale = scale * (f32::from(low | high << 4) - 32.0);
                    let third = bits(bytes(block, side * 16), half_block * 4 + pair, 1);
                    let packed = bits(bytes(block, 32 + half_block * 32 + side * 16), 2 * pair, 3);
                    put(values, run, times(plus(unsigned(joined(packed, third, 2)), -4.0), scale));
                }
            }
            /// Eight runs of 32 values of four bits, two runs in the halves of the same bytes.
            q4_k(block: [u8; 144], values: [f32; LARGE]) {
                let (scale, minimum) = (half(block, 0), half(block, 2));
                for run in 0..8 {
                    let own = scale_and_minimum(&block[4..16], run);
                    let (scale, minimum) = (scale * f32::from(own.0), minimum * f32::from(own.1));
                    for side in 0..2 {
                        let packed = bytes(block, 16 + run / 2 * 32 + side * 16);
                        let value = unsigned(bits(packed, run % 2 * 4, 15));
                        put(values, 2 * run + side, plus(times(value, scale), -minimum));
                    }
                }
            }
            /// As `q4_k` with a fifth bit for each value: bit `run` of the bytes before.
            q5_k(block: [u8; 176], values: [f32; LARGE]) {
                let (scale, minimum) = (half(block, 0), half(block, 2));
                for run in 0..8 {
                    let own = scale_and_minimum(&block[4..16], run);
                    let (scale, minimum) = (scale * f32::from(own.0), minimum * f32::from(own.1));
                    for side in 0..2 {
                        let fifth = bits(bytes(block, 16 + side * 16), run, 1);
                        let packed = bits(bytes(block, 48 + run / 2 * 32 + side * 16), run % 2 * 4, 15);
                        let value = unsigned(joined(packed, fifth, 4));
                        put(values, 2 * run + side, plus(times(value, scale), -minimum));
                    }
                }
            }
            /// 16 runs of 16 values of six bits: four in one place, two in another.
            q6_k(block: [u8; 210], values: [f32; LARGE]) {
                let scale = half(block, 208);
                for run in 0..16 {
                    // Of each half of a block: four pairs of runs, the first two in the lower bits of 64 bytes.
                    let (half_block, pair, side) = (run / 8, run % 8 / 2, run % 2);
                    let scale = scale * f32::from(block[192 + run].cast_signed());
                    let low = bytes(block, half_block * 64 + pair % 2 * 32 + side * 16);
                    let upper = bits(bytes(block, 128 + half_block * 32 + side * 16), 2 * pair, 3);
                    let value = joined(bits(low, pair / 2 * 4, 15), upper, 4);
                    put(values, run, times(plus(unsigned(value), -32.0), scale));
                }
            }
        }

        /// Writes sixteen values.
        #[$($attribute)*]
        fn put(values: &mut [f32], index: usize, floats: Floats) {
            if let Some(target) = values[index * LANES..].first_chunk_mut() {
                *target = store(floats);
            }
        }
    };
}

/// A function for each packing: block after block; what follows the last whole one is left alone.
macro_rules! unpackers {
    ($attributes:tt $($(#[$doc:meta])* $name:ident($block:ident: [u8; $bytes:literal], $values:ident: [f32; $count:ident]) $body:block)*) => {
        $(unpackers! { @one $attributes $(#[$doc])* $name($block: $bytes, $values: $count) $body })*
    };
    (@one [$($attribute:tt)*] $(#[$doc:meta])* $name:ident($block:ident: $bytes:literal, $values:ident: $count:ident) $body:block) => {
        $(#[$doc])*
        #[$($attribute)*]
        pub(in crate::packed) fn $name(bytes_of: &[u8], values_of: &mut [f32]) {
            let (blocks, values) = (bytes_of.as_chunks::<$bytes>().0, values_of.as_chunks_mut::<$count>().0);
            for ($block, $values) in blocks.iter().zip(values) $body
        }
    };
}
