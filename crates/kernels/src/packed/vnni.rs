//! By the dot products of AVX-512 VNNI: sixteen outputs a vector.

use core::arch::asm;
use core::arch::x86_64::{
    __m128i, __m256i, __m512, __m512i, _MM_HINT_T0, _mm_prefetch, _mm512_add_epi32, _mm512_and_si512,
    _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps, _mm512_cvtph_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps,
    _mm512_mul_ps, _mm512_mullo_epi32, _mm512_or_si512, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_setzero_si512, _mm512_slli_epi16, _mm512_slli_epi32, _mm512_srli_epi16,
};
use std::mem::transmute;

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
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn plane<const WIDTH: u32, const FROM: u32>(slots: &[[u8; GROUP_BYTES]], groups: &mut [Fours; GROUPS]) {
    let width = WIDTH as usize;
    for (slot, bytes) in slots[..width].iter().enumerate() {
        let mask = _mm512_set1_epi8((1 << WIDTH) - 1);
        let mut bytes = load_fours(bytes);
        for group in groups[slot..].iter_mut().step_by(width) {
            *group = _mm512_or_si512(*group, _mm512_slli_epi16::<FROM>(_mm512_and_si512(bytes, mask)));
            // Shifted two bytes at a time; what comes from the neighbour is masked away.
            bytes = _mm512_srli_epi16::<WIDTH>(bytes);
        }
    }
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
pub(super) fn splat_four(codes: [i8; 4]) -> __m512i {
    _mm512_set1_epi32(i32::from_le_bytes(codes.map(i8::cast_unsigned)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot<const BITS: u8>(sum: Ints, fours: Fours, activations: __m512i) -> Ints {
    _mm512_dpbusd_epi32(sum, fours, activations)
}

/// As [`dot`], of four rows whose fours begin `STRIDE` fours apart, with each of the groups.
///
/// The compiler would load activations to general registers, whose way to a vector is a narrow one; here they are
/// operands in memory.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_rows<const BITS: u8, const STRIDE: usize, const G: usize>(
    sums: &mut [Ints; 4],
    groups: &[Fours; G],
    rows: &[[i8; 4]],
) {
    assert!(rows.len() >= 3 * STRIDE + G && G.is_multiple_of(4), "four rows");
    let [one, two, three, four] = sums;
    for (index, groups) in groups.as_chunks::<4>().0.iter().enumerate() {
        #[expect(unsafe_code, reason = "the instruction's operands in memory are written in assembly")]
        // SAFETY: AVX-512 VNNI is there; of each of four rows sixteen bytes are read, which was checked to lie within
        // `rows`.
        unsafe {
            asm!(
                "vpdpbusd {one}, {a}, dword ptr [{rows}]{{1to16}}",
                "vpdpbusd {two}, {a}, dword ptr [{rows} + {row}]{{1to16}}",
                "vpdpbusd {three}, {a}, dword ptr [{rows} + 2*{row}]{{1to16}}",
                "vpdpbusd {four}, {a}, dword ptr [{rows} + 3*{row}]{{1to16}}",
                "vpdpbusd {one}, {b}, dword ptr [{rows} + 4]{{1to16}}",
                "vpdpbusd {two}, {b}, dword ptr [{rows} + {row} + 4]{{1to16}}",
                "vpdpbusd {three}, {b}, dword ptr [{rows} + 2*{row} + 4]{{1to16}}",
                "vpdpbusd {four}, {b}, dword ptr [{rows} + 3*{row} + 4]{{1to16}}",
                "vpdpbusd {one}, {c}, dword ptr [{rows} + 8]{{1to16}}",
                "vpdpbusd {two}, {c}, dword ptr [{rows} + {row} + 8]{{1to16}}",
                "vpdpbusd {three}, {c}, dword ptr [{rows} + 2*{row} + 8]{{1to16}}",
                "vpdpbusd {four}, {c}, dword ptr [{rows} + 3*{row} + 8]{{1to16}}",
                "vpdpbusd {one}, {d}, dword ptr [{rows} + 12]{{1to16}}",
                "vpdpbusd {two}, {d}, dword ptr [{rows} + {row} + 12]{{1to16}}",
                "vpdpbusd {three}, {d}, dword ptr [{rows} + 2*{row} + 12]{{1to16}}",
                "vpdpbusd {four}, {d}, dword ptr [{rows} + 3*{row} + 12]{{1to16}}",
                one = inout(zmm_reg) *one,
                two = inout(zmm_reg) *two,
                three = inout(zmm_reg) *three,
                four = inout(zmm_reg) *four,
                a = in(zmm_reg) groups[0],
                b = in(zmm_reg) groups[1],
                c = in(zmm_reg) groups[2],
                d = in(zmm_reg) groups[3],
                rows = in(reg) rows.as_ptr().wrapping_add(4 * index),
                row = const 4 * STRIDE,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
    }
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

products!([#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]], rows: [8, 4, 1], signed: false);
