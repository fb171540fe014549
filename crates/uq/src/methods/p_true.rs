//! p(True).

use plimsoll_core::Missing;
use plimsoll_core::signal::SignalRequest;
use plimsoll_router::Confidence;
use serde_json::Value;

use super::{Method, ParameterError, PromptKind, Resolved, Scoring, parameters};
use crate::observed::Observed;
use crate::reason::Reason;

/// The method's id, and that of its follow-up in the prompt.
const ID: &str = "p_true";

/// The probability of "True" after "is this answer correct?".
///
/// # Formula
/// P(True) / (P(True) + P(False)), each summed over its spellings at the first position of the reply
/// (Kadavath et al., arXiv:2207.05221; arXiv:2502.04428, section 3). A mass that a server did not list is
/// bounded by the least probability it listed; the row says so (`censored`).
#[derive(Debug)]
pub(super) struct PTrue;

impl Method for PTrue {
    fn id(&self) -> &'static str {
        ID
    }

    fn definition(&self) -> &'static str {
        "P(True) / (P(True) + P(False)) at the first token of the reply to whether the answer is correct, each summed over \
         its spellings"
    }

    fn resolve(&self, given: &Value) -> Result<Resolved, ParameterError> {
        Ok(Resolved {
            id: ID,
            definition: self.definition(),
            request: SignalRequest::answer().with_follow_up_masses(ID),
            prompt: PromptKind::Main,
            scoring: Scoring::Closed(score),
            parameters: parameters::none(ID, given)?,
            version: 1,
        })
    }
}

fn score(observed: &Observed<'_>, _: &Value) -> Result<Confidence, Reason> {
    let follow_up = observed.follow_up(ID)?;
    let (Some(true_mass), Some(false_mass)) = (follow_up.true_mass, follow_up.false_mass) else {
        return Err(Reason::Signal(Missing::NoTopLogprobs));
    };
    Confidence::p_true(true_mass, false_mass).ok_or(Reason::InvalidMasses)
}
