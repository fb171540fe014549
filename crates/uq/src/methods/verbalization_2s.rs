//! Verbalization in two steps.

use plimsoll_core::MissingSignal;
use plimsoll_core::Reply;
use plimsoll_core::signal::SignalRequest;
use plimsoll_core::stated::ReplyTask;
use plimsoll_router::Confidence;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::method::{MethodConfig, PromptKind, Scoring, UncertaintyMethod};
use crate::observed::ObservedSignals;
use crate::parameters::{self, ParameterError};
use crate::verbalized::read;
use plimsoll_core::missing::MissingReason;

/// The method's id, and that of its follow-up in the prompt.
const ID: &str = "verbalization_2s";

/// Tokens of the reply, unless the plan gives others: room for a sentence around the number. A model that
/// reasons before it needs more.
const REPLY_TOKENS: u32 = 32;

/// Tokens of the reply, at most.
const MAX_REPLY_TOKENS: u32 = 65_536;

/// The confidence that the model writes when it is asked in a second turn.
///
/// (Tian et al., arXiv:2305.14975; arXiv:2502.04428, section 3.)
#[derive(Debug)]
pub(super) struct Verbalization2s;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerbalizationParameters {
    max_new_tokens: Option<u32>,
}

impl UncertaintyMethod for Verbalization2s {
    fn id(&self) -> &'static str {
        ID
    }

    fn definition(&self) -> &'static str {
        "the probability from 0 to 1, or percentage, that the model writes when asked in a second turn how likely its \
         answer is right"
    }

    fn resolve(&self, given: &Value) -> Result<MethodConfig, ParameterError> {
        let VerbalizationParameters { max_new_tokens } = parameters::read(ID, given)?;
        let tokens = max_new_tokens.unwrap_or(REPLY_TOKENS);
        parameters::within((ID, "max_new_tokens"), tokens, 1..=MAX_REPLY_TOKENS, "from 1 to 65536")?;
        Ok(MethodConfig {
            id: ID,
            definition: self.definition(),
            request: SignalRequest::answer().with_follow_up_text(ID, tokens),
            prompt: PromptKind::Main,
            scoring: Scoring::Closed(score),
            parameters: json!({"max_new_tokens": tokens}),
            version: 2,
        })
    }
}

fn score(observed: &ObservedSignals<'_>, _: &Value) -> Result<Confidence, MissingReason> {
    let reply =
        Reply::from_follow_up(observed.follow_up(ID)?).ok_or(MissingReason::Signal(MissingSignal::NoText))?;
    read(&reply, ReplyTask::CONFIDENCE).map_err(MissingReason::Verbalized)
}
