//! A matrix in the layout of the kernels: filled from a file's blocks, read output by output.

use std::fmt;

use rayon::prelude::*;

use super::Packing;
use super::codes::Block;
use super::kernels::half;
use super::layout::{
    Coding, GROUP_BYTES, GROUPS, HALVES, MAX_RUNS, PANEL, PanelLayout, STEP, cut, joined, run_minima,
    run_scale, step_bytes,
};

/// Why a matrix cannot be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackError {
    /// Inputs that are no whole blocks, or bytes that are no whole outputs.
    Shape,
    /// Outputs that come after the last, or do not fill a panel before the last, or have not all come.
    Outputs,
    /// No memory for so many bytes.
    Memory {
        /// What was asked for.
        bytes: usize,
    },
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape => f.write_str("a packed matrix is not whole blocks"),
            Self::Outputs => f.write_str("the outputs of a packed matrix are not those it was made for"),
            Self::Memory { bytes } => write!(f, "no memory for {bytes} bytes"),
        }
    }
}

impl std::error::Error for PackError {}

/// A matrix `[outputs, inputs]` of small integers with scales, as GGUF files hold them, laid out for the kernels. It
/// takes about as many bytes as in the file.
pub struct PackedMatrix {
    pub(super) packing: Packing,
    pub(super) layout: PanelLayout,
    outputs: usize,
    panels: Aligned,
}

impl fmt::Debug for PackedMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackedMatrix({:?}, [{}, {}])", self.packing, self.outputs, self.inputs())
    }
}

impl PackedMatrix {
    /// Outputs that are best given to [`Packer::push`] at once are multiples of this.
    pub const PANEL: usize = PANEL;

    /// Packs a whole matrix: outputs of whole blocks, one after the other.
    ///
    /// # Errors
    /// [`PackError`] if `bytes` are not `outputs` times `inputs` values, or where memory runs out.
    pub fn new(packing: Packing, [outputs, inputs]: [usize; 2], bytes: &[u8]) -> Result<Self, PackError> {
        let mut packer = Packer::new(packing, [outputs, inputs])?;
        packer.push(bytes)?;
        packer.finish()
    }

    /// How its values are packed.
    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// Values of an output.
    pub fn inputs(&self) -> usize {
        self.layout.inputs()
    }

    /// How many outputs it has.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.panels.bytes().len()
    }

    /// All panels, one after the other, each of [`PanelLayout::panel_bytes`].
    pub(super) fn panels(&self) -> &[u8] {
        self.panels.bytes()
    }

    /// The values of one output, to the bit as the format defines them; false if there is no such output, or `values`
    /// has not its length.
    pub fn output(&self, index: usize, values: &mut [f32]) -> bool {
        if index >= self.outputs || values.len() != self.inputs() {
            return false;
        }
        let (layout, coding) = (&self.layout, self.layout.coding);
        let panel = &self.panels()[index / PANEL * layout.panel_bytes()..][..layout.panel_bytes()];
        let (codes, scales) = panel.split_at(layout.code_bytes());
        let codes = codes.chunks_exact(coding.steps() * step_bytes(coding.bits));
        let blocks = codes.zip(scales.chunks_exact(coding.scale_bytes()));
        for ((codes, scales), values) in blocks.zip(values.chunks_exact_mut(coding.block)) {
            unpack(coding, (codes, scales), index % PANEL, values);
        }
        true
    }
}

/// The values of one block of the output `lane` of a panel.
fn unpack(coding: Coding, (codes, scales): (&[u8], &[u8]), lane: usize, values: &mut [f32]) {
    let (scale, minimum) =
        (half(scales, 2 * lane), half(scales, (HALVES + 2 * lane) * usize::from(coding.minimum)));
    let steps = codes.chunks_exact(step_bytes(coding.bits));
    for (index, (step, values)) in steps.zip(values.chunks_exact_mut(STEP)).enumerate() {
        let groups = joined(coding.bits, step);
        for (at, value) in values.iter_mut().enumerate() {
            let code = groups[at / 4][4 * lane + at % 4];
            let (mut factor, mut added) = (scale, minimum);
            if coding.runs > 1 {
                let run = (index * STEP + at) / coding.run();
                factor *= f32::from(scales[run_scale(coding.minimum, run) + lane].cast_signed());
                if coding.minimum {
                    let own = scales[run_minima(coding.runs) + run / 4 * GROUP_BYTES + 4 * lane + run % 4];
                    added = -(minimum * f32::from(own));
                }
            }
            // Rounded after the product and after the sum, as the formats' own tools do.
            let product = (f32::from(code) - f32::from(coding.zero)) * factor;
            *value = if coding.minimum { product + added } else { product };
        }
    }
}

/// A matrix that is being filled.
#[derive(Debug)]
pub struct Packer {
    matrix: PackedMatrix,
    /// Outputs that are there.
    filled: usize,
}

impl Packer {
    /// Room for a matrix `[outputs, inputs]`.
    ///
    /// # Errors
    /// [`PackError`] if inputs are not whole blocks, or where memory runs out.
    pub fn new(packing: Packing, [outputs, inputs]: [usize; 2]) -> Result<Self, PackError> {
        if inputs == 0 || !inputs.is_multiple_of(packing.values()) {
            return Err(PackError::Shape);
        }
        let layout = PanelLayout { coding: Coding::new(packing), blocks: inputs / packing.values() };
        let bytes =
            (inputs < usize::MAX / 64).then(|| layout.panel_bytes().checked_mul(outputs.div_ceil(PANEL)));
        let bytes = bytes.flatten().ok_or(PackError::Memory { bytes: usize::MAX })?;
        let panels = Aligned::new(bytes)?;
        Ok(Self { matrix: PackedMatrix { packing, layout, outputs, panels }, filled: 0 })
    }

    /// Packs the next outputs, each of whole blocks as files have them. Only the last outputs of the matrix may be no
    /// multiple of [`PackedMatrix::PANEL`].
    ///
    /// # Errors
    /// [`PackError`] if `bytes` are no whole outputs, or not those that come next.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        let (packing, layout) = (self.matrix.packing, self.matrix.layout);
        let output = layout.blocks * packing.bytes();
        if !bytes.len().is_multiple_of(output) {
            return Err(PackError::Shape);
        }
        let filled = self.filled + bytes.len() / output;
        if filled > self.matrix.outputs || !self.filled.is_multiple_of(PANEL) {
            return Err(PackError::Outputs);
        }
        let begin = self.filled / PANEL * layout.panel_bytes();
        let panels = self.matrix.panels.bytes_mut()[begin..].par_chunks_exact_mut(layout.panel_bytes());
        panels.zip(bytes.par_chunks(PANEL * output)).for_each(|(panel, bytes)| {
            fill(packing, &layout, bytes, panel);
        });
        self.filled = filled;
        Ok(())
    }

    /// The matrix, once all its outputs are there.
    ///
    /// # Errors
    /// [`PackError::Outputs`] if they are not.
    pub fn finish(self) -> Result<PackedMatrix, PackError> {
        if self.filled == self.matrix.outputs { Ok(self.matrix) } else { Err(PackError::Outputs) }
    }
}

/// One panel, of up to sixteen outputs; codes and scales of those that are missing are 0.
fn fill(packing: Packing, layout: &PanelLayout, bytes: &[u8], panel: &mut [u8]) {
    let coding = layout.coding;
    let (codes, scales) = panel.split_at_mut(layout.code_bytes());
    let codes = codes.chunks_exact_mut(coding.steps() * step_bytes(coding.bits));
    let scales = scales.chunks_exact_mut(coding.scale_bytes());
    let mut lanes = [const { Block::EMPTY }; PANEL];
    for (index, (codes, scales)) in codes.zip(scales).enumerate() {
        for (output, lane) in bytes.chunks_exact(layout.blocks * packing.bytes()).zip(&mut lanes) {
            lane.read(packing, &output[index * packing.bytes()..][..packing.bytes()]);
        }
        for (step, target) in codes.chunks_exact_mut(step_bytes(coding.bits)).enumerate() {
            let mut groups = [[0; GROUP_BYTES]; GROUPS];
            for (lane, block) in lanes.iter().enumerate() {
                let fours = block.codes[step * STEP..][..STEP].as_chunks::<4>().0;
                for (group, four) in groups.iter_mut().zip(fours) {
                    group[4 * lane..][..4].copy_from_slice(four);
                }
            }
            cut(coding.bits, &groups, target);
        }
        for (lane, block) in lanes.iter().enumerate() {
            fill_scales(coding, block, lane, scales);
        }
    }
}

fn fill_scales(coding: Coding, block: &Block, lane: usize, scales: &mut [u8]) {
    scales[2 * lane..][..2].copy_from_slice(&block.scale);
    if coding.minimum {
        scales[HALVES + 2 * lane..][..2].copy_from_slice(&block.minimum);
    }
    if coding.runs == 1 {
        return;
    }
    for run in 0..coding.runs.min(MAX_RUNS) {
        scales[run_scale(coding.minimum, run) + lane] = block.run_scales[run].cast_unsigned();
        if coding.minimum {
            let offset = run_minima(coding.runs) + run / 4 * GROUP_BYTES + 4 * lane + run % 4;
            scales[offset] = block.run_minima[run];
        }
    }
}

/// Bytes that begin at a cache line, all 0 at first.
struct Aligned {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl Aligned {
    fn new(length: usize) -> Result<Self, PackError> {
        let size = length.saturating_add(GROUP_BYTES);
        let mut memory = Vec::new();
        memory.try_reserve_exact(size).map_err(|_| PackError::Memory { bytes: size })?;
        memory.resize(size, 0);
        // A vector that never grows stays where it is.
        let start = memory.as_ptr().align_offset(GROUP_BYTES).min(GROUP_BYTES);
        Ok(Self { memory, start, length })
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}
