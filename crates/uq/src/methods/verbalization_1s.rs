//! Verbalization in one step.

use plimsoll_core::signal::SignalRequest;
use plimsoll_core::stated::ReplyTask;
use plimsoll_router::Confidence;
use serde_json::Value;

use crate::method::{MethodConfig, PromptKind, Scoring, UncertaintyMethod};
use crate::observed::{ObservedSignals, reply};
use crate::parameters::{self, ParameterError};
use crate::verbalized::read;
use plimsoll_core::missing::MissingReason;

const ID: &str = "verbalization_1s";

/// The confidence that the model writes beside its answer.
///
/// The prompt has its own answer: label, accuracy and cost of this method are those of that answer
/// (Tian et al., arXiv:2305.14975; arXiv:2502.04428, section 3).
#[derive(Debug)]
pub(super) struct Verbalization1s;

impl UncertaintyMethod for Verbalization1s {
    fn id(&self) -> &'static str {
        ID
    }

    fn definition(&self) -> &'static str {
        "the probability from 0 to 1, or percentage, that the model states as its confidence beside its answer; it speaks \
         of that answer"
    }

    fn resolve(&self, given: &Value) -> Result<MethodConfig, ParameterError> {
        Ok(MethodConfig {
            id: ID,
            definition: self.definition(),
            request: SignalRequest::answer(),
            prompt: PromptKind::Verbalized,
            scoring: Scoring::Closed(score),
            parameters: parameters::none(ID, given)?,
            version: 2,
        })
    }
}

fn score(observed: &ObservedSignals<'_>, _: &Value) -> Result<Confidence, MissingReason> {
    let asked = ReplyTask { answer: Some(observed.kind), question: observed.question };
    read(&reply(observed.verbalized)?, asked).map_err(MissingReason::Verbalized)
}
