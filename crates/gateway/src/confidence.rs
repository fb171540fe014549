//! From a reply to the number that the pipeline computes, by the pipeline's own methods.

use plimsoll_core::missing::MissingReason;
use plimsoll_core::records::GenerationRow;
use plimsoll_core::{AnswerKind, MissingSignal};
use plimsoll_router::thresholds::Method;
use plimsoll_router::{Confidence, ConfidenceAccumulator, TokenMethod};
use plimsoll_uq::method::{ClosedScore, MethodConfig, PromptKind};
use plimsoll_uq::methods::method;
use plimsoll_uq::observed::ObservedSignals;
use serde_json::{Value, json};

/// How many of the likeliest tokens a method may need at a position: what the protocol allows.
const MAX_LIKELIEST: u8 = 20;

/// A method whose confidence is read off one greedy reply with its log-probabilities.
#[derive(Debug, Clone)]
pub struct ReplyMethod {
    config: MethodConfig,
    score: ClosedScore,
    /// Whether the file's variant is the one that this program computes.
    is_verified: bool,
}

impl ReplyMethod {
    /// The method of a thresholds file.
    ///
    /// # Errors
    /// Why a gateway cannot compute it.
    pub fn find(of_file: &Method) -> Result<Self, &'static str> {
        let known = method(&of_file.id).ok_or("it is none that this program computes")?;
        // Parameters are not in the file, but the hash of the variant is.
        let given = (1..=MAX_LIKELIEST).map(|k| json!({"k": k})).chain([Value::Null]);
        let mut configs = given.filter_map(|parameters| known.resolve(&parameters).ok());
        let plain = known.resolve(&Value::Null).ok();
        let (config, is_verified) = configs
            .find(|config| config.variant_hash() == of_file.variant_sha256)
            .map(|config| (config, true))
            .or_else(|| plain.map(|config| (config, false)))
            .ok_or("the file does not say with which parameters it was computed")?;
        let request = &config.request;
        let is_of_one_reply = config.prompt == PromptKind::Main
            && request.samples().is_empty()
            && request.follow_ups().is_empty()
            && request.hidden_states().is_empty();
        if !is_of_one_reply {
            return Err("it needs more than one reply with its log-probabilities");
        }
        let score = config.closed_score().ok_or("it needs a network that was trained")?;
        Ok(Self { config, score, is_verified })
    }

    /// How many of the likeliest tokens it needs at each position.
    pub fn top_logprobs(&self) -> u8 {
        self.config.request.top_logprobs()
    }

    /// Whether the file's variant of the method is the one that this program computes. Scores from elsewhere do not say
    /// how they were computed.
    pub fn is_verified(&self) -> bool {
        self.is_verified
    }

    /// What it needs to be observed.
    pub fn config(&self) -> &MethodConfig {
        &self.config
    }

    /// The confidence of a reply, over the tokens of its answer.
    ///
    /// # Errors
    /// Why it is missing.
    pub fn confidence(&self, row: &GenerationRow) -> Result<Confidence, MissingReason> {
        let observed = ObservedSignals {
            // No question of a multiple choice: which tokens are the option, only a benchmark's extractor knows.
            kind: AnswerKind::Span,
            question: "",
            answer: Some(row),
            label: None,
            samples: &[],
            verbalized: None,
        };
        (self.score)(&observed, &self.config.parameters)
    }

    /// The confidence of log-probabilities that somebody else observed.
    ///
    /// # Errors
    /// Why it is missing.
    pub fn from_logprobs(&self, logprobs: &[f64]) -> Result<Confidence, MissingReason> {
        let method = TokenMethod::from_id(self.config.id)
            .ok_or(MissingReason::Signal(MissingSignal::NoTopLogprobs))?;
        let mut growing = ConfidenceAccumulator::new(method);
        for logprob in logprobs {
            growing.push(*logprob);
        }
        growing.confidence().ok_or(MissingReason::Signal(MissingSignal::InvalidLogprobs))
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_core::records::TokenRow;
    use plimsoll_router::conformance::example_thresholds;

    use super::*;

    fn row(logprobs: &[f32]) -> GenerationRow {
        let token = |(index, logprob): (u32, &f32)| TokenRow {
            text: "a".to_owned(),
            start: index,
            end: index + 1,
            logprob: Some(*logprob),
            ..TokenRow::default()
        };
        GenerationRow {
            text: Some("a".repeat(logprobs.len())),
            tokens: Some((0..).zip(logprobs).map(token).collect()),
            ..GenerationRow::default()
        }
    }

    #[test]
    fn the_number_is_that_of_the_closed_form() {
        let mut of_file = example_thresholds().methods[0].clone();
        assert_eq!(of_file.id, "perplexity");
        let method = ReplyMethod::find(&of_file).unwrap();
        let logprobs = [-0.5f32, -0.25, -2.0];
        let expected = Confidence::perplexity(logprobs);
        assert_eq!(method.confidence(&row(&logprobs)).ok(), expected);
        assert_eq!(method.from_logprobs(&logprobs.map(f64::from)).ok(), expected);
        assert_eq!(method.confidence(&row(&[])).unwrap_err().name(), "empty_answer");
        of_file.variant_sha256 = method.config().variant_hash();
        assert!(ReplyMethod::find(&of_file).unwrap().is_verified());
    }

    #[test]
    fn what_needs_more_than_a_reply_is_refused() {
        let mut of_file = example_thresholds().methods[0].clone();
        for (id, problem) in [
            ("p_true", "more than one reply"),
            ("jaccard_degree", "parameters"),
            ("token_entropy", "parameters"),
            ("my_own", "none that this program computes"),
        ] {
            of_file.id = id.to_owned();
            of_file.variant_sha256 = "0".repeat(64);
            let refusal = ReplyMethod::find(&of_file).unwrap_err();
            assert!(refusal.contains(problem), "{id}: {refusal}");
        }
        of_file.id = "token_entropy".to_owned();
        let ten = method("token_entropy").unwrap().resolve(&json!({"k": 10})).unwrap();
        of_file.variant_sha256 = ten.variant_hash();
        assert_eq!(ReplyMethod::find(&of_file).unwrap().top_logprobs(), 10);
    }
}
