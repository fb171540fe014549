//! Texts made comparable, and their hashes.

use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

/// Hexadecimal digits of a hash that names a cluster: 64 bits, so that two of a million passages share
/// one with a chance below one in ten million.
const CLUSTER_DIGITS: usize = 16;

/// Lower case, composed characters, single spaces.
pub(crate) fn normal(text: &str) -> String {
    let folded = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.nfc().collect::<String>().to_lowercase()
    };
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lower-case hexadecimal SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The cluster of a text: a passage, a story, a goal. The same in every form and split, whether or not
/// the file has an id for it.
pub(crate) fn cluster_of(text: &str) -> String {
    let mut hash = sha256(normal(text).as_bytes());
    hash.truncate(CLUSTER_DIGITS);
    hash
}

/// SHA-256 over what is asked: context, question and choices, normalised, the choices in sorted order,
/// so that a shuffled copy is the same content.
///
/// # Formula
/// SHA-256 of the JSON text `["context","question",["choice",..]]`, without white space.
pub fn content_hash(context: Option<&str>, question: &str, choices: &[&str]) -> String {
    let mut choices: Vec<String> = choices.iter().map(|choice| normal(choice)).collect();
    choices.sort_unstable();
    let content = serde_json::json!([normal(context.unwrap_or_default()), normal(question), choices]);
    sha256(content.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_the_same_whatever_its_case_spacing_and_order() {
        let one = content_hash(None, "What is  it?", &["A cat", "a dog"]);
        assert_eq!(one, content_hash(Some(" "), "what IS it? ", &["a dog", "a  cat"]));
        assert_ne!(one, content_hash(Some("x"), "What is it?", &["A cat", "a dog"]));
        assert_ne!(one, content_hash(None, "What is it?", &["A cat", "a dog", "a cow"]));
        // printf '["","what is it?",["a cat","a dog"]]' | sha256sum
        assert_eq!(one, "e7598d462564768dc0021d97b684fd8aaab5c2f2b0f65b9db7f0bc2374b2e35c");
        assert_eq!(cluster_of("A b"), cluster_of(" a  B"));
    }
}
