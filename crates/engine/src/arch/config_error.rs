//! Why a `config.json` gives no decoder.

use crate::spec_error::SpecError;

/// What is wrong with a `config.json`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No JSON of the right form.
    #[error("it is not a configuration of a model")]
    Json(#[source] serde_json::Error),
    /// A field that holds an object of another form.
    #[error("`{field}` cannot be read")]
    Field {
        /// The field.
        field: &'static str,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// An architecture that is not understood.
    #[error("`model_type` is `{}`; those understood are {}", found.escape_debug(), listed(known))]
    Architecture {
        /// What it says.
        found: String,
        /// Those that are understood.
        known: Vec<&'static str>,
    },
    /// A field that must be there.
    #[error("`{field}` is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field that requires what the decoder does not have.
    #[error("`{field}` is {}, which is not supported", value.escape_debug())]
    Unsupported {
        /// The field.
        field: &'static str,
        /// What it says.
        value: String,
    },
    /// Two fields that say the same in two dialects, or contradict each other.
    #[error("`{first}` and `{second}` are both there and do not fit together")]
    Contradiction {
        /// One field.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// Sizes or factors that make no decoder.
    #[error("it describes no decoder")]
    Spec(#[source] SpecError),
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
