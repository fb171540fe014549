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
pub(super) struct PackedPanel<'a> {
    pub(super) codes: &'a [u8],
    pub(super) scales: &'a [u8],
}

/// How far ahead of the codes at hand memory is asked for more: a processor's own guesses stop at a page's end.
#[cfg(target_arch = "x86_64")]
pub(super) const AHEAD: usize = 4096;

/// Writes the results of some rows for a panel.
#[inline]
pub(super) fn write<const R: usize>(
    results: &[[f32; PANEL]; R],
    first: usize,
    target: &mut super::columns::Columns<'_>,
) {
    for (row, result) in results.iter().enumerate() {
        let target = target.row(first + row);
        match target.first_chunk_mut() {
            // A copy of a size that is known is no call.
            Some(whole) => *whole = *result,
            // The last panel of a matrix may have fewer outputs than lanes.
            None => target.copy_from_slice(&result[..target.len()]),
        }
    }
}

/// The products on the vectors of the module in which this stands. `$rows` rows are multiplied together, as many as there
/// are left of, the largest first. `$signed` says that codes of eight bits are taken as signed, without their start.
macro_rules! products {
    ([$($attribute:tt)*], rows: [$($rows:literal),*], signed: $signed:literal) => {
        use crate::packed::activations::{ActivationRows, Activations};
        use crate::packed::columns::Columns;
        use crate::packed::layout::{
            Coding, GROUP_BYTES, GROUPS, HALVES, PANEL, run_minima, run_scale, scale_bytes, step_bytes,
        };
        use crate::packed::tiles::{BYTES, FEW_ROWS, PackedPanel, write};

        /// Rows `rows` times panels that lie one beside the other. `scratch` is memory to be used again.
        $($attribute)*
        pub(in crate::packed) fn multiply(
            panels: &[PackedPanel<'_>],
            activations: &Activations,
            rows: std::ops::Range<usize>,
            target: &mut Columns<'_>,
            scratch: &mut Vec<u8>,
        ) {
            let bits = activations.coding.bits;
            for (index, panel) in panels.iter().enumerate() {
                let mut target = target.narrow(index * PANEL, PANEL);
                if rows.len() <= FEW_ROWS {
                    few(*panel, activations, rows.clone(), &mut target);
                    continue;
                }
                let panel = if bits == 8 { *panel } else { joined(bits, *panel, scratch) };
                many(panel, activations, rows.clone(), &mut target);
            }
        }

        /// By codes that are joined already.
        $($attribute)*
        fn many(
            panel: PackedPanel<'_>,
            activations: &Activations,
            rows: std::ops::Range<usize>,
            target: &mut Columns<'_>,
        ) {
            let Coding { bits, runs, minimum, .. } = activations.coding;
            match (bits, runs, minimum) {
                (8, ..) => all::<8, 1, false>(panel, activations, rows, target),
                (_, 1, false) => all::<BYTES, 1, false>(panel, activations, rows, target),
                (_, 1, true) => all::<BYTES, 1, true>(panel, activations, rows, target),
                (_, 8, _) => all::<BYTES, 8, true>(panel, activations, rows, target),
                (_, _, true) => all::<BYTES, 16, true>(panel, activations, rows, target),
                (_, _, false) => all::<BYTES, 16, false>(panel, activations, rows, target),
            }
        }

        /// By codes as they are packed.
        $($attribute)*
        fn few(
            panel: PackedPanel<'_>,
            activations: &Activations,
            rows: std::ops::Range<usize>,
            target: &mut Columns<'_>,
        ) {
            let Coding { bits, runs, minimum, .. } = activations.coding;
            match (bits, runs, minimum) {
                (8, ..) => all::<8, 1, false>(panel, activations, rows, target),
                (4, 1, false) => all::<4, 1, false>(panel, activations, rows, target),
                (4, 1, true) => all::<4, 1, true>(panel, activations, rows, target),
                (5, 1, false) => all::<5, 1, false>(panel, activations, rows, target),
                (5, 1, true) => all::<5, 1, true>(panel, activations, rows, target),
                (2, ..) => all::<2, 16, true>(panel, activations, rows, target),
                (3, ..) => all::<3, 16, false>(panel, activations, rows, target),
                (4, ..) => all::<4, 8, true>(panel, activations, rows, target),
                (5, ..) => all::<5, 8, true>(panel, activations, rows, target),
                _ => all::<6, 16, false>(panel, activations, rows, target),
            }
        }

        /// A panel whose codes are a byte each.
        $($attribute)*
        fn joined<'a>(bits: u8, panel: PackedPanel<'a>, scratch: &'a mut Vec<u8>) -> PackedPanel<'a> {
            scratch.resize(panel.codes.len() / step_bytes(bits) * step_bytes(8), 0);
            match bits {
                2 => join::<2>(panel.codes, scratch),
                3 => join::<3>(panel.codes, scratch),
                4 => join::<4>(panel.codes, scratch),
                5 => join::<5>(panel.codes, scratch),
                _ => join::<6>(panel.codes, scratch),
            }
            PackedPanel { codes: scratch, ..panel }
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
            panel: PackedPanel<'_>,
            activations: &Activations,
            rows: std::ops::Range<usize>,
            target: &mut Columns<'_>,
        ) {
            // Rows that are multiplied together are of one group: groups are of 16 rows, or of all there are.
            let mut row = rows.start;
            $(
                while rows.end - row >= $rows {
                    let results = tile::<BITS, RUNS, MINIMUM, $rows>(panel, activations, row);
                    write(&results, row, target);
                    row += $rows;
                }
            )*
        }

        /// `R` rows times a panel.
        $($attribute)*
        fn tile<const BITS: u8, const RUNS: usize, const MINIMUM: bool, const R: usize>(
            panel: PackedPanel<'_>,
            activations: &Activations,
            first: usize,
        ) -> [[f32; PANEL]; R] {
            let (lanes, rows) = (activations.lanes, activations.rows_from(first));
            let steps = if RUNS == 1 { 1 } else { 8 };
            let step_bytes = step_bytes(if BITS == BYTES { 8 } else { BITS });
            let mut sums = [float_zero(); R];
            let codes = panel.codes.chunks_exact(steps * step_bytes);
            let scales = panel.scales.chunks_exact(scale_bytes(RUNS, MINIMUM));
            for (block, (codes, scales)) in codes.zip(scales).enumerate() {
                let mut whole = [zero(); R];
                for (step, codes) in codes.chunks_exact(step_bytes).enumerate() {
                    let at = block * steps + step;
                    add_step::<BITS, RUNS, MINIMUM, R>((codes, scales), (&rows, lanes), at, &mut whole);
                }
                add_block::<RUNS, MINIMUM, R>(scales, (&rows, lanes), (block, &whole), &mut sums);
            }
            let mut results = [[0.0; PANEL]; R];
            for (result, sum) in results.iter_mut().zip(sums) {
                *result = float_store(sum);
            }
            results
        }

        /// Adds the integer sums of a block, scaled, to those in f32.
        #[inline]
        $($attribute)*
        fn add_block<const RUNS: usize, const MINIMUM: bool, const R: usize>(
            scales: &[u8],
            (rows, lanes): (&ActivationRows<'_>, usize),
            (block, whole): (usize, &[Ints; R]),
            sums: &mut [Floats; R],
        ) {
            let scale = halves(scales);
            let minimum = if MINIMUM { halves(&scales[HALVES..]) } else { float_zero() };
            let own: &[f32; R] = rows.scales[block * lanes..].first_chunk().unwrap_or(&[0.0; R]);
            let mut block_sums = &[0.0; R];
            let mut run_sums: &[[i8; RUNS]] = &[];
            if MINIMUM && RUNS == 1 {
                block_sums = rows.sums[block * lanes..].first_chunk().unwrap_or(&[0.0; R]);
            } else if MINIMUM {
                run_sums = &rows.run_sums[block * lanes * 2 * RUNS..].as_chunks().0[..2 * R];
            }
            for row in 0..R {
                let mut part = float_times(float(whole[row]), scale);
                if MINIMUM && RUNS == 1 {
                    part = fused(float_splat(block_sums[row]), minimum, part);
                } else if MINIMUM {
                    let sums = minima::<RUNS>(scales, [&run_sums[2 * row], &run_sums[2 * row + 1]]);
                    part = fused(float(sums), minimum, part);
                }
                sums[row] = fused(part, float_splat(own[row]), sums[row]);
            }
        }

        /// Adds a step, of so many before it, to the integer sums of its block.
        #[inline]
        $($attribute)*
        fn add_step<const BITS: u8, const RUNS: usize, const MINIMUM: bool, const R: usize>(
            (codes, scales): (&[u8], &[u8]),
            (rows, lanes): (&ActivationRows<'_>, usize),
            step: usize,
            whole: &mut [Ints; R],
        ) {
            if BITS != BYTES {
                fetch_ahead(codes);
            }
            let groups = fours::<BITS>(codes);
            // Two steps lie together where a block has several.
            let offset = if RUNS == 1 { step * lanes } else { step / 2 * 2 * lanes + step % 2 } * GROUPS;
            let fours = &rows.codes.as_chunks::<4>().0[offset..];
            let signed = BITS == 8 && $signed;
            if RUNS != 16 {
                let sums = run_of::<BITS, RUNS, R, GROUPS>(&groups, fours, (rows, step * lanes, signed));
                add_run::<RUNS, MINIMUM, R>(sums, scales, step % RUNS, whole);
                return;
            }
            // Runs of 16 inputs are half a step.
            for (part, groups) in groups.as_chunks::<{ GROUPS / 2 }>().0.iter().enumerate() {
                let (fours, run) = (&fours[part * GROUPS / 2..], 2 * step + part);
                let sums = run_of::<BITS, RUNS, R, { GROUPS / 2 }>(groups, fours, (rows, run * lanes, signed));
                add_run::<RUNS, MINIMUM, R>(sums, scales, run % RUNS, whole);
            }
        }

        /// The integer sums of a run of `G` groups: of rows whose starts begin at an offset, unless codes are signed.
        #[inline]
        $($attribute)*
        fn run_of<const BITS: u8, const RUNS: usize, const R: usize, const G: usize>(
            groups: &[Fours; G],
            fours: &[[i8; 4]],
            (rows, offset, signed): (&ActivationRows<'_>, usize, bool),
        ) -> [Ints; R] {
            let mut sums = [zero(); R];
            if !signed {
                let starts: &[i32; R] = rows.starts[offset..].first_chunk().unwrap_or(&[0; R]);
                for (sum, start) in sums.iter_mut().zip(starts) {
                    *sum = splat(*start);
                }
            }
            let stride = if RUNS == 1 { GROUPS } else { 2 * GROUPS };
            let (quads, rest) = sums.as_chunks_mut::<4>();
            for (index, sums) in quads.iter_mut().enumerate() {
                let fours = &fours[index * 4 * stride..];
                if RUNS == 1 {
                    dot_rows::<BITS, GROUPS, G>(sums, groups, fours);
                } else {
                    dot_rows::<BITS, { 2 * GROUPS }, G>(sums, groups, fours);
                }
            }
            for (row, sum) in rest.iter_mut().enumerate() {
                let fours = fours[row * stride..].first_chunk::<G>().unwrap_or(&[[0; 4]; G]);
                for (group, codes) in groups.iter().zip(fours) {
                    *sum = dot::<BITS>(*sum, *group, splat_four(*codes));
                }
            }
            sums
        }

        /// Adds the sums of a run to those of its block.
        #[inline]
        $($attribute)*
        fn add_run<const RUNS: usize, const MINIMUM: bool, const R: usize>(
            sums: [Ints; R],
            scales: &[u8],
            run: usize,
            whole: &mut [Ints; R],
        ) {
            if RUNS == 1 {
                *whole = sums;
                return;
            }
            let own = scales[run_scale(MINIMUM, run)..].first_chunk().unwrap_or(&[0; PANEL]);
            for (whole, sum) in whole.iter_mut().zip(sums) {
                *whole = plus(*whole, times_bytes(sum, own));
            }
        }

        /// Minus the sum of a block's minima times the sums of the activations of their runs.
        #[inline]
        $($attribute)*
        fn minima<const RUNS: usize>(scales: &[u8], [low, high]: [&[i8; RUNS]; 2]) -> Ints {
            let groups = scales[run_minima(RUNS)..].as_chunks::<GROUP_BYTES>().0;
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
