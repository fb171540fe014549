//! Cancellation and progress of a run.

use std::fmt;
use std::ops::AddAssign;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Says that a run should end. Clones are one token.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<CancelState>);

#[derive(Debug, Default)]
struct CancelState {
    is_cancelled: Mutex<bool>,
    changed: Condvar,
}

impl Cancel {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the run, and every [`Cancel::sleep`].
    pub fn cancel(&self) {
        *self.0.is_cancelled.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }

    /// Whether the run should end.
    pub fn is_cancelled(&self) -> bool {
        *self.0.is_cancelled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so long, or until the token is used; says whether it was.
    pub fn sleep(&self, duration: Duration) -> bool {
        let Some(end) = Instant::now().checked_add(duration) else { return self.is_cancelled() };
        let mut is_cancelled = self.0.is_cancelled.lock().unwrap_or_else(PoisonError::into_inner);
        while !*is_cancelled {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.0.changed.wait_timeout(is_cancelled, left);
            is_cancelled = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *is_cancelled
    }
}

/// A progress event.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackendEvent<'a> {
    /// A request was answered.
    RequestAnswered,
    /// A request failed and is made again.
    Retrying {
        /// What happened; holds no secret.
        problem: &'a str,
        /// How long until then.
        wait: Duration,
    },
    /// A message for the user, sent once: a field that the server refuses, the first row that is missing for a reason.
    Notice {
        /// The message; holds no secret.
        text: &'a str,
    },
    /// Money was spent.
    Spent {
        /// US dollars spent by this backend since it was created.
        total_usd: f64,
    },
    /// A model in this process made a step.
    Computed {
        /// Tokens of this step.
        tokens: TokenCount,
    },
}

/// Tokens that a model in this process worked through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenCount {
    /// Tokens of prompts that were read.
    pub prefilled: u64,
    /// Generated tokens that were read to continue.
    pub decoded: u64,
    /// Tokens of the finished texts without prefix sharing.
    pub unshared: u64,
}

impl TokenCount {
    /// Tokens that were computed.
    pub fn computed(&self) -> u64 {
        self.prefilled + self.decoded
    }
}

impl AddAssign for TokenCount {
    fn add_assign(&mut self, other: Self) {
        self.prefilled += other.prefilled;
        self.decoded += other.decoded;
        self.unshared += other.unshared;
    }
}

/// Receives progress events.
pub trait BackendObserver: fmt::Debug + Send + Sync {
    /// Takes an event; called by many threads, should return at once.
    fn event(&self, event: &BackendEvent<'_>);
}

/// Discards all events.
impl BackendObserver for () {
    fn event(&self, _: &BackendEvent<'_>) {}
}

/// Cancellation and progress of one batch.
#[derive(Debug, Clone, Copy)]
pub struct Control<'a> {
    /// Stops it.
    pub cancel: &'a Cancel,
    /// Receives its events.
    pub progress: &'a Arc<dyn BackendObserver>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_ends_when_its_token_is_used() {
        let cancel = Cancel::new();
        assert!(!cancel.sleep(Duration::from_millis(1)));
        let other = cancel.clone();
        let sleeper = std::thread::spawn(move || other.sleep(Duration::from_mins(10)));
        cancel.cancel();
        assert!(sleeper.join().unwrap() && cancel.is_cancelled());
    }
}
