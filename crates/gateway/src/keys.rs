//! The keys that clients show.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use plimsoll_http::Secret;
use subtle::{Choice, ConstantTimeEq as _};

/// The keys of which a client must show one; without any, every client is served.
#[derive(Debug, Clone, Default)]
pub struct ClientKeys(Vec<Secret>);

impl ClientKeys {
    /// Takes the keys.
    pub fn new(keys: Vec<Secret>) -> Self {
        Self(keys)
    }

    /// Whether a request may be served. How long this takes says nothing of how much of a key was right, nor of which.
    pub fn admit(&self, headers: &HeaderMap) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let shown = headers.get(AUTHORIZATION).map(axum::http::HeaderValue::as_bytes).unwrap_or_default();
        let shown = shown.strip_prefix(b"Bearer ").unwrap_or_default();
        let any = self.0.iter().fold(Choice::from(0), |any, key| any | key.reveal().as_bytes().ct_eq(shown));
        any.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_keys_must_be_shown() {
        let keys = ClientKeys::new(vec![Secret::new("key-one-1"), Secret::new("key-two-2")]);
        let shown = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            keys.admit(&headers)
        };
        assert!(shown("Bearer key-one-1") && shown("Bearer key-two-2"));
        for wrong in [
            "",
            "Bearer ",
            "Bearer key-one-",
            "Bearer key-one-11",
            "key-one-1",
            "bearer key-one-1",
            "Basic key-one-1",
        ] {
            assert!(!shown(wrong), "{wrong}");
        }
        assert!(!keys.admit(&HeaderMap::new()));
        assert!(ClientKeys::default().admit(&HeaderMap::new()));
        assert!(!format!("{keys:?}").contains("key-one"));
    }
}
