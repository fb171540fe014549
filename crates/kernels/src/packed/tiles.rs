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

/// How far ahead of the codes at hand memory is asked for more: a processor's own guesses stop at a page's end.
#[cfg(target_arch = "x86_64")]
pub(super) const AHEAD: usize = 4096;

/// Writes the results of some rows for some panels, one beside the other.
#[inline]
pub(super) fn write<const R: usize, const P: usize>(
    results: &[[[f32; PANEL]; P]; R],
    first: usize,
    target: &mut super::columns::Columns<'_>,
) {
    for (row, results) in results.iter().enumerate() {
        for (target, result) in target.row(first + row).chunks_mut(PANEL).zip(results) {
            match target.first_chunk_mut() {
                // A copy of a size that is known is no call.
                Some(whole) => *whole = *result,
                // The last panel of a matrix may have fewer outputs than lanes.
                None => target.copy_from_slice(&result[..target.len()]),
            }
        }
    }
}

/// The products on the vectors of the module in which this stands. `$rows` rows are multiplied together, as many as there
/// are left of, the largest first, and `$panels` panels: as many as the registers hold sums for. `$signed` says that
/// codes of eight bits are taken as signed, without their start.
macro_rules! products {
    ([$($attribute:tt)*], rows: [$($rows:literal),*], panels: $panels:literal, signed: $signed:literal) => {
        use crate::packed::activations::{Activations, Row};
        use crate::packed::columns::Columns;
        use crate::packed::layout::{
            Coding, GROUP_BYTES, GROUPS, HALVES, PANEL, run_minima, run_scale, scale_bytes, step_bytes,
        };
        use crate::packed::tiles::{BYTES, FEW_ROWS, Panel, write};

        /// Rows `rows` times panels that lie one beside the other. `scratch` is memory to be used again.
        $($attribute)*
        pub(in crate::packed) fn multiply(
            panels: &[Panel<'_>],
            activations: &Activations,
            rows: std::ops::Range<usize>,
            target: &mut Columns<'_>,
            scratch: &mut Vec<u8>,
        ) {
            let bits = activations.coding.bits;
            for (index, panels) in panels.chunks($panels).enumerate() {
                let mut target = target.narrow(index * $panels * PANEL, $panels * PANEL);
                match <[Panel<'_>; $panels]>::try_from(panels) {
                    Ok(panels) if rows.len() > FEW_ROWS => {
                        let panels = if bits == 8 { panels } else { joined(bits, panels, scratch) };
                        many(panels, activations, rows.clone(), &mut target);
                    }
                    _ => {
                        for (index, panel) in panels.iter().enumerate() {
                            let mut target = target.narrow(index * PANEL, PANEL);
                            few([*panel], activations, rows.clone(), &mut target);
                        }
                    }
                }
            }
        }

        /// By codes that are joined already.
        $($attribute)*
        fn many<const P: usize>(
            panels: [Panel<'_>; P],
            activations: &Activations,
            rows: std::ops::Range<usize>,
            target: &mut Columns<'_>,
        ) {
            let Coding { bits, runs, minimum, .. } = activations.coding;
            match (bits, runs, minimum) {
                (8, ..) => all::<8, 1, false, P>(panels, activations, rows, target),
                (_, 1, false) => all::<BYTES, 1, false, P>(panels, activations, rows, target),
                (_, 1, true) => all::<BYTES, 1, true, P>(panels, activations, rows, target),
                (_, 8, _) => all::<BYTES, 8, true, P>(panels, activations, rows, target),
                (_, _, true) => all::<BYTES, 16, true, P>(panels, activations, rows, target),
                (_, _, false) => all::<BYTES, 16, false, P>(panels, activations, rows, target),
            }
        }

        /// By codes as they are packed.
        $($attribute)*
        fn few(
            panel: [Panel<'_>; 1],
            activations: &Activations,
            rows: std::ops::Range<usize>,
            target: &mut Columns<'_>,
        ) {
            let Coding { bits, runs, minimum, .. } = activations.coding;
            match (bits, runs, minimum) {
                (8, ..) => all::<8, 1, false, 1>(panel, activations, rows, target),
                (4, 1, false) => all::<4, 1, false, 1>(panel, activations, rows, target),
                (4, 1, true) => all::<4, 1, true, 1>(panel, activations, rows, target),
                (5, 1, false) => all::<5, 1, false, 1>(panel, activations, rows, target),
                (5, 1, true) => all::<5, 1, true, 1>(panel, activations, rows, target),
                (2, ..) => all::<2, 16, true, 1>(panel, activations, rows, target),
                (3, ..) => all::<3, 16, false, 1>(panel, activations, rows, target),
                (4, ..) => all::<4, 8, true, 1>(panel, activations, rows, target),
                (5, ..) => all::<5, 8, true, 1>(panel, activations, rows, target),
                _ => all::<6, 16, false, 1>(panel, activations, rows, target),
            }
        }

        /// Panels whose codes are a byte each.
        $($attribute)*
        fn joined<'a, const P: usize>(
            bits: u8,
            panels: [Panel<'a>; P],
            scratch: &'a mut Vec<u8>,
        ) -> [Panel<'a>; P] {
            let size = panels[0].codes.len() / step_bytes(bits) * step_bytes(8);
            scratch.resize(P * size, 0);
            for (panel, joined) in panels.iter().zip(scratch.chunks_exact_mut(size)) {
                match bits {
                    2 => join::<2>(panel.codes, joined),
                    3 => join::<3>(panel.codes, joined),
                    4 => join::<4>(panel.codes, joined),
                    5 => join::<5>(panel.codes, joined),
                    _ => join::<6>(panel.codes, joined),
                }
            }
            let mut joined = panels;
            for (panel, codes) in joined.iter_mut().zip(scratch.chunks_exact(size)) {
                panel.codes = codes;
            }
            joined
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
        fn all<const BITS: u8, const RUNS: usize, const MINIMUM: bool, const P: usize>(
            panels: [Panel<'_>; P],
            activations: &Activations,
            rows: std::ops::Range<usize>,
            target: &mut Columns<'_>,
        ) {
            let mut row = rows.start;
            $(
                while row + $rows <= rows.end {
                    let results = tile::<BITS, RUNS, MINIMUM, $rows, P>(panels, activations, row);
                    write(&results, row, target);
                    row += $rows;
                }
            )*
        }

        /// `R` rows times `P` panels.
        $($attribute)*
        fn tile<const BITS: u8, const RUNS: usize, const MINIMUM: bool, const R: usize, const P: usize>(
            panels: [Panel<'_>; P],
            activations: &Activations,
            first: usize,
        ) -> [[[f32; PANEL]; P]; R] {
            let (lanes, steps) = (activations.lanes, if RUNS == 1 { 1 } else { 8 });
            let mut rows = [activations.row(first); R];
            for (index, row) in rows.iter_mut().enumerate().skip(1) {
                *row = activations.row(first + index);
            }
            let step_bytes = step_bytes(if BITS == BYTES { 8 } else { BITS });
            let (block_bytes, scale_bytes) = (steps * step_bytes, scale_bytes(RUNS, MINIMUM));
            let mut sums = [[float_zero(); P]; R];
            for block in 0..activations.blocks {
                let mut whole = [[zero(); P]; R];
                let (mut codes, mut scales): ([&[u8]; P], [&[u8]; P]) = ([&[]; P], [&[]; P]);
                for (panel, (codes, scales)) in panels.iter().zip(codes.iter_mut().zip(&mut scales)) {
                    *codes = &panel.codes[block * block_bytes..][..block_bytes];
                    *scales = &panel.scales[block * scale_bytes..][..scale_bytes];
                }
                for step in 0..steps {
                    let mut step_codes: [&[u8]; P] = [&[]; P];
                    for (step_codes, codes) in step_codes.iter_mut().zip(codes) {
                        *step_codes = &codes[step * step_bytes..][..step_bytes];
                    }
                    let at = block * steps + step;
                    add_step::<BITS, RUNS, MINIMUM, R, P>((step_codes, scales), (&rows, lanes), at, &mut whole);
                }
                for (row, (whole, sums)) in rows.iter().zip(whole.into_iter().zip(&mut sums)) {
                    for (scales, (whole, sum)) in scales.iter().zip(whole.into_iter().zip(sums)) {
                        let mut part = float_times(float(whole), halves(scales));
                        if MINIMUM && RUNS == 1 {
                            part = fused(float_splat(row.sums[block * lanes]), halves(&scales[HALVES..]), part);
                        } else if MINIMUM {
                            let minima = minima::<RUNS>(scales, &row.run_sums[block * lanes * 2 * RUNS..]);
                            part = fused(float(minima), halves(&scales[HALVES..]), part);
                        }
                        *sum = fused(part, float_splat(row.scales[block * lanes]), *sum);
                    }
                }
            }
            let mut results = [[[0.0; PANEL]; P]; R];
            for (results, sums) in results.iter_mut().zip(sums) {
                for (result, sum) in results.iter_mut().zip(sums) {
                    *result = float_store(sum);
                }
            }
            results
        }

        /// Adds a step, of so many before it, to the integer sums of its block.
        #[inline]
        $($attribute)*
        fn add_step<const BITS: u8, const RUNS: usize, const MINIMUM: bool, const R: usize, const P: usize>(
            (codes, scales): ([&[u8]; P], [&[u8]; P]),
            (rows, lanes): (&[Row<'_>; R], usize),
            step: usize,
            whole: &mut [[Ints; P]; R],
        ) {
            // Runs of 16 inputs are half a step, the others a step.
            let parts = if RUNS == 16 { 2 } else { 1 };
            // Two steps lie together where a block has several.
            let offset = if RUNS == 1 { step * lanes } else { step / 2 * 2 * lanes + step % 2 } * GROUPS;
            let mut groups = [[load_fours(&[0; GROUP_BYTES]); GROUPS]; P];
            for (groups, codes) in groups.iter_mut().zip(codes) {
                if BITS != BYTES {
                    fetch_ahead(codes);
                }
                *groups = fours::<BITS>(codes);
            }
            let mut activations = [&[[0; 4]; GROUPS]; R];
            for (activations, row) in activations.iter_mut().zip(rows) {
                *activations = row.codes[offset..].first_chunk().unwrap_or(&[[0; 4]; GROUPS]);
            }
            for part in 0..parts {
                let run = step * parts + part;
                let mut sums = [[zero(); P]; R];
                if !(BITS == 8 && $signed) {
                    for (row, sums) in rows.iter().zip(&mut sums) {
                        *sums = [splat(row.starts[run * lanes]); P];
                    }
                }
                for group in part * GROUPS / parts..(part + 1) * GROUPS / parts {
                    for (activations, sums) in activations.iter().zip(&mut sums) {
                        let activations = splat_four(activations[group]);
                        for (sum, groups) in sums.iter_mut().zip(&groups) {
                            *sum = dot::<BITS>(*sum, groups[group], activations);
                        }
                    }
                }
                for (whole, sums) in whole.iter_mut().zip(sums) {
                    for (whole, (sum, scales)) in whole.iter_mut().zip(sums.into_iter().zip(scales)) {
                        if RUNS == 1 {
                            *whole = sum;
                        } else if let Some(own) = scales[run_scale(MINIMUM, run % RUNS)..].first_chunk() {
                            *whole = plus(*whole, times_bytes(sum, own));
                        }
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
                low_sum = dot::<BYTES>(low_sum, group, splat_four(*low));
                high_sum = dot::<BYTES>(high_sum, group, splat_four(*high));
            }
            plus(low_sum, times_128(high_sum))
        }
    };
}
