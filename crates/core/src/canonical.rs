//! Canonical JSON and hashes, which name what something was made from.
//!
//! The functions are the router's: a device that checks a thresholds file needs them and nothing else of the
//! workspace. Every other crate takes them from here.

pub use plimsoll_router::canonical::{canonical_json, canonical_sha256, hex, sha256_hex};
use serde::Serialize;
use serde_json::Value;

/// The JSON value of one of the workspace's own types: structs, enums, lists, texts and numbers, and maps whose keys
/// are texts. To write such a value as JSON cannot fail.
///
/// ```
/// #[derive(serde::Serialize)]
/// struct Spec<'a> { id: &'a str, top: u32 }
///
/// let value = plimsoll_core::canonical::to_value(&Spec { id: "perplexity", top: 5 });
/// assert_eq!(value, serde_json::json!({"id": "perplexity", "top": 5}));
/// ```
///
/// # Panics
/// If a map has keys that are no texts, or a type's own `Serialize` gives up: a mistake in the program, which must
/// not end in a hash of something else.
#[expect(clippy::expect_used, reason = "a hash of anything else would pass for that of this value")]
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Value {
    serde_json::to_value(value).expect("a type of the workspace is written as JSON")
}

/// The JSON text of one of the workspace's own types, its fields in the order of their declaration.
///
/// # Panics
/// As [`to_value`].
#[expect(clippy::expect_used, reason = "a hash of anything else would pass for that of this value")]
pub fn to_text<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("a type of the workspace is written as JSON")
}

/// Lower-case hexadecimal SHA-256 of the canonical JSON of one of the workspace's own types.
///
/// # Panics
/// As [`to_value`].
pub fn sha256_of<T: Serialize + ?Sized>(value: &T) -> String {
    canonical_sha256(&to_value(value))
}
