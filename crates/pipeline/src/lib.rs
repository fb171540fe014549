//! # plimsoll-pipeline
//!
//! Runs a pipeline.

pub mod cache;

pub use cache::{Chunk, Chunks};
