//! What decisions and observations come to: values that do not change.

use plimsoll_router::{DriftState, Reason, Route};
use pyo3::prelude::*;

/// The name of a route.
pub(crate) fn route_name(route: Route) -> &'static str {
    match route {
        Route::Slm => "slm",
        Route::Llm => "llm",
    }
}

/// The name of a reason.
pub(crate) fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::AtOrAbove => "at_or_above",
        Reason::Below => "below",
        Reason::Certificate => "certificate",
        Reason::Explored => "explored",
        _ => "missing",
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
    fn route(&self) -> &'static str {
        route_name(self.route)
    }

    #[getter]
    fn reason(&self) -> &'static str {
        reason_name(self.reason)
    }

    fn __repr__(&self) -> String {
        format!("Decision(route='{}', reason='{}')", self.route(), self.reason())
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
    fn route(&self) -> &'static str {
        route_name(self.route)
    }

    #[getter]
    fn reason(&self) -> &'static str {
        reason_name(self.reason)
    }

    fn __repr__(&self) -> String {
        let (route, reason, propensity) = (self.route(), self.reason(), self.propensity);
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
    fn route(&self) -> &'static str {
        route_name(self.route)
    }

    #[getter]
    fn reason(&self) -> &'static str {
        reason_name(self.reason)
    }

    fn __repr__(&self) -> String {
        let (route, reason, z) = (self.route(), self.reason(), optional(self.z));
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
