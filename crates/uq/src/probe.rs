//! Probes: small networks that read a model's hidden state and say how likely its answer is right.
//!
//! A probe is a network d-256-128-64-1 with LeakyReLU (slope 0.01) on standardised inputs, trained with
//! AdamW and the logistic loss (arXiv:2502.04428, section 3; sizes, batch and weight decay are this
//! project's, since the paper does not give them). Its output through a sigmoid is the confidence.
//!
//! A probe knows which rows it was trained on, by cluster, and refuses to score them: a score of a row
//! that the probe saw is not a confidence but a memory.
//!
//! The same rows and seed give the same probe: weights come from ChaCha8, the order of the rows in each
//! epoch from seeded hashes of their keys, whatever their order of arrival.

mod cross;
mod error;
mod examples;
mod file;
mod learner;
mod method;
mod network;
mod standard;
mod training;

pub use cross::{CrossFitted, HeldOutDatasets, TrainingRow};
pub use error::ProbeError;
pub use examples::Example;
pub use file::ProbeOrigin;
pub use method::{ProbeKind, ProbeMethod};
pub use plimsoll_core::missing::TooFew;
pub use training::TrainingSpec;

use std::collections::BTreeSet;

use plimsoll_core::Seed;
use plimsoll_router::Confidence;

use network::ProbeNetwork;
use standard::Standard;

/// A trained probe.
#[derive(Debug, Clone)]
pub struct Probe {
    standard: Standard,
    network: ProbeNetwork,
    trained_on: BTreeSet<u64>,
}

impl Probe {
    /// Trains a probe.
    ///
    /// # Errors
    /// [`ProbeError::TooFew`] for too few rows, or of one class; [`ProbeError::Width`] and
    /// [`ProbeError::NotFinite`] for hidden states that do not fit; [`ProbeError::Arithmetic`] if the
    /// weights did not stay finite.
    pub fn train(examples: &[Example<'_>], spec: &TrainingSpec, seed: &Seed) -> Result<Self, ProbeError> {
        let ordered = examples::ordered(examples)?;
        let width = ordered.first().map_or(0, |example| example.state.len());
        let standard = Standard::fit(ordered.iter().map(|example| example.state), width);
        let inputs: Vec<f32> = ordered.iter().flat_map(|example| standard.apply(example.state)).collect();
        let network = training::train(&ordered, &inputs, spec, seed)?;
        Ok(Self { standard, network, trained_on: ordered.iter().map(|example| example.cluster).collect() })
    }

    /// The confidence of a row.
    ///
    /// # Errors
    /// [`ProbeError::Leak`] for a row of a cluster that the probe was trained on; [`ProbeError::Width`] and
    /// [`ProbeError::NotFinite`] for a hidden state that does not fit.
    pub fn score(&self, cluster: u64, state: &[f32]) -> Result<Confidence, ProbeError> {
        if self.trained_on.contains(&cluster) {
            return Err(ProbeError::Leak { cluster });
        }
        examples::check(cluster, state, self.standard.width())?;
        let logit = self.network.logit(&self.standard.apply(state).collect::<Vec<f32>>());
        let confidence = 1.0 / (1.0 + (-logit).exp());
        Confidence::new(confidence).map_err(|_| ProbeError::Arithmetic { what: "a score" })
    }

    /// Width of the hidden states that it reads.
    pub fn width(&self) -> usize {
        self.standard.width()
    }

    /// Clusters of the rows that it was trained on.
    pub fn trained_on(&self) -> &BTreeSet<u64> {
        &self.trained_on
    }
}

#[cfg(test)]
mod tests;
