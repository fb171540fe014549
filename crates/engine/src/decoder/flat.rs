//! The decoder on the processor in f32: the same blocks, on slices of memory that is used again from step to step.
//!
//! A tensor for every operation costs a step as much as its products. Here a pass has one piece of memory for each
//! quantity, and norms, rotations and gates run over it row by row. What is computed is what
//! [`DecoderBlock`] says; tests hold the two ways to each other.

mod attention;
mod matrix;
mod rotary;

use std::sync::{Mutex, PoisonError};

use plimsoll_kernels::packed::RowMemory;
use plimsoll_kernels::rows::{add_scaled, gelu_tanh_gate, rms_norm, rms_norm_in_place, silu_gate};
use rayon::prelude::*;

use super::Decoder;
use super::attention_shape::AttentionShape;
use super::block::DecoderBlock;
use super::norm::RmsNorm;
use crate::cache::Pages;
use crate::spec::{Activation, DecoderSpec};
use matrix::{FlatProjection, FlatProjections, floats};
pub(super) use rotary::FlatAngles;

/// Numbers that a thread takes at once, of what is done row by row.
const SHARE: usize = 16 << 10;

/// A decoder whose weights are in the memory of the processor.
#[derive(Debug)]
pub(super) struct FlatDecoder {
    blocks: Vec<FlatBlock>,
    norm: FlatNorm,
    head: FlatProjection,
    hidden: usize,
    logits_divisor: f64,
    logit_cap: Option<f64>,
    /// Memory of passes that ended, for the next.
    memory: Mutex<Vec<PassMemory>>,
}

/// Root-mean-square norm of rows of its width.
#[derive(Debug)]
struct FlatNorm {
    weight: Vec<f32>,
    epsilon: f32,
}

#[derive(Debug)]
struct FlatBlock {
    shape: AttentionShape,
    rope: usize,
    activation: Activation,
    residual: f32,
    intermediate: usize,
    input_norm: FlatNorm,
    query_key_value: FlatProjections<3>,
    head_norms: Option<[FlatNorm; 2]>,
    output: FlatProjection,
    output_norm: Option<FlatNorm>,
    feed_forward_norm: FlatNorm,
    gate_up: FlatProjections<2>,
    down: FlatProjection,
    feed_forward_output_norm: Option<FlatNorm>,
}

/// The tokens of one row in a pass.
#[derive(Debug)]
pub(super) struct FlatSpan<'a> {
    /// Keys and values of the row, with room for the tokens.
    pub(super) pages: &'a mut Pages,
    /// Position of the first token in the sequence.
    pub(super) first: usize,
    pub(super) tokens: usize,
}

/// The rows of a pass.
#[derive(Debug)]
pub(super) struct PassRows<'a> {
    /// Of each rotary embedding.
    pub(super) angles: Vec<FlatAngles>,
    pub(super) spans: Vec<FlatSpan<'a>>,
    /// Rows whose results are wanted, ascending.
    pub(super) wanted: &'a [usize],
}

/// What a pass needs; each quantity is `[tokens, its width]`.
#[derive(Debug, Default)]
struct PassMemory {
    rounded: RowMemory,
    normed: Vec<f32>,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    mixed: Vec<f32>,
    part: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    fused: Vec<f32>,
}

/// So many numbers of a list that grows to the largest size that was asked for. They are whatever was there, and begin at a
/// cache line: a store of a whole vector then touches one line, not two.
fn sized(list: &mut Vec<f32>, count: usize) -> &mut [f32] {
    const LINE: usize = 64;
    const SPARE: usize = LINE / size_of::<f32>();
    if list.len() < count + SPARE {
        list.resize(count + SPARE, 0.0);
    }
    let begin = list.as_ptr().align_offset(LINE).min(SPARE);
    &mut list[begin..begin + count]
}

impl FlatNorm {
    fn new(norm: &RmsNorm) -> candle_core::Result<Self> {
        Ok(Self { weight: floats(norm.weight())?, epsilon: norm.epsilon() })
    }

    fn forward(&self, rows: &[f32], normed: &mut [f32]) {
        let width = self.weight.len();
        let share = (SHARE / width).max(1) * width;
        normed.par_chunks_mut(share).zip(rows.par_chunks(share)).for_each(|(normed, rows)| {
            for (normed, row) in normed.chunks_exact_mut(width).zip(rows.chunks_exact(width)) {
                rms_norm(row, &self.weight, self.epsilon, normed);
            }
        });
    }

    fn in_place(&self, rows: &mut [f32]) {
        let width = self.weight.len();
        rows.par_chunks_mut((SHARE / width).max(1) * width).for_each(|rows| {
            for row in rows.chunks_exact_mut(width) {
                rms_norm_in_place(row, &self.weight, self.epsilon);
            }
        });
    }
}

impl FlatBlock {
    #[expect(clippy::cast_possible_truncation, reason = "the stream is f32")]
    fn new(block: &DecoderBlock, spec: &DecoderSpec) -> candle_core::Result<Option<Self>> {
        let norms = |norm: &Option<RmsNorm>| norm.as_ref().map(FlatNorm::new).transpose();
        let head_norms = match &block.head_norms {
            Some([query, key]) => Some([FlatNorm::new(query)?, FlatNorm::new(key)?]),
            None => None,
        };
        let projections = (
            FlatProjections::new(&block.query_key_value)?,
            FlatProjection::new(&block.output)?,
            FlatProjections::new(&block.gate_up)?,
            FlatProjection::new(&block.down)?,
        );
        let (Some(query_key_value), Some(output), Some(gate_up), Some(down)) = projections else {
            return Ok(None);
        };
        Ok(Some(Self {
            shape: block.shape,
            rope: block.rope,
            activation: block.activation,
            residual: block.residual as f32,
            intermediate: spec.intermediate,
            input_norm: FlatNorm::new(&block.input_norm)?,
            query_key_value,
            head_norms,
            output,
            output_norm: norms(&block.output_norm)?,
            feed_forward_norm: FlatNorm::new(&block.feed_forward_norm)?,
            gate_up,
            down,
            feed_forward_output_norm: norms(&block.feed_forward_output_norm)?,
        }))
    }

    /// Keys and values of all rows go to the caches, and what attention gives to `memory.mixed`.
    fn attention(
        &self,
        layer: usize,
        stream: &[f32],
        rows: &mut PassRows<'_>,
        memory: &mut PassMemory,
    ) -> candle_core::Result<()> {
        let PassRows { angles, spans, .. } = rows;
        let shape = &self.shape;
        let count = stream.len() / self.input_norm.weight.len();
        let key_width = shape.key_value_heads * shape.head_width;
        let normed = sized(&mut memory.normed, stream.len());
        self.input_norm.forward(stream, normed);
        let queries = sized(&mut memory.queries, count * key_width * shape.group);
        let keys = sized(&mut memory.keys, count * key_width);
        let values = sized(&mut memory.values, count * key_width);
        self.query_key_value.forward(
            &mut memory.rounded.rows(normed),
            count,
            [&mut *queries, &mut *keys, &mut *values],
            &mut memory.fused,
        )?;
        if let Some([query_norm, key_norm]) = &self.head_norms {
            query_norm.in_place(queries);
            key_norm.in_place(keys);
        }
        angles[self.rope].rotate(queries, shape.head_width);
        angles[self.rope].rotate(keys, shape.head_width);
        let mut begin = 0;
        for span in spans.iter_mut() {
            let part = begin * key_width..(begin + span.tokens) * key_width;
            if !span.pages.write(layer, span.first, &keys[part.clone()], &values[part]) {
                candle_core::bail!("a cache has no room for the tokens of its row")
            }
            begin += span.tokens;
        }
        let mixed = sized(&mut memory.mixed, queries.len());
        attention::attend(shape, layer, spans, queries, mixed);
        Ok(())
    }

    /// The rest of the block, of the rows in `stream`, whose part of attention is in `memory.mixed`.
    fn rest(&self, stream: &mut [f32], memory: &mut PassMemory) -> candle_core::Result<()> {
        let count = stream.len() / self.input_norm.weight.len();
        let query_width = self.shape.key_value_heads * self.shape.head_width * self.shape.group;
        let part = sized(&mut memory.part, stream.len());
        let mixed = sized(&mut memory.mixed, count * query_width);
        self.output.forward(&mut memory.rounded.rows(mixed), part)?;
        self.add(stream, part, self.output_norm.as_ref());
        let normed = sized(&mut memory.normed, stream.len());
        self.feed_forward_norm.forward(stream, normed);
        let gate = sized(&mut memory.gate, count * self.intermediate);
        let up = sized(&mut memory.up, count * self.intermediate);
        let targets = [&mut *gate, &mut *up];
        self.gate_up.forward(&mut memory.rounded.rows(normed), count, targets, &mut memory.fused)?;
        gated(self.activation, gate, up)?;
        self.down.forward(&mut memory.rounded.rows(gate), part)?;
        self.add(stream, part, self.feed_forward_output_norm.as_ref());
        Ok(())
    }

    fn add(&self, stream: &mut [f32], part: &mut [f32], norm: Option<&FlatNorm>) {
        if let Some(norm) = norm {
            norm.in_place(part);
        }
        stream.par_chunks_mut(SHARE).zip(part.par_chunks(SHARE)).for_each(|(stream, part)| {
            add_scaled(stream, part, self.residual);
        });
    }
}

fn gated(activation: Activation, gate: &mut [f32], up: &[f32]) -> candle_core::Result<()> {
    let one = match activation {
        Activation::Silu => silu_gate,
        Activation::GeluTanh => gelu_tanh_gate,
        Activation::Gelu => candle_core::bail!("GELU by the error function has no flat gate"),
    };
    gate.par_chunks_mut(SHARE).zip(up.par_chunks(SHARE)).for_each(|(gate, up)| one(gate, up));
    Ok(())
}

impl FlatDecoder {
    /// `None` if a weight is not in the memory of the processor in a type that is multiplied in f32.
    pub(super) fn new(decoder: &Decoder) -> candle_core::Result<Option<Self>> {
        let spec = &decoder.spec;
        if spec.activation == Activation::Gelu {
            return Ok(None);
        }
        let blocks: Option<Vec<_>> = decoder
            .blocks
            .iter()
            .map(|block| FlatBlock::new(block, spec))
            .collect::<candle_core::Result<_>>()?;
        let (Some(blocks), Some(head)) = (blocks, decoder.head.on_processor()) else { return Ok(None) };
        Ok(Some(Self {
            blocks,
            norm: FlatNorm::new(&decoder.norm)?,
            head: FlatProjection::plain(head),
            hidden: spec.hidden,
            logits_divisor: spec.multipliers.logits_divisor,
            logit_cap: spec.logit_cap,
            memory: Mutex::default(),
        }))
    }

    /// Takes the embedded tokens of all spans through every block. `see` is given the stream before each block.
    ///
    /// Of the last block only the rows that are wanted are computed to the end, and `stream` then has only these.
    pub(super) fn blocks(
        &self,
        stream: &mut Vec<f32>,
        mut rows: PassRows<'_>,
        mut see: impl FnMut(usize, &[f32]) -> candle_core::Result<()>,
    ) -> candle_core::Result<()> {
        let mut memory = self.memory();
        for (layer, block) in self.blocks.iter().enumerate() {
            see(layer, stream)?;
            block.attention(layer, stream, &mut rows, &mut memory)?;
            if layer + 1 == self.blocks.len() {
                let PassRows { angles, wanted, .. } = &rows;
                let query_width = block.shape.key_value_heads * block.shape.head_width * block.shape.group;
                compact(stream, self.hidden, wanted);
                stream.truncate(wanted.len() * self.hidden);
                let count = angles.first().map_or(0, FlatAngles::tokens);
                compact(sized(&mut memory.mixed, count * query_width), query_width, wanted);
            }
            if !stream.is_empty() {
                block.rest(stream, &mut memory)?;
            }
        }
        self.keep(memory);
        Ok(())
    }

    /// The final norm of rows of the stream.
    pub(super) fn norm(&self, rows: &[f32]) -> Vec<f32> {
        let mut normed = vec![0.0; rows.len()];
        self.norm.forward(rows, &mut normed);
        normed
    }

    /// The logits of rows after the final norm.
    #[expect(clippy::cast_possible_truncation, reason = "logits are f32")]
    pub(super) fn logits(&self, normed: &[f32]) -> candle_core::Result<Vec<f32>> {
        let mut logits = vec![0.0; normed.len() / self.hidden * self.head.outputs()];
        let mut memory = self.memory();
        self.head.forward(&mut memory.rounded.rows(normed), &mut logits)?;
        self.keep(memory);
        if self.logits_divisor != 1.0 || self.logit_cap.is_some() {
            let factor = (1.0 / self.logits_divisor) as f32;
            let cap = self.logit_cap.map(|cap| cap as f32);
            logits.par_chunks_mut(SHARE).for_each(|logits| {
                for logit in logits {
                    *logit *= factor;
                    if let Some(cap) = cap {
                        *logit = cap * (*logit / cap).tanh();
                    }
                }
            });
        }
        Ok(logits)
    }

    fn memory(&self) -> PassMemory {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn keep(&self, memory: PassMemory) {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    }
}

/// Moves the rows of these indices, which ascend, to the front.
fn compact(rows: &mut [f32], width: usize, indices: &[usize]) {
    for (to, from) in indices.iter().enumerate() {
        rows.copy_within(from * width..(from + 1) * width, to * width);
    }
}
