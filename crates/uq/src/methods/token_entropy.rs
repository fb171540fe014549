//! Token entropy.

use plimsoll_core::MissingSignal;
use plimsoll_core::missing::MissingReason;
use plimsoll_core::signal::SignalRequest;
use plimsoll_router::Confidence;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::method::{MethodConfig, PromptKind, Scoring, UncertaintyMethod};
use crate::observed::ObservedSignals;
use crate::parameters::{self, ParameterError};

const ID: &str = "token_entropy";

/// As many as hosted servers list.
const MAX_K: u8 = 20;

/// How far the distributions of the answer's tokens are from uniform, by their likeliest tokens.
///
/// # Formula
/// 1 - (1/N) sum of `H_i` / ln(k + 1), `H_i` the entropy of k + 1 outcomes at position i: the k likeliest tokens, and all
/// others together. It is a lower bound of the entropy over the vocabulary, which rises with k: another k is another
/// variant. Tokens of reasoning before the answer and the stop token are none of them.
#[derive(Debug)]
pub(super) struct TokenEntropy;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntropyParameters {
    k: u8,
}

impl UncertaintyMethod for TokenEntropy {
    fn id(&self) -> &'static str {
        ID
    }

    fn definition(&self) -> &'static str {
        "1 minus the mean, over the answer's tokens, of the entropy of k + 1 outcomes (the k likeliest tokens at the position, and \
         all others together) divided by ln(k + 1); those of reasoning and the stop token excluded; at temperature 1"
    }

    fn resolve(&self, given: &Value) -> Result<MethodConfig, ParameterError> {
        let EntropyParameters { k } = parameters::read(ID, given)?;
        parameters::within((ID, "k"), k, 1..=MAX_K, "from 1 to 20")?;
        Ok(MethodConfig {
            id: ID,
            definition: self.definition(),
            request: SignalRequest::answer().with_top_logprobs(k),
            prompt: PromptKind::Main,
            scoring: Scoring::Closed(score),
            parameters: json!({"k": k}),
            version: 1,
        })
    }
}

fn score(observed: &ObservedSignals<'_>, parameters: &Value) -> Result<Confidence, MissingReason> {
    let k = parameters["k"].as_u64().and_then(|k| usize::try_from(k).ok()).unwrap_or(usize::MAX);
    let likeliest = observed.likeliest(k)?;
    Confidence::token_entropy(likeliest).ok_or(MissingReason::Signal(MissingSignal::InvalidLogprobs))
}
