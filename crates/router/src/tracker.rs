//! A threshold that keeps to a routing ratio on traffic that was never seen, without a label.
//!
//! A threshold that was fitted on one pool misses the asked ratio on other traffic, by one number: how
//! confident the model sounds there. A [`Tracker`] learns that number from the confidences it decides about.
//! It works on the pool's scale ([`PoolCdf::z`](crate::PoolCdf::z)), where equal steps are equal steps of ratio:
//!
//! ```text
//! start    base = level of the ratio q on the pool, D = 0, n = 0
//! decide   t = base + D / H;  defer iff the confidence is missing, t >= 1, or z < t
//! count    b = 1 if the confidence is missing or z < base, else 0
//!          base += max(floor, 1 / (n + 1 + m)) (q - b), clamped to [0, 1]
//!          D += q - deferred;  n += 1
//! ```
//!
//! `base` follows the traffic's own quantile (Robbins and Monro, 1951): its step depends on its own indicator
//! and not on what was decided, so it is not misled by the payback. D is how many deferrals are owed; dividing
//! it by the horizon H is the integral term of adaptive conformal inference (arXiv:2106.00170) with step 1 / H.
//! No label is used.
//!
//! # The bound
//! Whatever the order of the confidences, and whoever chooses them, as long as none is missing and no
//! certificate forces a decision: |D| < H + 1, so the share deferred of the first N differs from q by less than
//! (H + 1) / N. Proof: if D > H then t >= D / H > 1 and the next one is deferred, so D falls; if D < 0 by more
//! than H then t < 0 and the next one is kept, so D rises; and a step is at most 1. If up to d decisions are
//! under way when one is made (many at once, counted later), D moves on by at most d before it is seen, and the
//! bound is (H + 1 + d) / N.
//!
//! Missing confidences are always deferred, and what they take D down by ends at -(H + 1): if their share stays
//! above q, the ratio is theirs, and when they end, up to (H + 1) / q questions are kept before the tracker is
//! back.

use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Reason, Route};
use crate::error::Error;

/// How a tracker moves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TrackerSettings {
    /// How many unlabelled questions the pool's own level is worth; at least 0.
    pub m: f64,
    /// The smallest step of `base`, in (0, 1]: how fast a change of traffic is followed for ever after.
    pub floor: f64,
    /// H, the questions over which a deficit is paid back; at least 1. Longer than four bursts of traffic, shorter
    /// than a tenth of the budget's period.
    pub horizon: f64,
}

impl TrackerSettings {
    /// m = 5, floor = 0.005, H = 200: on 746 pairs of a setting and an unseen dataset a miss of 0.006 after 500
    /// questions.
    pub const DEFAULT: Self = Self { m: 5.0, floor: 0.005, horizon: 200.0 };

    /// The same settings with another horizon.
    #[must_use]
    pub const fn with_horizon(self, horizon: f64) -> Self {
        Self { horizon, ..self }
    }

    /// # Errors
    /// [`Error::Tracker`] names the first setting out of its range.
    pub fn check(&self) -> Result<(), Error> {
        let problem = |problem| Err(Error::Tracker { problem });
        if !(self.m >= 0.0 && self.m.is_finite()) {
            problem("m must be a finite number, at least 0")
        } else if !(self.floor > 0.0 && self.floor <= 1.0) {
            problem("floor must be in (0, 1]")
        } else if !(self.horizon >= 1.0 && self.horizon.is_finite()) {
            problem("horizon must be a finite number, at least 1")
        } else {
            Ok(())
        }
    }
}

impl Default for TrackerSettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a tracker has learnt: 40 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TrackerState {
    /// The ratio that is kept to, in [0, 1].
    pub ratio: f64,
    /// The traffic's level at that ratio, on the pool's scale, in [0, 1].
    pub base: f64,
    /// D: deferrals owed (above 0) or made too many (below 0).
    pub deficit: f64,
    /// Decisions counted.
    pub n: u64,
    /// Of these, deferred.
    pub routed: u64,
}

/// A tracker's state as a host keeps it, with what it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TrackerSnapshot {
    /// The thresholds file, named by its own SHA-256.
    pub thresholds_sha256: String,
    /// The operating point's id.
    pub threshold_id: String,
    /// What was learnt.
    pub state: TrackerState,
}

/// A decision by a tracker, with all that is needed to repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TrackedDecision {
    /// Which model answers, and why.
    #[serde(flatten)]
    pub decision: Decision,
    /// The confidence on the pool's scale; null if it is missing.
    pub z: Option<f64>,
    /// The number in [0, 1) that broke ties; null where z was given as it is.
    pub u: Option<f64>,
    /// The threshold on the pool's scale that was in force, a certificate's included.
    pub t: f64,
}

/// Keeps to a routing ratio. Deciding takes no allocation and no lock; share it behind a lock of your own, or
/// decide with [`Tracker::look`] and [count](Tracker::count) later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tracker {
    settings: TrackerSettings,
    /// No looser threshold is used, if there is one.
    certificate: Option<f64>,
    state: TrackerState,
}

impl Tracker {
    /// A tracker that starts at `level`, the position of `ratio` on the pool's scale
    /// ([`PoolCdf::level`](crate::PoolCdf::level)).
    ///
    /// # Errors
    /// [`Error::Tracker`] for a ratio or level outside [0, 1], and for settings out of range.
    pub fn new(ratio: f64, level: f64, settings: TrackerSettings) -> Result<Self, Error> {
        let state = TrackerState { ratio, base: level, deficit: 0.0, n: 0, routed: 0 };
        Self::resume(state, settings)
    }

    /// A tracker that goes on from a state.
    ///
    /// # Errors
    /// [`Error::Tracker`] for a state that no tracker with these settings has: a number that is not finite, a
    /// ratio or base outside [0, 1], a larger deficit than decisions, more deferred than decided.
    pub fn resume(state: TrackerState, settings: TrackerSettings) -> Result<Self, Error> {
        settings.check()?;
        let problem = |problem| Err(Error::Tracker { problem });
        if !(0.0..=1.0).contains(&state.ratio) {
            problem("ratio must be in [0, 1]")
        } else if !(0.0..=1.0).contains(&state.base) {
            problem("base must be in [0, 1]")
        } else if state.deficit.is_nan() || state.deficit.abs() > state.n as f64 {
            problem("deficit must be at most n, above or below 0")
        } else if state.routed > state.n {
            problem("routed must be at most n")
        } else {
            Ok(Self { settings, certificate: None, state })
        }
    }

    /// The same tracker, which never uses a threshold below `z` on the pool's scale: that of a certified
    /// operating point. What the certificate alone defers counts for no payback, so the ratio may end above
    /// the target's.
    ///
    /// # Errors
    /// [`Error::Tracker`] for a number outside [0, 1].
    pub fn with_certificate(self, z: f64) -> Result<Self, Error> {
        if (0.0..=1.0).contains(&z) {
            Ok(Self { certificate: Some(z), ..self })
        } else {
            Err(Error::Tracker { problem: "a certificate's position on the pool's scale must be in [0, 1]" })
        }
    }

    /// Decides about one question and counts it. `z` is its confidence on the pool's scale; `None` is missing.
    /// Total: a `z` that is no number defers, as a missing one does.
    pub fn decide(&mut self, z: Option<f64>) -> TrackedDecision {
        let decision = self.look(z);
        self.count(&decision);
        decision
    }

    /// Decides, and counts nothing: for decisions that are made together, or whose outcome comes later. Each is
    /// to be [counted](Tracker::count) once.
    pub fn look(&self, z: Option<f64>) -> TrackedDecision {
        let own = self.state.base + self.state.deficit / self.settings.horizon;
        let t = self.certificate.map_or(own, |certificate| own.max(certificate));
        let z = z.filter(|z| z.is_finite());
        let is_below = |t: f64| t >= 1.0 || z.is_some_and(|z| z < t);
        let (route, reason) = match z {
            None => (Route::Llm, Reason::Missing),
            Some(_) if is_below(own) => (Route::Llm, Reason::Below),
            Some(_) if is_below(t) => (Route::Llm, Reason::Certificate),
            Some(_) => (Route::Slm, Reason::AtOrAbove),
        };
        TrackedDecision { decision: Decision { route, reason }, z, u: None, t }
    }

    /// Counts a decision that was made with [`Tracker::look`]. Decisions may be counted in any order.
    pub fn count(&mut self, decided: &TrackedDecision) {
        let TrackerState { ratio, base, deficit, n, routed } = &mut self.state;
        let is_deferred = decided.decision.route == Route::Llm;
        let indicator = if decided.z.is_none_or(|z| z < *base) { 1.0 } else { 0.0 };
        let step = (1.0 / (*n as f64 + 1.0 + self.settings.m)).max(self.settings.floor);
        *base = (*base + step * (*ratio - indicator)).clamp(0.0, 1.0);
        if decided.decision.reason != Reason::Certificate {
            let owed = *deficit + *ratio - if is_deferred { 1.0 } else { 0.0 };
            let lowest = if decided.z.is_none() { deficit.min(-self.settings.horizon - 1.0) } else { owed };
            *deficit = owed.max(lowest);
        }
        *n = n.saturating_add(1);
        *routed = routed.saturating_add(u64::from(is_deferred));
    }

    /// Keeps to another ratio from now on. What was learnt of the traffic stays, what was owed at the old ratio
    /// is forgiven.
    ///
    /// # Errors
    /// [`Error::Tracker`] for a ratio outside [0, 1].
    pub fn set_ratio(&mut self, ratio: f64) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&ratio) {
            return Err(Error::Tracker { problem: "ratio must be in [0, 1]" });
        }
        self.state.base = (self.state.base + ratio - self.state.ratio).clamp(0.0, 1.0);
        self.state.ratio = ratio;
        self.state.deficit = 0.0;
        Ok(())
    }

    /// What was learnt.
    pub const fn state(&self) -> &TrackerState {
        &self.state
    }

    /// How it moves.
    pub const fn settings(&self) -> &TrackerSettings {
        &self.settings
    }
}

#[cfg(test)]
mod tests;
