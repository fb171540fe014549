//! Confidences that grow token by token, and the exact early exit: as soon as no continuation can reach the threshold,
//! the decision is known to be "defer", and the small model may stop.
//!
//! With a sum S of log-probabilities over t tokens and at most T tokens, an answer's mean log-probability is at most
//! S / T, since a token adds at most 0; so its confidence by `perplexity` is at most exp(S / T), and by
//! `average_token_probability` at most (sum of p + T - t) / T. A smallest probability never grows: that of
//! `min_token_probability` is at most the smallest so far.
//!
//! # Exact
//! [`must_defer`] never contradicts the decision about the whole answer, to the last bit. What the closed forms accept
//! and how they round is part of the bound: a token counts as the largest log-probability that they take (1e-4, the
//! rounding of a 32-bit softmax), and every sum, quotient and exponential as rounded against us. This loosens
//! the bound by a factor of at most exp(1e-4). An exit that comes a token later costs a token; one that is wrong would
//! make the threshold another one.
//!
//! # Where it applies
//! Where the confidence is over *all* tokens of the answer: `perplexity`, `min_token_probability`, and
//! `average_token_probability` of free text. Not
//! for multiple choice, where `average_token_probability` is over the option's tokens alone, nor to reasoning, whose tokens
//! do not count: push the tokens of the answer, in order.

use crate::confidence::{Confidence, LogProb, MAX_LOG_PROB};
use crate::decision::{decide, Reason, Route, Threshold};
use crate::pool_cdf::PoolCdf;
use crate::tracker::{TrackedDecision, Tracker};

/// A method whose confidence grows with the answer's tokens, one log-probability each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenMethod {
    /// The arithmetic mean of the probabilities: [`Confidence::average_token_probability`].
    AverageTokenProbability,
    /// The geometric mean of the probabilities: [`Confidence::perplexity`].
    Perplexity,
    /// The smallest of the probabilities: [`Confidence::min_token_probability`].
    MinTokenProbability,
}

impl TokenMethod {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AverageTokenProbability, Self::Perplexity, Self::MinTokenProbability];

    /// The method of an id in a thresholds file; `None` if its confidence does not grow token by token.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.id() == id)
    }

    /// Its id in a thresholds file.
    pub const fn id(self) -> &'static str {
        match self {
            Self::AverageTokenProbability => "average_token_probability",
            Self::Perplexity => "perplexity",
            Self::MinTokenProbability => "min_token_probability",
        }
    }

    /// What is kept of no tokens.
    const fn empty(self) -> f64 {
        match self {
            Self::AverageTokenProbability | Self::Perplexity => 0.0,
            Self::MinTokenProbability => f64::INFINITY,
        }
    }

    /// A token's term: of a sum, or of a smallest one.
    fn term(self, logprob: f64) -> f64 {
        match self {
            Self::AverageTokenProbability => logprob.exp(),
            Self::Perplexity | Self::MinTokenProbability => logprob,
        }
    }

    /// What is kept, with the next token's term.
    fn join(self, kept: f64, term: f64) -> f64 {
        match self {
            Self::AverageTokenProbability | Self::Perplexity => kept + term,
            Self::MinTokenProbability => kept.min(term),
        }
    }

    /// The confidence of a mean, or of the smallest term, before it is held within [0, 1].
    fn of_level(self, level: f64) -> f64 {
        match self {
            Self::AverageTokenProbability => level,
            Self::Perplexity | Self::MinTokenProbability => level.exp(),
        }
    }
}

/// A confidence that grows with the answer: 32 bytes, no allocation.
///
/// ```
/// use plimsoll_router::{Confidence, ConfidenceAccumulator, TokenMethod};
/// let logprobs = [-0.1f32, -2.0, -0.5];
/// let mut growing = ConfidenceAccumulator::new(TokenMethod::Perplexity);
/// for logprob in logprobs {
///     growing.push(logprob);
/// }
/// assert_eq!(growing.confidence(), Confidence::perplexity(logprobs));   // the same bits
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfidenceAccumulator {
    method: TokenMethod,
    /// Of the tokens' terms the sum, or the smallest.
    kept: f64,
    tokens: u64,
    /// Whether a token had no log-probability: the confidence is missing, whatever comes.
    is_broken: bool,
}

impl ConfidenceAccumulator {
    /// An answer without tokens.
    pub const fn new(method: TokenMethod) -> Self {
        Self { method, kept: method.empty(), tokens: 0, is_broken: false }
    }

    /// Takes the natural-log probability of the next token of the answer; the stop token is none of them.
    ///
    /// As in the closed forms, NaN and what is above zero by more than rounding make the confidence missing for good.
    pub fn push(&mut self, logprob_nats: impl LogProb) {
        let logprob = logprob_nats.nats();
        self.tokens = self.tokens.saturating_add(1);
        if logprob.is_nan() || logprob > MAX_LOG_PROB {
            self.is_broken = true;
        } else {
            self.kept = self.method.join(self.kept, self.method.term(logprob));
        }
    }

    /// The confidence of the tokens so far, as if they were the answer: that of the closed form, to the last bit. `None`
    /// without tokens, or where one had no log-probability.
    pub fn confidence(&self) -> Option<Confidence> {
        if self.is_broken || self.tokens == 0 {
            return None;
        }
        let level = match self.method {
            TokenMethod::MinTokenProbability => self.kept,
            _ => self.kept / self.tokens as f64,
        };
        Confidence::rounded(self.method.of_level(level))
    }

    /// No answer of at most `max_tokens` tokens that begins with these gets a larger confidence. `None` if it gets
    /// none: a token had no log-probability, or `max_tokens` is 0.
    ///
    /// More tokens than `max_tokens` break that promise; the bound is then 1, which ends nothing early.
    ///
    /// ```
    /// use plimsoll_router::{ConfidenceAccumulator, TokenMethod};
    /// let mut growing = ConfidenceAccumulator::new(TokenMethod::Perplexity);
    /// growing.push(-3.0);
    /// let bound = growing.upper_bound(4).unwrap().get();
    /// assert!(bound >= (-3.0f64 / 4.0).exp() && bound < 1.0001 * (-3.0f64 / 4.0).exp());
    /// ```
    pub fn upper_bound(&self, max_tokens: u64) -> Option<Confidence> {
        if self.is_broken || max_tokens == 0 {
            return None;
        }
        if self.tokens > max_tokens {
            return Confidence::rounded(1.0);
        }
        let level = match self.method {
            // Of no tokens too: the exponential of infinity is held to 1 below.
            TokenMethod::MinTokenProbability => self.kept,
            // As a function of the length n the largest mean is A / n + B + C n with C >= 0 (C from the rounding), so
            // it is largest at the shortest or at the longest continuation.
            _ => self.largest_mean(self.tokens.max(1)).max(self.largest_mean(max_tokens)),
        };
        let largest = self.method.of_level(level);
        // Two exponentials that are each right to the last bit but one, the smallest ones included.
        Confidence::rounded((largest * (1.0 + 4.0 * f64::EPSILON) + f64::MIN_POSITIVE).min(1.0))
    }

    /// At least the mean over `tokens` tokens, whatever the rest of them are.
    fn largest_mean(&self, tokens: u64) -> f64 {
        if self.kept.is_infinite() {
            // A token of probability zero; nothing adds to it.
            return self.kept;
        }
        let rest = (tokens - self.tokens) as f64;
        let term = self.method.term(MAX_LOG_PROB);
        // A sum in floating point is monotone in its terms, and each addition, of a partial sum of at most this
        // size, rounds by at most half of EPSILON of it. The rest is for this function's own rounding and the quotient's.
        let size = self.kept.abs() + rest * term;
        let rounding = (rest + 16.0) * f64::EPSILON * size;
        (self.kept + rest * term + rounding) / tokens as f64
    }

    /// The method whose confidence it is.
    pub const fn method(&self) -> TokenMethod {
        self.method
    }

    /// How many tokens were pushed.
    pub const fn tokens(&self) -> u64 {
        self.tokens
    }
}

/// Whether the decision is already "defer": [`decide`] defers every answer of at most `max_tokens` tokens that begins
/// with these, its missing confidence included.
///
/// ```
/// use plimsoll_router::{must_defer, ConfidenceAccumulator, Threshold, TokenMethod};
/// let threshold = Threshold::new(0.6)?;
/// let mut growing = ConfidenceAccumulator::new(TokenMethod::AverageTokenProbability);
/// growing.push(0.3f64.ln());
/// assert!(!must_defer(threshold, &growing, 2));   // (0.3 + 1) / 2 could be kept
/// growing.push(0.3f64.ln());
/// assert!(must_defer(threshold, &growing, 2));
/// assert!(!must_defer(threshold, &growing, 8));   // (0.6 + 6) / 8 could be kept
/// # Ok::<(), plimsoll_router::Error>(())
/// ```
pub fn must_defer(threshold: Threshold, growing: &ConfidenceAccumulator, max_tokens: u64) -> bool {
    decide(threshold, growing.upper_bound(max_tokens)).route == Route::Llm
}

/// The decision of a tracker, if it is already "defer" for every request id: whichever number breaks the ties, and
/// with the same effect on the tracker's state when it is counted. `None` while it is open.
///
/// Its `z` is the bound's. An answer that would have ended without a confidence is deferred too, but moves a
/// tracker otherwise.
pub(crate) fn tracker_must_defer(
    tracker: &Tracker,
    scale: &PoolCdf,
    growing: &ConfidenceAccumulator,
    max_tokens: u64,
) -> Option<TrackedDecision> {
    /// The rounding of two positions on the scale, which are sums and products of numbers in [0, 1].
    const ROUNDING: f64 = 16.0 * f64::EPSILON;
    let Some(bound) = growing.upper_bound(max_tokens) else { return Some(tracker.look(None)) };
    // The upper end of an atom: no tie-break puts an equal confidence higher.
    let z = scale.z(bound, 1.0) + ROUNDING;
    let decided = tracker.look(Some(z));
    // Below the traffic's own level too, so that it counts there as the whole answer would.
    let counts_alike = decided.decision.reason == Reason::Below && z < tracker.state().base;
    counts_alike.then_some(decided)
}

#[cfg(test)]
mod tests;
