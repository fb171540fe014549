//! What every backend must pass; a test of each calls [`Suite::check`].
//!
//! The suite asks the same questions in several orders and batches and compares the rows, looks at each
//! row, cancels, and lets a sink fail. It takes a backend through its trait and knows nothing else of it.

mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll_core::{Decoding, Seed, SignalRequest};

use crate::answered::Answered;
use crate::ask::{Ask, Batch};
use crate::backend::{Backend, Sink};
use crate::control::{Cancel, Control, Progress};
use crate::error::{BackendError, SinkError};

/// A rule that a backend breaks.
#[derive(Debug, thiserror::Error)]
#[error("{rule}: {found}")]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// What was found instead, with the question.
    pub found: String,
}

impl Violation {
    fn new(rule: &'static str, found: impl Into<String>) -> Self {
        Self { rule, found: found.into() }
    }
}

/// What a backend is asked, and how closely runs must agree.
#[derive(Debug, Clone)]
pub struct Suite {
    /// At least four asks.
    pub asks: Vec<Ask>,
    /// What is to be observed.
    pub signals: SignalRequest,
    /// How answers are decoded.
    pub decoding: Decoding,
    /// The plan's seed.
    pub seed: Seed,
    /// Largest absolute difference of log-probs, masses and hidden states between two runs.
    pub tolerance: f64,
    /// Within which time a cancelled batch must end.
    pub cancelled_within: Duration,
}

impl Suite {
    /// Checks a backend, and gives its rows in the order of the asks.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, backend: &dyn Backend) -> Result<Vec<Answered>, Violation> {
        let asks: Vec<&Ask> = self.asks.iter().collect();
        let whole = self.run(backend, &asks, asks.len())?;
        for answered in whole.values() {
            rows::check(self, backend, answered)?;
        }
        let backwards: Vec<&Ask> = asks.iter().rev().copied().collect();
        for (asks, size) in [(&backwards, asks.len()), (&asks, 1), (&backwards, 3)] {
            let again = self.run(backend, asks, size)?;
            for (id, answered) in &again {
                rows::agree(&whole[id], answered, self.tolerance)?;
            }
        }
        self.check_cancelled(backend)?;
        self.check_failing_sink(backend)?;
        let rows = self.asks.iter().filter_map(|ask| whole.get(ask.question_id.as_str()).cloned());
        Ok(rows.collect())
    }

    /// Answers asks in batches of a size.
    fn run(
        &self,
        backend: &dyn Backend,
        asks: &[&Ask],
        size: usize,
    ) -> Result<BTreeMap<String, Answered>, Violation> {
        const RULE: &str = "every ask is answered exactly once";
        let mut answered = BTreeMap::new();
        for asks in asks.chunks(size.max(1)) {
            let asks: Vec<Ask> = asks.iter().map(|ask| (*ask).clone()).collect();
            let mut rows = Vec::new();
            self.answer(backend, &asks, &mut rows, &Cancel::new())
                .map_err(|error| Violation::new(RULE, chain(&error)))?;
            for row in rows {
                let id = row.question_id.as_str().to_owned();
                if !asks.iter().any(|ask| ask.question_id == row.question_id) {
                    return Err(Violation::new(RULE, format!("`{id}` was not asked")));
                }
                if answered.insert(id.clone(), row).is_some() {
                    return Err(Violation::new(RULE, format!("`{id}` was answered twice")));
                }
            }
        }
        if answered.len() != asks.len() {
            let found = format!("{} of {} asks were answered", answered.len(), asks.len());
            return Err(Violation::new(RULE, found));
        }
        Ok(answered)
    }

    fn answer(
        &self,
        backend: &dyn Backend,
        asks: &[Ask],
        sink: &mut dyn Sink,
        cancel: &Cancel,
    ) -> Result<(), BackendError> {
        let progress: Arc<dyn Progress> = Arc::new(());
        let batch = Batch::new(asks, &self.signals, self.decoding, self.seed).map_err(|error| {
            BackendError::Engine { model: backend.model().clone(), source: Box::new(error) }
        })?;
        backend.answer(&batch, sink, &Control { cancel, progress: &progress })
    }

    /// Cancelled before it begins, and by the first answer.
    fn check_cancelled(&self, backend: &dyn Backend) -> Result<(), Violation> {
        const RULE: &str = "a cancelled batch ends soon and says so";
        for at in [0, 1] {
            let cancel = Cancel::new();
            let mut sink = Cancelling { cancel: &cancel, at, taken: Vec::new() };
            if at == 0 {
                cancel.cancel();
            }
            let start = Instant::now();
            let ended = self.answer(backend, &self.asks, &mut sink, &cancel);
            if start.elapsed() > self.cancelled_within {
                return Err(Violation::new(RULE, format!("it took {:?}", start.elapsed())));
            }
            let mut taken = sink.taken;
            match ended {
                Err(BackendError::Cancelled) => {}
                // What was under way may have been all there was.
                Ok(()) if at == 1 && taken.len() == self.asks.len() => {}
                Ok(()) => return Err(Violation::new(RULE, "it went on to the end")),
                Err(error) => return Err(Violation::new(RULE, chain(&error))),
            }
            let count = taken.len();
            taken.sort();
            taken.dedup();
            if taken.len() != count {
                return Err(Violation::new(RULE, "an ask was answered twice"));
            }
        }
        Ok(())
    }

    fn check_failing_sink(&self, backend: &dyn Backend) -> Result<(), Violation> {
        const RULE: &str = "a sink that fails stops the batch";
        let mut sink = Failing { taken: 0 };
        match self.answer(backend, &self.asks, &mut sink, &Cancel::new()) {
            Err(BackendError::Sink { .. }) if sink.taken == 1 => Ok(()),
            Err(BackendError::Sink { .. }) => Err(Violation::new(RULE, "it was asked again after it failed")),
            Err(error) => Err(Violation::new(RULE, chain(&error))),
            Ok(()) => Err(Violation::new(RULE, "it went on to the end")),
        }
    }
}

/// Cancels once it has taken so many.
struct Cancelling<'a> {
    cancel: &'a Cancel,
    at: usize,
    taken: Vec<String>,
}

impl Sink for Cancelling<'_> {
    fn take(&mut self, answered: Answered) -> Result<(), SinkError> {
        self.taken.push(answered.question_id.into());
        if self.taken.len() >= self.at {
            self.cancel.cancel();
        }
        Ok(())
    }
}

struct Failing {
    taken: usize,
}

impl Sink for Failing {
    fn take(&mut self, _: Answered) -> Result<(), SinkError> {
        self.taken += 1;
        Err("the disk is full".into())
    }
}

/// An error with its causes.
fn chain(error: &BackendError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
