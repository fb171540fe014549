//! How answers are decoded. These are scientific parameters: none has a default.

use crate::canonical::sha256_of;
use serde::{Deserialize, Serialize};

/// Why values are no decoding parameters.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodingProblem {
    /// Negative, infinite or no number.
    #[error("temperature {temperature} is not a finite number of at least 0")]
    Temperature {
        /// As given.
        temperature: f64,
    },
    /// Outside (0, 1].
    #[error("top_p {top_p} is not above 0 and at most 1")]
    TopP {
        /// As given.
        top_p: f64,
    },
    /// No token could be generated.
    #[error("max_new_tokens is 0")]
    NoTokens,
}

/// How the answer to a prompt is decoded. Temperature 0 takes the likeliest token each time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedDecoding")]
pub struct Decoding {
    temperature: f64,
    top_p: f64,
    max_new_tokens: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedDecoding {
    temperature: f64,
    top_p: f64,
    max_new_tokens: u32,
}

impl TryFrom<UncheckedDecoding> for Decoding {
    type Error = DecodingProblem;

    fn try_from(raw: UncheckedDecoding) -> Result<Self, DecodingProblem> {
        Self::new(raw.temperature, raw.top_p, raw.max_new_tokens)
    }
}

impl Decoding {
    /// Takes a temperature (0 and up), the nucleus `top_p` in (0, 1] and the most tokens of an answer,
    /// the stop token included.
    ///
    /// # Errors
    /// [`DecodingProblem`] for values outside these ranges.
    pub fn new(temperature: f64, top_p: f64, max_new_tokens: u32) -> Result<Self, DecodingProblem> {
        if !(temperature.is_finite() && temperature >= 0.0) {
            return Err(DecodingProblem::Temperature { temperature });
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(DecodingProblem::TopP { top_p });
        }
        if max_new_tokens == 0 {
            return Err(DecodingProblem::NoTokens);
        }
        // -0 and 0 are one temperature and must have one hash.
        Ok(Self { temperature: temperature + 0.0, top_p, max_new_tokens })
    }

    /// What logits are divided by; 0 = the likeliest token.
    pub const fn temperature(&self) -> f64 {
        self.temperature
    }

    /// Tokens are drawn from the smallest set whose probability reaches this.
    pub const fn top_p(&self) -> f64 {
        self.top_p
    }

    /// Maximum number of tokens of an answer.
    pub const fn max_new_tokens(&self) -> u32 {
        self.max_new_tokens
    }

    /// The same at another temperature, as samples are drawn.
    ///
    /// # Errors
    /// [`DecodingProblem::Temperature`].
    pub fn at_temperature(self, temperature: f64) -> Result<Self, DecodingProblem> {
        Self::new(temperature, self.top_p, self.max_new_tokens)
    }

    /// Lower-case hexadecimal SHA-256 of the canonical JSON (RFC 8785).
    pub fn hash(&self) -> String {
        // Three finite numbers: to write them cannot fail.
        sha256_of(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_their_ranges_are_refused() {
        for temperature in [-0.1, f64::NAN, f64::INFINITY] {
            let error = Decoding::new(temperature, 1.0, 1).unwrap_err();
            assert!(matches!(error, DecodingProblem::Temperature { .. }), "{error}");
        }
        for top_p in [0.0, -1.0, 1.01, f64::NAN] {
            assert!(matches!(Decoding::new(0.0, top_p, 1), Err(DecodingProblem::TopP { .. })), "{top_p}");
        }
        assert_eq!(Decoding::new(0.0, 1.0, 0), Err(DecodingProblem::NoTokens));
        let unknown = r#"{"temperature": 0, "top_p": 1, "max_new_tokens": 1, "top_k": 5}"#;
        assert!(serde_json::from_str::<Decoding>(unknown).is_err());
        assert!(serde_json::from_str::<Decoding>(r#"{"temperature": 0, "top_p": 1}"#).is_err(), "no default");
    }

    #[test]
    fn the_hash_is_of_the_canonical_form_and_each_number_counts() {
        let greedy = Decoding::new(0.0, 1.0, 256).unwrap();
        let text = r#"{"max_new_tokens":256,"temperature":0,"top_p":1}"#;
        assert_eq!(greedy.hash(), crate::canonical::sha256_hex(text.as_bytes()));
        assert_eq!(Decoding::new(-0.0, 1.0, 256).unwrap().hash(), greedy.hash());
        let others = [(1.0, 1.0, 256), (0.0, 0.9, 256), (0.0, 1.0, 255)];
        for (temperature, top_p, most) in others {
            assert_ne!(Decoding::new(temperature, top_p, most).unwrap().hash(), greedy.hash());
        }
        assert_eq!(serde_json::from_str::<Decoding>(text).unwrap(), greedy);
    }
}
