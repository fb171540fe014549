//! The methods: one file each, one line in [`METHODS`].

mod average_token_probability;
mod jaccard_degree;
#[cfg(feature = "probe")]
mod ood_probe;
mod p_true;
mod parameters;
mod perplexity;
#[cfg(feature = "probe")]
mod probe_parameters;
#[cfg(feature = "probe")]
mod trained_probe;
mod verbalization_1s;
mod verbalization_2s;

pub use parameters::ParameterError;
#[cfg(feature = "probe")]
pub use probe_parameters::{ProbeKind, ProbeMethod};

use plimsoll_core::canonical::canonical_sha256;
use plimsoll_core::signal::SignalRequest;
use plimsoll_router::Confidence;
use serde_json::{Value, json};

use crate::observed::ObservedSignals;
use crate::reason::MissingReason;

/// Which prompt's answer a confidence speaks of. Its label, accuracy and cost are those of that prompt.
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
    Closed(fn(&ObservedSignals<'_>, &Value) -> Result<Confidence, MissingReason>),
    /// By a network that is trained on other questions first.
    #[cfg(feature = "probe")]
    Probe(ProbeMethod),
}

impl MethodConfig {
    /// Lower-case hexadecimal SHA-256 of id, version and parameters: scores of one hash are comparable.
    pub fn variant_hash(&self) -> String {
        canonical_sha256(&json!({"method": self.id, "version": self.version, "parameters": self.parameters}))
    }
}

/// Every method.
pub const METHODS: &[&dyn UncertaintyMethod] = &[
    &average_token_probability::AverageTokenProbability,
    &perplexity::Perplexity,
    &p_true::PTrue,
    &jaccard_degree::JaccardDegree,
    &verbalization_1s::Verbalization1s,
    &verbalization_2s::Verbalization2s,
    #[cfg(feature = "probe")]
    &trained_probe::TrainedProbe,
    #[cfg(feature = "probe")]
    &ood_probe::OodProbe,
];

/// The method of an id.
pub fn method(id: &str) -> Option<&'static dyn UncertaintyMethod> {
    METHODS.iter().copied().find(|method| method.id() == id)
}

#[cfg(test)]
#[cfg(feature = "probe")]
mod tests;
