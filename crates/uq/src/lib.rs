//! # plimsoll-uq
//!
//! Eight ways from what was observed of a model to a confidence.

pub mod verbalized;
