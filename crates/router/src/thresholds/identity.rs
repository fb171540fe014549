//! Which model a file was fitted for, and whether this device runs it.

use serde::{Deserialize, Serialize};

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

    /// Holds a device's model against this one, which was calibrated. Gives the fields that cannot
    /// be checked, since they are unknown here.
    ///
    /// # Errors
    /// [`Error::Mismatch`] names the first field that differs, or that the device does not state.
    pub(crate) fn verify(&self, device: &Self) -> Result<Vec<&'static str>, Error> {
        let mut unverified = Vec::new();
        for ((field, expected), found) in Self::FIELDS.into_iter().zip(self.values()).zip(device.values()) {
            match expected {
                None => unverified.push(field),
                Some(expected) if found == Some(expected) => {}
                Some(expected) => {
                    return Err(Error::Mismatch {
                        field,
                        expected: expected.to_owned(),
                        found: found.unwrap_or("not given").to_owned(),
                    })
                }
            }
        }
        Ok(unverified)
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
                Err(Error::Mismatch { field: found, expected, found: stated }) => {
                    assert_eq!((found, expected.as_str(), stated.as_str()), (*field, "x", "not given"));
                }
                other => panic!("{field}: {other:?}"),
            }
        }
    }
}
