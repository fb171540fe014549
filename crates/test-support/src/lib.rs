//! # plimsoll-test-support
//!
//! What tests of several crates share. Only tests depend on it: it panics where a test should stop.
//!
//! | module | what it holds |
//! |---|---|
//! | [`chat_server`] | an OpenAI-compatible server on this machine that misbehaves on request |
//! | [`hub_server`] | a Hugging Face hub of two hosts on this machine that misbehaves on request |
//! | `benchmark_files` | all benchmarks in the columns of the hub's Parquet files (feature `benchmark-files`) |
//! | [`numbers`] | numbers that look random and are the same everywhere |
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(missing_debug_implementations, reason = "servers hold closures")]
#![expect(clippy::missing_panics_doc, reason = "everything here may panic")]

#[cfg(feature = "benchmark-files")]
pub mod benchmark_files;
pub mod chat_server;
pub mod hub_server;
pub mod numbers;
