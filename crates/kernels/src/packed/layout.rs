//! How a matrix lies in memory once it is packed: one layout for every packing and every kernel.
//!
//! Sixteen outputs make a panel. Their codes (small unsigned integers) lie in steps of 32 inputs; a step is eight
//! groups of four inputs, and a group holds, for one output after the other, the codes of its four inputs. That is the
//! operand of the dot products of AVX-512 VNNI and of an AMX tile alike. Codes of less than eight bits are cut into
//! planes: the low four (or two) bits of several groups share a byte, and so do the high one or two bits. The codes of
//! all steps come first, then the scales, block by block.

use super::Packing;
use crate::wide;

/// Outputs of a panel: the lanes of a 512-bit vector of f32, the columns of a tile.
pub(super) const PANEL: usize = 16;
/// Inputs of a step.
pub(super) const STEP: usize = 32;
/// Groups of four inputs in a step.
pub(super) const GROUPS: usize = STEP / 4;
/// Bytes of a group that is not cut into planes.
pub(super) const GROUP_BYTES: usize = 4 * PANEL;
/// Bytes of a step that is not cut into planes.
pub(super) const STEP_BYTES: usize = GROUPS * GROUP_BYTES;
/// The most runs of inputs that have a scale of their own in a block.
pub(super) const MAX_RUNS: usize = 16;
/// Bytes of the half-precision scales of a panel's outputs.
pub(super) const HALVES: usize = 2 * PANEL;

/// What the codes of a packing are, and what scales stand beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coding {
    /// Bits of a code.
    pub(super) bits: u8,
    /// The code that stands for 0.
    pub(super) zero: u8,
    /// Inputs of a block, which share a scale in half precision.
    pub(super) block: usize,
    /// Runs of a block: 1 without scales of their own, else 8 or 16, each with an integer.
    pub(super) runs: usize,
    /// Whether something is added to what a code and its scale give.
    pub(super) minimum: bool,
}

impl Coding {
    pub(super) const fn new(packing: Packing) -> Self {
        let (bits, zero, runs, minimum) = match packing {
            Packing::Q4_0 => (4, 8, 1, false),
            Packing::Q4_1 => (4, 0, 1, true),
            Packing::Q5_0 => (5, 16, 1, false),
            Packing::Q5_1 => (5, 0, 1, true),
            Packing::Q8_0 => (8, 128, 1, false),
            Packing::Q2K => (2, 0, 16, true),
            Packing::Q3K => (3, 4, 16, false),
            Packing::Q4K => (4, 0, 8, true),
            Packing::Q5K => (5, 0, 8, true),
            Packing::Q6K => (6, 32, 16, false),
        };
        Self { bits, zero, block: packing.values(), runs, minimum }
    }

    /// Steps of a block.
    pub(super) const fn steps(self) -> usize {
        self.block / STEP
    }

    /// Inputs that lie together in a row's activations: those of one product of tiles.
    pub(super) const fn together(self) -> usize {
        if self.runs == 1 { STEP } else { 2 * STEP }
    }

    /// Inputs of a run.
    pub(super) const fn run(self) -> usize {
        self.block / self.runs
    }

    /// Bytes of a block's scales, of a whole panel.
    pub(super) const fn scale_bytes(self) -> usize {
        scale_bytes(self.runs, self.minimum)
    }
}

/// Bytes of a step whose codes have so many bits.
pub(super) const fn step_bytes(bits: u8) -> usize {
    STEP_BYTES / 8 * bits as usize
}

/// Bytes of a block's scales: the halves, and one byte for each run's scale and each run's minimum.
pub(super) const fn scale_bytes(runs: usize, minimum: bool) -> usize {
    let kinds = 1 + minimum as usize;
    let own = if runs > 1 { runs * PANEL } else { 0 };
    kinds * (HALVES + own)
}

/// Where a run's scale begins among a block's scales: one byte for each output.
pub(super) const fn run_scale(minimum: bool, run: usize) -> usize {
    HALVES * (1 + minimum as usize) + run * PANEL
}

/// Where a block's minima begin: fours of runs, as codes are fours of inputs.
pub(super) const fn run_minima(runs: usize) -> usize {
    run_scale(true, runs)
}

/// Offsets of a matrix of so many inputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct PanelLayout {
    pub(super) coding: Coding,
    /// Blocks of one output.
    pub(super) blocks: usize,
}

impl PanelLayout {
    pub(super) fn inputs(&self) -> usize {
        self.blocks * self.coding.block
    }

    /// Bytes of a panel's codes.
    pub(super) fn code_bytes(&self) -> usize {
        self.blocks * self.coding.steps() * step_bytes(self.coding.bits)
    }

    /// Bytes of a panel; whole cache lines.
    pub(super) fn panel_bytes(&self) -> usize {
        (self.code_bytes() + self.blocks * self.coding.scale_bytes()).next_multiple_of(GROUP_BYTES)
    }
}

/// Codes of a step, group by group, a byte each.
pub(super) type Groups = [[u8; GROUP_BYTES]; GROUPS];

wide! {
    /// Cuts the codes of a step into planes. `step` has [`step_bytes`] bytes.
    pub(super) fn cut(bits: u8, groups: &Groups, step: &mut [u8]) {
        let slots = step.as_chunks_mut::<GROUP_BYTES>().0;
        match bits {
            2 => cut_plane::<2, 0>(groups, slots),
            3 => {
                cut_plane::<2, 0>(groups, slots);
                cut_plane::<1, 2>(groups, &mut slots[2..]);
            }
            4 => cut_plane::<4, 0>(groups, slots),
            5 => {
                cut_plane::<4, 0>(groups, slots);
                cut_plane::<1, 4>(groups, &mut slots[4..]);
            }
            6 => {
                cut_plane::<4, 0>(groups, slots);
                cut_plane::<2, 4>(groups, &mut slots[4..]);
            }
            _ => slots.copy_from_slice(groups),
        }
    }
}

/// The codes of a step: what [`cut`] was given.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
pub(super) fn joined(bits: u8, step: &[u8]) -> Groups {
    let slots = step.as_chunks::<GROUP_BYTES>().0;
    let mut groups = [[0; GROUP_BYTES]; GROUPS];
    match bits {
        2 => join_plane::<2, 0>(slots, &mut groups),
        3 => {
            join_plane::<2, 0>(slots, &mut groups);
            join_plane::<1, 2>(&slots[2..], &mut groups);
        }
        4 => join_plane::<4, 0>(slots, &mut groups),
        5 => {
            join_plane::<4, 0>(slots, &mut groups);
            join_plane::<1, 4>(&slots[4..], &mut groups);
        }
        6 => {
            join_plane::<4, 0>(slots, &mut groups);
            join_plane::<2, 4>(&slots[4..], &mut groups);
        }
        _ => groups.copy_from_slice(slots),
    }
    groups
}

/// Bits `FROM..FROM + WIDTH` of all codes, in as many slots as the width: a slot is shared by the groups that lie as many
/// apart.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
fn cut_plane<const WIDTH: usize, const FROM: usize>(groups: &Groups, slots: &mut [[u8; GROUP_BYTES]]) {
    for (index, slot) in slots.iter_mut().take(WIDTH).enumerate() {
        *slot = [0; GROUP_BYTES];
        for (sharer, group) in groups.iter().skip(index).step_by(WIDTH).enumerate() {
            for (target, code) in slot.iter_mut().zip(group) {
                *target |= (code >> FROM & ((1 << WIDTH) - 1)) << (sharer * WIDTH);
            }
        }
    }
}

/// Adds the bits that [`cut_plane`] took.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
fn join_plane<const WIDTH: usize, const FROM: usize>(slots: &[[u8; GROUP_BYTES]], groups: &mut Groups) {
    for (index, slot) in slots.iter().take(WIDTH).enumerate() {
        for (sharer, group) in groups.iter_mut().skip(index).step_by(WIDTH).enumerate() {
            for (code, byte) in group.iter_mut().zip(slot) {
                *code |= (byte >> (sharer * WIDTH) & ((1 << WIDTH) - 1)) << FROM;
            }
        }
    }
}
