//! Perplexity.

use plimsoll_core::MissingSignal;
use plimsoll_core::signal::SignalRequest;
use plimsoll_router::Confidence;
use serde_json::Value;

use crate::method::{MethodConfig, PromptKind, Scoring, UncertaintyMethod};
use crate::observed::{ObservedSignals, logprobs};
use crate::parameters::{self, ParameterError};
use plimsoll_core::missing::MissingReason;

const ID: &str = "perplexity";

/// 1 / perplexity of the answer.
///
/// # Formula
/// exp((1/N) sum of `logprob_i`) over the answer's tokens, those of reasoning and the stop token excluded: the
/// geometric mean of their probabilities, 1 / PPL (arXiv:2502.04428, section 3).
#[derive(Debug)]
pub(super) struct Perplexity;

impl UncertaintyMethod for Perplexity {
    fn id(&self) -> &'static str {
        ID
    }

    fn definition(&self) -> &'static str {
        "1 / perplexity: exp of the mean natural-log probability of the answer's tokens, those of reasoning and the stop \
         token excluded"
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
    let logprobs = logprobs(observed.answer_tokens()?)?;
    Confidence::perplexity(&logprobs).ok_or(MissingReason::Signal(MissingSignal::InvalidLogprobs))
}
