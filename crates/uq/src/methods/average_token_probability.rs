//! Average token probability.

use plimsoll_core::signal::SignalRequest;
use plimsoll_core::{AnswerKind, MissingSignal};
use plimsoll_router::Confidence;
use serde_json::Value;

use crate::method::{MethodConfig, PromptKind, Scoring, UncertaintyMethod};
use crate::observed::{ObservedSignals, logprobs};
use crate::parameters::{self, ParameterError};
use plimsoll_core::missing::{MissingReason, UnusableSignal};

const ID: &str = "average_token_probability";

/// For a multiple-choice question the probability of the option that was chosen, otherwise the mean
/// probability of the answer's tokens.
///
/// # Formula
/// (1/N) sum of exp(`logprob_i`), arithmetic, over the full vocabulary, not renormalised over the options.
/// For choices i runs over the tokens of the *final* option in the answer (its letter or its words, as the
/// extractor found it), otherwise over all tokens of the answer; those of reasoning before it and
/// the stop token are none of them (arXiv:2502.04428, section 3). Compare [`super::perplexity`], the geometric mean.
#[derive(Debug)]
pub(super) struct AverageTokenProbability;

impl UncertaintyMethod for AverageTokenProbability {
    fn id(&self) -> &'static str {
        ID
    }

    fn definition(&self) -> &'static str {
        "arithmetic mean of the probabilities of the answer's tokens, those of reasoning and the stop token excluded; for multiple choice, of the \
         tokens of the final option only; over the full vocabulary at temperature 1"
    }

    fn resolve(&self, given: &Value) -> Result<MethodConfig, ParameterError> {
        Ok(MethodConfig {
            id: ID,
            definition: self.definition(),
            request: SignalRequest::answer().with_logprobs(),
            prompt: PromptKind::Main,
            scoring: Scoring::Closed(score),
            parameters: parameters::none(ID, given)?,
            version: 2,
        })
    }
}

fn score(observed: &ObservedSignals<'_>, _: &Value) -> Result<Confidence, MissingReason> {
    let logprobs = if observed.kind == AnswerKind::Choice {
        let span = observed
            .label
            .and_then(|label| label.tokens.clone())
            .ok_or(MissingReason::Unusable(UnusableSignal::NoOptionSpan))?;
        let option = observed
            .tokens()?
            .get(span)
            .filter(|option| !option.is_empty())
            .ok_or(MissingReason::Unusable(UnusableSignal::NoOptionSpan))?;
        logprobs(option)?
    } else {
        logprobs(observed.answer_tokens()?)?
    };
    Confidence::average_token_probability(&logprobs)
        .ok_or(MissingReason::Signal(MissingSignal::InvalidLogprobs))
}
