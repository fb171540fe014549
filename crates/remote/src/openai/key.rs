//! The key of an API, which must not be seen anywhere.

use plimsoll_http::Secret;
use serde_json::Value;

/// Shorter texts are no keys: to redact them would change answers.
const MIN_BYTES: usize = 8;
/// A key. Its `Debug` shows nothing of it and it has no `Display`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey(Secret);

impl ApiKey {
    /// Takes a key without the white space around it.
    ///
    /// # Errors
    /// What is wrong with it: fewer than 8 bytes, or characters that no header can hold.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            Err("it is empty; set it, or leave `api_key_env` out for a server that needs no key")
        } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err("it holds characters that no key has")
        } else if text.len() < MIN_BYTES {
            Err(
                "it is shorter than 8 characters and could stand in answers by chance; leave `api_key_env` out for a server that needs no key",
            )
        } else {
            Ok(Self(Secret::new(text)))
        }
    }

    /// The value of the `authorization` header.
    pub fn header(&self) -> String {
        self.0.bearer()
    }

    /// Whether a text shows the key.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_in(text)
    }

    /// A text without the key.
    pub fn redact(&self, text: &str) -> String {
        self.0.redact(text)
    }

    /// Redacts the key in every text of a document, names of fields included. To be done after the
    /// document was parsed: a server may escape characters.
    pub fn redact_document(&self, document: &mut Value) {
        match document {
            Value::String(text) if self.is_in(text) => *text = self.redact(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_document(item)),
            Value::Object(fields) => {
                if fields.keys().any(|name| self.is_in(name)) {
                    *fields = std::mem::take(fields)
                        .into_iter()
                        .map(|(name, value)| (self.redact(&name), value))
                        .collect();
                }
                fields.values_mut().for_each(|value| self.redact_document(value));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_redacted_in_documents_however_it_is_escaped() {
        let key = ApiKey::new(" sk-secret-1\n").unwrap();
        let text =
            r#"{"a \u0073k-secret-1": ["x sk\u002dsecret-1 y", {"b": "sk-secret-1sk-secret-1"}], "c": 1}"#;
        let mut document = serde_json::from_str(text).unwrap();
        key.redact_document(&mut document);
        assert_eq!(document, json!({"a [key]": ["x [key] y", {"b": "[key][key]"}], "c": 1}));
        assert_eq!(format!("{key:?}"), "ApiKey(Secret(hidden))");
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        for text in ["", " ", "EMPTY", "sk-a\u{e9}bcdefgh", "sk-line\nbreak"] {
            assert!(ApiKey::new(text).is_err(), "{text}");
        }
    }
}
