//! What is to be observed beside an answer. A method of uncertainty says what it needs, the requests of
//! all methods are united, and a backend serves the union without knowing any method.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::canonical::sha256_of;
use crate::named::named_enum;

/// Why samples cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignalProblem {
    /// At temperature 0 all samples are the greedy answer.
    #[error("samples at temperature {temperature}, which is not a finite number above 0")]
    Temperature {
        /// As given.
        temperature: f64,
    },
}

/// Samples of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleSignal {
    /// What logits are divided by, above 0. The other decoding parameters are the answer's.
    pub temperature: f64,
    /// How many; at least 1.
    pub count: u32,
}

/// What is wanted of a follow-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUpSignal {
    /// The reply as a text, decoded greedily to at most so many tokens.
    pub text_tokens: Option<u32>,
    /// The probability masses of the prompt's true and false spellings at the first position of the
    /// reply.
    pub masses: bool,
}

named_enum! {
    /// Where in a sequence a hidden state is taken.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Position {
        /// At the last token of the prompt, before anything is generated.
        LastPromptToken = "last_prompt_token",
        /// At the last token of the answer, the stop token not counted.
        LastAnswerToken = "last_answer_token",
    }
}

/// A hidden state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HiddenStateSignal {
    /// Which: 0 = the embeddings, k = the residual stream after block k of n counted from 1; negative from
    /// the end, so that -1 is the output of the last block and -8 that of block n - 7.
    pub layer: i32,
    /// Where.
    pub position: Position,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none_wanted(count: &u8) -> bool {
    *count == 0
}

/// What is to be observed of one prompt. The answer itself is always given.
///
/// ```
/// use plimsoll_core::signal::{Position, SignalRequest};
/// let perplexity = SignalRequest::answer().with_logprobs();
/// let jaccard = SignalRequest::answer().with_samples(5, 1.0)?;
/// let probe = SignalRequest::answer().with_hidden_state(-8, Position::LastPromptToken);
/// let all = perplexity.union(&jaccard).union(&probe);
/// assert!(all.logprobs() && all.samples()[0].count == 5 && all.covers(&probe));
/// # Ok::<(), plimsoll_core::signal::SignalProblem>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalRequest {
    logprobs: bool,
    /// Likeliest tokens at each position of the answer; absent = 0, so that older requests keep their hash.
    #[serde(default, skip_serializing_if = "is_none_wanted")]
    top_logprobs: u8,
    /// By rising temperature, each once.
    samples: Vec<SampleSignal>,
    follow_ups: BTreeMap<String, FollowUpSignal>,
    hidden_states: BTreeSet<HiddenStateSignal>,
}

impl SignalRequest {
    /// The answer and nothing else.
    pub fn answer() -> Self {
        Self::default()
    }

    /// The tokens of the answer with their natural-log probabilities.
    #[must_use]
    pub fn with_logprobs(mut self) -> Self {
        self.logprobs = true;
        self
    }

    /// And at each of these tokens the natural-log probabilities of so many of the likeliest; of two requests the larger
    /// count holds. Servers list 20 at most.
    #[must_use]
    pub fn with_top_logprobs(mut self, count: u8) -> Self {
        self.logprobs |= count > 0;
        self.top_logprobs = self.top_logprobs.max(count);
        self
    }

    /// So many samples at a temperature; of two requests at one temperature the larger count holds.
    ///
    /// # Errors
    /// [`SignalProblem::Temperature`] unless the temperature is finite and above 0.
    pub fn with_samples(mut self, count: u32, temperature: f64) -> Result<Self, SignalProblem> {
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(SignalProblem::Temperature { temperature });
        }
        self.add_samples(SampleSignal { temperature, count });
        Ok(self)
    }

    /// The reply to a follow-up as a text of at most so many tokens.
    #[must_use]
    pub fn with_follow_up_text(self, id: &str, max_tokens: u32) -> Self {
        self.with_follow_up(id, FollowUpSignal { text_tokens: Some(max_tokens), masses: false })
    }

    /// The true and false masses of a follow-up.
    #[must_use]
    pub fn with_follow_up_masses(self, id: &str) -> Self {
        self.with_follow_up(id, FollowUpSignal { text_tokens: None, masses: true })
    }

    /// A hidden state; see [`HiddenStateSignal::layer`].
    #[must_use]
    pub fn with_hidden_state(mut self, layer: i32, position: Position) -> Self {
        self.hidden_states.insert(HiddenStateSignal { layer, position });
        self
    }

    /// All that this or the other request asks for.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.logprobs |= other.logprobs;
        all.top_logprobs = all.top_logprobs.max(other.top_logprobs);
        for samples in &other.samples {
            all.add_samples(*samples);
        }
        for (id, signal) in &other.follow_ups {
            all = all.with_follow_up(id, *signal);
        }
        all.hidden_states.extend(&other.hidden_states);
        all
    }

    /// Whether whoever serves this request serves the other too.
    pub fn covers(&self, other: &Self) -> bool {
        self.union(other) == *self
    }

    /// Whether the answer's tokens are wanted with their log-probs.
    pub fn logprobs(&self) -> bool {
        self.logprobs
    }

    /// How many of the likeliest tokens are wanted at each token of the answer; 0 = none.
    pub fn top_logprobs(&self) -> u8 {
        self.top_logprobs
    }

    /// The samples that are wanted, by rising temperature.
    pub fn samples(&self) -> &[SampleSignal] {
        &self.samples
    }

    /// The follow-ups that are wanted, by id.
    pub fn follow_ups(&self) -> &BTreeMap<String, FollowUpSignal> {
        &self.follow_ups
    }

    /// The hidden states that are wanted, in order.
    pub fn hidden_states(&self) -> &BTreeSet<HiddenStateSignal> {
        &self.hidden_states
    }

    /// Lower-case hexadecimal SHA-256 of the canonical JSON (RFC 8785); the order of building does not
    /// matter.
    pub fn hash(&self) -> String {
        // Texts, truth values and finite numbers: to write them cannot fail.
        sha256_of(self)
    }

    fn add_samples(&mut self, wanted: SampleSignal) {
        if wanted.count == 0 {
            return;
        }
        let order = |known: &SampleSignal| known.temperature.total_cmp(&wanted.temperature);
        match self.samples.binary_search_by(order) {
            Ok(index) => self.samples[index].count = self.samples[index].count.max(wanted.count),
            Err(index) => self.samples.insert(index, wanted),
        }
    }

    fn with_follow_up(mut self, id: &str, signal: FollowUpSignal) -> Self {
        let known = self.follow_ups.entry(id.to_owned()).or_default();
        known.text_tokens = known.text_tokens.max(signal.text_tokens);
        known.masses |= signal.masses;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> [SignalRequest; 6] {
        let samples = |count, temperature| SignalRequest::answer().with_samples(count, temperature).unwrap();
        [
            SignalRequest::answer().with_logprobs(),
            SignalRequest::answer().with_top_logprobs(10),
            samples(5, 1.0).union(&samples(3, 0.5)),
            samples(2, 1.0).with_follow_up_masses("p_true"),
            SignalRequest::answer().with_follow_up_text("p_true", 8).with_follow_up_text("v", 16),
            SignalRequest::answer().with_hidden_state(-8, Position::LastPromptToken),
        ]
    }

    #[test]
    fn a_union_does_not_depend_on_the_order_and_covers_its_parts() {
        let forth = some().iter().fold(SignalRequest::answer(), |all, one| all.union(one));
        let back = some().iter().rev().fold(SignalRequest::answer(), |all, one| all.union(one));
        assert_eq!(forth, back);
        assert_eq!(forth.hash(), back.hash());
        assert_eq!(forth.union(&forth), forth);
        for (index, one) in some().iter().enumerate() {
            assert!(forth.covers(one) && !one.covers(&forth), "{index}");
            assert_ne!(one.hash(), forth.hash());
        }
        let temperatures: Vec<f64> = forth.samples().iter().map(|samples| samples.temperature).collect();
        assert_eq!(temperatures, [0.5, 1.0]);
        assert_eq!(forth.samples()[1].count, 5);
        let both = FollowUpSignal { text_tokens: Some(8), masses: true };
        assert_eq!(forth.follow_ups()["p_true"], both);
    }

    #[test]
    fn the_hash_is_that_of_a_text_which_others_can_write() {
        let text = concat!(
            r#"{"follow_ups":{"p_true":{"masses":true,"text_tokens":null}},"#,
            r#""hidden_states":[{"layer":-8,"position":"last_prompt_token"}],"logprobs":true,"#,
            r#""samples":[{"count":5,"temperature":1}]}"#
        );
        let request = SignalRequest::answer()
            .with_hidden_state(-8, Position::LastPromptToken)
            .with_follow_up_masses("p_true")
            .with_samples(5, 1.0)
            .unwrap()
            .with_logprobs();
        assert_eq!(request.hash(), crate::canonical::sha256_hex(text.as_bytes()));
    }

    #[test]
    fn likeliest_tokens_come_with_the_chosen_ones() {
        let (two, ten) =
            (SignalRequest::answer().with_top_logprobs(2), SignalRequest::answer().with_top_logprobs(10));
        assert!(two.logprobs() && ten.covers(&two) && !two.covers(&ten));
        assert_eq!(two.union(&ten).top_logprobs(), 10);
        assert_eq!(SignalRequest::answer().with_top_logprobs(0), SignalRequest::answer());
        // A request of an older version is read as one without.
        let old = r#"{"logprobs":true,"samples":[],"follow_ups":{},"hidden_states":[]}"#;
        assert_eq!(
            serde_json::from_str::<SignalRequest>(old).unwrap(),
            SignalRequest::answer().with_logprobs()
        );
    }

    #[test]
    fn samples_need_a_temperature() {
        for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(SignalRequest::answer().with_samples(1, temperature).is_err(), "{temperature}");
        }
        assert_eq!(SignalRequest::answer().with_samples(0, 1.0).unwrap(), SignalRequest::answer());
    }
}
