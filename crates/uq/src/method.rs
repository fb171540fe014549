//! What a method is: before its parameters are known, and with them.

use plimsoll_core::canonical::canonical_sha256;
use plimsoll_core::missing::MissingReason;
use plimsoll_core::signal::SignalRequest;
use plimsoll_router::Confidence;
use serde_json::{Value, json};

use crate::observed::ObservedSignals;
use crate::parameters::ParameterError;
#[cfg(feature = "probe")]
use crate::probe::ProbeMethod;

/// Which prompt's answer a confidence is for. Its label, accuracy and cost are those of that prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PromptKind {
    /// The prompt that asks for the answer.
    Main,
    /// The prompt that asks for the answer and a confidence.
    Verbalized,
}

/// A kind of method, before its parameters are known.
pub trait UncertaintyMethod: Sync + std::fmt::Debug {
    /// Its id in plans and tables.
    fn id(&self) -> &'static str;

    /// What the confidence is, in a sentence for the thresholds file.
    fn definition(&self) -> &'static str;

    /// The method with its parameters: the mapping under its id in the plan, or nothing.
    ///
    /// # Errors
    /// [`ParameterError`] names the parameter that is missing, unknown or out of range.
    fn resolve(&self, parameters: &Value) -> Result<MethodConfig, ParameterError>;

    /// How likely the model was to reply as the method supposes, where it compares the probabilities of replies: their
    /// sum, in [0, 1], as far as they were listed. `None` for other methods, and where none was observed.
    fn answer_mass(&self, _observed: &ObservedSignals<'_>) -> Option<f64> {
        None
    }
}

/// A method with its parameters.
#[derive(Debug, Clone)]
pub struct MethodConfig {
    /// Its id.
    pub id: &'static str,
    /// What the confidence is.
    pub definition: &'static str,
    /// What it needs to be observed.
    pub request: SignalRequest,
    /// Of which prompt.
    pub prompt: PromptKind,
    /// How it scores.
    pub scoring: Scoring,
    /// Its parameters, resolved.
    pub parameters: Value,
    /// Version of the way it computes; a change that changes confidences is a new one.
    pub version: u32,
}

/// How a method scores.
#[derive(Debug, Clone)]
pub enum Scoring {
    /// Each question by itself.
    Closed(ClosedScore),
    /// By a network that is trained on other questions first.
    #[cfg(feature = "probe")]
    Probe(ProbeMethod),
}

/// A score of one question by itself.
pub type ClosedScore = fn(&ObservedSignals<'_>, &Value) -> Result<Confidence, MissingReason>;

impl MethodConfig {
    /// How it scores a question by itself; `None` for what is trained on others first.
    pub fn closed_score(&self) -> Option<ClosedScore> {
        match self.scoring {
            Scoring::Closed(score) => Some(score),
            #[cfg(feature = "probe")]
            Scoring::Probe(_) => None,
        }
    }

    /// Lower-case hexadecimal SHA-256 of id, version and parameters: scores of one hash are comparable.
    pub fn variant_hash(&self) -> String {
        canonical_sha256(&json!({"method": self.id, "version": self.version, "parameters": self.parameters}))
    }
}
