//! # plimsoll-uq
//!
//! Eight ways from what was observed of a model to a confidence.

#[cfg(feature = "probe")]
pub mod probe;
pub mod verbalized;
