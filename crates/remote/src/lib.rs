//! # plimsoll-remote
//!
//! Backends for models on a server, and for recorded generations.
//!
//! | module | what it holds |
//! |---|---|
//! | [`openai`] | servers that speak OpenAI's chat completions |
//! | [`replay`] | generations recorded earlier, by Plimsoll or by other programs |
//!
//! Threads and blocking requests, no async runtime: servers allow tens of requests at once, and a thread for each costs
//! nothing measurable.

mod alignment;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod openai;
pub mod replay;
