//! # plimsoll-backend
//!
//! The seam between a run and whatever runs its models: an engine in this process, a server, a recording.
//!
//! A [`Backend`] answers a [`Batch`] of requests and pushes the observation of each, complete, into a [`Sink`].
//! A `SignalRequest` says what to observe; a backend knows no uncertainty method. A signal that cannot be had
//! is a row with a reason; an error is what would meet every other request too.
//!
//! | module | what it holds |
//! |---|---|
//! | [`backend`] | the trait, and where observations go |
//! | [`request`], [`observation`] | a prompt with what is observed of it; the rows that result |
//! | [`capability`] | what a backend can observe |
//! | [`control`] | cancelling, progress |
//! | `conformance` (feature) | what every backend must pass |
//! | [`error`] | what stops a run |

pub mod backend;
pub mod capability;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod control;
pub mod error;
pub mod observation;
pub mod request;

pub use backend::{Backend, Sink};
pub use capability::{Capabilities, Support};
pub use control::{BackendEvent, BackendObserver, Cancel, Control, TokenCount};
pub use error::{BackendError, Cause, SinkError};
pub use observation::{LOGPROB_ROUNDING, Observation, RowKey};
pub use request::{Batch, Request};
