//! An alarm that is valid at every moment, for deployments whose labels arrive one by one.
//!
//! Re-running a test of a fixed sample at each new label is optional stopping: sooner or later it rejects what is
//! true. An [`ErrorMonitor`] may be looked at after every label and for ever. It bets against
//!
//! ```text
//! H0: whatever came before, the next kept answer is wrong with probability at most alpha
//! ```
//!
//! With x = 1 for a kept answer that was wrong and 0 otherwise, and bets b = 1/2, 1/4, .., 1/1024 of the largest that
//! cannot be ruined,
//!
//! ```text
//! e(n) = mean over b of  product over i <= n of  (1 + (b / alpha) (x_i - alpha))
//! ```
//!
//! Under H0 each factor's expectation is at most 1, so e is a nonnegative supermartingale that starts at 1, and by
//! Ville's inequality (1939) the probability that it *ever* reaches 1 / delta is at most delta. That is the alarm. The
//! betting martingale is that of Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting"
//! (arXiv:2010.09686), the mixture over bets Robbins' method of mixtures (1970). No bet must be chosen: the mixture
//! grows nearly as fast as its best one, which is b = (p - alpha) / (1 - alpha) where answers are wrong with
//! probability p.
//!
//! e depends on two counts, so that a state is a few numbers. Which kept answers are labelled must not depend on whether
//! they are right: labels of complaints alone raise an alarm about the complaints.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Number of bets in the mixture.
const BETS: usize = 10;
/// By how much logarithms may differ between implementations, relative to 1 + their size.
const ROUNDING: f64 = 1e-9;

/// What a monitor has seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ErrorMonitorState {
    /// The largest P(wrong | kept) that raises no alarm, in (0, 1).
    pub alpha: f64,
    /// Probability of a false alarm, ever, in (0, 1).
    pub delta: f64,
    /// Kept answers with a label.
    pub kept: u64,
    /// Of these, wrong.
    pub wrong: u64,
    /// The largest natural logarithm of e so far, at least 0.
    pub max_log_e: f64,
}

/// A monitor's state as a host keeps it, with what it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ErrorMonitorSnapshot {
    /// The thresholds file, named by its own SHA-256.
    pub thresholds_sha256: String,
    /// The operating point's id.
    pub threshold_id: String,
    /// What was seen.
    pub state: ErrorMonitorState,
}

impl ErrorMonitorSnapshot {
    pub(crate) const fn new(
        thresholds_sha256: String,
        threshold_id: String,
        state: ErrorMonitorState,
    ) -> Self {
        Self { thresholds_sha256, threshold_id, state }
    }
}

/// Watches the error of the kept answers. Observing takes no allocation and no lock.
///
/// ```
/// use plimsoll_router::ErrorMonitor;
/// let mut monitor = ErrorMonitor::new(0.1, 0.05)?;
/// // Right answers never raise an alarm; one wrong answer in two does, soon.
/// assert!(!(0..100).any(|_| monitor.observe(true)));
/// assert!((0..100).any(|i| monitor.observe(i % 2 == 0)));
/// # Ok::<(), plimsoll_router::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorMonitor {
    state: ErrorMonitorState,
    /// Logarithms of a bet's factors for a right and a wrong answer.
    factors: [(f64, f64); BETS],
}

impl ErrorMonitor {
    /// A monitor that has seen nothing.
    ///
    /// # Errors
    /// [`Error::ErrorMonitor`] unless alpha and delta are in (0, 1).
    pub fn new(alpha: f64, delta: f64) -> Result<Self, Error> {
        Self::resume(ErrorMonitorState { alpha, delta, kept: 0, wrong: 0, max_log_e: 0.0 })
    }

    /// A monitor that goes on from a state.
    ///
    /// # Errors
    /// [`Error::ErrorMonitor`] for a state that no monitor has: alpha or delta outside of (0, 1), more wrong than kept,
    /// a largest e below the present one or above what the wrong answers alone would give.
    pub fn resume(state: ErrorMonitorState) -> Result<Self, Error> {
        let problem = |problem| Err(Error::ErrorMonitor { problem });
        let is_share = |value: f64| value > 0.0 && value < 1.0;
        if !is_share(state.alpha) {
            return problem("alpha must be greater than 0 and less than 1");
        }
        if !is_share(state.delta) {
            return problem("delta must be greater than 0 and less than 1");
        }
        if state.wrong > state.kept {
            return problem("wrong must be at most kept");
        }
        let monitor = Self { state, factors: factors(state.alpha) };
        let slack = |log_e: f64| ROUNDING * (1.0 + log_e.abs());
        let now = monitor.log_e().max(0.0);
        // The wrong answers first: e only falls afterwards.
        let most = monitor.log_e_at(0, state.wrong);
        if !(state.max_log_e >= now - slack(now) && state.max_log_e <= most + slack(most)) {
            return problem("max_log_e must be one that its counts can have reached");
        }
        Ok(monitor)
    }

    /// Counts a kept answer whose label has arrived; true from the first alarm on. Not to be called for deferred
    /// questions, and once for each kept answer.
    pub fn observe(&mut self, correct: bool) -> bool {
        self.state.kept = self.state.kept.saturating_add(1);
        self.state.wrong = self.state.wrong.saturating_add(u64::from(!correct));
        self.state.max_log_e = self.state.max_log_e.max(self.log_e());
        self.alarm()
    }

    /// Whether e has ever reached 1 / delta: P(wrong | kept) has exceeded alpha, but for a false alarm.
    pub fn alarm(&self) -> bool {
        self.state.max_log_e >= -self.state.delta.ln()
    }

    /// The natural logarithm of e now: the evidence against H0.
    pub fn log_e(&self) -> f64 {
        self.log_e_at(self.state.kept - self.state.wrong, self.state.wrong)
    }

    /// A p-value of H0 that is valid at every moment: 1 / the largest e so far.
    pub fn p_value(&self) -> f64 {
        (-self.state.max_log_e).exp()
    }

    /// What was seen.
    pub const fn state(&self) -> &ErrorMonitorState {
        &self.state
    }

    fn log_e_at(&self, right: u64, wrong: u64) -> f64 {
        let (right, wrong) = (right as f64, wrong as f64);
        let log = |(if_right, if_wrong): &(f64, f64)| right * if_right + wrong * if_wrong;
        let largest = self.factors.iter().map(log).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = self.factors.iter().map(|factors| (log(factors) - largest).exp()).sum();
        largest + (sum / BETS as f64).ln()
    }
}

/// Logarithms of 1 - b and of 1 + b (1 - alpha) / alpha, for b = 1/2, 1/4, ...
fn factors(alpha: f64) -> [(f64, f64); BETS] {
    let mut bet = 1.0f64;
    [(); BETS].map(|()| {
        bet /= 2.0;
        ((-bet).ln_1p(), (bet * (1.0 - alpha) / alpha).ln_1p())
    })
}

#[cfg(test)]
mod tests;
