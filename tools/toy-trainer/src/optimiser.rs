//! Muon for matrices, `AdamW` for the embedding and the norms.
//!
//! Muon (Jordan 2024) moves a matrix by its momentum with all singular values brought near 1, in the scale of
//! Liu et al. 2025 (0.2 times the root of the longer side), so that one rate serves both.

mod orthogonal;

use serde::{Deserialize, Serialize};

use super::shape::{MatrixKind, ParameterLayout};
use orthogonal::Orthogonaliser;
use plimsoll_kernels::adamw::AdamW;
use plimsoll_kernels::wide;

/// Hyperparameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimiserSettings {
    /// Decay of the momentum from step to step, for matrices.
    pub momentum: f32,
    /// The same of `AdamW`'s first moment.
    pub first: f32,
    /// The same of its second moment.
    pub second: f32,
    /// What is added to the root of the second moment.
    pub epsilon: f32,
    /// The rate of `AdamW` as a multiple of the rate.
    pub other_rate: f32,
    /// Weight decay of matrices, per unit of learning rate.
    pub decay: f32,
    /// Gradients with a larger Euclidean norm are scaled down to it.
    #[serde(rename = "longest")]
    pub max_gradient_norm: f32,
}

/// What the optimiser carries from step to step.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimiserState {
    /// Steps taken.
    pub steps: u64,
    /// First moments, or momentum.
    pub first: Vec<f32>,
    /// Second moments; 0 for matrices.
    pub second: Vec<f32>,
}

impl OptimiserState {
    /// The state before the first step.
    pub fn new(layout: &ParameterLayout) -> Self {
        Self { steps: 0, first: vec![0.0; layout.len()], second: vec![0.0; layout.len()] }
    }
}

/// Updates parameters.
#[derive(Debug)]
pub struct Optimiser {
    settings: OptimiserSettings,
    state: OptimiserState,
    orthogonal: Orthogonaliser,
}

impl Optimiser {
    /// An optimiser that continues from a state.
    pub fn new(settings: OptimiserSettings, state: OptimiserState) -> Self {
        Self { settings, state, orthogonal: Orthogonaliser::default() }
    }

    /// What a checkpoint must hold of it.
    pub fn state(&self) -> &OptimiserState {
        &self.state
    }

    /// Updates the parameters by the gradient, which is overwritten. Returns the gradient's Euclidean norm before
    /// it was scaled down.
    pub fn step(
        &mut self,
        layout: &ParameterLayout,
        parameters: &mut [f32],
        gradient: &mut [f32],
        rate: f32,
    ) -> f32 {
        let length = length(gradient);
        let shorter = if length > self.settings.max_gradient_norm {
            self.settings.max_gradient_norm / length
        } else {
            1.0
        };
        for value in gradient.iter_mut() {
            *value *= shorter;
        }
        self.state.steps += 1;
        for entry in layout.entries() {
            let first = entry.values_mut(&mut self.state.first);
            let (parameters, gradient) = (entry.values_mut(parameters), entry.values_mut(gradient));
            match entry.kind {
                MatrixKind::Embedding | MatrixKind::Norm => {
                    let second = entry.values_mut(&mut self.state.second);
                    self.settings.adamw(rate).step(self.state.steps, parameters, gradient, [first, second]);
                }
                MatrixKind::Query | MatrixKind::Key | MatrixKind::FromStream | MatrixKind::ToStream => {
                    momentum_step(self.settings.momentum, first, gradient);
                    let step = self.orthogonal.apply(gradient, entry.rows, entry.columns);
                    let scale = 0.2 * (entry.rows.max(entry.columns) as f32).sqrt();
                    apply(parameters, step, rate * scale, 1.0 - rate * self.settings.decay);
                }
            }
        }
        length
    }
}

wide! {
    /// Adds the gradient to the momentum; the gradient becomes Nesterov's.
    fn momentum_step(momentum: f32, first: &mut [f32], gradient: &mut [f32]) {
        for (first, gradient) in first.iter_mut().zip(gradient) {
            *first = momentum.mul_add(*first, *gradient);
            *gradient = momentum.mul_add(*first, *gradient);
        }
    }
}

wide! {
    fn apply(parameters: &mut [f32], step: &[f32], rate: f32, keep: f32) {
        for (value, step) in parameters.iter_mut().zip(step) {
            *value = keep * *value - rate * step;
        }
    }
}

impl OptimiserSettings {
    /// Embedding and norms are not decayed.
    fn adamw(&self, rate: f32) -> AdamW {
        let Self { first, second, epsilon, other_rate, .. } = *self;
        AdamW { rate: rate * other_rate, first, second, epsilon, decay: 0.0 }
    }
}

/// Euclidean, in a fixed order.
#[expect(clippy::cast_possible_truncation, reason = "a length to f32, rounded")]
fn length(parameters: &[f32]) -> f32 {
    parameters.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>().sqrt() as f32
}
