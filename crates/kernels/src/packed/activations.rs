//! Rows of f32, rounded to 8 bits block by block, with the sums that kernels need of them.

use rayon::prelude::*;

use super::layout::{Coding, PANEL, STEP};
use crate::product::Threads;
use crate::wide;

/// So many activations are worth several threads.
const MIN_SHARED: usize = 1 << 16;
/// The largest code of an activation.
const MAX_CODE: f32 = 127.0;
/// A block whose largest activation is below this is all 0: its scale would have no reciprocal in f32. 2^-119.
const MIN_SIZE: f32 = f32::from_bits(0x0400_0000);
/// Added and taken away again, it rounds to the nearest integer, ties to even.
const SHIFT: f32 = 12_582_912.0;

/// Rows that are rounded. Where something is kept per row, rows stand in groups of [`Activations::lanes`] so that what
/// a group has of one block lies together; the last group is filled up with rows of 0.
#[derive(Debug)]
pub(super) struct Activations {
    pub(super) rows: usize,
    pub(super) inputs: usize,
    /// Blocks of a row.
    pub(super) blocks: usize,
    /// Rows of a group: 16, or all rows if they are fewer.
    pub(super) lanes: usize,
    pub(super) coding: Coding,
    /// `[group, part, lane, input]`, each of -127 to 127: parts are [`Coding::together`] inputs.
    pub(super) codes: Vec<i8>,
    /// `[group, block, lane]`: what a code is multiplied by.
    pub(super) scales: Vec<f32>,
    /// `[group, run, lane]`: minus the sum of a run's codes times the weight's code for 0.
    pub(super) starts: Vec<i32>,
    /// `[group, block, lane]`, of packings with minima but without runs: the sum of a block's codes.
    pub(super) sums: Vec<f32>,
    /// `[group, block, lane, 2, run]`, of packings with minima and runs: minus the sum of a run's codes, its low
    /// seven bits apart from the others.
    pub(super) run_sums: Vec<i8>,
}

/// Some rows of a group of [`Activations`].
#[derive(Debug, Clone, Copy)]
pub(super) struct ActivationRows<'a> {
    /// Of part p at p times [`Activations::lanes`] times [`Coding::together`]; the rows' codes of a part are one after
    /// the other.
    pub(super) codes: &'a [i8],
    /// Of block b at b times [`Activations::lanes`], row after row.
    pub(super) scales: &'a [f32],
    /// Of run r at r times [`Activations::lanes`], row after row.
    pub(super) starts: &'a [i32],
    /// As `scales`.
    pub(super) sums: &'a [f32],
    /// Of block b at b times [`Activations::lanes`] times twice its runs, row after row.
    pub(super) run_sums: &'a [i8],
}

/// What is kept of one group of rows.
struct RowGroup<'a> {
    codes: &'a mut [i8],
    scales: &'a mut [f32],
    starts: &'a mut [i32],
    sums: &'a mut [f32],
    run_sums: &'a mut [i8],
}

/// Memory for rounded rows, used again from product to product.
#[derive(Debug, Default)]
pub struct RowMemory {
    activations: Option<Activations>,
}

impl RowMemory {
    /// Rows that are multiplied with one matrix or several.
    pub fn rows<'a>(&'a mut self, rows: &'a [f32]) -> ProductRows<'a> {
        ProductRows { rows, memory: self, is_rounded: false }
    }
}

/// Rows that are multiplied with one matrix or several, and rounded once for all that round alike.
#[derive(Debug)]
pub struct ProductRows<'a> {
    rows: &'a [f32],
    memory: &'a mut RowMemory,
    is_rounded: bool,
}

impl<'a> ProductRows<'a> {
    /// The rows as they are.
    pub fn floats(&self) -> &'a [f32] {
        self.rows
    }

    pub(super) fn rounded(&mut self, coding: Coding, inputs: usize, threads: Threads) -> &Activations {
        let kept = self.memory.activations.take();
        let activations = match kept {
            Some(kept) if self.is_rounded && kept.coding == coding && kept.inputs == inputs => kept,
            kept => Activations::new(coding, inputs, self.rows, threads, kept),
        };
        self.is_rounded = true;
        self.memory.activations.insert(activations)
    }
}

/// A list of so many zeros, in the memory of one that was used before.
fn zeros<T: Copy + Default>(memory: Vec<T>, count: usize) -> Vec<T> {
    let mut list = memory;
    list.clear();
    list.resize(count, T::default());
    list
}

impl Activations {
    /// Rounds whole rows of whole blocks. In a block with NaN or an infinity the scale is NaN, and so is each product of
    /// that row. The memory of `used` is used again.
    pub(super) fn new(
        coding: Coding,
        inputs: usize,
        rows: &[f32],
        threads: Threads,
        used: Option<Self>,
    ) -> Self {
        let used = used.map(|used| (used.codes, used.scales, used.starts, used.sums, used.run_sums));
        let (codes, scales, starts, sums, run_sums) = used.unwrap_or_default();
        let (count, blocks) = (rows.len() / inputs, inputs / coding.block);
        let lanes = count.clamp(1, PANEL);
        let (groups, runs) = (count.div_ceil(lanes), blocks * coding.runs);
        let all = groups * lanes;
        let with_runs = if coding.minimum && coding.runs > 1 { 2 * runs } else { 0 };
        let with_sums = if coding.minimum && coding.runs == 1 { blocks } else { 0 };
        let mut new = Self {
            rows: count,
            inputs,
            blocks,
            lanes,
            coding,
            codes: zeros(codes, all * inputs),
            scales: zeros(scales, all * blocks),
            starts: zeros(starts, all * runs),
            sums: zeros(sums, all * with_sums),
            run_sums: zeros(run_sums, all * with_runs),
        };
        // Chunks of a size above 0 that are as many as there are groups, also where a list is empty.
        let mut sums = chunks(&mut new.sums, lanes * with_sums);
        let mut run_sums = chunks(&mut new.run_sums, lanes * with_runs);
        let parts = new.codes.chunks_mut(lanes * inputs).zip(new.scales.chunks_mut(lanes * blocks));
        let parts =
            parts.zip(new.starts.chunks_mut(lanes * runs)).map(|((codes, scales), starts)| RowGroup {
                codes,
                scales,
                starts,
                sums: sums.next().unwrap_or_default(),
                run_sums: run_sums.next().unwrap_or_default(),
            });
        let work = parts.zip(rows.chunks(lanes * inputs));
        let one = |(group, rows): (RowGroup<'_>, &[f32])| group.fill(coding, inputs, rows, lanes);
        match threads {
            Threads::Pool if groups > 1 && rows.len() >= MIN_SHARED => {
                work.collect::<Vec<_>>().into_par_iter().for_each(one);
            }
            Threads::One | Threads::Pool => work.for_each(one),
        }
        new
    }

    /// The rows from one on, up to the end of its group: they begin at this row's place in each list.
    #[inline]
    pub(super) fn rows_from(&self, row: usize) -> ActivationRows<'_> {
        let (group, lane) = (row / self.lanes, row % self.lanes);
        let runs = self.blocks * self.coding.runs;
        let from = |count: usize| group * count * self.lanes + lane;
        ActivationRows {
            codes: &self.codes[group * self.lanes * self.inputs + lane * self.coding.together()..],
            scales: &self.scales[from(self.blocks)..],
            starts: &self.starts[from(runs)..],
            sums: self.sums.get(from(self.blocks)..).unwrap_or_default(),
            run_sums: self.run_sums.get(from(self.blocks) * 2 * self.coding.runs..).unwrap_or_default(),
        }
    }
}

fn chunks<T>(list: &mut [T], size: usize) -> std::slice::ChunksMut<'_, T> {
    list.chunks_mut(size.max(1))
}

impl RowGroup<'_> {
    fn fill(self, coding: Coding, inputs: usize, rows: &[f32], lanes: usize) {
        let (together, mut codes) = (coding.together(), vec![0; inputs]);
        for (lane, row) in rows.chunks_exact(inputs).enumerate() {
            let both = codes.chunks_exact_mut(coding.block).zip(row.chunks_exact(coding.block));
            for (block, (codes, row)) in both.enumerate() {
                self.scales[block * lanes + lane] = rounded(row, codes);
            }
            let parts = self.codes[lane * together..].chunks_mut(lanes * together);
            for (part, codes) in parts.zip(codes.chunks_exact(together)) {
                copy(codes, part);
            }
            for (run, codes) in codes.chunks_exact(coding.run()).enumerate() {
                let sum = sum(codes);
                self.starts[run * lanes + lane] = -i32::from(coding.zero) * sum;
                if let Some(place) = self.sums.get_mut(run * lanes + lane) {
                    *place = sum as f32;
                }
                if !self.run_sums.is_empty() {
                    let (block, within) = (run / coding.runs, run % coding.runs);
                    let target = &mut self.run_sums[(block * lanes + lane) * 2 * coding.runs..];
                    [target[within], target[coding.runs + within]] = cut(-sum);
                }
            }
        }
    }
}

/// Copies the codes of a part, a multiple of [`STEP`]. A copy of a size that is known is no call.
fn copy(codes: &[i8], part: &mut [i8]) {
    for (to, from) in part.as_chunks_mut::<STEP>().0.iter_mut().zip(codes.as_chunks::<STEP>().0) {
        *to = *from;
    }
}

/// A sum of at most 32 codes, none above 127 in size, as its low seven bits and the others.
#[expect(clippy::cast_possible_truncation, reason = "of the others there are six, and a sign")]
fn cut(sum: i32) -> [i8; 2] {
    [(sum & 127) as i8, (sum >> 7) as i8]
}

/// The integer in the lowest bits of a float that was shifted, in two's complement.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the other bits are those of the shift")]
fn lowest(shifted: f32) -> i8 {
    shifted.to_bits() as i8
}

wide! {
    /// Rounds a block, of a multiple of 16 activations, and gives its scale.
    fn rounded(row: &[f32], codes: &mut [i8]) -> f32 {
        /// Bits of a float but for its sign: they order floats by size, with NaN behind all others.
        const SIZE: u32 = 0x7fff_ffff;
        let mut sizes = [0_u32; PANEL];
        for part in row.as_chunks::<PANEL>().0 {
            for (size, float) in sizes.iter_mut().zip(part) {
                *size = (*size).max(float.to_bits() & SIZE);
            }
        }
        let size = f32::from_bits(sizes.into_iter().fold(0, u32::max));
        if !size.is_finite() {
            codes.fill(0);
            return f32::NAN;
        }
        if size < MIN_SIZE {
            codes.fill(0);
            return 0.0;
        }
        let factor = MAX_CODE / size;
        for (codes, part) in codes.as_chunks_mut::<PANEL>().0.iter_mut().zip(row.as_chunks::<PANEL>().0) {
            for (code, float) in codes.iter_mut().zip(part) {
                *code = lowest(float * factor + SHIFT);
            }
        }
        size / MAX_CODE
    }
}

wide! {
    /// Of a multiple of 16 codes.
    fn sum(codes: &[i8]) -> i32 {
        let mut sums = [0_i32; PANEL];
        for part in codes.as_chunks::<PANEL>().0 {
            for (sum, code) in sums.iter_mut().zip(part) {
                *sum += i32::from(*code);
            }
        }
        sums.into_iter().sum()
    }
}
