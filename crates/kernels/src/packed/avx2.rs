//! By the products of bytes of AVX2: eight outputs a vector.

use core::arch::x86_64::{
    __m128i, __m256, __m256i, _mm256_abs_epi8, _mm256_add_epi32, _mm256_and_si256, _mm256_cvtepi8_epi32,
    _mm256_cvtepi32_ps, _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps,
    _mm256_mullo_epi32, _mm256_or_si256, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_setzero_si256, _mm256_sign_epi8, _mm256_sll_epi16, _mm256_slli_epi32,
    _mm256_srl_epi16, _mm256_xor_si256, _mm_cvtsi32_si128, _mm_prefetch,
    _mm_srli_si128, _MM_HINT_T0,
};
use std::mem::transmute;

use super::layout::planes;
use super::tiles::AHEAD;

type Ints = [__m256i; 2];
type Fours = [__m256i; 2];
type Floats = [__m256; 2];

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn zero() -> Ints {
    [_mm256_setzero_si256(); 2]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn splat(value: i32) -> Ints {
    [_mm256_set1_epi32(value); 2]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn plus(a: Ints, b: Ints) -> Ints {
    [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn times_bytes(a: Ints, factors: &[u8; PANEL]) -> Ints {
    #[expect(unsafe_code, reason = "no conversion between them is safe")]
    // SAFETY: both are sixteen bytes, of any bits.
    let factors = unsafe { transmute::<[u8; PANEL], __m128i>(*factors) };
    let (low, high) = (_mm256_cvtepi8_epi32(factors), _mm256_cvtepi8_epi32(_mm_srli_si128::<8>(factors)));
    [_mm256_mullo_epi32(a[0], low), _mm256_mullo_epi32(a[1], high)]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn times_128(a: Ints) -> Ints {
    [_mm256_slli_epi32::<7>(a[0]), _mm256_slli_epi32::<7>(a[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn load_fours(bytes: &[u8; GROUP_BYTES]) -> Fours {
    #[expect(unsafe_code, reason = "no conversion between them is safe")]
    // SAFETY: both are 64 bytes, of any bits.
    unsafe {
        transmute::<[u8; GROUP_BYTES], Fours>(*bytes)
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn store_fours(fours: Fours, bytes: &mut [u8; GROUP_BYTES]) {
    #[expect(unsafe_code, reason = "no conversion between them is safe")]
    // SAFETY: both are 64 bytes, of any bits.
    unsafe {
        *bytes = transmute::<Fours, [u8; GROUP_BYTES]>(fours);
    }
}

/// The codes of a step.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn fours<const BITS: u8>(step: &[u8]) -> [Fours; GROUPS] {
    let slots = step.as_chunks::<GROUP_BYTES>().0;
    let mut groups = [zero(); GROUPS];
    for (index, group) in groups.iter_mut().enumerate() {
        if BITS >= BYTES {
            *group = load_fours(&slots[index]);
            continue;
        }
        for plane in planes(BITS) {
            let (slot, shift) = plane.of(index);
            let mask = _mm256_set1_epi8(plane.mask().cast_signed());
            for (target, bytes) in group.iter_mut().zip(load_fours(&slots[slot])) {
                // Shifted two bytes at a time; what comes from the neighbour is masked away.
                let bits = _mm256_and_si256(_mm256_srl_epi16(bytes, count(shift)), mask);
                let bits = _mm256_sll_epi16(bits, count(usize::from(plane.from())));
                *target = _mm256_or_si256(*target, bits);
            }
        }
    }
    groups
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn count(shift: usize) -> __m128i {
    // At most 7; 64 would shift everything away.
    _mm_cvtsi32_si128(i32::try_from(shift).unwrap_or(64))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn fetch_ahead(codes: &[u8]) {
    for line in codes.chunks_exact(GROUP_BYTES) {
        // Nothing is read: an address that is not the process's own is ignored.
        _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().wrapping_add(AHEAD).cast());
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn splat_four(codes: [i8; 4]) -> __m256i {
    _mm256_set1_epi32(i32::from_le_bytes(codes.map(i8::cast_unsigned)))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn dot<const BITS: u8>(sum: Ints, fours: Fours, activations: __m256i) -> Ints {
    let mut sum = sum;
    for (sum, codes) in sum.iter_mut().zip(fours) {
        // Sums of two products in 16 bits: at most 2 * 63 * 127, or 2 * 128 * 127 of signed codes, whose sign goes
        // over to the activations.
        let pairs = if BITS == 8 {
            let codes = _mm256_xor_si256(codes, _mm256_set1_epi8(i8::MIN));
            _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(activations, codes))
        } else {
            _mm256_maddubs_epi16(codes, activations)
        };
        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    sum
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn halves(bytes: &[u8]) -> Floats {
    let bytes: &[u8; HALVES] = bytes.first_chunk().unwrap_or(&[0; HALVES]);
    #[expect(unsafe_code, reason = "no conversion between them is safe")]
    // SAFETY: both are 32 bytes, of any bits.
    let [low, high] = unsafe { transmute::<[u8; HALVES], [__m128i; 2]>(*bytes) };
    [_mm256_cvtph_ps(low), _mm256_cvtph_ps(high)]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn float(ints: Ints) -> Floats {
    [_mm256_cvtepi32_ps(ints[0]), _mm256_cvtepi32_ps(ints[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn float_zero() -> Floats {
    [_mm256_setzero_ps(); 2]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn float_splat(value: f32) -> Floats {
    [_mm256_set1_ps(value); 2]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn float_times(a: Floats, b: Floats) -> Floats {
    [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn fused(a: Floats, b: Floats, sum: Floats) -> Floats {
    [_mm256_fmadd_ps(a[0], b[0], sum[0]), _mm256_fmadd_ps(a[1], b[1], sum[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn float_store(floats: Floats) -> [f32; PANEL] {
    #[expect(unsafe_code, reason = "no conversion between them is safe")]
    // SAFETY: both are sixteen floats.
    unsafe {
        transmute::<Floats, [f32; PANEL]>(floats)
    }
}

products!([#[target_feature(enable = "avx2,fma,f16c")]], rows: [2, 1], panels: 1, signed: true);
