//! Names of files made of ids.

/// An id as a part of a file's name: what is no letter, digit, dot, dash or underscore becomes an underscore.
pub(crate) fn safe(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect()
}
