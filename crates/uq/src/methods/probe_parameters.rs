//! What the two probes share: parameters, and what they ask to be observed.

use std::num::NonZeroUsize;

use plimsoll_core::signal::{Position, SignalRequest};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::method::{MethodConfig, PromptKind, Scoring};
use crate::parameters::{self, ParameterError};
use crate::probe::{ProbeKind, ProbeMethod, TrainingSpec};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProbeParameters {
    layer: i32,
    epochs: u32,
    learning_rate: f64,
    #[serde(default = "last_prompt_token")]
    position: Position,
    #[serde(default = "batch")]
    batch: NonZeroUsize,
    #[serde(default = "weight_decay")]
    weight_decay: f64,
}

/// Where the design puts it; recorded with the other parameters.
const fn last_prompt_token() -> Position {
    Position::LastPromptToken
}

const fn batch() -> NonZeroUsize {
    TrainingSpec::with_learning_rate(0.0).batch
}

const fn weight_decay() -> f64 {
    TrainingSpec::with_learning_rate(0.0).weight_decay
}

/// Resolves a probe method.
pub(super) fn resolve(
    id: &'static str,
    definition: &'static str,
    kind: ProbeKind,
    given: &Value,
) -> Result<MethodConfig, ParameterError> {
    let ProbeParameters { layer, epochs, learning_rate, position, batch, weight_decay } =
        parameters::read(id, given)?;
    parameters::within((id, "epochs"), epochs, 1..=10_000, "from 1 to 10000")?;
    parameters::within((id, "learning_rate"), learning_rate, f64::MIN_POSITIVE..=1.0, "above 0, at most 1")?;
    parameters::within((id, "weight_decay"), weight_decay, 0.0..=1.0, "from 0 to 1")?;
    let training = TrainingSpec { epochs, learning_rate, batch, weight_decay };
    Ok(MethodConfig {
        id,
        definition,
        request: SignalRequest::answer().with_hidden_state(layer, position),
        prompt: PromptKind::Main,
        scoring: Scoring::Probe(ProbeMethod { kind, layer, position, training }),
        parameters: json!({
            "layer": layer, "epochs": epochs, "learning_rate": learning_rate, "position": position,
            "batch": batch, "weight_decay": weight_decay,
        }),
        version: 1,
    })
}
