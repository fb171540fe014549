//! By the tiles of AMX: sixteen rows times sixteen outputs at once.
//!
//! A tile holds 32-bit sums of 16 x 16 entries, and one instruction adds the products of up to 64 inputs to each. Where
//! blocks are 32 inputs, each block is a product of its own. Where runs of a block have integer scales, codes are
//! multiplied with them first; the products, of up to 16 bits, are cut into a low and a high byte, so that a block of
//! 256 inputs is two sums in two tiles. The few operations in f32 are those of [`super::tiles`], in their order.

use core::arch::x86_64::{
    __m128i, __m512, __m512i, _mm512_add_epi32, _mm512_and_si512, _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps,
    _mm512_fmadd_ps, _mm512_mul_ps, _mm512_mullo_epi16, _mm512_or_si512, _mm512_set1_epi8, _mm512_set1_epi16,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_slli_epi16, _mm512_slli_epi32,
    _mm512_srli_epi16, _mm512_sub_epi8, _mm512_sub_epi16,
};
use std::mem::transmute;
use std::ops::Range;

use super::activations::Activations;
use super::amx_tiles::{Sums, TILE, Tiles};
use super::columns::Columns;
use super::layout::{
    Coding, GROUP_BYTES, GROUPS, HALVES, PANEL, STEP_BYTES, run_minima, run_scale, scale_bytes, step_bytes,
};
use super::tiles::{Panel, write};
use super::vnni::{fours, halves, store_fours};

pub(super) use super::amx_tiles::available;

/// Bytes of weights that are prepared at once, for all rows: they stay in the nearest cache.
const PREPARED: usize = 16 * 1024;
/// Bytes of a block of 256 inputs in two planes.
const TWO_PLANES: usize = 2 * 8 * STEP_BYTES;

/// Memory of a thread that is used again from panel to panel.
#[derive(Debug)]
pub(super) struct Scratch {
    weights: Vec<u8>,
    /// Sums of all rows in f32.
    sums: Vec<[__m512; PANEL]>,
    /// Sums of two products as tiles have them: one is read while the other is computed.
    tiles: Box<[Sums; 2]>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { weights: vec![0; PREPARED], sums: Vec::new(), tiles: Box::default() }
    }
}

/// The rows `rows`, the first of them a multiple of 16, times a panel.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn multiply(
    tiles: &Tiles,
    panel: Panel<'_>,
    activations: &Activations,
    (rows, target): (Range<usize>, &mut Columns<'_>),
    scratch: &mut Scratch,
) {
    let Coding { runs, minimum, .. } = activations.coding;
    scratch.sums.clear();
    scratch.sums.resize(rows.len().div_ceil(TILE), [_mm512_setzero_ps(); PANEL]);
    match (runs, minimum) {
        (1, false) => blocks::<1, false>(tiles, panel, activations, rows.start, scratch),
        (1, true) => blocks::<1, true>(tiles, panel, activations, rows.start, scratch),
        (8, _) => blocks::<8, true>(tiles, panel, activations, rows.start, scratch),
        (_, true) => blocks::<16, true>(tiles, panel, activations, rows.start, scratch),
        (_, false) => blocks::<16, false>(tiles, panel, activations, rows.start, scratch),
    }
    for (sums, first) in scratch.sums.iter().zip(rows.clone().step_by(TILE)) {
        #[expect(unsafe_code, reason = "no conversion between them is safe")]
        // SAFETY: both are 16 x 16 floats.
        let results = unsafe { transmute::<[__m512; PANEL], [[f32; PANEL]; TILE]>(*sums) };
        for row in first..rows.end.min(first + TILE) {
            write(&[results[row - first]], row, target);
        }
    }
}

/// Some blocks after the other: their weights are prepared, then multiplied with all rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn blocks<const RUNS: usize, const MINIMUM: bool>(
    tiles: &Tiles,
    panel: Panel<'_>,
    activations: &Activations,
    first: usize,
    scratch: &mut Scratch,
) {
    let coding = activations.coding;
    let prepared = if RUNS == 1 { STEP_BYTES } else { TWO_PLANES };
    let (at_once, block_bytes) = (PREPARED / prepared, coding.steps() * step_bytes(coding.bits));
    let codes = panel.codes.chunks(at_once * block_bytes);
    let scales = panel.scales.chunks(at_once * scale_bytes(RUNS, MINIMUM));
    // The scales may be followed by what fills a cache line up.
    for (index, (codes, scales)) in codes.zip(scales).enumerate() {
        let count = codes.len() / block_bytes;
        let weights = &mut scratch.weights[..count * prepared];
        let blocks = codes.chunks_exact(block_bytes).zip(scales.chunks_exact(scale_bytes(RUNS, MINIMUM)));
        for ((codes, scales), weights) in blocks.zip(weights.chunks_exact_mut(prepared)) {
            prepare::<RUNS, MINIMUM>(coding, codes, scales, weights);
        }
        for (tile, sums) in scratch.sums.iter_mut().enumerate() {
            let at = At { row: first + tile * TILE, block: index * at_once };
            multiply_tile::<RUNS, MINIMUM>(
                tiles,
                (&scratch.weights[..count * prepared], scales),
                (activations, at),
                &mut scratch.tiles,
                sums,
            );
        }
    }
}

/// The first row of a tile, and a block.
#[derive(Debug, Clone, Copy)]
struct At {
    row: usize,
    block: usize,
}

/// Sixteen rows times some blocks. While a block is added up, the next one is computed.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn multiply_tile<const RUNS: usize, const MINIMUM: bool>(
    tiles: &Tiles,
    (weights, scales): (&[u8], &[u8]),
    (activations, first): (&Activations, At),
    [one, other]: &mut [Sums; 2],
    sums: &mut [__m512; PANEL],
) {
    let mut own = *sums;
    let mut before: Option<(&[u8], At)> = None;
    let (mut current, mut last) = (one, other);
    let prepared = if RUNS == 1 { STEP_BYTES } else { TWO_PLANES };
    let blocks = weights.chunks_exact(prepared).zip(scales.chunks_exact(scale_bytes(RUNS, MINIMUM)));
    for (block, (weights, scales)) in blocks.enumerate() {
        let at = At { block: first.block + block, ..first };
        let codes = &activations.codes[at.row * activations.inputs + at.block * activations.coding.block..];
        if RUNS == 1 {
            tiles.multiply_step(codes, activations.inputs, weights, current);
        } else {
            tiles.multiply_block(codes, activations.inputs, weights, current);
            if MINIMUM {
                let blocks = activations.blocks();
                let run_sums = &activations.run_sums[(at.row * blocks + at.block) * 2 * RUNS..];
                tiles.multiply_minima::<RUNS>(run_sums, blocks * 2 * RUNS, &scales[run_minima(RUNS)..], current);
            }
        }
        if let Some((scales, at)) = before {
            add::<RUNS, MINIMUM>(last, scales, (activations, at), &mut own);
        }
        before = Some((scales, at));
        std::mem::swap(&mut current, &mut last);
    }
    if let Some((scales, at)) = before {
        add::<RUNS, MINIMUM>(last, scales, (activations, at), &mut own);
    }
    *sums = own;
}

/// Adds the integer sums of a block, scaled, to those in f32.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn add<const RUNS: usize, const MINIMUM: bool>(
    tiles: &Sums,
    scales: &[u8],
    (activations, at): (&Activations, At),
    sums: &mut [__m512; PANEL],
) {
    let offset = activations.offset(at.row, activations.blocks()) + at.block * PANEL;
    let own: &[f32; TILE] = activations.scales[offset..].first_chunk().unwrap_or(&[0.0; TILE]);
    let minima: &[f32; TILE] = match MINIMUM && RUNS == 1 {
        true => activations.sums[offset..].first_chunk().unwrap_or(&[0.0; TILE]),
        false => &[0.0; TILE],
    };
    let scale = halves(scales);
    let minimum = if MINIMUM { halves(&scales[HALVES..]) } else { _mm512_setzero_ps() };
    for row in 0..TILE {
        let mut whole = tiles.row(0, row);
        if RUNS > 1 {
            whole = _mm512_add_epi32(whole, _mm512_slli_epi32::<8>(tiles.row(1, row)));
        }
        let mut part = _mm512_mul_ps(_mm512_cvtepi32_ps(whole), scale);
        if MINIMUM && RUNS == 1 {
            part = _mm512_fmadd_ps(_mm512_set1_ps(minima[row]), minimum, part);
        } else if MINIMUM {
            let sum = _mm512_add_epi32(tiles.row(2, row), _mm512_slli_epi32::<7>(tiles.row(3, row)));
            part = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), minimum, part);
        }
        sums[row] = _mm512_fmadd_ps(part, _mm512_set1_ps(own[row]), sums[row]);
    }
}

/// The weights of a block as tiles take them.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn prepare<const RUNS: usize, const MINIMUM: bool>(coding: Coding, codes: &[u8], scales: &[u8], weights: &mut [u8]) {
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
    let (low, high) = weights.split_at_mut(if RUNS == 1 { STEP_BYTES } else { TWO_PLANES / 2 });
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
