//! A tracker: a routing ratio on traffic never seen.

use std::sync::Arc;

use plimsoll_router::Confidence;
use pyo3::prelude::*;

use crate::confidence::confidence_in;
use crate::decision::TrackedDecision;
use crate::failure::{Failure, to_json};
use crate::streaming::Accumulator;

/// A tracker, the router that it decides with, and its latest decision.
#[pyclass(module = "plimsoll_router")]
#[derive(Debug)]
pub(crate) struct Tracker {
    router: Arc<plimsoll_router::Router>,
    state: plimsoll_router::Tracker,
    latest: Option<(Option<Confidence>, plimsoll_router::TrackedDecision)>,
}

impl Tracker {
    pub(crate) fn new(
        router: &Arc<plimsoll_router::Router>,
        horizon: Option<f64>,
        certificate_z: Option<f64>,
        snapshot: Option<&str>,
    ) -> Result<Self, Failure> {
        let settings = router.method().tracker;
        let settings = horizon.map_or(settings, |horizon| settings.with_horizon(horizon));
        let tracker = match snapshot {
            None => router.tracker(settings)?,
            Some(text) => {
                let snapshot =
                    serde_json::from_str(text).map_err(|error| Failure::json("snapshot", &error))?;
                router.resume(&snapshot, settings)?
            }
        };
        let tracker = match certificate_z {
            Some(z) => tracker.with_certificate(z)?,
            None => tracker,
        };
        Ok(Self { router: Arc::clone(router), state: tracker, latest: None })
    }
}

#[pymethods]
impl Tracker {
    fn decide(&mut self, id: &str, confidence: Option<f64>) -> Result<TrackedDecision, Failure> {
        let confidence = confidence_in(confidence)?;
        let decided = self.router.track(&mut self.state, id, confidence)?;
        self.latest = Some((confidence, decided));
        Ok(TrackedDecision {
            route: decided.decision.route,
            reason: decided.decision.reason,
            z: decided.z,
            u: decided.u.unwrap_or(f64::NAN),
            t: decided.t,
        })
    }

    fn must_defer(&mut self, accumulator: &Accumulator, max_tokens: u64) -> Result<bool, Failure> {
        let decided = self.router.tracker_must_defer(&self.state, &accumulator.growing, max_tokens)?;
        if let Some(decided) = &decided {
            self.state.count(decided);
            // An answer that was cut has no confidence to record.
            self.latest = None;
        }
        Ok(decided.is_some())
    }

    fn record(&self) -> Result<String, Failure> {
        let (confidence, decided) = self
            .latest
            .as_ref()
            .ok_or_else(|| Failure::new("unavailable", "no decision of this tracker is to be recorded"))?;
        to_json(&self.router.tracked_record(*confidence, decided))
    }

    fn snapshot(&self) -> Result<String, Failure> {
        to_json(&self.router.snapshot(&self.state))
    }
}
