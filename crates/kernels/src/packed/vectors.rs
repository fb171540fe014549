//! How blocks are unpacked on sixteen lanes, once for each kind of processor.
//!
//! It is written in the processor's own instructions: what the compiler makes wide by itself, and keeps in
//! registers, changes with every line of such loops. All kinds give the same bits.

/// Lanes of a vector.
pub(super) const LANES: usize = 16;

/// Sixteen bytes of a block from `from` on.
fn part(block: &[u8], from: usize) -> &[u8; LANES] {
    // A block holds all its parts; the other arm is never reached, and the compiler knows it.
    block[from..].first_chunk().unwrap_or(&[0; LANES])
}

/// By whatever every processor has.
pub(super) mod plain {
    use super::{LANES, part};

    type Floats = [f32; LANES];
    type Bytes = [u8; LANES];

    fn store(floats: Floats) -> [f32; LANES] {
        floats
    }

    fn times(floats: Floats, factor: f32) -> Floats {
        floats.map(|float| float * factor)
    }

    fn plus(floats: Floats, number: f32) -> Floats {
        floats.map(|float| float + number)
    }

    fn bytes(block: &[u8], from: usize) -> Bytes {
        *part(block, from)
    }

    fn halves(low: u64, high: u64) -> Bytes {
        let (low, high) = (low.to_le_bytes(), high.to_le_bytes());
        std::array::from_fn(|at| if at < 8 { low[at] } else { high[at - 8] })
    }

    fn bits(bytes: Bytes, shift: usize, mask: u8) -> Bytes {
        bytes.map(|byte| byte >> shift & mask)
    }

    fn joined(bytes: Bytes, upper: Bytes, shift: usize) -> Bytes {
        std::array::from_fn(|at| bytes[at] | upper[at] << shift)
    }

    fn unsigned(bytes: Bytes) -> Floats {
        bytes.map(f32::from)
    }

    fn signed(bytes: Bytes) -> Floats {
        bytes.map(|byte| f32::from(byte.cast_signed()))
    }

    kernels!([inline]);
}

/// Bytes on any x86: what AVX2 and AVX-512 do alike.
#[cfg(target_arch = "x86_64")]
macro_rules! bytes_of_x86 {
    ($features:literal) => {
        #[target_feature(enable = $features)]
        fn bytes(block: &[u8], from: usize) -> __m128i {
            #[expect(unsafe_code, reason = "no conversion between them is safe")]
            // SAFETY: both are sixteen bytes, of any bits.
            unsafe {
                transmute::<[u8; LANES], __m128i>(*part(block, from))
            }
        }

        #[target_feature(enable = $features)]
        fn halves(low: u64, high: u64) -> __m128i {
            _mm_set_epi64x(high.cast_signed(), low.cast_signed())
        }

        #[target_feature(enable = $features)]
        fn bits(bytes: __m128i, shift: usize, mask: u8) -> __m128i {
            // Shifted two bytes at a time; what comes from the neighbour is masked away.
            let shifted = _mm_srl_epi16(bytes, count(shift));
            _mm_and_si128(shifted, _mm_set1_epi8(mask.cast_signed()))
        }

        #[target_feature(enable = $features)]
        fn joined(bytes: __m128i, upper: __m128i, shift: usize) -> __m128i {
            _mm_or_si128(bytes, _mm_sll_epi16(upper, count(shift)))
        }

        #[target_feature(enable = $features)]
        fn count(shift: usize) -> __m128i {
            // At most 7; 64 would shift everything away.
            _mm_set_epi64x(0, i64::try_from(shift).unwrap_or(64))
        }
    };
}

/// With AVX-512.
#[cfg(target_arch = "x86_64")]
pub(super) mod wide512 {
    use core::arch::x86_64::{
        __m128i, __m512, _mm_and_si128, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8, _mm_sll_epi16,
        _mm_srl_epi16, _mm512_add_ps, _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32,
        _mm512_mul_ps, _mm512_set1_ps,
    };

    use std::mem::transmute;

    use super::{LANES, part};

    type Floats = __m512;

    #[target_feature(enable = "avx512f")]
    fn store(floats: __m512) -> [f32; LANES] {
        #[expect(unsafe_code, reason = "no conversion between them is safe")]
        // SAFETY: both are sixteen floats.
        unsafe {
            transmute::<__m512, [f32; LANES]>(floats)
        }
    }

    #[target_feature(enable = "avx512f")]
    fn times(floats: __m512, factor: f32) -> __m512 {
        _mm512_mul_ps(floats, _mm512_set1_ps(factor))
    }

    #[target_feature(enable = "avx512f")]
    fn plus(floats: __m512, number: f32) -> __m512 {
        _mm512_add_ps(floats, _mm512_set1_ps(number))
    }

    #[target_feature(enable = "avx512f")]
    fn unsigned(bytes: __m128i) -> __m512 {
        _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))
    }

    #[target_feature(enable = "avx512f")]
    fn signed(bytes: __m128i) -> __m512 {
        _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))
    }

    bytes_of_x86!("avx512f");
    kernels!([target_feature(enable = "avx512f")]);
}

/// With AVX2 and fused products: two registers for sixteen lanes.
#[cfg(target_arch = "x86_64")]
pub(super) mod wide256 {
    use core::arch::x86_64::{
        __m128i, __m256, _mm_and_si128, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8, _mm_sll_epi16,
        _mm_srl_epi16, _mm_srli_si128, _mm256_add_ps, _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps,
        _mm256_cvtepu8_epi32, _mm256_mul_ps, _mm256_set1_ps,
    };

    use std::mem::transmute;

    use super::{LANES, part};

    type Pair = [__m256; 2];
    type Floats = Pair;

    #[target_feature(enable = "avx2,fma")]
    fn store(floats: Pair) -> [f32; LANES] {
        #[expect(unsafe_code, reason = "no conversion between them is safe")]
        // SAFETY: both are sixteen floats.
        unsafe {
            transmute::<Pair, [f32; LANES]>(floats)
        }
    }

    #[target_feature(enable = "avx2,fma")]
    fn times(floats: Pair, factor: f32) -> Pair {
        let factor = _mm256_set1_ps(factor);
        [_mm256_mul_ps(floats[0], factor), _mm256_mul_ps(floats[1], factor)]
    }

    #[target_feature(enable = "avx2,fma")]
    fn plus(floats: Pair, number: f32) -> Pair {
        let number = _mm256_set1_ps(number);
        [_mm256_add_ps(floats[0], number), _mm256_add_ps(floats[1], number)]
    }

    #[target_feature(enable = "avx2,fma")]
    fn unsigned(bytes: __m128i) -> Pair {
        let high = _mm_srli_si128::<8>(bytes);
        [_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(high))]
    }

    #[target_feature(enable = "avx2,fma")]
    fn signed(bytes: __m128i) -> Pair {
        let high = _mm_srli_si128::<8>(bytes);
        [_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(high))]
    }

    bytes_of_x86!("avx2,fma");
    kernels!([target_feature(enable = "avx2,fma")]);
}
