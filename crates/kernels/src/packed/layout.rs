//! How a matrix lies in memory once it is packed: one layout for every packing and every kernel.
//!
//! Sixteen outputs make a panel. Their codes (small unsigned integers) lie in steps of 32 inputs; a step is eight
//! groups of four inputs, and a group holds, for one output after the other, the codes of its four inputs. That is the
//! operand of the dot products of AVX-512 VNNI and of an AMX tile alike. Codes of less than eight bits are cut into
//! planes: the low four (or two) bits of several groups share a byte, and so do the high one or two bits. The codes of
//! all steps come first, then the scales, block by block.

use super::Packing;

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
pub(super) struct Layout {
    pub(super) coding: Coding,
    /// Blocks of one output.
    pub(super) blocks: usize,
}

impl Layout {
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

/// Cuts the codes of a step into planes. `step` has [`step_bytes`] bytes, all of them 0.
pub(super) fn cut(bits: u8, groups: &[[u8; GROUP_BYTES]; GROUPS], step: &mut [u8]) {
    for (index, group) in groups.iter().enumerate() {
        for plane in planes(bits) {
            let (slot, shift) = plane.of(index);
            for (target, code) in step[slot * GROUP_BYTES..].iter_mut().zip(group) {
                *target |= (code >> plane.from & plane.mask()) << shift;
            }
        }
    }
}

/// The codes of a step: what [`cut`] was given.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
pub(super) fn joined(bits: u8, step: &[u8], groups: &mut [[u8; GROUP_BYTES]; GROUPS]) {
    for (index, group) in groups.iter_mut().enumerate() {
        *group = [0; GROUP_BYTES];
        for plane in planes(bits) {
            let (slot, shift) = plane.of(index);
            for (code, byte) in group.iter_mut().zip(&step[slot * GROUP_BYTES..]) {
                *code |= (byte >> shift & plane.mask()) << plane.from;
            }
        }
    }
}

/// Bits `from..from + width` of the codes of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plane {
    /// The group-sized slot in which the plane begins.
    first: usize,
    from: u8,
    width: u8,
}

impl Plane {
    /// The lowest bit of the code that it holds.
    pub(super) const fn from(self) -> u8 {
        self.from
    }

    pub(super) const fn mask(self) -> u8 {
        // 8 bits are all of them.
        if self.width >= 8 { u8::MAX } else { (1 << self.width) - 1 }
    }

    /// The slot that holds these bits of a group, and how far they are shifted there.
    pub(super) const fn of(self, group: usize) -> (usize, usize) {
        let width = self.width as usize;
        // As many slots as the width, each shared by the groups that lie as many apart.
        (self.first + group % width, group / width * width)
    }
}

/// The planes of codes of so many bits: the low ones, then the high ones where there are any.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a loop is wide only where it is inlined into a wide function")]
pub(super) fn planes(bits: u8) -> impl Iterator<Item = Plane> {
    let low = match bits {
        8 => 8,
        4.. => 4,
        _ => 2,
    };
    let both = [
        Plane { first: 0, from: 0, width: low },
        Plane { first: usize::from(low), from: low, width: bits - low },
    ];
    both.into_iter().filter(|plane| plane.width > 0)
}
