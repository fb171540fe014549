//! # plimsoll-infer
//!
//! Asks models and hands what was observed to whoever keeps it.
//!
//! A [`Backend`] answers a [`Batch`] of asks and pushes the rows of each, complete, into a [`Sink`]. It is
//! told what to observe by a `SignalRequest` and knows no method. What cannot be had is a row with a
//! reason; an error is what stops a run.
//!
//! | module | what it holds |
//! |---|---|
//! | [`backend`] | the trait, and where answers go |
//! | [`ask`], [`answered`] | what is asked; the rows that come of it |
//! | [`capability`] | what a backend can observe |
//! | [`control`] | cancelling, progress |
//! | [`chunks`] | finished work that outlives the process |
//! | [`openai`] | servers that speak OpenAI's chat completions |
//! | [`replay`] | generations recorded earlier, ours or others' |
//! | `conformance` (feature) | what every backend must pass |
//! | [`error`] | what stops a run |
//!
//! Threads and blocking requests, no async runtime: at the tens of requests at once that servers allow, a
//! thread each costs nothing that could be measured.

mod alignment;
pub mod answered;
pub mod ask;
pub mod backend;
pub mod capability;
pub mod chunks;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod control;
pub mod error;
mod hexadecimal;
pub mod openai;
pub mod replay;

pub use alignment::LOGPROB_ROUNDING;
pub use answered::{Answered, RowKey};
pub use ask::{Ask, Batch};
pub use backend::{Backend, Sink};
pub use capability::{Capabilities, Support};
pub use chunks::{Chunk, Chunks};
pub use control::{Cancel, Control, Event, Progress, TokenCount};
pub use error::{BackendError, SinkError};
