//! Keys and values, read by type.

use std::collections::BTreeMap;

use super::header_error::shown;
use super::value::{Array, MetadataValue, TextArray};

/// Why a key has no value of the requested type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The key is not there.
    #[error("metadata key `{}` is missing", shown(key))]
    Missing {
        /// The key.
        key: String,
    },
    /// It holds another type.
    #[error("metadata key `{}` holds {found}, not {wanted}", shown(key))]
    WrongType {
        /// The key.
        key: String,
        /// What was requested.
        wanted: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A value that makes no sense.
    #[error("metadata key `{}` {problem}", shown(key))]
    MetadataValue {
        /// The key.
        key: String,
        /// What is wrong with its value.
        problem: &'static str,
    },
}

/// The metadata of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    values: BTreeMap<String, MetadataValue>,
}

impl Metadata {
    pub(super) fn new(values: BTreeMap<String, MetadataValue>) -> Self {
        Self { values }
    }

    /// The value of a key, if it is there.
    pub fn get(&self, key: &str) -> Option<&MetadataValue> {
        self.values.get(key)
    }

    /// All keys, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        wanted: &'static str,
        take: impl Fn(&'a MetadataValue) -> Option<T>,
    ) -> Result<Option<T>, MetadataError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let found = value.kind();
        let wrong = || MetadataError::WrongType { key: key.to_owned(), wanted, found };
        take(value).map(Some).ok_or_else(wrong)
    }

    /// A text, if the key is there.
    ///
    /// # Errors
    /// The key holds something else.
    pub fn text(&self, key: &str) -> Result<Option<&str>, MetadataError> {
        self.typed(key, "a text", |value| match value {
            MetadataValue::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// A number that counts something, if the key is there.
    ///
    /// # Errors
    /// The key holds something else or a negative number.
    pub fn count(&self, key: &str) -> Result<Option<usize>, MetadataError> {
        self.typed(key, "a number of things", |value| match value {
            MetadataValue::Unsigned(count) => usize::try_from(*count).ok(),
            _ => None,
        })
    }

    /// An id of a token, if the key is there.
    ///
    /// # Errors
    /// The key holds something else.
    pub fn token(&self, key: &str) -> Result<Option<u32>, MetadataError> {
        self.typed(key, "an id of a token", |value| match value {
            MetadataValue::Unsigned(id) => u32::try_from(*id).ok(),
            _ => None,
        })
    }

    /// A finite float, if the key is there.
    ///
    /// # Errors
    /// The key holds something else, NaN or infinity.
    pub fn float(&self, key: &str) -> Result<Option<f64>, MetadataError> {
        self.typed(key, "a finite float", |value| match value {
            MetadataValue::Float(float) if float.is_finite() => Some(*float),
            _ => None,
        })
    }

    /// True or false, if the key is there.
    ///
    /// # Errors
    /// The key holds something else.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>, MetadataError> {
        self.typed(key, "a boolean", |value| match value {
            MetadataValue::Bool(boolean) => Some(*boolean),
            _ => None,
        })
    }

    /// Texts, if the key is there.
    ///
    /// # Errors
    /// The key holds something else.
    pub fn texts(&self, key: &str) -> Result<Option<&TextArray>, MetadataError> {
        self.typed(key, "an array of texts", |value| match value {
            MetadataValue::Array(Array::Texts(texts)) => Some(texts),
            _ => None,
        })
    }

    /// 32-bit floats, if the key is there.
    ///
    /// # Errors
    /// The key holds something else.
    pub fn floats(&self, key: &str) -> Result<Option<&[f32]>, MetadataError> {
        self.typed(key, "an array of 32-bit floats", |value| match value {
            MetadataValue::Array(Array::F32(floats)) => Some(floats.as_slice()),
            _ => None,
        })
    }

    /// 32-bit integers, if the key is there.
    ///
    /// # Errors
    /// The key holds something else.
    pub fn integers(&self, key: &str) -> Result<Option<&[i32]>, MetadataError> {
        self.typed(key, "an array of 32-bit integers", |value| match value {
            MetadataValue::Array(Array::I32(integers)) => Some(integers.as_slice()),
            _ => None,
        })
    }
}

/// Of something that has to be there.
pub(super) fn needed<T>(key: &str, value: Option<T>) -> Result<T, MetadataError> {
    value.ok_or_else(|| MetadataError::Missing { key: key.to_owned() })
}
