//! Whether a server fails throughout: one question after the other, with none answered in between. Questions are
//! counted, not requests, and a cached reply counts as an answer.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use plimsoll_core::MissingSignal;

/// Failures of the questions of a run.
#[derive(Debug)]
pub(super) struct Failures {
    max: u32,
    in_a_row: AtomicU32,
    answered: AtomicBool,
}

impl Failures {
    /// `max` questions that fail in a row end the run.
    pub(super) fn new(max: u32) -> Self {
        Self { max, in_a_row: AtomicU32::new(0), answered: AtomicBool::new(false) }
    }

    /// A question was answered, now or in an earlier part of the run.
    pub(super) fn answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
        self.in_a_row.store(0, Ordering::Relaxed);
    }

    /// A question was not answered, for this reason; gives the number of failures in a row if they end the run.
    /// Once anything was answered, a refusal concerns its row and not the server.
    pub(super) fn failed(&self, reason: MissingSignal) -> Option<u32> {
        if is_refusal(reason) && self.answered.load(Ordering::Relaxed) {
            return None;
        }
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        (in_a_row >= self.max).then_some(in_a_row)
    }
}

/// Whether a server that works gave this reason.
fn is_refusal(reason: MissingSignal) -> bool {
    concerns_one_row(reason) || reason == MissingSignal::RequestRefused
}

/// Whether a reason concerns one row, so that the same request will get it again.
pub(super) fn concerns_one_row(reason: MissingSignal) -> bool {
    matches!(reason, MissingSignal::ContextTooLong | MissingSignal::ContentFilter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_without_an_answer_in_between_end_a_run() {
        let failures = Failures::new(3);
        let (refused, down) = (MissingSignal::ContentFilter, MissingSignal::ServerFailed);
        assert_eq!([failures.failed(refused), failures.failed(down)], [None, None]);
        assert_eq!(failures.failed(MissingSignal::RequestRefused), Some(3), "nothing was ever answered");
        failures.answered();
        assert!((0..100).all(|_| failures.failed(refused).is_none()));
        assert!((0..100).all(|_| failures.failed(MissingSignal::RequestRefused).is_none()));
        assert_eq!([failures.failed(down), failures.failed(refused), failures.failed(down)], [None; 3]);
        failures.answered();
        assert_eq!([failures.failed(down), failures.failed(down)], [None; 2]);
        assert_eq!(failures.failed(down), Some(3), "it answered before and is down now");
    }
}
