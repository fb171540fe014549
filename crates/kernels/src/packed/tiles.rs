//! Products of a panel with rows, written once for every kind of vector.
//!
//! What is computed is the same everywhere, to the bit. Of each block the products of codes are summed as integers,
//! exactly; so are the sums of its runs times their integer scales, and the minima times the sums of activations. Then,
//! block after block in f32, with `whole` and `minima` those integers rounded to f32:
//! `sum = fma(fma(minima, minimum, whole * scale), activation_scale, sum)`.

use super::layout::PANEL;

/// Bits of codes that were joined from their planes to a byte each, below 64.
pub(super) const BYTES: u8 = 7;
/// Up to so many rows, codes are joined as they are needed; beyond, once for all rows.
pub(super) const FEW_ROWS: usize = 16;

/// One panel: its codes and its scales.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel<'a> {
    pub(super) codes: &'a [u8],
    pub(super) scales: &'a [u8],
}

/// Results of some rows for the outputs of a panel.
pub(super) type Results<const R: usize> = [[f32; PANEL]; R];

/// Writes the results that are wanted of a panel.
#[inline]
pub(super) fn write<const R: usize>(results: &Results<R>, first: usize, target: &mut super::columns::Columns<'_>) {
    for (row, result) in results.iter().enumerate() {
        let target = target.row(first + row);
        match target.first_chunk_mut() {
            // Most panels are whole: a copy of a size that is known is no call.
            Some(target) => *target = *result,
            None => target.copy_from_slice(&result[..target.len()]),
        }
    }
}

/// The products on the vectors of the module in which this stands. `$many` rows are multiplied together, as many as the
/// registers hold sums for. `$signed` says that codes of eight bits are taken as signed, without their start.
macro_rules! products {
    ([$($attribute:tt)*], $many:literal, $signed:literal) => {
        use crate::packed::activations::{Activations, Row};
        use crate::packed::columns::Columns;
        use crate::packed::layout::{
            Coding, GROUP_BYTES, GROUPS, HALVES, PANEL, run_minima, run_scale, scale_bytes, step_bytes,
        };
        use crate::packed::tiles::{BYTES, FEW_ROWS, Panel, Results, write};

        /// Rows `rows` times a panel. `scratch` is memory to be used again.
        $($attribute)*
        pub(in crate::packed) fn multiply(
            panel: Panel<'_>,
            activations: &Activations,
            rows: std::ops::Range<usize>,
            target: &mut Columns<'_>,
            scratch: &mut Vec<u8>,
        ) {
            let Coding { bits, runs, minimum, .. } = activations.coding;
            let few = rows.len() <= FEW_ROWS;
            let panel = if few || bits == 8 { panel } else { Panel { codes: joined(bits, panel.codes, scratch), ..panel } };
            match (bits, runs, minimum) {
                (8, ..) => all::<8, 1, false>(panel, activations, rows, target),
                (4, 1, false) if few => all::<4, 1, false>(panel, activations, rows, target),
                (4, 1, true) if few => all::<4, 1, true>(panel, activations, rows, target),
                (5, 1, false) if few => all::<5, 1, false>(panel, activations, rows, target),
                (5, 1, true) if few => all::<5, 1, true>(panel, activations, rows, target),
                (2, ..) if few => all::<2, 16, true>(panel, activations, rows, target),
                (3, ..) if few => all::<3, 16, false>(panel, activations, rows, target),
                (4, ..) if few => all::<4, 8, true>(panel, activations, rows, target),
                (5, ..) if few => all::<5, 8, true>(panel, activations, rows, target),
                (6, ..) if few => all::<6, 16, false>(panel, activations, rows, target),
                (_, 1, false) => all::<BYTES, 1, false>(panel, activations, rows, target),
                (_, 1, true) => all::<BYTES, 1, true>(panel, activations, rows, target),
                (_, 8, _) => all::<BYTES, 8, true>(panel, activations, rows, target),
                (_, _, true) => all::<BYTES, 16, true>(panel, activations, rows, target),
                (_, _, false) => all::<BYTES, 16, false>(panel, activations, rows, target),
            }
        }

        /// The codes of a panel, a byte each.
        $($attribute)*
        fn joined<'a>(bits: u8, codes: &[u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
            let steps = codes.len() / step_bytes(bits);
            scratch.resize(steps * step_bytes(8), 0);
            match bits {
                2 => join::<2>(codes, scratch),
                3 => join::<3>(codes, scratch),
                4 => join::<4>(codes, scratch),
                5 => join::<5>(codes, scratch),
                _ => join::<6>(codes, scratch),
            }
            scratch
        }

        $($attribute)*
        fn join<const BITS: u8>(codes: &[u8], joined: &mut [u8]) {
            let steps = codes.chunks_exact(step_bytes(BITS));
            for (step, joined) in steps.zip(joined.chunks_exact_mut(step_bytes(8))) {
                for (group, target) in fours::<BITS>(step).into_iter().zip(joined.as_chunks_mut().0) {
                    store_fours(group, target);
                }
            }
        }

        $($attribute)*
        fn all<const BITS: u8, const RUNS: usize, const MINIMUM: bool>(
            panel: Panel<'_>,
            activations: &Activations,
            rows: std::ops::Range<usize>,
            target: &mut Columns<'_>,
        ) {
            let mut row = rows.start;
            while row + $many <= rows.end {
                let results = tile::<BITS, RUNS, MINIMUM, $many>(panel, activations, row);
                write(&results, row, target);
                row += $many;
            }
            while row < rows.end {
                let results = tile::<BITS, RUNS, MINIMUM, 1>(panel, activations, row);
                write(&results, row, target);
                row += 1;
            }
        }

        /// `R` rows times a panel.
        $($attribute)*
        fn tile<const BITS: u8, const RUNS: usize, const MINIMUM: bool, const R: usize>(
            panel: Panel<'_>,
            activations: &Activations,
            first: usize,
        ) -> Results<R> {
            let (lanes, steps) = (activations.lanes, if RUNS == 1 { 1 } else { 8 });
            let mut rows = [activations.row(first); R];
            for (index, row) in rows.iter_mut().enumerate().skip(1) {
                *row = activations.row(first + index);
            }
            let byte_bits = if BITS == BYTES { 8 } else { BITS };
            let mut sums = [float_zero(); R];
            let codes = panel.codes.chunks_exact(steps * step_bytes(byte_bits));
            let scales = panel.scales.chunks_exact(scale_bytes(RUNS, MINIMUM));
            for (block, (codes, scales)) in codes.zip(scales).enumerate() {
                let mut whole = [zero(); R];
                for (step, codes) in codes.chunks_exact(step_bytes(byte_bits)).enumerate() {
                    let at = block * steps + step;
                    add_step::<BITS, RUNS, MINIMUM, R>((codes, scales), (&rows, lanes), at, &mut whole);
                }
                let scale = halves(scales);
                for (row, (whole, sum)) in rows.iter().zip(whole.into_iter().zip(&mut sums)) {
                    let mut part = float_times(float(whole), scale);
                    if MINIMUM && RUNS == 1 {
                        part = fused(float_splat(row.sums[block * lanes]), halves(&scales[HALVES..]), part);
                    } else if MINIMUM {
                        let minima = minima::<RUNS>(scales, &row.run_sums[block * lanes * 2 * RUNS..]);
                        part = fused(float(minima), halves(&scales[HALVES..]), part);
                    }
                    *sum = fused(part, float_splat(row.scales[block * lanes]), *sum);
                }
            }
            let mut results = [[0.0; PANEL]; R];
            for (result, sum) in results.iter_mut().zip(sums) {
                *result = float_store(sum);
            }
            results
        }

        /// Adds a step, of so many before it, to the integer sums of its block.
        #[inline]
        $($attribute)*
        fn add_step<const BITS: u8, const RUNS: usize, const MINIMUM: bool, const R: usize>(
            (codes, scales): (&[u8], &[u8]),
            (rows, lanes): (&[Row<'_>; R], usize),
            step: usize,
            whole: &mut [Ints; R],
        ) {
            // Runs of 16 inputs are half a step, the others a step.
            let parts = if RUNS == 16 { 2 } else { 1 };
            // Two steps lie together where a block has several.
            let offset = if RUNS == 1 { step * lanes } else { step / 2 * 2 * lanes + step % 2 } * GROUPS;
            let groups = fours::<BITS>(codes);
            for part in 0..parts {
                let run = step * parts + part;
                let mut sums = [zero(); R];
                if !(BITS == 8 && $signed) {
                    for (row, sum) in rows.iter().zip(&mut sums) {
                        *sum = splat(row.starts[run * lanes]);
                    }
                }
                for (row, sum) in rows.iter().zip(&mut sums) {
                    let row = row.codes[offset..].first_chunk::<GROUPS>().unwrap_or(&[[0; 4]; GROUPS]);
                    for group in part * GROUPS / parts..(part + 1) * GROUPS / parts {
                        *sum = dot::<BITS>(*sum, groups[group], four(row[group]));
                    }
                }
                for (whole, sum) in whole.iter_mut().zip(sums) {
                    if RUNS == 1 {
                        *whole = sum;
                    } else if let Some(own) = scales[run_scale(MINIMUM, run % RUNS)..].first_chunk() {
                        *whole = plus(*whole, times_bytes(sum, own));
                    }
                }
            }
        }

        /// Minus the sum of a block's minima times the sums of the activations of their runs.
        #[inline]
        $($attribute)*
        fn minima<const RUNS: usize>(scales: &[u8], run_sums: &[i8]) -> Ints {
            let groups = scales[run_minima(RUNS)..].as_chunks::<GROUP_BYTES>().0;
            let (low, high) = run_sums[..2 * RUNS].split_at(RUNS);
            let (mut low_sum, mut high_sum) = (zero(), zero());
            let both = low.as_chunks::<4>().0.iter().zip(high.as_chunks::<4>().0);
            for (group, (low, high)) in groups.iter().zip(both) {
                let group = load_fours(group);
                low_sum = dot::<BYTES>(low_sum, group, four(*low));
                high_sum = dot::<BYTES>(high_sum, group, four(*high));
            }
            plus(low_sum, times_128(high_sum))
        }

        /// Four bytes as the lowest to the highest of an integer.
        #[inline(always)]
        fn four(codes: [i8; 4]) -> i32 {
            i32::from_le_bytes(codes.map(i8::cast_unsigned))
        }
    };
}
