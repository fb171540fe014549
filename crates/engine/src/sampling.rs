//! From logits to the next token.

use std::cell::RefCell;

use plimsoll_core::Seed;
use plimsoll_kernels::simd::{exp_each, largest_of, sum_of_exp};
use rand::Rng as _;

/// Why no token could be chosen.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplingError {
    /// A parameter outside its range.
    #[error("{parameter} is {value}; it must be {wanted}")]
    Parameter {
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        wanted: &'static str,
    },
    /// Logits that are NaN or infinite.
    #[error(
        "the model's logit of token {token} is {value}: its weights or its arithmetic overflow in this type"
    )]
    NotFinite {
        /// The token.
        token: usize,
        /// NaN or plus infinity.
        value: f32,
    },
    /// No logits at all.
    #[error("the model gave no logits")]
    Empty,
}

/// How a token is chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    temperature: f64,
    top_k: Option<usize>,
    top_p: f64,
    min_p: f64,
}

/// A token and how likely it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChosenToken {
    /// The token.
    pub token: u32,
    /// Natural log of its probability under the model's own distribution over the whole vocabulary: before
    /// temperature and truncation.
    pub logprob: f64,
}

impl Sampling {
    /// The likeliest token each time; of equals the one with the smallest id, as `torch.argmax` has it.
    pub const fn greedy() -> Self {
        Self { temperature: 0.0, top_k: None, top_p: 1.0, min_p: 0.0 }
    }

    /// Draws at a temperature; 0 is greedy.
    ///
    /// # Errors
    /// [`SamplingError::Parameter`] unless it is finite and at least 0.
    pub fn at(temperature: f64) -> Result<Self, SamplingError> {
        if temperature.is_finite() && temperature >= 0.0 {
            Ok(Self { temperature, ..Self::greedy() })
        } else {
            let wanted = "finite and at least 0";
            Err(SamplingError::Parameter { parameter: "temperature", value: temperature, wanted })
        }
    }

    /// Keeps the likeliest so many tokens, and those as likely as the last of them.
    ///
    /// # Errors
    /// [`SamplingError::Parameter`] for 0.
    pub fn with_top_k(self, top_k: usize) -> Result<Self, SamplingError> {
        if top_k > 0 {
            Ok(Self { top_k: Some(top_k), ..self })
        } else {
            Err(SamplingError::Parameter { parameter: "top_k", value: 0.0, wanted: "at least 1" })
        }
    }

    /// Keeps the smallest set of likeliest tokens whose probability reaches this; of equals the smaller ids.
    ///
    /// # Errors
    /// [`SamplingError::Parameter`] outside (0, 1].
    pub fn with_top_p(self, top_p: f64) -> Result<Self, SamplingError> {
        if top_p > 0.0 && top_p <= 1.0 {
            Ok(Self { top_p, ..self })
        } else {
            Err(SamplingError::Parameter { parameter: "top_p", value: top_p, wanted: "above 0, at most 1" })
        }
    }

    /// Keeps tokens at least this share as likely as the likeliest.
    ///
    /// # Errors
    /// [`SamplingError::Parameter`] outside [0, 1].
    pub fn with_min_p(self, min_p: f64) -> Result<Self, SamplingError> {
        if (0.0..=1.0).contains(&min_p) {
            Ok(Self { min_p, ..self })
        } else {
            Err(SamplingError::Parameter { parameter: "min_p", value: min_p, wanted: "from 0 to 1" })
        }
    }

    /// The next token of a sequence. `index` counts its tokens from 0: the choice depends on the logits, the
    /// seed and the index alone, so on nothing that is computed beside it.
    ///
    /// # Formula
    /// With u uniform in [0, 1) from the first words of the `ChaCha8` stream of `seed` and `index`: the first token by id at
    /// which the cumulative probability of the kept tokens exceeds u.
    ///
    /// # Errors
    /// [`SamplingError::NotFinite`], [`SamplingError::Empty`].
    pub fn choose(&self, logits: &[f32], seed: &Seed, index: u64) -> Result<ChosenToken, SamplingError> {
        self.choose_and_list(logits, seed, index, 0).map(|(chosen, _)| chosen)
    }

    /// As [`Sampling::choose`], with the natural-log probabilities of the `count` likeliest tokens, falling; fewer if the
    /// vocabulary is smaller. Like the chosen token's they are before temperature and truncation.
    ///
    /// # Errors
    /// As [`Sampling::choose`].
    pub fn choose_and_list(
        &self,
        logits: &[f32],
        seed: &Seed,
        index: u64,
        count: usize,
    ) -> Result<(ChosenToken, Vec<f32>), SamplingError> {
        let normaliser = log_sum_exp(logits)?;
        let token = if self.temperature == 0.0 {
            argmax(logits)
        } else {
            let uniform: f64 = seed.derive_index(index).rng().random();
            if self.truncates() {
                draw(self.candidates(logits).iter().copied(), uniform)
            } else {
                self.draw_of_all(logits, uniform)
            }
        };
        let logprob = |logit: f32| (f64::from(logit) - normaliser).min(0.0);
        let chosen =
            ChosenToken { token: u32::try_from(token).unwrap_or(u32::MAX), logprob: logprob(logits[token]) };
        // Tables hold finite numbers: the log of a probability of zero is the lowest of them.
        #[expect(clippy::cast_possible_truncation, reason = "tables hold f32")]
        let listed = |logit| (logprob(logit) as f32).max(f32::MIN);
        let likeliest = largest(logits, count).into_iter().map(listed).collect();
        Ok((chosen, likeliest))
    }

    fn truncates(&self) -> bool {
        self.top_k.is_some() || self.top_p < 1.0 || self.min_p > 0.0
    }

    /// As [`draw`] of [`Sampling::candidates`] where all are kept. A vocabulary is large: weights go to memory that a
    /// thread keeps.
    fn draw_of_all(&self, logits: &[f32], uniform: f64) -> usize {
        thread_local! {
            static WEIGHTS: RefCell<Vec<f64>> = RefCell::default();
        }
        WEIGHTS.with_borrow_mut(|weights| {
            weights.resize(logits.len(), 0.0);
            exp_each(logits, f64::from(largest_of(logits)), self.temperature.recip(), weights);
            draw(weights.iter().copied().enumerate(), uniform)
        })
    }

    /// The tokens that truncation keeps, with their probabilities up to a common factor, by id.
    ///
    /// Temperature, then top-k, top-p and min-p, each on what is left, as transformers orders them.
    pub fn candidates(&self, logits: &[f32]) -> Vec<(usize, f64)> {
        let largest = largest_of(logits);
        let weight = |logit: f32| ((f64::from(logit) - f64::from(largest)) / self.temperature).exp();
        let mut candidates: Vec<(usize, f64)> =
            logits.iter().enumerate().map(|(token, logit)| (token, weight(*logit))).collect();
        if !self.truncates() {
            return candidates;
        }
        candidates.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if let Some(last) = self.top_k.and_then(|count| candidates.get(count - 1)).map(|(_, weight)| *weight)
        {
            candidates.truncate(candidates.partition_point(|(_, weight)| *weight >= last));
        }
        if self.top_p < 1.0 {
            candidates.truncate(reaching(&candidates, self.top_p));
        }
        let min_weight = self.min_p * candidates.first().map_or(0.0, |(_, weight)| *weight);
        candidates.truncate(candidates.partition_point(|(_, weight)| *weight >= min_weight).max(1));
        candidates.sort_unstable_by_key(|(token, _)| *token);
        candidates
    }
}

/// How many of the first tokens reach a share of the whole; at least one.
fn reaching(candidates: &[(usize, f64)], share: f64) -> usize {
    let wanted = share * candidates.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut sum = 0.0;
    for (index, (_, weight)) in candidates.iter().enumerate() {
        sum += weight;
        if sum >= wanted {
            return index + 1;
        }
    }
    candidates.len()
}

/// The first token at which the cumulative weight exceeds a share of the whole.
fn draw(candidates: impl DoubleEndedIterator<Item = (usize, f64)> + Clone, uniform: f64) -> usize {
    let target = uniform * candidates.clone().map(|(_, weight)| weight).sum::<f64>();
    let mut sum = 0.0;
    for (token, weight) in candidates.clone() {
        sum += weight;
        if sum > target {
            return token;
        }
    }
    // Rounding at the upper end: the last token that has any weight.
    candidates.rev().find(|(_, weight)| *weight > 0.0).map_or(0, |(token, _)| token)
}

/// The `count` largest values, falling. One pass: few of a large vocabulary are larger than the smallest kept so far.
fn largest(values: &[f32], count: usize) -> Vec<f32> {
    let mut kept: Vec<f32> = Vec::with_capacity(count + 1);
    if count == 0 {
        return kept;
    }
    for value in values {
        if kept.len() < count || kept.last().is_some_and(|last| value > last) {
            kept.insert(kept.partition_point(|other| other >= value), *value);
            kept.truncate(count);
        }
    }
    kept
}

/// Index of the largest value, the first of equals.
fn argmax(logits: &[f32]) -> usize {
    let largest = largest_of(logits);
    logits.iter().position(|logit| *logit == largest).unwrap_or(0)
}

/// ln of the sum of exp, in f64. Minus infinity is a token of no probability.
///
/// # Errors
/// [`SamplingError::NotFinite`] for NaN, plus infinity, or if all are minus infinity.
pub fn log_sum_exp(logits: &[f32]) -> Result<f64, SamplingError> {
    let largest = f64::from(largest_of(logits));
    // NaN is passed over by the largest and not by the sum.
    let sum = sum_of_exp(logits, largest, 1.0);
    if largest.is_finite() && sum.is_finite() {
        return Ok(largest + sum.ln());
    }
    let wrong = logits.iter().position(|logit| logit.is_nan() || *logit == f32::INFINITY);
    let token = wrong.unwrap_or(0);
    let value = *logits.get(token).ok_or(SamplingError::Empty)?;
    Err(SamplingError::NotFinite { token, value })
}

/// The natural-log probability of a token under the distribution of some logits.
///
/// # Errors
/// As [`log_sum_exp`]; [`SamplingError::Empty`] for a token that has no logit.
pub fn token_logprob(logits: &[f32], token: u32) -> Result<f64, SamplingError> {
    let logit = logits.get(token as usize).copied().ok_or(SamplingError::Empty)?;
    Ok((f64::from(logit) - log_sum_exp(logits)?).min(0.0))
}

#[cfg(test)]
mod tests;
