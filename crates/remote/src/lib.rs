//! # plimsoll-remote
//!
//! Backends whose models run elsewhere: behind a server, or earlier, into a recording.
//!
//! | module | what it holds |
//! |---|---|
//! | [`openai`] | servers that speak OpenAI's chat completions |
//! | [`replay`] | generations recorded earlier, by Plimsoll or by other programs |
//!
//! Threads and blocking requests, no async runtime: at the tens of requests at once that servers allow, a
//! thread each costs nothing that could be measured.

mod alignment;
pub mod openai;
pub mod replay;
