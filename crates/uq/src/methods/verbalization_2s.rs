//! Verbalization in two steps.

use plimsoll_core::Missing;
use plimsoll_core::signal::SignalRequest;
use plimsoll_router::Confidence;
use serde_json::Value;

use super::{Method, ParameterError, PromptKind, Resolved, Scoring, parameters};
use crate::observed::Observed;
use crate::reason::Reason;
use crate::verbalized::{Turn, read};

/// The method's id, and that of its follow-up in the prompt.
const ID: &str = "verbalization_2s";

/// Tokens of the reply: room for a sentence around the number.
const REPLY_TOKENS: u32 = 32;

/// The confidence that the model writes when it is asked in a second turn.
///
/// (Tian et al., arXiv:2305.14975; arXiv:2502.04428, section 3.)
#[derive(Debug)]
pub(super) struct Verbalization2s;

impl Method for Verbalization2s {
    fn id(&self) -> &'static str {
        ID
    }

    fn definition(&self) -> &'static str {
        "the probability from 0 to 1, or percentage, that the model writes when asked in a second turn how likely its \
         answer is right"
    }

    fn resolve(&self, given: &Value) -> Result<Resolved, ParameterError> {
        Ok(Resolved {
            id: ID,
            definition: self.definition(),
            request: SignalRequest::answer().with_follow_up_text(ID, REPLY_TOKENS),
            prompt: PromptKind::Main,
            scoring: Scoring::Closed(score),
            parameters: parameters::none(ID, given)?,
            version: 1,
        })
    }
}

fn score(observed: &Observed<'_>, _: &Value) -> Result<Confidence, Reason> {
    let reply = observed.follow_up(ID)?.text.as_deref().ok_or(Reason::Signal(Missing::NoText))?;
    read(reply, Turn::ConfidenceOnly).map_err(Reason::Unread)
}
