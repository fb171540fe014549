//! What decisions and observations come to: values that do not change.

use plimsoll_router::{DriftState, Reason, Route};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// The name of a route, made once.
fn route_name(py: Python<'_>, route: Route) -> &Bound<'_, PyString> {
    match route {
        Route::Slm => intern!(py, "slm"),
        Route::Llm => intern!(py, "llm"),
    }
}

/// The name of a reason, made once.
fn reason_name(py: Python<'_>, reason: Reason) -> &Bound<'_, PyString> {
    match reason {
        Reason::AtOrAbove => intern!(py, "at_or_above"),
        Reason::Below => intern!(py, "below"),
        Reason::Certificate => intern!(py, "certificate"),
        Reason::Explored => intern!(py, "explored"),
        _ => intern!(py, "missing"),
    }
}

/// The name of what the drift monitor says.
pub(crate) fn drift_state_name(state: DriftState) -> &'static str {
    match state {
        DriftState::Collecting => "collecting",
        DriftState::Normal => "normal",
        DriftState::Alarm => "alarm",
        _ => "unmonitored",
    }
}

/// None or a number, as Python writes it.
fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "None".to_owned(), |value| format!("{value:?}"))
}

/// True or False.
pub(crate) fn truth(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// A decision.
#[pyclass(frozen, eq, module = "plimsoll_router")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decision {
    pub(crate) route: Route,
    pub(crate) reason: Reason,
}

#[pymethods]
impl Decision {
    #[getter]
    fn route<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        route_name(py, self.route)
    }

    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        reason_name(py, self.reason)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("Decision(route='{}', reason='{}')", self.route(py), self.reason(py))
    }
}

/// A decision with exploration, with the line of the log that states it.
#[pyclass(frozen, eq, module = "plimsoll_router")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExploredDecision {
    pub(crate) route: Route,
    pub(crate) reason: Reason,
    #[pyo3(get)]
    pub(crate) propensity: f64,
    #[pyo3(get)]
    pub(crate) record: String,
}

#[pymethods]
impl ExploredDecision {
    #[getter]
    fn route<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        route_name(py, self.route)
    }

    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        reason_name(py, self.reason)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let (route, reason, propensity) = (self.route(py), self.reason(py), self.propensity);
        format!("ExploredDecision(route='{route}', reason='{reason}', propensity={propensity:?})")
    }
}

/// A decision by a tracker.
#[pyclass(frozen, eq, module = "plimsoll_router")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrackedDecision {
    pub(crate) route: Route,
    pub(crate) reason: Reason,
    #[pyo3(get)]
    pub(crate) z: Option<f64>,
    #[pyo3(get)]
    pub(crate) u: f64,
    #[pyo3(get)]
    pub(crate) t: f64,
}

#[pymethods]
impl TrackedDecision {
    #[getter]
    fn route<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        route_name(py, self.route)
    }

    #[getter]
    fn reason<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        reason_name(py, self.reason)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let (route, reason, z) = (self.route(py), self.reason(py), optional(self.z));
        format!("TrackedDecision(route='{route}', reason='{reason}', z={z}, u={:?}, t={:?})", self.u, self.t)
    }
}

/// A full window of the drift monitor.
#[pyclass(frozen, eq, get_all, module = "plimsoll_router")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WindowReport {
    pub(crate) window: u64,
    pub(crate) psi: f64,
    pub(crate) ks: f64,
    pub(crate) missing_share: f64,
    pub(crate) psi_alarm: bool,
    pub(crate) ks_alarm: bool,
    pub(crate) missing_alarm: bool,
}

impl From<plimsoll_router::WindowReport> for WindowReport {
    fn from(report: plimsoll_router::WindowReport) -> Self {
        Self {
            window: report.window,
            psi: report.psi,
            ks: report.ks,
            missing_share: report.missing_share,
            psi_alarm: report.psi_alarm,
            ks_alarm: report.ks_alarm,
            missing_alarm: report.missing_alarm,
        }
    }
}

#[pymethods]
impl WindowReport {
    fn __repr__(&self) -> String {
        let alarms = [self.psi_alarm, self.ks_alarm, self.missing_alarm].map(truth);
        format!(
            "WindowReport(window={}, psi={:?}, ks={:?}, missing_share={:?}, psi_alarm={}, ks_alarm={}, missing_alarm={})",
            self.window, self.psi, self.ks, self.missing_share, alarms[0], alarms[1], alarms[2]
        )
    }
}

/// What the drift monitor says after an observation.
#[pyclass(frozen, eq, module = "plimsoll_router")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drift {
    pub(crate) state: DriftState,
    pub(crate) report: Option<WindowReport>,
}

#[pymethods]
impl Drift {
    #[getter]
    fn state(&self) -> &'static str {
        drift_state_name(self.state)
    }

    #[getter]
    fn report(&self) -> Option<WindowReport> {
        self.report.clone()
    }

    fn __repr__(&self) -> String {
        let report = self.report.as_ref().map_or_else(|| "None".to_owned(), WindowReport::__repr__);
        format!("Drift(state='{}', report={report})", self.state())
    }
}
