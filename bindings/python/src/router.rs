//! A router: opened once, shared between threads, and asked for decisions.

use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_router::{Exploration, ModelIdentity, Target};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::confidence::confidence_in;
use crate::decision::{Decision, Drift, ExploredDecision, drift_state_name};
use crate::failure::{Failure, to_json};
use crate::monitor::ErrorMonitor;
use crate::streaming::Accumulator;
use crate::tracker::Tracker;

/// One operating point of a thresholds file.
#[pyclass(frozen, module = "plimsoll_router")]
#[derive(Debug)]
pub(crate) struct Router {
    router: Arc<plimsoll_router::Router>,
}

/// The text of a thresholds file; a mistake in it is the file's.
fn utf8(bytes: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(bytes)
        .map_err(|error| Failure::new("not_utf8", format!("thresholds is not UTF-8: {error}")))
}

/// What a device runs: the model's id alone, or a dictionary.
fn identity(device: &Bound<'_, PyAny>) -> PyResult<ModelIdentity> {
    if let Ok(id) = device.cast::<PyString>() {
        return Ok(ModelIdentity::named(id.to_str()?));
    }
    let device = device.cast::<PyDict>()?;
    let text: String = device.py().import("json")?.call_method1("dumps", (device,))?.extract()?;
    Ok(ModelIdentity::from_json(&text).map_err(Failure::from)?)
}

/// A number in [0, 1) from the system's generator, which nobody can foresee.
fn drawn(py: Python<'_>) -> PyResult<f64> {
    let bytes: [u8; 4] = py.import("os")?.call_method1("urandom", (4,))?.extract()?;
    // 32 bits, all of which a double holds.
    Ok(f64::from(u32::from_ne_bytes(bytes)) / 4_294_967_296.0)
}

impl Router {
    fn read(text: &str, device: &Bound<'_, PyAny>, method: &str, target: &str) -> PyResult<Self> {
        let target: Target = target.parse().map_err(Failure::from)?;
        let router = plimsoll_router::Router::open(text, &identity(device)?, method, &target);
        Ok(Self { router: Arc::new(router.map_err(Failure::from)?) })
    }
}

#[pymethods]
impl Router {
    #[staticmethod]
    #[pyo3(signature = (path, *, device, method, target))]
    fn open(path: PathBuf, device: &Bound<'_, PyAny>, method: &str, target: &str) -> PyResult<Self> {
        Self::read(utf8(&std::fs::read(path)?)?, device, method, target)
    }

    #[staticmethod]
    #[pyo3(signature = (thresholds, *, device, method, target))]
    fn from_json(
        thresholds: &Bound<'_, PyAny>,
        device: &Bound<'_, PyAny>,
        method: &str,
        target: &str,
    ) -> PyResult<Self> {
        match thresholds.cast::<PyString>() {
            Ok(text) => Self::read(text.to_str()?, device, method, target),
            Err(_) => Self::read(utf8(thresholds.cast::<PyBytes>()?.as_bytes())?, device, method, target),
        }
    }

    fn decide(&self, confidence: Option<f64>) -> Result<Decision, Failure> {
        let decided = self.router.decide(confidence_in(confidence)?);
        Ok(Decision { route: decided.route, reason: decided.reason })
    }

    fn record(&self, confidence: Option<f64>) -> Result<String, Failure> {
        to_json(&self.router.record(confidence_in(confidence)?))
    }

    #[pyo3(signature = (confidence, share, u=None))]
    fn explore(
        &self,
        py: Python<'_>,
        confidence: Option<f64>,
        share: f64,
        u: Option<f64>,
    ) -> PyResult<ExploredDecision> {
        let exploration = Exploration::new(share).map_err(Failure::from)?;
        let u = u.map_or_else(|| drawn(py), Ok)?;
        if !(0.0..1.0).contains(&u) {
            return Err(Failure::argument(format!("u = {u} is not in [0, 1)")).into());
        }
        let record = exploration.explore(self.router.record(confidence_in(confidence)?), u);
        Ok(ExploredDecision {
            route: record.route,
            reason: record.reason,
            propensity: record.propensity.unwrap_or(1.0),
            record: to_json(&record)?,
        })
    }

    fn observe(&self, confidence: Option<f64>) -> Result<Drift, Failure> {
        let drift = self.router.observe(confidence_in(confidence)?);
        Ok(Drift { state: drift.state, report: drift.report.map(Into::into) })
    }

    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (to_json(&self.router.describe())?,))
    }

    fn drift_snapshot(&self) -> Result<String, Failure> {
        let none = || {
            let method = &self.router.method().id;
            Failure::new("unavailable", format!("the file has no alarm levels for method `{method}`"))
        };
        to_json(&self.router.drift_snapshot().ok_or_else(none)?)
    }

    fn resume_drift(&self, snapshot: &str) -> Result<(), Failure> {
        let snapshot = serde_json::from_str(snapshot).map_err(|error| Failure::json("snapshot", &error))?;
        Ok(self.router.resume_drift(&snapshot)?)
    }

    fn must_defer(&self, accumulator: &Accumulator, max_tokens: u64) -> Result<bool, Failure> {
        Ok(self.router.must_defer(&accumulator.growing, max_tokens)?)
    }

    fn accumulator(&self) -> Result<Accumulator, Failure> {
        Ok(Accumulator { growing: self.router.accumulator()? })
    }

    #[pyo3(signature = (*, horizon=None, certificate_z=None, snapshot=None))]
    fn tracker(
        &self,
        horizon: Option<f64>,
        certificate_z: Option<f64>,
        snapshot: Option<&str>,
    ) -> Result<Tracker, Failure> {
        Tracker::new(&self.router, horizon, certificate_z, snapshot)
    }

    #[pyo3(signature = (*, alpha=None, delta=None, snapshot=None))]
    fn error_monitor(
        &self,
        alpha: Option<f64>,
        delta: Option<f64>,
        snapshot: Option<&str>,
    ) -> Result<ErrorMonitor, Failure> {
        ErrorMonitor::new(&self.router, alpha, delta, snapshot)
    }

    fn probability(&self, confidence: Option<f64>) -> Result<Option<f64>, Failure> {
        Ok(confidence_in(confidence)?.and_then(|confidence| self.router.probability(confidence)))
    }

    #[getter]
    fn drift_state(&self) -> &'static str {
        drift_state_name(self.router.drift_state())
    }

    #[getter]
    fn threshold(&self) -> f64 {
        self.router.threshold().get()
    }

    #[getter]
    fn threshold_id(&self) -> &str {
        &self.router.point().id
    }

    #[getter]
    fn method(&self) -> &str {
        &self.router.method().id
    }

    #[getter]
    fn thresholds_sha256(&self) -> &str {
        self.router.thresholds_sha256()
    }

    #[getter]
    fn unverified(&self) -> Vec<&'static str> {
        self.router.unverified().to_vec()
    }

    fn __repr__(&self) -> String {
        format!("Router('{}', threshold={:?})", self.threshold_id(), self.threshold())
    }
}
