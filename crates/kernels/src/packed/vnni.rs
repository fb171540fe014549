//! By the dot products of AVX-512 VNNI: sixteen outputs a vector.

use core::arch::x86_64::{
    __m128i, __m256i, __m512, __m512i, _mm512_add_epi32, _mm512_and_si512, _mm512_cvtepi8_epi32,
    _mm512_cvtepi32_ps, _mm512_cvtph_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_mullo_epi32,
    _mm512_or_si512, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps,
    _mm512_setzero_si512, _mm512_sll_epi16, _mm512_slli_epi32, _mm512_srl_epi16, _mm_cvtsi32_si128, _mm_prefetch,
    _MM_HINT_T0,
};
use std::mem::transmute;

use super::layout::planes;
use super::tiles::AHEAD;

pub(super) type Ints = __m512i;
pub(super) type Fours = __m512i;
type Floats = __m512;

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn zero() -> Ints {
    _mm512_setzero_si512()
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn splat(value: i32) -> Ints {
    _mm512_set1_epi32(value)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn plus(a: Ints, b: Ints) -> Ints {
    _mm512_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn times_bytes(a: Ints, factors: &[u8; PANEL]) -> Ints {
    #[expect(unsafe_code, reason = "no conversion between them is safe")]
    // SAFETY: both are sixteen bytes, of any bits.
    let factors = unsafe { transmute::<[u8; PANEL], __m128i>(*factors) };
    _mm512_mullo_epi32(a, _mm512_cvtepi8_epi32(factors))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn times_128(a: Ints) -> Ints {
    _mm512_slli_epi32::<7>(a)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn load_fours(bytes: &[u8; GROUP_BYTES]) -> Fours {
    #[expect(unsafe_code, reason = "no conversion between them is safe")]
    // SAFETY: both are 64 bytes, of any bits.
    unsafe {
        transmute::<[u8; GROUP_BYTES], Fours>(*bytes)
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn store_fours(fours: Fours, bytes: &mut [u8; GROUP_BYTES]) {
    #[expect(unsafe_code, reason = "no conversion between them is safe")]
    // SAFETY: both are 64 bytes, of any bits.
    unsafe {
        *bytes = transmute::<Fours, [u8; GROUP_BYTES]>(fours);
    }
}

/// The codes of a step.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn fours<const BITS: u8>(step: &[u8]) -> [Fours; GROUPS] {
    let slots = step.as_chunks::<GROUP_BYTES>().0;
    let mut groups = [zero(); GROUPS];
    for (index, group) in groups.iter_mut().enumerate() {
        if BITS >= BYTES {
            *group = load_fours(&slots[index]);
            continue;
        }
        for plane in planes(BITS) {
            let (slot, shift) = plane.of(index);
            // Shifted two bytes at a time; what comes from the neighbour is masked away.
            let shifted = _mm512_srl_epi16(load_fours(&slots[slot]), count(shift));
            let bits = _mm512_and_si512(shifted, _mm512_set1_epi8(plane.mask().cast_signed()));
            *group = _mm512_or_si512(*group, _mm512_sll_epi16(bits, count(usize::from(plane.from()))));
        }
    }
    groups
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn count(shift: usize) -> __m128i {
    // At most 7; 64 would shift everything away.
    _mm_cvtsi32_si128(i32::try_from(shift).unwrap_or(64))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn fetch_ahead(codes: &[u8]) {
    for line in codes.chunks_exact(GROUP_BYTES) {
        // Nothing is read: an address that is not the process's own is ignored.
        _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().wrapping_add(AHEAD).cast());
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn splat_four(codes: [i8; 4]) -> __m512i {
    _mm512_set1_epi32(i32::from_le_bytes(codes.map(i8::cast_unsigned)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot<const BITS: u8>(sum: Ints, fours: Fours, activations: __m512i) -> Ints {
    _mm512_dpbusd_epi32(sum, fours, activations)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn halves(bytes: &[u8]) -> Floats {
    let bytes: &[u8; HALVES] = bytes.first_chunk().unwrap_or(&[0; HALVES]);
    #[expect(unsafe_code, reason = "no conversion between them is safe")]
    // SAFETY: both are 32 bytes, of any bits.
    let halves = unsafe { transmute::<[u8; HALVES], __m256i>(*bytes) };
    _mm512_cvtph_ps(halves)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn float(ints: Ints) -> Floats {
    _mm512_cvtepi32_ps(ints)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn float_zero() -> Floats {
    _mm512_setzero_ps()
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn float_splat(value: f32) -> Floats {
    _mm512_set1_ps(value)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn float_times(a: Floats, b: Floats) -> Floats {
    _mm512_mul_ps(a, b)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn fused(a: Floats, b: Floats, sum: Floats) -> Floats {
    _mm512_fmadd_ps(a, b, sum)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn float_store(floats: Floats) -> [f32; PANEL] {
    #[expect(unsafe_code, reason = "no conversion between them is safe")]
    // SAFETY: both are sixteen floats.
    unsafe {
        transmute::<Floats, [f32; PANEL]>(floats)
    }
}

/// Sixteen floats.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn float_load(floats: &[f32; PANEL]) -> Floats {
    #[expect(unsafe_code, reason = "no conversion between them is safe")]
    // SAFETY: both are sixteen floats.
    unsafe {
        transmute::<[f32; PANEL], Floats>(*floats)
    }
}

products!([#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]], rows: [8, 4, 1], panels: 2, signed: false);
