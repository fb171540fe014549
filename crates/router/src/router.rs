//! One operating point of a thresholds file, checked and owned: what an app keeps in a struct.

mod description;

pub use description::PointDescription;

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::confidence::Confidence;
use crate::decision::{decide, Decision, DecisionRecord, Threshold};
use crate::drift::{Drift, DriftState, Monitor, MonitorSnapshot};
use crate::error::Error;
use crate::error_monitor::{ErrorMonitor, ErrorMonitorSnapshot};
use crate::pool_cdf::PoolCdf;
use crate::streaming::{self, ConfidenceAccumulator, TokenMethod};
use crate::target::Target;
use crate::thresholds::{Method, ModelIdentity, OperatingPoint, Thresholds};
use crate::tracker::{TrackedDecision, Tracker, TrackerSettings, TrackerSnapshot};

/// Decides, watches for drift and writes log records at one operating point.
///
/// A router owns all that it needs, borrows nothing, and is [`Send`] and [`Sync`]: keep it in a
/// struct, share it in an [`Arc`](std::sync::Arc). All methods take `&self`. [`Router::decide`]
/// and [`Router::record`] read immutable data and never wait; only the window counts of
/// [`Router::observe`] lie behind a lock of their own, which is held for the increment of a count
/// and, once per window, for a comparison of two histograms. With `&mut self` instead, every
/// server would have to put a lock around the whole router, and decisions would wait for it.
///
/// ```
/// use plimsoll_router::{Confidence, Error, ModelIdentity, Route, Router};
///
/// fn route(json: &str, token_logprobs: &[f32]) -> Result<Route, Error> {
///     let device = ModelIdentity::named("smollm2-135m").with_quantisation("Q4_K_M");
///     let router = Router::open(json, &device, "perplexity", &"routing_ratio=0.3".parse()?)?;
///     let decision = router.decide(Confidence::perplexity(token_logprobs));
///     Ok(decision.route)
/// }
/// ```
#[derive(Debug)]
pub struct Router {
    thresholds_sha256: String,
    method: Method,
    point: OperatingPoint,
    threshold: Threshold,
    unverified: Vec<&'static str>,
    /// `None` if the file holds no alarm levels for the method.
    monitor: Option<Mutex<Monitor>>,
}

/// The promise of the docs, kept by the compiler.
const _: () = {
    const fn is_owned_and_shareable<T: Send + Sync + 'static>() {}
    is_owned_and_shareable::<Router>();
    is_owned_and_shareable::<Error>();
};

impl Router {
    /// Opens a thresholds file at one operating point, and checks everything: the schema, the
    /// hash, the consistency of the document, that it was made for the model that this device
    /// runs, and that the point is there and has a threshold.
    ///
    /// Every identity field that the file records must be stated by the device and be equal; the
    /// ones that it does not record cannot be checked, and [`Router::unverified`] lists them.
    ///
    /// # Errors
    /// What [`Thresholds::from_json`] and [`Router::new`] give.
    pub fn open(json: &str, device: &ModelIdentity, method: &str, target: &Target) -> Result<Self, Error> {
        Self::new(&Thresholds::from_json(json)?, device, method, target)
    }

    /// Opens one operating point of a file that is already read: for several points of one file.
    ///
    /// # Errors
    /// [`Error::Mismatch`] names the identity fields that differ or are not stated;
    /// [`Error::UnknownMethod`] and [`Error::UnknownTarget`] list what the file has;
    /// [`Error::NoThreshold`] is for a target that could not be met.
    pub fn new(
        thresholds: &Thresholds,
        device: &ModelIdentity,
        method: &str,
        target: &Target,
    ) -> Result<Self, Error> {
        let unverified = thresholds.slm.verify(device)?;
        Self::find(thresholds, method, target, unverified)
    }

    /// As [`Router::new`], without asking which model the device runs: for tools that decide about
    /// recorded confidences. A deployment wants [`Router::open`].
    ///
    /// # Errors
    /// As [`Router::new`], but for the identity.
    pub fn without_device_check(
        thresholds: &Thresholds,
        method: &str,
        target: &Target,
    ) -> Result<Self, Error> {
        Self::find(thresholds, method, target, ModelIdentity::FIELDS.to_vec())
    }

    /// The one lookup of an operating point.
    fn find(
        thresholds: &Thresholds,
        method: &str,
        target: &Target,
        unverified: Vec<&'static str>,
    ) -> Result<Self, Error> {
        let find_method = thresholds.methods.iter().find(|candidate| candidate.id == method);
        let method = find_method.ok_or_else(|| Error::UnknownMethod {
            method: method.to_owned(),
            known: join(thresholds.methods.iter().map(|method| method.id.clone())),
        })?;
        let find_point = method.operating_points.iter().find(|point| point.target == *target);
        let point = find_point.ok_or_else(|| Error::UnknownTarget {
            method: method.id.clone(),
            target: target.to_string(),
            known: join(method.operating_points.iter().map(|point| point.target.to_string())),
        })?;
        let threshold = point
            .threshold
            .ok_or_else(|| Error::NoThreshold { id: point.id.clone(), status: point.status.name() })?;
        Ok(Self {
            thresholds_sha256: thresholds.sha256.clone(),
            method: method.clone(),
            point: point.clone(),
            threshold,
            unverified,
            monitor: Monitor::new(method).map(Mutex::new),
        })
    }

    /// Decides about one question. Total: every input has an answer. A missing confidence (`None`)
    /// defers.
    pub fn decide(&self, confidence: Option<Confidence>) -> Decision {
        decide(self.threshold, confidence)
    }

    /// Decides, and gives everything that an audit or a new fit needs. The decision is that of
    /// [`Router::decide`].
    pub fn record(&self, confidence: Option<Confidence>) -> DecisionRecord {
        let Decision { route, reason } = self.decide(confidence);
        DecisionRecord {
            thresholds_sha256: self.thresholds_sha256.clone(),
            threshold_id: self.point.id.clone(),
            method: self.method.id.clone(),
            threshold: self.threshold,
            confidence: confidence.map(Confidence::get),
            probability: confidence.and_then(|confidence| self.probability(confidence)),
            route,
            reason,
            z: None,
            u: None,
            t: None,
            propensity: None,
        }
    }

    /// Counts a confidence in the drift monitor, once for each question that is decided, and says
    /// what the windows so far show. Deciding does not count by itself.
    ///
    /// Of several threads, each observation is counted once; the one that fills a window gets its
    /// report.
    pub fn observe(&self, confidence: Option<Confidence>) -> Drift {
        match self.monitor() {
            None => Drift { state: DriftState::Unmonitored, report: None },
            Some(mut monitor) => {
                let report = monitor.observe(confidence);
                Drift { state: monitor.state(), report }
            }
        }
    }

    /// What the windows so far show, without counting: for a health page.
    pub fn drift_state(&self) -> DriftState {
        self.monitor().map_or(DriftState::Unmonitored, |monitor| monitor.state())
    }

    /// What the drift monitor has counted, with the file and point that it belongs to; `None` where nothing is monitored.
    pub fn drift_snapshot(&self) -> Option<MonitorSnapshot> {
        let state = self.monitor()?.counted();
        Some(MonitorSnapshot::new(self.thresholds_sha256.clone(), self.point.id.clone(), state))
    }

    /// Lets the drift monitor go on from a snapshot; nothing happens where nothing is monitored.
    ///
    /// # Errors
    /// [`Error::OtherSnapshot`] if it is of another file or operating point; [`Error::DriftMonitor`] if its state is none
    /// that the monitor can have.
    pub fn resume_drift(&self, snapshot: &MonitorSnapshot) -> Result<(), Error> {
        self.check_snapshot(&snapshot.thresholds_sha256, &snapshot.threshold_id)?;
        self.monitor().map_or(Ok(()), |mut monitor| monitor.resume(&snapshot.state))
    }

    /// A tracker at this operating point: it keeps to the point's ratio on traffic never seen. The ratio of a
    /// routing-ratio target is the target's, that of any other the one that the point achieved on the pool.
    ///
    /// A tracker moves: keep one for each stream of traffic, and its state ([`Router::snapshot`]) where it must
    /// outlive the process.
    ///
    /// # Errors
    /// [`Error::NoScale`] if no row of the method's pool had a confidence; [`Error::Tracker`] for settings out of
    /// range.
    pub fn tracker(&self, settings: TrackerSettings) -> Result<Tracker, Error> {
        let ratio = self.ratio();
        Tracker::new(ratio, self.scale()?.level(ratio), settings)
    }

    /// Decides about one question with a tracker, and counts it. `id` is the request's: it breaks ties, so the same
    /// request among the same traffic is decided alike. A repeated request is better answered from a log: the
    /// threshold moves on with every decision.
    ///
    /// # Errors
    /// [`Error::NoScale`] as [`Router::tracker`].
    pub fn track(
        &self,
        tracker: &mut Tracker,
        id: &str,
        confidence: Option<Confidence>,
    ) -> Result<TrackedDecision, Error> {
        let decided = self.look(tracker, id, confidence)?;
        tracker.count(&decided);
        Ok(decided)
    }

    /// As [`Router::track`], without counting: for decisions that are made together. Each is to be
    /// [counted](Tracker::count) once.
    ///
    /// # Errors
    /// [`Error::NoScale`] as [`Router::tracker`].
    pub fn look(
        &self,
        tracker: &Tracker,
        id: &str,
        confidence: Option<Confidence>,
    ) -> Result<TrackedDecision, Error> {
        let u = self.method.tie_break.seed.uniform(id);
        let z = match confidence {
            None => None,
            Some(confidence) => Some(self.scale()?.z(confidence, u)),
        };
        Ok(TrackedDecision { u: Some(u), ..tracker.look(z) })
    }

    /// A tracker's state, with the file and point that it belongs to.
    pub fn snapshot(&self, tracker: &Tracker) -> TrackerSnapshot {
        TrackerSnapshot {
            thresholds_sha256: self.thresholds_sha256.clone(),
            threshold_id: self.point.id.clone(),
            state: *tracker.state(),
        }
    }

    /// A tracker that goes on from a snapshot.
    ///
    /// # Errors
    /// [`Error::OtherSnapshot`] if it is of another file or operating point; [`Error::Tracker`] if its state is out
    /// of range.
    pub fn resume(&self, snapshot: &TrackerSnapshot, settings: TrackerSettings) -> Result<Tracker, Error> {
        self.check_snapshot(&snapshot.thresholds_sha256, &snapshot.threshold_id)?;
        Tracker::resume(snapshot.state, settings)
    }

    /// A confidence of this router's method that grows token by token.
    ///
    /// # Errors
    /// [`Error::NotStreamed`] if the method's confidence does not grow token by token.
    pub fn accumulator(&self) -> Result<ConfidenceAccumulator, Error> {
        let method = TokenMethod::from_id(&self.method.id);
        method
            .map(ConfidenceAccumulator::new)
            .ok_or_else(|| Error::NotStreamed { method: self.method.id.clone() })
    }

    /// Whether [`Router::decide`] defers every answer of at most `max_tokens` tokens that begins with these, so that
    /// the small model may stop: see [`streaming`]. An answer that was cut has no confidence: neither observe nor
    /// record it as one.
    ///
    /// # Errors
    /// [`Error::OtherMethod`] if it is a confidence of another method.
    pub fn must_defer(&self, growing: &ConfidenceAccumulator, max_tokens: u64) -> Result<bool, Error> {
        self.check_method(growing)?;
        Ok(streaming::must_defer(self.threshold, growing, max_tokens))
    }

    /// As [`Router::must_defer`], for [`Router::look`] with this tracker in this state: the decision, if it is already
    /// "defer" for every request id. It is to be [counted](Tracker::count) once, and moves the tracker as that about
    /// the whole answer would.
    ///
    /// # Errors
    /// [`Error::NoScale`] as [`Router::tracker`], [`Error::OtherMethod`] as [`Router::must_defer`].
    pub fn tracker_must_defer(
        &self,
        tracker: &Tracker,
        growing: &ConfidenceAccumulator,
        max_tokens: u64,
    ) -> Result<Option<TrackedDecision>, Error> {
        self.check_method(growing)?;
        Ok(streaming::tracker_must_defer(tracker, self.scale()?, growing, max_tokens))
    }

    fn check_method(&self, growing: &ConfidenceAccumulator) -> Result<(), Error> {
        let found = growing.method().id();
        if found == self.method.id {
            Ok(())
        } else {
            Err(Error::OtherMethod { found, expected: self.method.id.clone() })
        }
    }

    /// A monitor of the kept answers' error at this operating point, with the alpha and delta of its selective-error
    /// target. Keep its state ([`Router::error_snapshot`]) where it must outlive the process.
    ///
    /// # Errors
    /// [`Error::NoBound`] for a target that bounds no selective error.
    pub fn error_monitor(&self) -> Result<ErrorMonitor, Error> {
        match self.point.target {
            Target::SelectiveError { alpha, delta } => ErrorMonitor::new(alpha, delta),
            _ => Err(Error::NoBound { id: self.point.id.clone() }),
        }
    }

    /// A monitor's state, with the file and point that it belongs to.
    pub fn error_snapshot(&self, monitor: &ErrorMonitor) -> ErrorMonitorSnapshot {
        ErrorMonitorSnapshot::new(self.thresholds_sha256.clone(), self.point.id.clone(), *monitor.state())
    }

    /// A monitor that goes on from a snapshot.
    ///
    /// # Errors
    /// [`Error::OtherSnapshot`] if it is of another file or operating point; [`Error::ErrorMonitor`] if its state is
    /// none that a monitor has.
    pub fn resume_error_monitor(&self, snapshot: &ErrorMonitorSnapshot) -> Result<ErrorMonitor, Error> {
        self.check_snapshot(&snapshot.thresholds_sha256, &snapshot.threshold_id)?;
        ErrorMonitor::resume(snapshot.state)
    }

    /// A snapshot belongs to one file and one point.
    fn check_snapshot(&self, thresholds_sha256: &str, threshold_id: &str) -> Result<(), Error> {
        let other = |field, found: &str, expected: &str| {
            let (found, expected) = (found.to_owned(), expected.to_owned());
            Err(Error::OtherSnapshot { field, found, expected })
        };
        if thresholds_sha256 != self.thresholds_sha256 {
            other("thresholds_sha256", thresholds_sha256, &self.thresholds_sha256)
        } else if threshold_id != self.point.id {
            other("threshold_id", threshold_id, &self.point.id)
        } else {
            Ok(())
        }
    }

    /// A decision by a tracker as a log record.
    pub fn tracked_record(
        &self,
        confidence: Option<Confidence>,
        decided: &TrackedDecision,
    ) -> DecisionRecord {
        let Decision { route, reason } = decided.decision;
        DecisionRecord {
            route,
            reason,
            z: decided.z,
            u: decided.u,
            t: Some(decided.t),
            ..self.record(confidence)
        }
    }

    /// The ratio that a tracker keeps to.
    fn ratio(&self) -> f64 {
        match self.point.target {
            Target::RoutingRatio { value } => value,
            _ => self.point.achieved.map_or(1.0, |achieved| achieved.routing_ratio.value.clamp(0.0, 1.0)),
        }
    }

    fn scale(&self) -> Result<&PoolCdf, Error> {
        self.method.pool_cdf.as_ref().ok_or_else(|| Error::NoScale { method: self.method.id.clone() })
    }

    /// A monitor holds counts alone, so one that a panicking thread left behind is as good as any.
    fn monitor(&self) -> Option<MutexGuard<'_, Monitor>> {
        Some(self.monitor.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The confidence through the file's isotonic map: an estimate of P(correct), to be shown and
    /// never compared with the threshold. `None` if the file has no such map.
    pub fn probability(&self, confidence: Confidence) -> Option<f64> {
        self.method.maps.isotonic.as_ref()?.apply(confidence)
    }

    /// The threshold.
    pub const fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// The operating point, with what it achieved on the calibration data and its guarantee.
    pub const fn point(&self) -> &OperatingPoint {
        &self.point
    }

    /// The method: its definition, the hashes of its variant and probe, its maps.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// SHA-256 of the thresholds file.
    pub fn thresholds_sha256(&self) -> &str {
        &self.thresholds_sha256
    }

    /// Identity fields about which nothing was checked, since the file does not record them.
    pub fn unverified(&self) -> &[&'static str] {
        &self.unverified
    }
}

fn join(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
