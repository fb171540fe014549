//! The key of an API, which must not be seen anywhere.

use std::fmt;

use serde_json::Value;

/// Shorter texts are no keys: to blot them out would change answers.
const FEWEST_BYTES: usize = 8;
/// What stands where the key was.
const BLOT: &str = "[key]";

/// A key. Its `Debug` shows nothing of it and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

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
        } else if text.len() < FEWEST_BYTES {
            Err(
                "it is shorter than 8 characters and could stand in answers by chance; leave `api_key_env` out for a server that needs no key",
            )
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The value of the `authorization` header.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Whether a text shows the key.
    pub(super) fn is_in(&self, text: &str) -> bool {
        text.contains(&self.0)
    }

    /// A text without the key.
    pub(super) fn blot(&self, text: &str) -> String {
        text.replace(&self.0, BLOT)
    }

    /// Blots the key out of every text of a document, names of fields included. To be done after the
    /// document was parsed: a server may escape characters.
    pub(super) fn blot_document(&self, document: &mut Value) {
        match document {
            Value::String(text) if self.is_in(text) => *text = self.blot(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.blot_document(item)),
            Value::Object(fields) => {
                if fields.keys().any(|name| self.is_in(name)) {
                    *fields = std::mem::take(fields)
                        .into_iter()
                        .map(|(name, value)| (self.blot(&name), value))
                        .collect();
                }
                fields.values_mut().for_each(|value| self.blot_document(value));
            }
            _ => {}
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_blotted_out_of_documents_however_it_is_escaped() {
        let key = ApiKey::new(" sk-secret-1\n").unwrap();
        let text =
            r#"{"a \u0073k-secret-1": ["x sk\u002dsecret-1 y", {"b": "sk-secret-1sk-secret-1"}], "c": 1}"#;
        let mut document = serde_json::from_str(text).unwrap();
        key.blot_document(&mut document);
        assert_eq!(document, json!({"a [key]": ["x [key] y", {"b": "[key][key]"}], "c": 1}));
        assert_eq!(format!("{key:?}"), "ApiKey(hidden)");
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        for text in ["", " ", "EMPTY", "sk-a\u{e9}bcdefgh", "sk-line\nbreak"] {
            assert!(ApiKey::new(text).is_err(), "{text}");
        }
    }
}
