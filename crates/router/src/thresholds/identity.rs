//! Which model a file was fitted for, and whether this device runs it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::canonical_json;
use crate::error::Error;

/// A model as it was run. Null fields are unknown (scores made elsewhere often know no hashes).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ModelIdentity {
    /// Name of the model.
    pub id: String,
    /// Revision (a commit hash) of its repository, or the served model name of an API.
    pub revision: Option<String>,
    /// SHA-256 of the weights.
    pub weights_sha256: Option<String>,
    /// SHA-256 of the tokenizer.
    pub tokenizer_sha256: Option<String>,
    /// SHA-256 of the chat template.
    pub chat_template_sha256: Option<String>,
    /// Quantisation or number type (`Q4_K_M`, `bf16`).
    pub quantisation: Option<String>,
    /// Decoding parameters in canonical JSON.
    pub decoding: Option<String>,
}

impl ModelIdentity {
    /// The names of the fields, in order.
    pub(crate) const FIELDS: [&'static str; 7] = [
        "id",
        "revision",
        "weights_sha256",
        "tokenizer_sha256",
        "chat_template_sha256",
        "quantisation",
        "decoding",
    ];

    /// An identity of which only the name is known; the `with_` methods add what else is.
    ///
    /// ```
    /// use plimsoll_router::ModelIdentity;
    /// let device = ModelIdentity::named("smollm2-135m").with_quantisation("Q4_K_M");
    /// assert_eq!(device.quantisation.as_deref(), Some("Q4_K_M"));
    /// ```
    pub fn named(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// The same model, of this revision.
    #[must_use]
    pub fn with_revision(self, revision: impl Into<String>) -> Self {
        Self { revision: Some(revision.into()), ..self }
    }

    /// The same model, whose weights have this hash.
    #[must_use]
    pub fn with_weights_sha256(self, sha256: impl Into<String>) -> Self {
        Self { weights_sha256: Some(sha256.into()), ..self }
    }

    /// The same model, whose tokenizer has this hash.
    #[must_use]
    pub fn with_tokenizer_sha256(self, sha256: impl Into<String>) -> Self {
        Self { tokenizer_sha256: Some(sha256.into()), ..self }
    }

    /// The same model, whose chat template has this hash.
    #[must_use]
    pub fn with_chat_template_sha256(self, sha256: impl Into<String>) -> Self {
        Self { chat_template_sha256: Some(sha256.into()), ..self }
    }

    /// The same model, quantised like this.
    #[must_use]
    pub fn with_quantisation(self, quantisation: impl Into<String>) -> Self {
        Self { quantisation: Some(quantisation.into()), ..self }
    }

    /// The same model, decoded with these parameters.
    #[must_use]
    pub fn with_decoding(self, decoding: impl Into<String>) -> Self {
        Self { decoding: Some(decoding.into()), ..self }
    }

    /// The values of [`ModelIdentity::FIELDS`].
    fn values(&self) -> [Option<&str>; 7] {
        [
            Some(&self.id),
            self.revision.as_deref(),
            self.weights_sha256.as_deref(),
            self.tokenizer_sha256.as_deref(),
            self.chat_template_sha256.as_deref(),
            self.quantisation.as_deref(),
            self.decoding.as_deref(),
        ]
    }

    /// What a device states of its model, as an app writes it: `{"id": "smollm2-135m", "quantisation": "Q4_K_M"}`.
    /// `decoding` may be an object as well as the text of one.
    ///
    /// # Errors
    /// [`Error::Device`] for a text that is no JSON, and for an unknown, missing or repeated key.
    ///
    /// ```
    /// use plimsoll_router::ModelIdentity;
    /// let device = ModelIdentity::from_json(r#"{"id": "smollm2-135m", "decoding": {"temperature": 0.0}}"#)?;
    /// assert_eq!(device.decoding.as_deref(), Some(r#"{"temperature":0}"#));
    /// # Ok::<(), plimsoll_router::Error>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let stated: Stated = serde_json::from_str(text).map_err(Error::device)?;
        let decoding = match stated.decoding {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(object) => Some(canonical_json(&object)),
        };
        Ok(Self {
            id: stated.id,
            revision: stated.revision,
            weights_sha256: stated.weights_sha256,
            tokenizer_sha256: stated.tokenizer_sha256,
            chat_template_sha256: stated.chat_template_sha256,
            quantisation: stated.quantisation,
            decoding,
        })
    }

    /// Holds a device's model against this one, which was calibrated. Gives the fields that cannot
    /// be checked, since they are unknown here.
    ///
    /// Hashes are equal in either case of letters, decoding parameters in any order and layout.
    ///
    /// # Errors
    /// [`Error::Mismatch`] names every field that differs, and every one that the device does not state.
    pub(crate) fn verify(&self, device: &Self) -> Result<Vec<&'static str>, Error> {
        let (mut unverified, mut differs, mut not_stated) = (Vec::new(), Vec::new(), Vec::new());
        for ((field, expected), found) in Self::FIELDS.into_iter().zip(self.values()).zip(device.values()) {
            match (expected, found) {
                (None, _) => unverified.push(field),
                (Some(_), None) => not_stated.push(field),
                (Some(expected), Some(found)) if is_same(field, expected, found) => {}
                (Some(expected), Some(found)) => {
                    let (expected, found) = (expected.to_owned(), found.to_owned());
                    differs.push(IdentityDifference { field, expected, found });
                }
            }
        }
        if differs.is_empty() && not_stated.is_empty() {
            Ok(unverified)
        } else {
            Err(Error::Mismatch { differs, not_stated })
        }
    }
}

/// A field of a model's identity that is another one on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityDifference {
    /// The field.
    pub field: &'static str,
    /// Its value in the thresholds file.
    pub expected: String,
    /// Its value on the device.
    pub found: String,
}

/// A device's statement, in which decoding parameters may be written out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    id: String,
    revision: Option<String>,
    weights_sha256: Option<String>,
    tokenizer_sha256: Option<String>,
    chat_template_sha256: Option<String>,
    quantisation: Option<String>,
    decoding: Option<Value>,
}

/// Whether two values of a field say the same.
fn is_same(field: &str, expected: &str, found: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok().map(|value| canonical_json(&value));
    expected == found
        || match field {
            "decoding" => parsed(expected).is_some_and(|expected| parsed(found) == Some(expected)),
            _ if field.ends_with("_sha256") => expected.eq_ignore_ascii_case(found),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_fields() {
        let full = ModelIdentity::named("a")
            .with_revision("b")
            .with_weights_sha256("c")
            .with_tokenizer_sha256("d")
            .with_chat_template_sha256("e")
            .with_quantisation("f")
            .with_decoding("g");
        assert_eq!(full.values(), ["a", "b", "c", "d", "e", "f", "g"].map(Some));
        let json = serde_json::to_value(&full).unwrap();
        let stored: Vec<Option<&str>> =
            ModelIdentity::FIELDS.iter().map(|name| json[name].as_str()).collect();
        assert_eq!(stored, full.values());
        assert_eq!(json.as_object().unwrap().len(), ModelIdentity::FIELDS.len());
    }

    #[test]
    fn every_field_that_is_known_is_held_against_the_device() {
        let text = |field: &str| format!("{{\"id\": \"a\", \"{field}\": \"x\"}}");
        for field in &ModelIdentity::FIELDS[1..] {
            let calibrated: ModelIdentity = serde_json::from_str(&text(field)).unwrap();
            assert_eq!(calibrated.verify(&calibrated).unwrap().len(), 5, "{field}");
            match calibrated.verify(&ModelIdentity::named("a")) {
                Err(Error::Mismatch { differs, not_stated }) => {
                    assert_eq!((differs, not_stated), (vec![], vec![*field]));
                }
                other => panic!("{field}: {other:?}"),
            }
            let other: ModelIdentity = serde_json::from_str(&text(field).replace("\"x\"", "\"y\"")).unwrap();
            match calibrated.verify(&other) {
                Err(Error::Mismatch { differs, not_stated }) => {
                    assert_eq!((differs[0].field, differs[0].expected.as_str()), (*field, "x"));
                    assert_eq!((differs[0].found.as_str(), not_stated.len()), ("y", 0));
                }
                other => panic!("{field}: {other:?}"),
            }
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let calibrated =
            ModelIdentity::named("a").with_quantisation("Q4").with_decoding("{}").with_revision("r");
        let error =
            calibrated.verify(&ModelIdentity::named("b").with_quantisation("Q8")).unwrap_err().to_string();
        for part in [
            "id `a`, this device has `b`",
            "quantisation `Q4`, this device has `Q8`",
            "state revision, decoding",
        ] {
            assert!(error.contains(part), "{error}");
        }
        let error =
            calibrated.verify(&ModelIdentity::named("a").with_quantisation("Q4")).unwrap_err().to_string();
        assert!(error.starts_with("this device does not state revision, decoding"), "{error}");
    }

    #[test]
    fn the_same_in_another_form_is_the_same() {
        let calibrated =
            ModelIdentity::named("a").with_weights_sha256("0af1").with_decoding(r#"{"a":1,"temperature":0}"#);
        let device = |decoding: &str| {
            ModelIdentity::from_json(&format!(
                r#"{{"id": "a", "weights_sha256": "0AF1", "decoding": {decoding}}}"#
            ))
            .unwrap()
        };
        for same in [r#"{"temperature": 0.0, "a": 1}"#, r#""{\"temperature\": 0.0, \"a\": 1e0}""#] {
            assert!(calibrated.verify(&device(same)).is_ok(), "{same}");
        }
        for other in [r#"{"temperature": 0.5, "a": 1}"#, r#"{"a": 1}"#, r#""greedy""#] {
            assert!(calibrated.verify(&device(other)).is_err(), "{other}");
        }
        // Names are compared as they are.
        assert!(ModelIdentity::named("a").verify(&ModelIdentity::named("A")).is_err());
    }

    #[test]
    fn a_device_is_read_strictly() {
        for bad in [
            "",
            "small",
            "[]",
            "{}",
            r#"{"id": 1}"#,
            r#"{"id": "a", "quantization": "Q4"}"#,
            r#"{"id": "a", "id": "a"}"#,
        ] {
            let error = ModelIdentity::from_json(bad).unwrap_err();
            assert!(matches!(error, Error::Device(_)), "{bad}: {error}");
            assert!(error.to_string().contains(r#"{"id": "smollm2-135m"}"#), "{error}");
        }
        let full = ModelIdentity::named("a").with_revision("b").with_quantisation("c");
        assert_eq!(ModelIdentity::from_json(&serde_json::to_string(&full).unwrap()).unwrap(), full);
    }
}
