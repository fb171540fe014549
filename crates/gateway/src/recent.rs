//! The latest decisions, so that a label that comes back finds what it is about.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use plimsoll_router::Route;

/// What is kept of a decision.
#[derive(Debug, Clone)]
pub struct RecentDecision {
    /// The operating point.
    pub threshold_id: String,
    /// The model whose answer the client saw.
    pub answered_by: Route,
    /// Whether the operating point itself kept the SLM's answer: neither a coin nor an incumbent did.
    pub was_kept: bool,
}

/// What became of a label.
#[derive(Debug)]
pub enum Labelled {
    /// It is the first of this decision.
    First(RecentDecision),
    /// This decision has one already.
    Again,
    /// The decision is too old, or none of this gateway.
    Unknown,
}

/// The latest decisions by id, so many at most.
#[derive(Debug)]
pub struct RecentDecisions {
    max: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    order: VecDeque<String>,
    /// `None` once labelled.
    by_id: HashMap<String, Option<RecentDecision>>,
}

impl RecentDecisions {
    /// None yet.
    pub fn new(max: usize) -> Self {
        Self { max, kept: Mutex::default() }
    }

    /// Remembers a decision; the oldest is forgotten.
    pub fn add(&self, id: &str, decision: RecentDecision) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Whose answer was shown may turn out later; that is the same decision.
        if kept.by_id.insert(id.to_owned(), Some(decision)).is_none() {
            kept.order.push_back(id.to_owned());
        }
        while kept.order.len() > self.max {
            if let Some(oldest) = kept.order.pop_front() {
                kept.by_id.remove(&oldest);
            }
        }
    }

    /// Takes the label of a decision: once.
    pub fn label(&self, id: &str) -> Labelled {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.by_id.get_mut(id).map(Option::take) {
            Some(Some(decision)) => Labelled::First(decision),
            Some(None) => Labelled::Again,
            None => Labelled::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_labelled_once_while_it_is_remembered() {
        let recent = RecentDecisions::new(2);
        for id in ["a", "b", "c"] {
            let threshold_id = "p".to_owned();
            recent.add(id, RecentDecision { threshold_id, answered_by: Route::Slm, was_kept: true });
        }
        assert!(matches!(recent.label("a"), Labelled::Unknown), "forgotten");
        assert!(matches!(recent.label("b"), Labelled::First(_)));
        assert!(matches!(recent.label("b"), Labelled::Again));
        assert!(matches!(recent.label(""), Labelled::Unknown));
    }
}
