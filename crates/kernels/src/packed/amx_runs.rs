//! Tiles of AMX for blocks whose runs have scales of their own: two tiles of rows at once, where there are two.

use core::arch::x86_64::{
    __m512, _mm512_add_epi32, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_mul_ps,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_slli_epi32,
};

use super::activations::Activations;
use super::amx::PreparedBlocks;
use super::amx_prepare::{PLANE, prepared_bytes};
use super::amx_tiles::{Sums, TILE, Tiles};
use super::layout::{GROUP_BYTES, HALVES, PANEL, STEP, run_minima, scale_bytes};
use super::vnni::{float_load, float_store, halves, load_fours, splat_four};

/// Products of 64 inputs in a block.
const PARTS: usize = 4;
/// Codes of a tile.
const CODES: usize = TILE * 2 * STEP;

/// A product that is computed, but not yet added up: of one or two tiles of rows, by their number, times a block.
#[derive(Debug, Clone, Copy)]
struct Pending<'a> {
    tile: usize,
    tiles: usize,
    /// Of all blocks.
    block: usize,
    scales: &'a [u8],
}

/// All tiles of rows, of which `first` is the first, times some blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn multiply<const RUNS: usize, const MINIMUM: bool>(
    tiles: &Tiles,
    part: PreparedBlocks<'_>,
    (activations, first): (&Activations, usize),
    products: &mut Sums,
    sums: &mut [[[f32; PANEL]; TILE]],
) {
    let codes = activations.codes.as_chunks::<CODES>().0;
    let mut pending: Option<Pending<'_>> = None;
    let mut tile = 0;
    while tile < sums.len() {
        let together = 2.min(sums.len() - tile);
        for block in 0..part.count {
            let weights = &part.weights[block * prepared_bytes(RUNS)..][..2 * PLANE];
            let scales = &part.scales[block * scale_bytes(RUNS, MINIMUM)..];
            let codes_of = |tile: usize| {
                &codes[((first + tile) * activations.blocks + part.block + block) * PARTS..][..PARTS]
            };
            let (one, other) = (codes_of(tile), codes_of(tile + together - 1));
            for index in 0..PARTS {
                if together == 2 {
                    tiles.multiply_two(index, [&one[index], &other[index]], weights);
                } else {
                    tiles.multiply_one(index, &one[index], weights);
                }
                if let Some(pending) = pending {
                    let rows = (index * TILE / PARTS, (index + 1) * TILE / PARTS);
                    add::<RUNS, MINIMUM>(pending, (activations, first), products, sums, rows);
                }
            }
            tiles.store(together, products);
            pending = Some(Pending { tile, tiles: together, block: part.block + block, scales });
        }
        tile += together;
    }
    if let Some(pending) = pending {
        add::<RUNS, MINIMUM>(pending, (activations, first), products, sums, (0, TILE));
    }
}

/// Adds the integer sums of a block, scaled, to those in f32; of each tile the rows `from..to`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn add<const RUNS: usize, const MINIMUM: bool>(
    pending: Pending<'_>,
    (activations, first): (&Activations, usize),
    products: &Sums,
    sums: &mut [[[f32; PANEL]; TILE]],
    (from, to): (usize, usize),
) {
    let scale = halves(pending.scales);
    let minimum = if MINIMUM { halves(&pending.scales[HALVES..]) } else { _mm512_setzero_ps() };
    for (slot, sums) in sums[pending.tile..][..pending.tiles].iter_mut().enumerate() {
        let at = (first + pending.tile + slot) * activations.blocks + pending.block;
        let factors = &activations.scales.as_chunks::<TILE>().0[at];
        for row in from..to {
            let high = _mm512_slli_epi32::<8>(products.row(2 * slot + 1, row));
            let whole = _mm512_add_epi32(products.row(2 * slot, row), high);
            let mut part = _mm512_mul_ps(_mm512_cvtepi32_ps(whole), scale);
            if MINIMUM {
                let run_sums = &activations.run_sums[(at * TILE + row) * 2 * RUNS..][..2 * RUNS];
                part = _mm512_fmadd_ps(minima::<RUNS>(pending.scales, run_sums), minimum, part);
            }
            let sum: __m512 = float_load(&sums[row]);
            sums[row] = float_store(_mm512_fmadd_ps(part, _mm512_set1_ps(factors[row]), sum));
        }
    }
}

/// Minus the sum of a block's minima times the sums of the activations of their runs.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn minima<const RUNS: usize>(scales: &[u8], run_sums: &[i8]) -> __m512 {
    let groups = scales[run_minima(RUNS)..].as_chunks::<GROUP_BYTES>().0;
    let fours = run_sums.as_chunks::<4>().0;
    let (mut low, mut high) = (_mm512_setzero_si512(), _mm512_setzero_si512());
    for index in 0..RUNS / 4 {
        let group = load_fours(&groups[index]);
        low = _mm512_dpbusd_epi32(low, group, splat_four(fours[index]));
        high = _mm512_dpbusd_epi32(high, group, splat_four(fours[RUNS / 4 + index]));
    }
    _mm512_cvtepi32_ps(_mm512_add_epi32(low, _mm512_slli_epi32::<7>(high)))
}
