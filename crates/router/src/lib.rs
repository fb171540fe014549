//! Keeps the answer of a small on-device model, or defers to a large one, as a thresholds file says.
//!
#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! | module | what it holds |
//! |---|---|
//! | [`router`] | [`Router`]: one operating point of a file, checked and owned |
//! | [`confidence`] | [`Confidence`] and its closed forms, so that device and pipeline compute one number |
//! | [`streaming`] | [`ConfidenceAccumulator`]: a confidence that grows token by token, and the exact early exit |
//! | [`decision`] | [`Threshold`], [`decide`], the decision-log record |
//! | [`exploration`] | [`Exploration`]: a share of routes by a coin, so that the log can be fitted anew |
//! | [`tracker`] | [`Tracker`]: keeps to a routing ratio on traffic never seen |
//! | [`error_monitor`] | [`ErrorMonitor`]: an alarm about the error of kept answers, valid at every moment |
//! | [`pool_cdf`], [`tie`] | the pool's scale, on which a tracker works; ties broken by the request's id |
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
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod decision;
pub mod drift;
pub mod error;
pub mod error_monitor;
pub mod exploration;
pub mod histogram;
pub mod map;
pub mod pool_cdf;
pub mod router;
pub mod streaming;
pub mod target;
pub mod thresholds;
pub mod tie;
pub mod tracker;

pub use confidence::{Confidence, LogProb};
pub use decision::{decide, Decision, DecisionRecord, Reason, Route, Threshold};
pub use drift::{Drift, DriftState, Monitor, MonitorSnapshot, MonitorState, WindowReport};
pub use error::{Error, JsonError};
pub use error_monitor::{ErrorMonitor, ErrorMonitorSnapshot, ErrorMonitorState};
pub use exploration::Exploration;
pub use histogram::Histogram;
pub use pool_cdf::PoolCdf;
pub use router::{PointDescription, Router};
pub use streaming::{must_defer, ConfidenceAccumulator, TokenMethod};
pub use target::{Risk, Target};
pub use thresholds::{IdentityDifference, ModelIdentity, Thresholds};
pub use tie::{TieHash, TieSeed};
pub use tracker::{TrackedDecision, Tracker, TrackerSettings, TrackerSnapshot, TrackerState};
