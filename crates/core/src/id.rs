//! Ids. Each is a newtype, so that a method cannot be passed where a model is meant.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Maximum length of an id in bytes; longer ones are surely a parsing accident.
pub const MAX_ID_BYTES: usize = 1024;

/// Why a text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdProblem {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// Longer than [`MAX_ID_BYTES`].
    #[error("is longer than 1024 bytes")]
    TooLong,
    /// Holds a control character (a line break, for instance).
    #[error("holds a control character")]
    Control,
}

/// Checks that a text can be an id.
///
/// # Errors
/// [`IdProblem`] for an empty, overlong or multi-line text.
pub fn check_id(text: &str) -> Result<(), IdProblem> {
    if text.trim().is_empty() {
        Err(IdProblem::Empty)
    } else if text.len() > MAX_ID_BYTES {
        Err(IdProblem::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(IdProblem::Control)
    } else {
        Ok(())
    }
}

/// Declares the id newtypes: the same five lines for each would hide which ids there are.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a text.
            ///
            /// # Errors
            /// [`IdProblem`] for an empty, overlong or multi-line text.
            pub fn new(text: impl Into<String>) -> Result<Self, IdProblem> {
                let text = text.into();
                check_id(&text).map(|()| Self(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdProblem;
            fn try_from(text: String) -> Result<Self, IdProblem> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

ids! {
    /// A dataset (`gsm8k`).
    DatasetId;
    /// A question (`gsm8k/test/17`).
    QuestionId;
    /// A domain of datasets (`math`).
    DomainId;
    /// A model (`llama-3.2-1b-instruct`).
    ModelId;
    /// An uncertainty-quantification method (`perplexity`).
    MethodId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_accidents() {
        assert_eq!(ModelId::new(" "), Err(IdProblem::Empty));
        assert_eq!(ModelId::new("a\nb"), Err(IdProblem::Control));
        assert_eq!(ModelId::new("x".repeat(2000)), Err(IdProblem::TooLong));
        assert_eq!(ModelId::new("meta/llama 3").unwrap().as_str(), "meta/llama 3");
    }
}
