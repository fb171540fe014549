//! An alarm about the error of kept answers whose labels arrive one by one.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::decision::truth;
use crate::failure::{Failure, to_json};

/// A monitor, and the router whose file and point its snapshots name.
#[pyclass(module = "plimsoll_router")]
#[derive(Debug)]
pub(crate) struct ErrorMonitor {
    router: Arc<plimsoll_router::Router>,
    monitor: plimsoll_router::ErrorMonitor,
}

/// What a monitor has seen.
#[pyclass(frozen, eq, get_all, module = "plimsoll_router")]
#[derive(Debug, PartialEq)]
pub(crate) struct Evidence {
    kept: u64,
    wrong: u64,
    log_e: f64,
    p_value: f64,
    alarm: bool,
}

#[pymethods]
impl Evidence {
    fn __repr__(&self) -> String {
        format!(
            "Evidence(kept={}, wrong={}, log_e={:?}, p_value={:?}, alarm={})",
            self.kept,
            self.wrong,
            self.log_e,
            self.p_value,
            truth(self.alarm)
        )
    }
}

impl ErrorMonitor {
    pub(crate) fn new(
        router: &Arc<plimsoll_router::Router>,
        alpha: Option<f64>,
        delta: Option<f64>,
        snapshot: Option<&str>,
    ) -> Result<Self, Failure> {
        let monitor = match (snapshot, alpha, delta) {
            (None, None, None) => router.error_monitor()?,
            (None, Some(alpha), Some(delta)) => plimsoll_router::ErrorMonitor::new(alpha, delta)?,
            (None, ..) => return Err(Failure::argument("alpha and delta are given together or not at all")),
            (Some(text), None, None) => {
                let snapshot =
                    serde_json::from_str(text).map_err(|error| Failure::json("snapshot", &error))?;
                router.resume_error_monitor(&snapshot)?
            }
            (Some(_), ..) => return Err(Failure::argument("a snapshot has its own alpha and delta")),
        };
        Ok(Self { router: Arc::clone(router), monitor })
    }
}

#[pymethods]
impl ErrorMonitor {
    fn observe(&mut self, correct: bool) -> Evidence {
        let alarm = self.monitor.observe(correct);
        let state = self.monitor.state();
        Evidence {
            kept: state.kept,
            wrong: state.wrong,
            log_e: self.monitor.log_e(),
            p_value: self.monitor.p_value(),
            alarm,
        }
    }

    fn snapshot(&self) -> Result<String, Failure> {
        to_json(&self.router.error_snapshot(&self.monitor))
    }
}
