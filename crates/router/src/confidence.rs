//! A confidence in [0, 1], higher = more likely correct, and the closed forms that compute one
//! from what was observed. Device and pipeline call the same functions, so that a threshold fitted
//! by the one means the same to the other.

use std::collections::BTreeSet;

use crate::error::Error;

/// A finite number in [0, 1]; higher means that the SLM's answer is more likely correct.
///
/// A missing confidence is `None::<Confidence>`, never a number.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Confidence(f64);

impl Confidence {
    /// Takes a number in [0, 1]. `-0.0` becomes `0.0`.
    ///
    /// # Errors
    /// [`Error::Confidence`] for NaN, an infinity or a number outside [0, 1].
    pub fn new(value: f64) -> Result<Self, Error> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value + 0.0))
        } else {
            Err(Error::Confidence { value })
        }
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// A mean or ratio that is in [0, 1] but for rounding.
    fn rounded(value: f64) -> Option<Self> {
        if value.is_finite() {
            Some(Self(value.clamp(0.0, 1.0)))
        } else {
            None
        }
    }

    /// Average token probability of the answer tokens.
    ///
    /// # Formula
    /// (1/N) sum of exp(`logprob_i`): the *arithmetic* mean of the probabilities (arXiv:2502.04428,
    /// section 3; compare [`Confidence::perplexity`], the geometric mean). Log-probabilities are
    /// natural logs of the model's own distribution over its full vocabulary, before temperature.
    /// `None` without tokens, or if one is NaN or above zero by more than rounding.
    ///
    /// ```
    /// use plimsoll_router::Confidence;
    /// let half = (0.5f64).ln();
    /// let c = Confidence::from_token_logprobs(&[half, 0.0]).unwrap();
    /// assert!((c.get() - 0.75).abs() < 1e-12);
    /// assert!(Confidence::from_token_logprobs(&[]).is_none());
    /// ```
    pub fn from_token_logprobs(logprobs_nats: &[f64]) -> Option<Self> {
        if !valid_logprobs(logprobs_nats) {
            return None;
        }
        let sum: f64 = logprobs_nats.iter().map(|logprob| logprob.exp()).sum();
        Self::rounded(sum / logprobs_nats.len() as f64)
    }

    /// 1 / perplexity of the answer tokens.
    ///
    /// # Formula
    /// exp((1/N) sum of `logprob_i`), the *geometric* mean of the token probabilities. The stop or
    /// end-of-sequence token is not an answer token. `None` as for
    /// [`Confidence::from_token_logprobs`].
    ///
    /// ```
    /// use plimsoll_router::Confidence;
    /// let c = Confidence::perplexity(&[(0.25f64).ln(), 0.0]).unwrap();
    /// assert!((c.get() - 0.5).abs() < 1e-12);
    /// ```
    pub fn perplexity(logprobs_nats: &[f64]) -> Option<Self> {
        if !valid_logprobs(logprobs_nats) {
            return None;
        }
        let mean = logprobs_nats.iter().sum::<f64>() / logprobs_nats.len() as f64;
        Self::rounded(mean.exp())
    }

    /// p(True): the normalised probability of "True" after "is this answer correct?".
    ///
    /// # Formula
    /// P(True) / (P(True) + P(False)); each mass is summed over its spellings (case, leading
    /// space) at the first generated position. `None` if a mass is negative or not finite, or if
    /// both are zero. Where the two together have less than the method's `min_mass` (0.01, unless its
    /// definition in the thresholds file says otherwise), the confidence is missing: do not ask for it.
    ///
    /// ```
    /// use plimsoll_router::Confidence;
    /// assert_eq!(Confidence::p_true(0.375, 0.125).unwrap().get(), 0.75);
    /// assert!(Confidence::p_true(0.0, 0.0).is_none());
    /// ```
    pub fn p_true(true_mass: f64, false_mass: f64) -> Option<Self> {
        let valid = |mass: f64| mass.is_finite() && mass >= 0.0;
        if !valid(true_mass) || !valid(false_mass) {
            return None;
        }
        Self::rounded(true_mass / (true_mass + false_mass))
    }

    /// Jaccard degree: how much m sampled answers agree.
    ///
    /// # Formula
    /// sum over i, j of W\_ij / m^2, W\_ij = |A\_i and A\_j| / |A\_i or A\_j| of the lower-cased
    /// whitespace token sets, two empty answers counting 1, diagonal included; so in [1/m, 1].
    /// Equals 1 - trace(mI - D)/m^2 (Lin et al., arXiv:2305.19187, whose expression is an
    /// *uncertainty*). `None` without samples.
    ///
    /// ```
    /// use plimsoll_router::Confidence;
    /// let c = Confidence::jaccard_degree(&["a b", "A b", "c"]).unwrap();
    /// assert!((c.get() - 5.0 / 9.0).abs() < 1e-12); // 3 on the diagonal, 2 for the equal pair
    /// ```
    pub fn jaccard_degree<S: AsRef<str>>(answers: &[S]) -> Option<Self> {
        let sets: Vec<BTreeSet<String>> = answers
            .iter()
            .map(|answer| answer.as_ref().split_whitespace().map(str::to_lowercase).collect())
            .collect();
        let sum: f64 =
            sets.iter().flat_map(|left| sets.iter().map(move |right| jaccard_index(left, right))).sum();
        Self::rounded(sum / (sets.len() * sets.len()) as f64)
    }
}

/// Natural logs of probabilities: at least one, none NaN, none above zero by more than the
/// rounding of a 32-bit softmax.
fn valid_logprobs(logprobs_nats: &[f64]) -> bool {
    /// How far above 0 a rounded 32-bit log-softmax may lie.
    const ROUNDING: f64 = 1e-4;
    !logprobs_nats.is_empty() && logprobs_nats.iter().all(|logprob| *logprob <= ROUNDING)
}

/// |A and B| / |A or B|; 1 for two empty sets.
fn jaccard_index(left: &BTreeSet<String>, right: &BTreeSet<String>) -> f64 {
    let shared = left.intersection(right).count();
    let all = left.len() + right.len() - shared;
    if all == 0 {
        1.0
    } else {
        shared as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_not_a_probability() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e-300, 1.000_000_000_000_000_2] {
            assert!(Confidence::new(value).is_err(), "{value}");
        }
        assert!(Confidence::new(-0.0).unwrap().get().is_sign_positive());
    }

    #[test]
    fn broken_signals_are_missing_not_numbers() {
        assert!(Confidence::from_token_logprobs(&[f64::NAN]).is_none());
        assert!(Confidence::perplexity(&[0.5]).is_none());
        assert!(Confidence::p_true(f64::INFINITY, 1.0).is_none());
        assert!(Confidence::p_true(-0.1, 1.0).is_none());
        assert!(Confidence::jaccard_degree::<&str>(&[]).is_none());
        // A token of probability zero is a signal, not a hole.
        assert_eq!(Confidence::perplexity(&[f64::NEG_INFINITY]).unwrap().get(), 0.0);
    }

    #[test]
    fn jaccard_counts_two_empty_answers_as_agreeing() {
        assert_eq!(Confidence::jaccard_degree(&["", " "]).unwrap().get(), 1.0);
        assert_eq!(Confidence::jaccard_degree(&["", "x"]).unwrap().get(), 0.5);
    }

    proptest! {
        #[test]
        fn geometric_mean_is_at_most_the_arithmetic(logprobs in prop::collection::vec(-30.0f64..0.0, 1..40)) {
            /// Rounding of two sums of at most 40 terms.
            const ROUNDING: f64 = 1e-12;
            let arithmetic = Confidence::from_token_logprobs(&logprobs).unwrap().get();
            let geometric = Confidence::perplexity(&logprobs).unwrap().get();
            prop_assert!(geometric <= arithmetic + ROUNDING);
        }

        #[test]
        fn jaccard_lies_between_one_over_m_and_one(answers in prop::collection::vec("[ab ]{0,6}", 1..8)) {
            /// Rounding of a sum of at most 64 terms.
            const ROUNDING: f64 = 1e-12;
            let c = Confidence::jaccard_degree(&answers).unwrap().get();
            prop_assert!(c >= 1.0 / answers.len() as f64 - ROUNDING && c <= 1.0);
        }
    }
}
