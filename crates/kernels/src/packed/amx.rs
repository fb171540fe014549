//! By the tiles of AMX: sixteen rows times sixteen outputs at once.
//!
//! A tile holds 32-bit sums of 16 x 16 entries, and one instruction adds the products of up to 64 inputs to each. Where
//! blocks are 32 inputs, each block is a product of its own. Where runs of a block have integer scales, codes are
//! multiplied with them first; the products, of up to 16 bits, are cut into a low and a high byte, so that a block of
//! 256 inputs is two sums in two tiles. The few operations in f32 are those of [`super::tiles`], in their order.
//!
//! Sums come out of tiles through memory. They are added up while the next ones are computed, and all lie within 4096
//! bytes: a load that follows a store at the same offset of another page waits for it.

use core::arch::x86_64::{
    __m512, _mm512_cvtepi32_ps, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_setzero_ps,
};
use std::ops::Range;

use super::activations::Activations;
use super::amx_prepare::{prepare, prepared_bytes};
use super::amx_runs;
use super::amx_tiles::{Sums, TILE, Tiles};
use super::columns::Columns;
use super::layout::{HALVES, PANEL, STEP, STEP_BYTES, scale_bytes, step_bytes};
use super::tiles::PackedPanel;
use super::vnni::{float_load, float_store, halves};

pub(super) use super::amx_tiles::available;

/// Bytes of weights that are prepared at once, for all rows: they stay in the nearest cache.
const PREPARED: usize = 16 * 1024;
/// How many products are computed ahead of the one that is added up.
const AHEAD: usize = 3;

/// Memory of a thread that is used again from panel to panel.
#[derive(Debug)]
pub(super) struct TileScratch {
    weights: Vec<u8>,
    /// Sums of all rows in f32.
    sums: Vec<[f32; PANEL]>,
    tiles: Box<Sums>,
}

impl Default for TileScratch {
    fn default() -> Self {
        Self { weights: vec![0; PREPARED], sums: Vec::new(), tiles: Box::default() }
    }
}

/// The rows `rows`, the first of them a multiple of 16, times panels that lie one beside the other.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn multiply(
    tiles: &Tiles,
    panels: &[PackedPanel<'_>],
    activations: &Activations,
    (rows, target): (Range<usize>, &mut Columns<'_>),
    scratch: &mut TileScratch,
) {
    let (count, first) = (rows.len().next_multiple_of(TILE), rows.start / TILE);
    let TileScratch { weights, sums: all, tiles: products } = scratch;
    all.clear();
    all.resize(panels.len() * count, [0.0; PANEL]);
    for (panel, sums) in panels.iter().zip(all.chunks_exact_mut(count)) {
        let sums = sums.as_chunks_mut::<TILE>().0;
        let work = Work { tiles, panel: *panel, activations, first };
        match (activations.coding.runs, activations.coding.minimum) {
            (1, false) => blocks::<1, false>(work, weights, products, sums),
            (1, true) => blocks::<1, true>(work, weights, products, sums),
            (8, _) => blocks::<8, true>(work, weights, products, sums),
            (_, true) => blocks::<16, true>(work, weights, products, sums),
            (_, false) => blocks::<16, false>(work, weights, products, sums),
        }
    }
    // Row by row: what lies together is written together.
    let mut target = target.narrow(0, panels.len() * PANEL);
    for (index, row) in rows.enumerate() {
        let results = all[index..].iter().step_by(count);
        // Copies of a size that is known are no calls; the last panel of a matrix may have fewer outputs than lanes.
        let (whole, rest) = target.row(row).as_chunks_mut::<PANEL>();
        for (target, result) in whole.iter_mut().zip(results.clone()) {
            *target = *result;
        }
        if let Some(result) = results.clone().nth(whole.len()).filter(|_| !rest.is_empty()) {
            rest.copy_from_slice(&result[..rest.len()]);
        }
    }
}

/// A panel and the rows, of which `first` is the first tile, that it is multiplied with.
#[derive(Debug, Clone, Copy)]
struct Work<'a> {
    tiles: &'a Tiles,
    panel: PackedPanel<'a>,
    activations: &'a Activations,
    first: usize,
}

/// Some blocks after the other: their weights are prepared, then multiplied with all rows.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn blocks<const RUNS: usize, const MINIMUM: bool>(
    Work { tiles, panel, activations, first }: Work<'_>,
    weights: &mut [u8],
    products: &mut Sums,
    sums: &mut [[[f32; PANEL]; TILE]],
) {
    let (coding, scale_bytes) = (activations.coding, scale_bytes(RUNS, MINIMUM));
    let prepared = prepared_bytes(RUNS);
    let (at_once, block_bytes) = (PREPARED / prepared, coding.steps() * step_bytes(coding.bits));
    let codes = panel.codes.chunks(at_once * block_bytes);
    for (index, (codes, scales)) in codes.zip(panel.scales.chunks(at_once * scale_bytes)).enumerate() {
        let count = codes.len() / block_bytes;
        let weights = &mut weights[..count * prepared];
        let blocks = codes.chunks_exact(block_bytes).zip(scales.chunks_exact(scale_bytes));
        for ((codes, scales), weights) in blocks.zip(weights.chunks_exact_mut(prepared)) {
            prepare::<RUNS, MINIMUM>(coding, codes, scales, weights);
        }
        let part = PreparedBlocks { weights, scales, block: index * at_once, count };
        if RUNS > 1 {
            amx_runs::multiply::<RUNS, MINIMUM>(tiles, part, (activations, first), products, sums);
            continue;
        }
        for (tile, sums) in sums.iter_mut().enumerate() {
            steps::<MINIMUM>(tiles, part, (activations, first + tile), products, sums);
        }
    }
}

/// Some blocks of a panel, prepared.
#[derive(Debug, Clone, Copy)]
pub(super) struct PreparedBlocks<'a> {
    pub(super) weights: &'a [u8],
    pub(super) scales: &'a [u8],
    /// The first block.
    pub(super) block: usize,
    pub(super) count: usize,
}

/// The sixteen rows of a tile times some blocks without runs.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn steps<const MINIMUM: bool>(
    tiles: &Tiles,
    part: PreparedBlocks<'_>,
    (activations, tile): (&Activations, usize),
    products: &mut Sums,
    sums: &mut [[f32; PANEL]; TILE],
) {
    let begin = tile * activations.blocks + part.block;
    let codes = activations.codes[begin * TILE * STEP..].as_chunks::<{ TILE * STEP }>().0;
    let factors = &activations.scales.as_chunks::<TILE>().0[begin..];
    let minima: &[[f32; TILE]] = if MINIMUM { &activations.sums.as_chunks::<TILE>().0[begin..] } else { &[] };
    let weights = part.weights.as_chunks::<STEP_BYTES>().0;
    let mut own = [_mm512_setzero_ps(); TILE];
    for (own, sum) in own.iter_mut().zip(&*sums) {
        *own = float_load(sum);
    }
    for step in 0..part.count + AHEAD {
        if step < part.count {
            tiles.multiply_step(&codes[step], &weights[step], &mut products.0[step % 4]);
        }
        if let Some(step) = step.checked_sub(AHEAD) {
            let scales = &part.scales[step * scale_bytes(1, MINIMUM)..];
            let minima = if MINIMUM { &minima[step] } else { &[0.0; TILE] };
            add::<MINIMUM>((products, step % 4), scales, (&factors[step], minima), &mut own);
        }
    }
    for (own, sum) in own.into_iter().zip(sums) {
        *sum = float_store(own);
    }
}

/// Adds the integer sums of a block, scaled, to those in f32.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn add<const MINIMUM: bool>(
    (products, slot): (&Sums, usize),
    scales: &[u8],
    (factors, minima): (&[f32; TILE], &[f32; TILE]),
    sums: &mut [__m512; TILE],
) {
    let scale = halves(scales);
    let minimum = if MINIMUM { halves(&scales[HALVES..]) } else { _mm512_setzero_ps() };
    for row in 0..TILE {
        let mut part = _mm512_mul_ps(_mm512_cvtepi32_ps(products.row(slot, row)), scale);
        if MINIMUM {
            part = _mm512_fmadd_ps(_mm512_set1_ps(minima[row]), minimum, part);
        }
        sums[row] = _mm512_fmadd_ps(part, _mm512_set1_ps(factors[row]), sums[row]);
    }
}
