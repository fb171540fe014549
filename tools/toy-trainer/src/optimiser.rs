//! Muon for matrices, `AdamW` for the embedding and the norms.
//!
//! Muon (Jordan 2024) moves a matrix by its momentum with all singular values brought near 1, in the scale of
//! Liu et al. 2025 (0.2 times the root of the longer side), so that one rate serves both.

mod orthogonal;

use serde::{Deserialize, Serialize};

use super::shape::{Layout, Part};
use orthogonal::Orthogonal;
use plimsoll_kernels::adamw::AdamW;
use plimsoll_kernels::wide;

/// How steps are taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Share of the momentum that stays from step to step, for matrices.
    pub momentum: f32,
    /// The same of `AdamW`'s first moment.
    pub first: f32,
    /// The same of its second moment.
    pub second: f32,
    /// What is added to the root of the second moment.
    pub epsilon: f32,
    /// The rate of `AdamW` as a multiple of the rate.
    pub other_rate: f32,
    /// Share of a matrix that is taken away in a step of rate 1.
    pub decay: f32,
    /// The longest gradient; a longer one is shortened to it.
    pub longest: f32,
}

/// What steps remember.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    /// Steps taken.
    pub steps: u64,
    /// First moments, or momentum.
    pub first: Vec<f32>,
    /// Second moments; 0 for matrices.
    pub second: Vec<f32>,
}

impl Memory {
    /// Nothing yet.
    pub fn new(layout: &Layout) -> Self {
        Self { steps: 0, first: vec![0.0; layout.len()], second: vec![0.0; layout.len()] }
    }
}

/// Takes steps.
#[derive(Debug)]
pub struct Optimiser {
    settings: Settings,
    memory: Memory,
    orthogonal: Orthogonal,
}

impl Optimiser {
    /// One that goes on from what it remembers.
    pub fn new(settings: Settings, memory: Memory) -> Self {
        Self { settings, memory, orthogonal: Orthogonal::default() }
    }

    /// What it remembers.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Moves the numbers against the gradient, which is used up. Gives the gradient's length before it was
    /// shortened.
    pub fn step(&mut self, layout: &Layout, numbers: &mut [f32], gradient: &mut [f32], rate: f32) -> f32 {
        let length = length(gradient);
        let shorter = if length > self.settings.longest { self.settings.longest / length } else { 1.0 };
        for number in gradient.iter_mut() {
            *number *= shorter;
        }
        self.memory.steps += 1;
        for entry in layout.entries() {
            let first = entry.of_mut(&mut self.memory.first);
            let (numbers, gradient) = (entry.of_mut(numbers), entry.of_mut(gradient));
            match entry.part {
                Part::Embedding | Part::Norm => {
                    let second = entry.of_mut(&mut self.memory.second);
                    self.settings.adamw(rate).step(self.memory.steps, numbers, gradient, [first, second]);
                }
                Part::Query | Part::Key | Part::Reads | Part::Writes => {
                    carry(self.settings.momentum, first, gradient);
                    let step = self.orthogonal.of(gradient, entry.rows, entry.columns);
                    let scale = 0.2 * (entry.rows.max(entry.columns) as f32).sqrt();
                    go(numbers, step, rate * scale, 1.0 - rate * self.settings.decay);
                }
            }
        }
        length
    }
}

wide! {
    /// Adds the gradient to the momentum; the gradient becomes Nesterov's look ahead.
    fn carry(momentum: f32, first: &mut [f32], gradient: &mut [f32]) {
        for (first, gradient) in first.iter_mut().zip(gradient) {
            *first = momentum.mul_add(*first, *gradient);
            *gradient = momentum.mul_add(*first, *gradient);
        }
    }
}

wide! {
    fn go(numbers: &mut [f32], step: &[f32], rate: f32, keep: f32) {
        for (number, step) in numbers.iter_mut().zip(step) {
            *number = keep * *number - rate * step;
        }
    }
}

impl Settings {
    /// Embedding and norms are not decayed.
    fn adamw(&self, rate: f32) -> AdamW {
        let Self { first, second, epsilon, other_rate, .. } = *self;
        AdamW { rate: rate * other_rate, first, second, epsilon, decay: 0.0 }
    }
}

/// Euclidean, in a fixed order.
#[expect(clippy::cast_possible_truncation, reason = "a length to f32, rounded")]
fn length(numbers: &[f32]) -> f32 {
    numbers.iter().map(|number| f64::from(*number) * f64::from(*number)).sum::<f64>().sqrt() as f32
}
