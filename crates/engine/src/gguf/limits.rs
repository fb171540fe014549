//! Limits of a header, as ggml has them.

/// Maximum length of a metadata key, in bytes.
pub(super) const MAX_KEY_BYTES: usize = 65_535;
/// Maximum length of a name of a tensor, in bytes.
pub(super) const MAX_NAME_BYTES: usize = 64;
/// Maximum number of dimensions of a tensor.
pub(super) const MAX_DIMENSIONS: u32 = 4;
