//! # plimsoll-router
//!
//! What a deployment team embeds: the thresholds file that `plimsoll fit` emits, and the decision
//! that it stands for. No IO, no async, no panic; a decision is one comparison.
//!
//! The rule, everywhere: **keep the SLM's answer iff `confidence >= threshold`; otherwise, or if
//! the confidence is missing, hand the question over to the LLM.** `0.0` is a threshold like any
//! other and keeps everything that has a confidence.
//!
//! ```
//! use plimsoll_router::{decide, Confidence, Reason, Route, Threshold};
//!
//! let threshold = Threshold::new(0.6)?;
//! let sure = Confidence::new(0.6)?; // a tie is kept
//! assert_eq!(decide(threshold, Some(sure)), (Route::Slm, Reason::AtOrAbove));
//! assert_eq!(decide(threshold, None), (Route::Llm, Reason::Missing));
//! # Ok::<(), plimsoll_router::Error>(())
//! ```
//!
//! A real deployment reads a file, binds it to the model that it runs, and asks for one point of
//! the menu:
//!
//! ```
//! use plimsoll_router::{Confidence, ModelIdentity, Route, Target, Thresholds};
//!
//! # fn route(json: &str, device: &ModelIdentity) -> Result<Route, plimsoll_router::Error> {
//! let thresholds = Thresholds::from_json(json)?;
//! let bound = thresholds.bind(device)?; // refuses a file made for other weights
//! let point = bound.operating_point("perplexity", &"routing_ratio=0.3".parse::<Target>()?)?;
//! let confidence = Confidence::perplexity(&[-0.02, -0.4, -0.1]);
//! Ok(point.decide(confidence).route)
//! # }
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`confidence`] | [`Confidence`] and its closed forms, so that device and pipeline compute one number |
//! | [`decision`] | [`Threshold`], [`decide`], the decision-log record |
//! | [`target`] | what an operating point was fitted for |
//! | [`thresholds`] | the file: identity, calibration data, methods, operating points, guarantees |
//! | [`histogram`], [`drift`] | reference histogram, PSI, KS, the streaming monitor |
//! | [`map`] | isotonic, Platt and beta maps from confidence to P(correct) |
//! | [`canonical`] | canonical JSON (RFC 8785) and its SHA-256 |
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod canonical;
pub mod confidence;
pub mod conformance;
pub mod decision;
pub mod drift;
pub mod error;
pub mod histogram;
pub mod map;
pub mod target;
pub mod thresholds;

pub use confidence::Confidence;
pub use decision::{decide, Decision, DecisionRecord, Reason, Route, Threshold};
pub use drift::{Monitor, WindowReport};
pub use error::Error;
pub use histogram::Histogram;
pub use target::{Risk, Target};
pub use thresholds::{Bound, BoundPoint, ModelIdentity, Thresholds};
