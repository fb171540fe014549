//! # plimsoll-uq
//!
//! Eight ways from what was observed of a model to a confidence in [0, 1], higher = more likely correct,
//! or a named reason why there is none.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@method`] | what a method is |
//! | [`methods`] | one file each: what a method needs to be observed, and how it scores |
//! | [`observed`] | the rows of one question |
//! | [`verbalized`] | the number that a model wrote |
//! | [`probe`] | networks on hidden states: trained, kept from what they saw, written and read |
//!
//! Why a confidence is missing stands in [`plimsoll_core::missing`]. A method declares its [`SignalRequest`](plimsoll_core::signal::SignalRequest); whoever serves the union of
//! all requests needs to know no method. The closed forms themselves are the router's
//! ([`plimsoll_router::Confidence`]), so that device and pipeline compute the same number.

pub mod method;
pub mod methods;
pub mod observed;
mod parameters;
#[cfg(feature = "probe")]
pub mod probe;
pub mod verbalized;

pub use methods::{METHODS, MethodConfig, UncertaintyMethod, method};
pub use observed::ObservedSignals;
pub use plimsoll_core::missing::MissingReason;
