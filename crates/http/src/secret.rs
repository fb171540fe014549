//! Text that is never printed.

use std::fmt;

/// The text in place of a redacted secret.
const REDACTED: &str = "[key]";

/// A key, a token, or an address that may hold a password. Its `Debug` shows nothing of it and it has no
/// `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for sending it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The value of an `authorization` header.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Whether a text contains the secret.
    pub fn is_in(&self, text: &str) -> bool {
        text.contains(&self.0)
    }

    /// The text with the secret redacted.
    pub fn redact(&self, text: &str) -> String {
        text.replace(&self.0, REDACTED)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("sk-secret-1");
        assert_eq!(format!("{secret:?}"), "Secret(hidden)");
        assert!(secret.is_in("x sk-secret-1 y"));
        assert_eq!(secret.redact("x sk-secret-1sk-secret-1 y"), "x [key][key] y");
        assert_eq!(secret.bearer(), "Bearer sk-secret-1");
    }
}
