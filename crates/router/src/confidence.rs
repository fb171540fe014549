//! A confidence in [0, 1], higher = more likely correct, and the closed forms that compute one
//! from what was observed. Device and pipeline call the same functions, so that a threshold fitted
//! by the one means the same to the other.

mod log_prob;

use std::collections::BTreeSet;

pub use log_prob::LogProb;

use crate::error::Error;

/// The largest log-probability that counts as one: how far above 0 a rounded 32-bit log-softmax may lie.
pub(crate) const MAX_LOG_PROB: f64 = 1e-4;

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
    pub(crate) fn rounded(value: f64) -> Option<Self> {
        if value.is_finite() {
            Some(Self(value.clamp(0.0, 1.0)))
        } else {
            None
        }
    }

    /// The confidence of the method `average_token_probability`: the mean probability of the answer
    /// tokens.
    ///
    /// Takes the log-probabilities as they come, `f32` or `f64`, by value or by reference, from a
    /// slice or an iterator; each is widened and summed as `f64`.
    ///
    /// # Formula
    /// (1/N) sum of exp(`logprob_i`): the *arithmetic* mean of the probabilities (arXiv:2502.04428,
    /// section 3; compare [`Confidence::perplexity`], the geometric mean). Log-probabilities are
    /// natural logs of the model's own distribution over its full vocabulary, before temperature.
    /// `None` without tokens, or if one is NaN or above zero by more than rounding.
    ///
    /// ```
    /// use plimsoll_router::Confidence;
    /// let c = Confidence::average_token_probability([0.5f64.ln(), 0.0]).unwrap();
    /// assert!((c.get() - 0.75).abs() < 1e-12);
    /// let none: [f32; 0] = [];
    /// assert!(Confidence::average_token_probability(none).is_none());
    /// ```
    pub fn average_token_probability(logprobs_nats: impl IntoIterator<Item = impl LogProb>) -> Option<Self> {
        Self::rounded(mean(logprobs_nats, f64::exp)?)
    }

    /// The confidence of the method `perplexity`: 1 / perplexity of the answer tokens.
    ///
    /// Takes log-probabilities as [`Confidence::average_token_probability`] does.
    ///
    /// # Formula
    /// exp((1/N) sum of `logprob_i`), the *geometric* mean of the token probabilities. The stop or
    /// end-of-sequence token is not an answer token. `None` as for
    /// [`Confidence::average_token_probability`].
    ///
    /// ```
    /// use plimsoll_router::Confidence;
    /// let c = Confidence::perplexity([0.25f64.ln(), 0.0]).unwrap();
    /// assert!((c.get() - 0.5).abs() < 1e-12);
    ///
    /// // As a runtime has them: 32 bits, the stop token last.
    /// let logprobs: &[f32] = &[-0.25, -0.75, -3.0];
    /// let answer = Confidence::perplexity(&logprobs[..2]).unwrap();
    /// assert_eq!(answer.get(), (-0.5f64).exp());
    /// ```
    pub fn perplexity(logprobs_nats: impl IntoIterator<Item = impl LogProb>) -> Option<Self> {
        Self::rounded(mean(logprobs_nats, |logprob| logprob)?.exp())
    }

    /// The confidence of the method `min_token_probability`: the smallest probability of an answer's tokens.
    ///
    /// # Formula
    /// min of exp(`logprob_i`) over the answer's tokens, natural logs before temperature, the stop token excluded. `None`
    /// without tokens, or if a value is no log-probability.
    ///
    /// ```
    /// use plimsoll_router::Confidence;
    /// let c = Confidence::min_token_probability([0.5f64.ln(), 0.125f64.ln(), 0.0]).unwrap();
    /// assert!((c.get() - 0.125).abs() < 1e-12);
    /// ```
    pub fn min_token_probability(logprobs_nats: impl IntoIterator<Item = impl LogProb>) -> Option<Self> {
        let mut smallest: Option<f64> = None;
        for logprob in logprobs_nats {
            let logprob = checked(logprob.nats())?;
            smallest = Some(smallest.map_or(logprob, |known| known.min(logprob)));
        }
        Self::rounded(smallest?.exp())
    }

    /// The confidence of the method `token_margin`: by how much the likeliest token leads, on average.
    ///
    /// # Formula
    /// (1/N) sum of p(1) - p(2), the probabilities of the two likeliest tokens at each position of the answer, whichever
    /// was chosen. Takes the natural logs of both, in either order. `None` without tokens, or if a value is no
    /// log-probability.
    ///
    /// ```
    /// use plimsoll_router::Confidence;
    /// let c = Confidence::token_margin([[0.7f64.ln(), 0.2f64.ln()], [0.5f64.ln(), 0.4f64.ln()]]).unwrap();
    /// assert!((c.get() - 0.3).abs() < 1e-12);
    /// ```
    pub fn token_margin(likeliest_two_nats: impl IntoIterator<Item = [impl LogProb; 2]>) -> Option<Self> {
        let (mut sum, mut count) = (0.0, 0u64);
        for [first, second] in likeliest_two_nats {
            sum += (checked(first.nats())?.exp() - checked(second.nats())?.exp()).abs();
            count += 1;
        }
        if count == 0 {
            return None;
        }
        Self::rounded(sum / count as f64)
    }

    /// The confidence of the method `token_entropy`: how far the next-token distributions are from uniform, on average.
    ///
    /// # Formula
    /// 1 - (1/N) sum of `H_i` / ln(k + 1), where `H_i` is the entropy of k + 1 outcomes: the k likeliest tokens at position i
    /// of the answer, and all other tokens together. Takes for each position the natural logs of the k likeliest tokens'
    /// probabilities in any order, as many each time. `None` without tokens or likeliest tokens, for lists of other lengths,
    /// or if a value is no log-probability.
    ///
    /// ```
    /// use plimsoll_router::Confidence;
    /// let even = Confidence::token_entropy([[0.5f64.ln(), 0.25f64.ln(), 0.125f64.ln()]]).unwrap();
    /// assert!((even.get() - (1.0 - 1.75 * 2f64.ln() / 4f64.ln())).abs() < 1e-12); // 0.125 is left for all others
    /// assert_eq!(Confidence::token_entropy([[0.0f64, f64::NEG_INFINITY]]).unwrap().get(), 1.0);
    /// ```
    pub fn token_entropy<P>(likeliest_nats: impl IntoIterator<Item = P>) -> Option<Self>
    where
        P: IntoIterator,
        P::Item: LogProb,
    {
        let (mut sum, mut count, mut k) = (0.0, 0u64, None);
        for position in likeliest_nats {
            let (mut entropy, mut mass, mut outcomes) = (0.0, 0.0, 0u64);
            for logprob in position {
                let logprob = checked(logprob.nats())?.min(0.0);
                let probability = logprob.exp();
                // A token of probability zero adds nothing.
                entropy -= if probability > 0.0 { probability * logprob } else { 0.0 };
                mass += probability;
                outcomes += 1;
            }
            if outcomes == 0 || *k.get_or_insert(outcomes) != outcomes {
                return None;
            }
            let others = 1.0 - mass;
            entropy -= if others > 0.0 { others * others.ln() } else { 0.0 };
            sum += entropy;
            count += 1;
        }
        let largest = (k? as f64 + 1.0).ln();
        Self::rounded(1.0 - sum / count as f64 / largest)
    }

    /// The confidence of the method `p_true`: the normalised probability of "True" after "is this answer correct?".
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

    /// The confidence of the method `jaccard_degree`: how much m sampled answers agree.
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

/// The mean of `value` over log-probabilities. `None` if there is none, or if one is NaN or above
/// zero by more than the rounding of a 32-bit softmax.
fn mean(logprobs_nats: impl IntoIterator<Item = impl LogProb>, value: impl Fn(f64) -> f64) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0u64);
    for logprob in logprobs_nats {
        sum += value(checked(logprob.nats())?);
        count += 1;
    }
    (count > 0).then(|| sum / count as f64)
}

/// A natural log of a probability; `None` for NaN, and for a number above 0 by more than rounding.
pub(crate) fn checked(logprob: f64) -> Option<f64> {
    Some(logprob).filter(|logprob| *logprob <= MAX_LOG_PROB)
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
        assert!(Confidence::average_token_probability([f64::NAN]).is_none());
        assert!(Confidence::perplexity([-0.1, 0.5]).is_none());
        assert!(Confidence::p_true(f64::INFINITY, 1.0).is_none());
        assert!(Confidence::p_true(-0.1, 1.0).is_none());
        assert!(Confidence::jaccard_degree::<&str>(&[]).is_none());
        assert!(Confidence::perplexity([f32::NAN, -0.1]).is_none());
        assert!(Confidence::perplexity([f32::INFINITY]).is_none());
        assert!(Confidence::average_token_probability(std::iter::empty::<f32>()).is_none());
        // A token of probability zero is a signal, not a hole.
        assert_eq!(Confidence::perplexity([f64::NEG_INFINITY]).unwrap().get(), 0.0);
    }

    #[test]
    fn broken_tokens_have_no_margin_no_entropy_and_no_minimum() {
        let empty: [[f64; 2]; 0] = [];
        assert!(Confidence::token_margin(empty).is_none() && Confidence::token_entropy(empty).is_none());
        assert!(Confidence::token_margin([[-0.1, f64::NAN]]).is_none());
        assert!(Confidence::token_margin([[0.5, -0.1]]).is_none());
        assert!(Confidence::token_entropy([vec![-0.1f32], vec![]]).is_none());
        assert!(Confidence::token_entropy([vec![-0.1f32], vec![-0.2, -3.0]]).is_none());
        assert!(Confidence::token_entropy([[f32::INFINITY]]).is_none());
        assert!(Confidence::min_token_probability([f64::NAN]).is_none());
        assert!(Confidence::min_token_probability(std::iter::empty::<f32>()).is_none());
        assert_eq!(Confidence::min_token_probability([0.0, f64::NEG_INFINITY]).unwrap().get(), 0.0);
    }

    #[test]
    fn jaccard_counts_two_empty_answers_as_agreeing() {
        assert_eq!(Confidence::jaccard_degree(&["", " "]).unwrap().get(), 1.0);
        assert_eq!(Confidence::jaccard_degree(&["", "x"]).unwrap().get(), 0.5);
    }

    /// The formulas over a slice of doubles, as plainly as possible.
    fn plain(logprobs: &[f64]) -> (f64, f64) {
        let count = logprobs.len() as f64;
        let probabilities: Vec<f64> = logprobs.iter().map(|logprob| logprob.exp()).collect();
        let arithmetic = probabilities.iter().sum::<f64>() / count;
        let geometric = (logprobs.iter().sum::<f64>() / count).exp();
        (arithmetic.clamp(0.0, 1.0), geometric.clamp(0.0, 1.0))
    }

    #[test]
    fn log_probabilities_of_any_width_and_shape_give_one_number() {
        let narrow: Vec<f32> = vec![-0.1, -2.5, 0.0, -1e-6, -30.0, -7.3];
        let wide: Vec<f64> = narrow.iter().map(|logprob| f64::from(*logprob)).collect();
        let expected = plain(&wide).1.to_bits();
        let bits = |confidence: Option<Confidence>| confidence.unwrap().get().to_bits();
        assert_eq!(bits(Confidence::perplexity(&narrow)), expected);
        assert_eq!(bits(Confidence::perplexity(narrow.as_slice())), expected);
        assert_eq!(bits(Confidence::perplexity(narrow.iter().copied())), expected);
        assert_eq!(bits(Confidence::perplexity(wide.iter())), expected);
        assert_eq!(bits(Confidence::perplexity(wide)), expected);
        // As a runtime that keeps tokens has them, without a list of their own.
        let tokens: Vec<(u32, f32)> = narrow.iter().map(|logprob| (7, *logprob)).collect();
        assert_eq!(bits(Confidence::perplexity(tokens.iter().map(|(_, logprob)| logprob))), expected);
    }

    proptest! {
        #[test]
        fn one_pass_gives_the_bits_of_the_plain_formulas(
            logprobs in prop::collection::vec(prop_oneof![-800.0f64..=0.0, -1.0f64..=1e-4, Just(-0.0)], 1..60)
        ) {
            let (arithmetic, geometric) = plain(&logprobs);
            let ours = Confidence::average_token_probability(&logprobs).unwrap().get();
            prop_assert_eq!(ours.to_bits(), arithmetic.to_bits());
            prop_assert_eq!(Confidence::perplexity(&logprobs).unwrap().get().to_bits(), geometric.to_bits());
        }

        /// Against the definitions over whole distributions, by the full list of probabilities and nothing clever.
        #[test]
        fn margin_entropy_and_minimum_are_their_definitions(
            positions in prop::collection::vec(prop::collection::vec(1e-6f64..1.0, 5..12), 1..20), k in 2usize..5
        ) {
            /// Rounding of sums of at most 240 terms.
            const ROUNDING: f64 = 1e-12;
            let mut positions = positions;
            for probabilities in &mut positions {
                let sum: f64 = probabilities.iter().sum();
                for probability in probabilities.iter_mut() {
                    *probability /= sum;
                }
                probabilities.sort_by(|a, b| b.total_cmp(a));
            }
            let count = positions.len() as f64;
            let margin = positions.iter().map(|p| p[0] - p[1]).sum::<f64>() / count;
            let entropy = |p: &Vec<f64>| {
                let outcomes = p[..k].iter().copied().chain([p[k..].iter().sum::<f64>()]);
                outcomes.map(|outcome| -outcome * outcome.ln()).sum::<f64>() / (k as f64 + 1.0).ln()
            };
            let certainty = 1.0 - positions.iter().map(entropy).sum::<f64>() / count;
            let smallest = positions.iter().map(|p| p[2]).fold(1.0, f64::min);
            let logs = |p: &Vec<f64>| p[..k].iter().map(|p| p.ln()).collect::<Vec<f64>>();
            let found = Confidence::token_margin(positions.iter().map(|p| [p[1].ln(), p[0].ln()])).unwrap().get();
            prop_assert!((found - margin).abs() < ROUNDING);
            let found = Confidence::token_entropy(positions.iter().map(logs)).unwrap().get();
            prop_assert!((found - certainty).abs() < ROUNDING);
            let found = Confidence::min_token_probability(positions.iter().map(|p| p[2].ln())).unwrap().get();
            prop_assert!((found - smallest).abs() < ROUNDING);
        }

        #[test]
        fn geometric_mean_is_at_most_the_arithmetic(logprobs in prop::collection::vec(-30.0f64..0.0, 1..40)) {
            /// Rounding of two sums of at most 40 terms.
            const ROUNDING: f64 = 1e-12;
            let arithmetic = Confidence::average_token_probability(&logprobs).unwrap().get();
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
