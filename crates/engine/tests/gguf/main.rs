//! GGUF files: honest, damaged and hostile.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, also in what they share")]
#![expect(clippy::cast_possible_truncation, reason = "the tests' own small numbers")]

mod header;
mod models;
mod specs;
mod vocabulary;
mod weights;
mod writer;
