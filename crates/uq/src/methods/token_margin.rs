//! Token margin.

use plimsoll_core::MissingSignal;
use plimsoll_core::missing::MissingReason;
use plimsoll_core::signal::SignalRequest;
use plimsoll_router::Confidence;
use serde_json::Value;

use crate::method::{MethodConfig, PromptKind, Scoring, UncertaintyMethod};
use crate::observed::ObservedSignals;
use crate::parameters::{self, ParameterError};

const ID: &str = "token_margin";

/// By how much the likeliest token leads the second at the positions of the answer, on average.
///
/// # Formula
/// (1/N) sum of p(1) - p(2) over the answer's tokens, p(1) and p(2) the largest two probabilities at the position; tokens
/// of reasoning before it and the stop token are none of them.
#[derive(Debug)]
pub(super) struct TokenMargin;

impl UncertaintyMethod for TokenMargin {
    fn id(&self) -> &'static str {
        ID
    }

    fn definition(&self) -> &'static str {
        "arithmetic mean, over the answer's tokens, of the difference between the probabilities of the likeliest and the second \
         likeliest token at the position; those of reasoning and the stop token excluded; over the full vocabulary at temperature 1"
    }

    fn resolve(&self, given: &Value) -> Result<MethodConfig, ParameterError> {
        Ok(MethodConfig {
            id: ID,
            definition: self.definition(),
            request: SignalRequest::answer().with_top_logprobs(2),
            prompt: PromptKind::Main,
            scoring: Scoring::Closed(score),
            parameters: parameters::none(ID, given)?,
            version: 1,
        })
    }
}

fn score(observed: &ObservedSignals<'_>, _: &Value) -> Result<Confidence, MissingReason> {
    let likeliest = observed.likeliest(2)?;
    let two = likeliest.iter().filter_map(|top| top.first_chunk::<2>().copied());
    Confidence::token_margin(two).ok_or(MissingReason::Signal(MissingSignal::InvalidLogprobs))
}
