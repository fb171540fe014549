//! Smallest token probability.

use plimsoll_core::MissingSignal;
use plimsoll_core::missing::MissingReason;
use plimsoll_core::signal::SignalRequest;
use plimsoll_router::Confidence;
use serde_json::Value;

use crate::method::{MethodConfig, PromptKind, Scoring, UncertaintyMethod};
use crate::observed::{ObservedSignals, logprobs};
use crate::parameters::{self, ParameterError};

const ID: &str = "min_token_probability";

/// The smallest probability of the answer's tokens: one token that the model doubts makes it doubt the answer.
///
/// # Formula
/// min of exp(`logprob_i`) over the answer's tokens; those of reasoning before it and the stop token are none of them.
#[derive(Debug)]
pub(super) struct MinTokenProbability;

impl UncertaintyMethod for MinTokenProbability {
    fn id(&self) -> &'static str {
        ID
    }

    fn definition(&self) -> &'static str {
        "smallest probability of the answer's tokens, those of reasoning and the stop token excluded; over the full vocabulary at \
         temperature 1"
    }

    fn resolve(&self, given: &Value) -> Result<MethodConfig, ParameterError> {
        Ok(MethodConfig {
            id: ID,
            definition: self.definition(),
            request: SignalRequest::answer().with_logprobs(),
            prompt: PromptKind::Main,
            scoring: Scoring::Closed(score),
            parameters: parameters::none(ID, given)?,
            version: 1,
        })
    }
}

fn score(observed: &ObservedSignals<'_>, _: &Value) -> Result<Confidence, MissingReason> {
    let logprobs = logprobs(observed.answer_tokens()?)?;
    Confidence::min_token_probability(&logprobs).ok_or(MissingReason::Signal(MissingSignal::InvalidLogprobs))
}
