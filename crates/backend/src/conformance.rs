//! What every backend must pass; a test of each calls [`Suite::check`].
//!
//! The suite sends the same requests in several orders and batches and compares the rows, checks each row, cancels, and
//! lets a sink fail. It uses a backend only through the trait.
//!
//! [`Scripted`] is a backend for tests of what asks one.

mod rows;
mod scripted;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plimsoll_core::{Decoding, Seed, SignalRequest};

use crate::backend::{Backend, Sink};
use crate::control::{BackendObserver, Cancel, Control};
use crate::error::{BackendError, SinkError};
use crate::observation::Observation;
use crate::request::{Batch, Request};

pub use scripted::{SCRIPTED_LOGPROB, SCRIPTED_PROMPT_TOKENS, SCRIPTED_STATE, Scripted};

/// A rule that a backend breaks.
#[derive(Debug, thiserror::Error)]
#[error("{rule}: {found}")]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// The violation, with the question.
    pub found: String,
}

impl Violation {
    fn new(rule: &'static str, found: impl Into<String>) -> Self {
        Self { rule, found: found.into() }
    }
}

/// The requests of the suite, and how closely runs must agree.
#[derive(Debug, Clone)]
pub struct Suite {
    /// At least four requests.
    pub requests: Vec<Request>,
    /// The signals to observe.
    pub signals: SignalRequest,
    /// How answers are decoded.
    pub decoding: Decoding,
    /// The seed.
    pub seed: Seed,
    /// Largest absolute difference of log-probs, masses and hidden states between two runs.
    pub tolerance: f64,
    /// Within which time a cancelled batch must end.
    pub cancelled_within: Duration,
}

impl Suite {
    /// Checks a backend, and gives its rows in the order of the requests.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, backend: &dyn Backend) -> Result<Vec<Observation>, Violation> {
        let requests: Vec<&Request> = self.requests.iter().collect();
        let whole = self.run(backend, &requests, requests.len())?;
        for observation in whole.values() {
            rows::check(self, backend, observation)?;
        }
        let backwards: Vec<&Request> = requests.iter().rev().copied().collect();
        for (requests, size) in [(&backwards, requests.len()), (&requests, 1), (&backwards, 3)] {
            let again = self.run(backend, requests, size)?;
            for (id, observation) in &again {
                rows::agree(&whole[id], observation, self.tolerance)?;
            }
        }
        self.check_cancelled(backend)?;
        self.check_failing_sink(backend)?;
        let rows =
            self.requests.iter().filter_map(|request| whole.get(request.question_id.as_str()).cloned());
        Ok(rows.collect())
    }

    /// Answers requests in batches of a size.
    fn run(
        &self,
        backend: &dyn Backend,
        requests: &[&Request],
        size: usize,
    ) -> Result<BTreeMap<String, Observation>, Violation> {
        const RULE: &str = "every request is answered exactly once";
        let mut observation = BTreeMap::new();
        for requests in requests.chunks(size.max(1)) {
            let requests: Vec<Request> = requests.iter().map(|request| (*request).clone()).collect();
            let mut rows = Vec::new();
            self.answer(backend, &requests, &mut rows, &Cancel::new())
                .map_err(|error| Violation::new(RULE, chain(&error)))?;
            for row in rows {
                let id = row.question_id.as_str().to_owned();
                if !requests.iter().any(|request| request.question_id == row.question_id) {
                    return Err(Violation::new(RULE, format!("`{id}` was not requested")));
                }
                if observation.insert(id.clone(), row).is_some() {
                    return Err(Violation::new(RULE, format!("`{id}` was answered twice")));
                }
            }
        }
        if observation.len() != requests.len() {
            let found = format!("{} of {} requests were answered", observation.len(), requests.len());
            return Err(Violation::new(RULE, found));
        }
        Ok(observation)
    }

    fn answer(
        &self,
        backend: &dyn Backend,
        requests: &[Request],
        sink: &mut dyn Sink,
        cancel: &Cancel,
    ) -> Result<(), BackendError> {
        let progress: Arc<dyn BackendObserver> = Arc::new(());
        let batch = Batch::new(requests, &self.signals, self.decoding, self.seed)
            .map_err(|error| BackendError::from_input(backend.model().clone(), error))?;
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
            let ended = self.answer(backend, &self.requests, &mut sink, &cancel);
            if start.elapsed() > self.cancelled_within {
                return Err(Violation::new(RULE, format!("it took {:?}", start.elapsed())));
            }
            let mut taken = sink.taken;
            match ended {
                Err(BackendError::Cancelled) => {}
                // What was under way may have been all there was.
                Ok(()) if at == 1 && taken.len() == self.requests.len() => {}
                Ok(()) => return Err(Violation::new(RULE, "it went on to the end")),
                Err(error) => return Err(Violation::new(RULE, chain(&error))),
            }
            let count = taken.len();
            taken.sort();
            taken.dedup();
            if taken.len() != count {
                return Err(Violation::new(RULE, "a request was answered twice"));
            }
        }
        Ok(())
    }

    fn check_failing_sink(&self, backend: &dyn Backend) -> Result<(), Violation> {
        const RULE: &str = "a sink that fails stops the batch";
        let mut sink = Failing { taken: 0 };
        match self.answer(backend, &self.requests, &mut sink, &Cancel::new()) {
            Err(BackendError::Sink { .. }) if sink.taken == 1 => Ok(()),
            Err(BackendError::Sink { .. }) => {
                Err(Violation::new(RULE, "the sink was called again after it failed"))
            }
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
    fn take(&mut self, observation: Observation) -> Result<(), SinkError> {
        self.taken.push(observation.question_id.into());
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
    fn take(&mut self, _: Observation) -> Result<(), SinkError> {
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
