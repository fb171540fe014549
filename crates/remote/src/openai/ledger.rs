//! What was spent, so that a budget is never exceeded: before a request the most that it may cost is
//! set aside, afterwards what it did cost is booked.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::error::OpenAiError;
use super::spec::Price;
use plimsoll_backend::control::Cancel;

/// How often a thread that waits for others' bookings looks whether the run goes on.
const LOOK: Duration = Duration::from_millis(50);
/// Bytes that a server's chat template may put around a message, counted as one token each.
const BYTES_AROUND_MESSAGE: usize = 64;

#[derive(Debug)]
pub(super) struct Ledger {
    price: Option<Price>,
    budget_usd: Option<f64>,
    state: Mutex<State>,
    booked: Condvar,
}

#[derive(Debug, Default)]
struct State {
    spent_usd: f64,
    /// Set aside for requests under way, and how many these are: sums of floats need not come back to 0.
    aside_usd: f64,
    under_way: usize,
}

/// What is set aside for one request; must be booked.
#[must_use]
#[derive(Debug)]
pub(super) struct Reserve {
    most_usd: f64,
}

impl Ledger {
    pub(super) fn new(price: Option<Price>, budget_usd: Option<f64>) -> Self {
        Self { price, budget_usd, state: Mutex::default(), booked: Condvar::new() }
    }

    /// US dollars of so many tokens; `None` where no price or no count is known.
    pub(super) fn cost_usd(&self, input: Option<u64>, output: Option<u64>) -> Option<f64> {
        Some(self.price?.cost_usd(input?, output?))
    }

    pub(super) fn spent_usd(&self) -> f64 {
        self.lock().spent_usd
    }

    pub(super) fn has_budget(&self) -> bool {
        self.budget_usd.is_some()
    }

    /// The most that a request may cost: a token has at least one byte.
    pub(super) fn most_usd(&self, texts: &[&str], most_new_tokens: u32) -> f64 {
        let bytes: usize = texts.iter().map(|text| text.len() + BYTES_AROUND_MESSAGE).sum();
        self.price.map_or(0.0, |price| price.cost_usd(bytes as u64, u64::from(most_new_tokens)))
    }

    /// Sets money aside; waits for requests under way if only what they set aside is in the way. `None`
    /// if the run was cancelled meanwhile.
    ///
    /// # Errors
    /// [`OpenAiError::BudgetSpent`].
    pub(super) fn reserve(&self, most_usd: f64, cancel: &Cancel) -> Result<Option<Reserve>, OpenAiError> {
        let mut state = self.lock();
        if let Some(budget_usd) = self.budget_usd {
            while state.spent_usd + state.aside_usd + most_usd > budget_usd {
                if state.under_way == 0 || state.spent_usd + most_usd > budget_usd {
                    let spent_usd = state.spent_usd;
                    return Err(OpenAiError::BudgetSpent { budget_usd, spent_usd, next_usd: most_usd });
                }
                let waited = self.booked.wait_timeout(state, LOOK);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                if cancel.is_cancelled() {
                    return Ok(None);
                }
            }
        }
        state.aside_usd += most_usd;
        state.under_way += 1;
        Ok(Some(Reserve { most_usd }))
    }

    /// Books what a request cost; `None` = nobody knows, so all that was set aside.
    pub(super) fn book(&self, reserve: &Reserve, cost_usd: Option<f64>) {
        let mut state = self.lock();
        state.spent_usd += cost_usd.unwrap_or(reserve.most_usd);
        state.under_way -= 1;
        state.aside_usd = if state.under_way == 0 { 0.0 } else { state.aside_usd - reserve.most_usd };
        drop(state);
        self.booked.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price = Price { input_per_mtok: 1.0, output_per_mtok: 2.0 };

    #[test]
    fn a_budget_is_never_exceeded_also_by_many_threads() {
        let ledger = Ledger::new(Some(PRICE), Some(0.1));
        let cancel = Cancel::new();
        let done = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while let Ok(Some(reserve)) = ledger.reserve(0.01, &cancel) {
                        ledger.book(&reserve, Some(0.004));
                        done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
        });
        assert!(ledger.spent_usd() <= 0.1 + 1e-12);
        // The last request begins while at least its bound is left.
        assert_eq!(done.into_inner(), 23);
    }

    #[test]
    fn unknown_costs_count_as_the_most_they_can_be() {
        let ledger = Ledger::new(Some(PRICE), None);
        let cancel = Cancel::new();
        let reserve = ledger.reserve(0.5, &cancel).unwrap().unwrap();
        ledger.book(&reserve, None);
        assert!((ledger.spent_usd() - 0.5).abs() < 1e-12);
        assert_eq!(ledger.cost_usd(Some(1_000_000), Some(500_000)), Some(2.0));
        assert_eq!(ledger.cost_usd(None, Some(1)), None);
        assert!(ledger.most_usd(&["four"], 1) >= PRICE.cost_usd(4, 1));
    }
}
