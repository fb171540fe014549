//! The budget: before a request its maximum cost is reserved, afterwards its cost is booked, so that the budget is never
//! exceeded.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::error::OpenAiError;
use super::spec::Price;
use plimsoll_backend::control::Cancel;

/// How often a thread that waits for others' bookings checks for cancellation.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Bytes that a server's chat template may add to a message, counted as one token each.
const BYTES_AROUND_MESSAGE: usize = 64;

#[derive(Debug)]
pub(super) struct Ledger {
    price: Option<Price>,
    budget_usd: Option<f64>,
    state: Mutex<LedgerState>,
    booked: Condvar,
}

#[derive(Debug, Default)]
struct LedgerState {
    spent_usd: f64,
    /// Reserved for requests in flight, and how many these are: sums of floats need not return to 0.
    reserved_usd: f64,
    under_way: usize,
}

/// The reserved cost of one request; must be booked.
#[must_use]
#[derive(Debug)]
pub(super) struct Reservation {
    max_usd: f64,
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

    /// Maximum cost of a request: a token has at least one byte.
    pub(super) fn max_usd(&self, texts: &[&str], max_new_tokens: u32) -> f64 {
        let bytes: usize = texts.iter().map(|text| text.len() + BYTES_AROUND_MESSAGE).sum();
        self.price.map_or(0.0, |price| price.cost_usd(bytes as u64, u64::from(max_new_tokens)))
    }

    /// Reserves a cost; waits for requests in flight if only their reservations exceed the budget. `None` if the run was
    /// cancelled meanwhile.
    ///
    /// # Errors
    /// [`OpenAiError::BudgetSpent`].
    pub(super) fn reserve(&self, max_usd: f64, cancel: &Cancel) -> Result<Option<Reservation>, OpenAiError> {
        let mut state = self.lock();
        if let Some(budget_usd) = self.budget_usd {
            while state.spent_usd + state.reserved_usd + max_usd > budget_usd {
                if state.under_way == 0 || state.spent_usd + max_usd > budget_usd {
                    let spent_usd = state.spent_usd;
                    return Err(OpenAiError::BudgetSpent { budget_usd, spent_usd, next_usd: max_usd });
                }
                let waited = self.booked.wait_timeout(state, POLL_INTERVAL);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                if cancel.is_cancelled() {
                    return Ok(None);
                }
            }
        }
        state.reserved_usd += max_usd;
        state.under_way += 1;
        Ok(Some(Reservation { max_usd }))
    }

    /// Books the cost of a request; `None` = unknown, so the whole reservation.
    pub(super) fn book(&self, reservation: &Reservation, cost_usd: Option<f64>) {
        let mut state = self.lock();
        state.spent_usd += cost_usd.unwrap_or(reservation.max_usd);
        state.under_way -= 1;
        state.reserved_usd =
            if state.under_way == 0 { 0.0 } else { state.reserved_usd - reservation.max_usd };
        drop(state);
        self.booked.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LedgerState> {
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
                    while let Ok(Some(reservation)) = ledger.reserve(0.01, &cancel) {
                        ledger.book(&reservation, Some(0.004));
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
    fn unknown_costs_count_at_their_maximum() {
        let ledger = Ledger::new(Some(PRICE), None);
        let cancel = Cancel::new();
        let reservation = ledger.reserve(0.5, &cancel).unwrap().unwrap();
        ledger.book(&reservation, None);
        assert!((ledger.spent_usd() - 0.5).abs() < 1e-12);
        assert_eq!(ledger.cost_usd(Some(1_000_000), Some(500_000)), Some(2.0));
        assert_eq!(ledger.cost_usd(None, Some(1)), None);
        assert!(ledger.max_usd(&["four"], 1) >= PRICE.cost_usd(4, 1));
    }
}
