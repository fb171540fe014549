//! # plimsoll-uq
//!
//! Eight ways from what was observed of a model to a confidence in [0, 1], higher = more likely correct,
//! or a named reason why there is none.
//!
//! | module | what it holds |
//! |---|---|
//! | [`methods`] | one file each: what a method needs to be observed, and how it scores |
//! | [`observed`] | the rows that speak of one question |
//! | [`verbalized`] | the number that a model wrote |
//! | [`probe`] | networks on hidden states: trained, kept from what they saw, written and read |
//! | [`reason`] | why a confidence is missing |
//!
//! A method declares its [`SignalRequest`](plimsoll_core::signal::SignalRequest); whoever serves the union of
//! all requests needs to know no method. The closed forms themselves are the router's
//! ([`plimsoll_router::Confidence`]), so that device and pipeline compute the same number.

pub mod methods;
pub mod observed;
#[cfg(feature = "probe")]
pub mod probe;
pub mod reason;
pub mod verbalized;

pub use methods::{METHODS, MethodConfig, UncertaintyMethod, method};
pub use observed::ObservedSignals;
pub use reason::MissingReason;
