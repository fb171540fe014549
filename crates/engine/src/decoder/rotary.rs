//! Rotary embeddings: frequencies from the spec, cosines and sines for the tokens of a pass.

use std::f32::consts::PI;

use candle_core::{D, Tensor};
use candle_nn::rotary_emb::{rope_i, rope_thd};

use super::flat::FlatAngles;
use crate::spec::{Rope, RopePairs, RopeScaling};
use crate::weights::Placement;

/// A rotary embedding, ready to make angles.
#[derive(Debug)]
pub(super) struct RotaryTables {
    width: usize,
    pairs: RopePairs,
    /// Radians a position, F32 as transformers computes them.
    short: Vec<f32>,
    /// Those for long sequences, and the longest short one.
    long: Option<(Vec<f32>, usize)>,
    amplitude: f32,
}

/// Cosines and sines of the tokens of a pass, `[tokens, width / 2]`.
#[derive(Debug)]
pub(super) struct Angles {
    width: usize,
    pairs: RopePairs,
    cosines: Tensor,
    sines: Tensor,
}

#[expect(clippy::cast_possible_truncation, reason = "angles are computed in f32, as transformers does")]
impl RotaryTables {
    pub(super) fn new(rope: &Rope) -> Self {
        let plain = plain(rope);
        let divided = |divisors: &[f32]| divide(&plain, rope.theta, divisors);
        let (short, long, amplitude) = match &rope.scaling {
            RopeScaling::None => (plain, None, 1.0),
            RopeScaling::Linear { factor } => {
                (plain.iter().map(|frequency| frequency / *factor as f32).collect(), None, 1.0)
            }
            RopeScaling::Divisors { divisors } => (divided(divisors), None, 1.0),
            RopeScaling::Llama3 { factor, low, high, original_context } => {
                let band = Band { factor: *factor, low: *low, high: *high, context: *original_context };
                (plain.iter().map(|frequency| band.stretch(*frequency)).collect(), None, 1.0)
            }
            RopeScaling::LongRope { short, long, attention_factor, original_context } => {
                (divided(short), Some((divided(long), *original_context)), *attention_factor as f32)
            }
        };
        Self { width: rope.width, pairs: rope.pairs, short, long, amplitude }
    }

    /// Whether a sequence of that many tokens is rotated by the set for long ones.
    pub(super) fn is_long(&self, tokens: usize) -> bool {
        self.long.as_ref().is_some_and(|(_, original)| tokens > *original)
    }

    /// `positions` are pairs of a token's position in its sequence and whether that sequence is long.
    pub(super) fn angles(
        &self,
        positions: impl ExactSizeIterator<Item = (usize, bool)>,
        placement: &Placement,
    ) -> candle_core::Result<Angles> {
        let (tokens, half) = (positions.len(), self.width / 2);
        let FlatAngles { cosines, sines, .. } = self.flat_angles(positions);
        let tensor =
            |values| Tensor::from_vec(values, (tokens, half), &placement.device)?.to_dtype(placement.dtype);
        Ok(Angles { width: self.width, pairs: self.pairs, cosines: tensor(cosines)?, sines: tensor(sines)? })
    }

    /// As [`RotaryTables::angles`], in the memory of the processor.
    pub(super) fn flat_angles(&self, positions: impl ExactSizeIterator<Item = (usize, bool)>) -> FlatAngles {
        let (tokens, half) = (positions.len(), self.width / 2);
        let (mut cosines, mut sines) = (Vec::with_capacity(tokens * half), Vec::with_capacity(tokens * half));
        for (position, is_long) in positions {
            let frequencies = match &self.long {
                Some((long, _)) if is_long => long,
                _ => &self.short,
            };
            for frequency in frequencies {
                let (sine, cosine) = (position as f32 * frequency).sin_cos();
                cosines.push(cosine * self.amplitude);
                sines.push(sine * self.amplitude);
            }
        }
        FlatAngles { pairs: self.pairs, half, cosines, sines }
    }
}

impl Angles {
    /// Rotates heads, `[tokens, heads, head_width]`.
    pub(super) fn rotate(&self, heads: &Tensor) -> candle_core::Result<Tensor> {
        let passing = heads.dim(D::Minus1)? - self.width;
        if passing == 0 {
            return self.rotate_whole(heads);
        }
        let turned = self.rotate_whole(&heads.narrow(D::Minus1, 0, self.width)?)?;
        Tensor::cat(&[&turned, &heads.narrow(D::Minus1, self.width, passing)?], D::Minus1)
    }

    fn rotate_whole(&self, heads: &Tensor) -> candle_core::Result<Tensor> {
        match self.pairs {
            RopePairs::Halves => {
                rope_thd(&heads.contiguous()?.unsqueeze(0)?, &self.cosines, &self.sines)?.squeeze(0)
            }
            RopePairs::Interleaved => {
                let by_head = heads.transpose(0, 1)?.contiguous()?.unsqueeze(0)?;
                rope_i(&by_head, &self.cosines, &self.sines)?.squeeze(0)?.transpose(0, 1)
            }
        }
    }
}

/// `theta^(-2 i / width)`.
#[expect(clippy::cast_possible_truncation, reason = "frequencies are f32, as transformers has them")]
fn plain(rope: &Rope) -> Vec<f32> {
    let exponents = (0..rope.width).step_by(2).map(|index| index as f32 / rope.width as f32);
    exponents.map(|exponent| 1.0 / (rope.theta as f32).powf(exponent)).collect()
}

/// The divisor stands beside the power, under the fraction, as in transformers: the last bits agree.
#[expect(clippy::cast_possible_truncation, reason = "frequencies are f32, as transformers has them")]
fn divide(plain: &[f32], theta: f64, divisors: &[f32]) -> Vec<f32> {
    let width = 2.0 * plain.len() as f32;
    let power = |index: usize| (theta as f32).powf(2.0 * index as f32 / width);
    divisors.iter().enumerate().map(|(index, divisor)| 1.0 / (divisor * power(index))).collect()
}

/// Llama 3.1's stretching.
struct Band {
    factor: f64,
    low: f64,
    high: f64,
    context: usize,
}

#[expect(clippy::cast_possible_truncation, reason = "frequencies are f32, as transformers has them")]
impl Band {
    fn stretch(&self, frequency: f32) -> f32 {
        let (factor, low, high) = (self.factor as f32, self.low as f32, self.high as f32);
        let context = self.context as f32;
        let wavelength = 2.0 * PI / frequency;
        if wavelength > context / low {
            frequency / factor
        } else if wavelength < context / high {
            frequency
        } else {
            let smooth = (context / wavelength - low) / (high - low);
            (1.0 - smooth) * frequency / factor + smooth * frequency
        }
    }
}
