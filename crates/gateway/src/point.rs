//! An operating point that answers requests: the router, and what moves while it does.

use std::sync::{Mutex, MutexGuard, PoisonError};

use plimsoll_router::thresholds::Method;
use plimsoll_router::{
    Confidence, ConfidenceAccumulator, DecisionRecord, Drift, ErrorMonitor, Exploration, Reason, Router,
    Target, TrackedDecision, Tracker,
};

use crate::confidence::ReplyMethod;
use crate::error::GatewayError;
use crate::state::PointState;

/// How an operating point decides.
#[derive(Debug, Clone, Copy)]
pub struct PointSettings {
    /// Whether a tracker keeps to the point's routing ratio.
    pub track: bool,
    /// The share of routes that a coin chooses.
    pub exploration: Option<Exploration>,
    /// Whether the SLM is stopped as soon as the decision is known.
    pub early_exit: bool,
}

/// An operating point.
#[derive(Debug)]
pub struct Point {
    router: Router,
    method: ReplyMethod,
    settings: PointSettings,
    tracker: Option<Mutex<Tracker>>,
    errors: Option<Mutex<ErrorMonitor>>,
}

/// A decision, and what it showed of the traffic.
#[derive(Debug)]
pub struct PointDecision {
    /// What goes into the log; the route is the one to take.
    pub record: DecisionRecord,
    /// What the windows of the drift monitor say; `None` where nothing was observed.
    pub drift: Option<Drift>,
}

impl Point {
    /// A point that has seen nothing.
    ///
    /// # Errors
    /// [`GatewayError`] for a method that a gateway cannot compute, or whose file has no scale to track on.
    pub fn new(router: Router, settings: PointSettings) -> Result<Self, GatewayError> {
        let method = reply_method(router.method())?;
        let tracker = settings.track.then(|| router.tracker(router.method().tracker)).transpose();
        let tracker = tracker.map_err(GatewayError::Thresholds)?.map(Mutex::new);
        // Only a bound of the selective error can be watched by labels of kept answers.
        let errors = match router.point().target {
            Target::SelectiveError { .. } => Some(router.error_monitor().map_err(GatewayError::Thresholds)?),
            _ => None,
        };
        Ok(Self { router, method, settings, tracker, errors: errors.map(Mutex::new) })
    }

    /// The router.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// How the confidence is computed.
    pub fn method(&self) -> &ReplyMethod {
        &self.method
    }

    /// Decides about one request, once.
    pub fn decide(&self, id: &str, confidence: Option<Confidence>) -> PointDecision {
        let record = self.record(id, confidence);
        let drift = (!self.settings.early_exit).then(|| self.router.observe(confidence));
        PointDecision { record: self.explored(record), drift }
    }

    fn record(&self, id: &str, confidence: Option<Confidence>) -> DecisionRecord {
        let Some(tracker) = &self.tracker else { return self.router.record(confidence) };
        let mut tracker = locked(tracker);
        match self.router.track(&mut tracker, id, confidence) {
            Ok(decided) => self.router.tracked_record(confidence, &decided),
            // A tracker is only made where there is a scale.
            Err(_) => self.router.record(confidence),
        }
    }

    fn explored(&self, record: DecisionRecord) -> DecisionRecord {
        match (self.settings.exploration, uniform()) {
            (Some(exploration), Some(u)) => exploration.explore(record, u),
            _ => record,
        }
    }

    /// A confidence that grows token by token, where the SLM may be stopped early.
    pub fn growing(&self) -> Option<ConfidenceAccumulator> {
        self.settings.early_exit.then(|| self.router.accumulator().ok()).flatten()
    }

    /// The decision, if every answer of at most `max_tokens` tokens that begins with these is deferred. Nothing is counted
    /// yet.
    pub fn must_defer(&self, growing: &ConfidenceAccumulator, max_tokens: u64) -> Option<EarlyExit> {
        match &self.tracker {
            None => self
                .router
                .must_defer(growing, max_tokens)
                .ok()
                .filter(|known| *known)
                .map(|_| EarlyExit(None)),
            Some(tracker) => {
                let decided = self.router.tracker_must_defer(&locked(tracker), growing, max_tokens);
                decided.ok().flatten().map(|decided| EarlyExit(Some(decided)))
            }
        }
    }

    /// Takes a decision that was known early. An answer that was stopped has no confidence: none is recorded or observed.
    pub fn exit_early(&self, exit: &EarlyExit) -> PointDecision {
        let mut record = match (&self.tracker, &exit.0) {
            (Some(tracker), Some(decided)) => {
                locked(tracker).count(decided);
                self.router.tracked_record(None, decided)
            }
            _ => self.router.record(None),
        };
        if exit.0.is_none() {
            record.reason = Reason::Below;
        }
        PointDecision { record, drift: None }
    }

    /// Counts a kept answer whose label has arrived; whether that raised the alarm. `None` where nothing is watched.
    pub fn labelled(&self, correct: bool) -> Option<bool> {
        let mut monitor = locked(self.errors.as_ref()?);
        let was_raised = monitor.alarm();
        Some(monitor.observe(correct) && !was_raised)
    }

    /// The monitor of the kept answers' error, where the point bounds it.
    pub fn error_monitor(&self) -> Option<ErrorMonitor> {
        self.errors.as_ref().map(|monitor| *locked(monitor))
    }

    /// The tracker, where there is one.
    pub fn tracker(&self) -> Option<Tracker> {
        self.tracker.as_ref().map(|tracker| *locked(tracker))
    }

    /// What is to outlive the process.
    pub fn state(&self) -> PointState {
        PointState {
            tracker: self.tracker().map(|tracker| self.router.snapshot(&tracker)),
            errors: self.error_monitor().map(|monitor| self.router.error_snapshot(&monitor)),
            drift: self.router.drift_snapshot(),
        }
    }

    /// Goes on from a state.
    ///
    /// # Errors
    /// [`plimsoll_router::Error`] for a state of another file or point, or one that nothing can have.
    pub fn resume(&mut self, state: &PointState) -> Result<(), plimsoll_router::Error> {
        if let (Some(tracker), Some(snapshot)) = (&mut self.tracker, &state.tracker) {
            *tracker = Mutex::new(self.router.resume(snapshot, self.router.method().tracker)?);
        }
        if let (Some(errors), Some(snapshot)) = (&mut self.errors, &state.errors) {
            *errors = Mutex::new(self.router.resume_error_monitor(snapshot)?);
        }
        if let Some(snapshot) = &state.drift {
            self.router.resume_drift(snapshot)?;
        }
        Ok(())
    }
}

/// A decision that is known before the answer is whole; with a tracker, as it is to be counted.
#[derive(Debug, Clone)]
pub struct EarlyExit(Option<TrackedDecision>);

/// The method of a file, as a gateway computes it.
fn reply_method(method: &Method) -> Result<ReplyMethod, GatewayError> {
    ReplyMethod::find(method).map_err(|problem| GatewayError::Method { method: method.id.clone(), problem })
}

/// What is behind these locks is whole between any two statements that panic.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number in [0, 1) that nobody foresees; `None` where the system gives none: then nothing is explored.
fn uniform() -> Option<f64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).ok()?;
    Some((u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64)
}
