//! The methods: one file each, one line in [`METHODS`].

mod average_token_probability;
mod jaccard_degree;
mod min_token_probability;
#[cfg(feature = "probe")]
mod ood_probe;
mod p_true;
mod perplexity;
#[cfg(feature = "probe")]
mod probe_parameters;
mod token_entropy;
mod token_margin;
#[cfg(feature = "probe")]
mod trained_probe;
mod verbalization_1s;
mod verbalization_2s;

pub use crate::method::{MethodConfig, PromptKind, Scoring, UncertaintyMethod};
pub use crate::parameters::ParameterError;
#[cfg(feature = "probe")]
pub use crate::probe::{ProbeKind, ProbeMethod};

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
    &token_margin::TokenMargin,
    &token_entropy::TokenEntropy,
    &min_token_probability::MinTokenProbability,
];

/// The method of an id.
pub fn method(id: &str) -> Option<&'static dyn UncertaintyMethod> {
    METHODS.iter().copied().find(|method| method.id() == id)
}

#[cfg(test)]
#[cfg(feature = "probe")]
mod tests;
