//! By the products of bytes of AVX2: eight outputs a vector.

use core::arch::x86_64::{
    __m128i, __m256, __m256i, _MM_HINT_T0, _mm_prefetch, _mm_srli_si128, _mm256_abs_epi8, _mm256_add_epi32,
    _mm256_and_si256, _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps, _mm256_cvtph_ps, _mm256_fmadd_ps,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_mullo_epi32, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps,
    _mm256_setzero_si256, _mm256_sign_epi8, _mm256_slli_epi16, _mm256_slli_epi32, _mm256_srli_epi16,
    _mm256_xor_si256,
};
use std::mem::transmute;

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
    match BITS {
        2 => plane::<2, 0>(slots, &mut groups),
        3 => {
            plane::<2, 0>(slots, &mut groups);
            plane::<1, 2>(&slots[2..], &mut groups);
        }
        4 => plane::<4, 0>(slots, &mut groups),
        5 => {
            plane::<4, 0>(slots, &mut groups);
            plane::<1, 4>(&slots[4..], &mut groups);
        }
        6 => {
            plane::<4, 0>(slots, &mut groups);
            plane::<2, 4>(&slots[4..], &mut groups);
        }
        _ => {
            for (group, slot) in groups.iter_mut().zip(slots) {
                *group = load_fours(slot);
            }
        }
    }
    groups
}

/// Adds the bits `FROM..FROM + WIDTH` of all codes of a step.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn plane<const WIDTH: i32, const FROM: i32>(slots: &[[u8; GROUP_BYTES]], groups: &mut [Fours; GROUPS]) {
    let width = WIDTH.unsigned_abs() as usize;
    for (slot, bytes) in slots[..width].iter().enumerate() {
        let mask = _mm256_set1_epi8((1 << WIDTH) - 1);
        let mut both = load_fours(bytes);
        for group in groups[slot..].iter_mut().step_by(width) {
            for (codes, bytes) in group.iter_mut().zip(&mut both) {
                *codes = _mm256_or_si256(*codes, _mm256_slli_epi16::<FROM>(_mm256_and_si256(*bytes, mask)));
                // Shifted two bytes at a time; what comes from the neighbour is masked away.
                *bytes = _mm256_srli_epi16::<WIDTH>(*bytes);
            }
        }
    }
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

/// As [`dot`], of four rows whose fours begin `STRIDE` fours apart, with each of the groups.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn dot_rows<const BITS: u8, const STRIDE: usize, const G: usize>(
    sums: &mut [Ints; 4],
    groups: &[Fours; G],
    rows: &[[i8; 4]],
) {
    for (row, sum) in sums.iter_mut().enumerate() {
        for (group, codes) in groups.iter().zip(&rows[row * STRIDE..]) {
            *sum = dot::<BITS>(*sum, *group, splat_four(*codes));
        }
    }
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

products!([#[target_feature(enable = "avx2,fma,f16c")]], rows: [2, 1], signed: true);
