//! The weights of a panel as tiles of AMX take them.

use core::arch::x86_64::{
    __m128i, __m512i, _mm512_and_si512, _mm512_cvtepi8_epi32, _mm512_mullo_epi16, _mm512_or_si512,
    _mm512_set1_epi8, _mm512_set1_epi16, _mm512_set1_epi32, _mm512_slli_epi16, _mm512_slli_epi32,
    _mm512_srli_epi16, _mm512_sub_epi8, _mm512_sub_epi16,
};
use std::mem::transmute;

use super::layout::{Coding, GROUP_BYTES, GROUPS, PANEL, STEP_BYTES, run_scale, step_bytes};
use super::vnni::{fours, store_fours};

/// Bytes of a plane of a block of 256 inputs.
pub(super) const PLANE: usize = 8 * STEP_BYTES;

/// Bytes of a block that is prepared.
pub(super) const fn prepared_bytes(runs: usize) -> usize {
    if runs == 1 { STEP_BYTES } else { 2 * PLANE }
}

/// The weights of a block: signed bytes of a step; or, of a block with runs, codes times their run's scale, cut into a
/// plane of low bytes without sign and a plane of high bytes with it.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn prepare<const RUNS: usize, const MINIMUM: bool>(
    coding: Coding,
    codes: &[u8],
    scales: &[u8],
    weights: &mut [u8],
) {
    match coding.bits {
        2 => prepare_bits::<2, RUNS, MINIMUM>(coding, codes, scales, weights),
        3 => prepare_bits::<3, RUNS, MINIMUM>(coding, codes, scales, weights),
        4 => prepare_bits::<4, RUNS, MINIMUM>(coding, codes, scales, weights),
        5 => prepare_bits::<5, RUNS, MINIMUM>(coding, codes, scales, weights),
        6 => prepare_bits::<6, RUNS, MINIMUM>(coding, codes, scales, weights),
        _ => prepare_bits::<8, RUNS, MINIMUM>(coding, codes, scales, weights),
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn prepare_bits<const BITS: u8, const RUNS: usize, const MINIMUM: bool>(
    coding: Coding,
    codes: &[u8],
    scales: &[u8],
    weights: &mut [u8],
) {
    let (low, high) = weights.split_at_mut(if RUNS == 1 { STEP_BYTES } else { PLANE });
    let steps = codes.chunks_exact(step_bytes(BITS)).zip(low.as_chunks_mut::<STEP_BYTES>().0);
    for (index, (step, low)) in steps.enumerate() {
        let groups = fours::<BITS>(step);
        for (group, (codes, low)) in groups.into_iter().zip(low.as_chunks_mut().0).enumerate() {
            if RUNS == 1 {
                store_fours(_mm512_sub_epi8(codes, _mm512_set1_epi8(coding.zero.cast_signed())), low);
                continue;
            }
            let run = (index * GROUPS + group) * RUNS / (8 * GROUPS);
            let scale = run_scales(&scales[run_scale(MINIMUM, run)..]);
            let [low_bytes, high_bytes] = scaled(codes, coding.zero, scale);
            store_fours(low_bytes, low);
            if let Some(high) = high.as_chunks_mut::<GROUP_BYTES>().0.get_mut(index * GROUPS + group) {
                store_fours(high_bytes, high);
            }
        }
    }
}

/// The scales of a run, each in the two 16-bit lanes of its output.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn run_scales(scales: &[u8]) -> __m512i {
    let scales: [u8; PANEL] = *scales.first_chunk().unwrap_or(&[0; PANEL]);
    #[expect(unsafe_code, reason = "no conversion between them is safe")]
    // SAFETY: both are sixteen bytes, of any bits.
    let scales = _mm512_cvtepi8_epi32(unsafe { transmute::<[u8; PANEL], __m128i>(scales) });
    _mm512_or_si512(_mm512_and_si512(scales, _mm512_set1_epi32(0xffff)), _mm512_slli_epi32::<16>(scales))
}

/// Codes times scales: the low bytes of the products, without sign, and the high bytes, with it.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn scaled(codes: __m512i, zero: u8, scale: __m512i) -> [__m512i; 2] {
    let (low_byte, high_byte) = (_mm512_set1_epi16(0x00ff), _mm512_set1_epi16(0xff00_u16.cast_signed()));
    let zero = _mm512_set1_epi16(i16::from(zero));
    let even = _mm512_mullo_epi16(_mm512_sub_epi16(_mm512_and_si512(codes, low_byte), zero), scale);
    let odd = _mm512_mullo_epi16(_mm512_sub_epi16(_mm512_srli_epi16::<8>(codes), zero), scale);
    [
        _mm512_or_si512(_mm512_and_si512(even, low_byte), _mm512_slli_epi16::<8>(odd)),
        _mm512_or_si512(_mm512_srli_epi16::<8>(even), _mm512_and_si512(odd, high_byte)),
    ]
}
