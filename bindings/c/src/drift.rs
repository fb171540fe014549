//! The drift monitor of a router, and its state.

use std::ffi::c_char;

use plimsoll_router::{Drift, DriftState};

use crate::boundary::{answer, confidence_in, reference, status, text, text_out};
use crate::failure::{Failure, Status};
use crate::router::RouterHandle;

/// What the drift monitor says, `plimsoll_drift`.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct CDrift {
    /// 0 unmonitored, 1 collecting, 2 normal, 3 alarm.
    pub state: i32,
    /// Whether this observation filled a window, so that the fields below hold.
    pub has_report: i32,
    /// Number of the window, from 0.
    pub window: u64,
    /// PSI against the reference.
    pub psi: f64,
    /// KS distance on the bin edges.
    pub ks: f64,
    /// Share of decisions without a confidence.
    pub missing_share: f64,
    /// Whether PSI exceeds its level.
    pub psi_alarm: i32,
    /// Whether KS exceeds its level.
    pub ks_alarm: i32,
    /// Whether the missing share exceeds its level.
    pub missing_alarm: i32,
    /// Fills the struct up to a multiple of 8 bytes.
    pub reserved: i32,
}

impl From<Drift> for CDrift {
    fn from(drift: Drift) -> Self {
        let state = match drift.state {
            DriftState::Collecting => 1,
            DriftState::Normal => 2,
            DriftState::Alarm => 3,
            _ => 0,
        };
        let Some(report) = drift.report else { return Self { state, ..Self::default() } };
        Self {
            state,
            has_report: 1,
            window: report.window,
            psi: report.psi,
            ks: report.ks,
            missing_share: report.missing_share,
            psi_alarm: i32::from(report.psi_alarm),
            ks_alarm: i32::from(report.ks_alarm),
            missing_alarm: i32::from(report.missing_alarm),
            reserved: 0,
        }
    }
}

/// Counts a decided question in the drift monitor, once.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_observe(
    router: *const RouterHandle,
    confidence: f64,
    out: *mut CDrift,
) -> i32 {
    // SAFETY: the caller's promise, for both pointers.
    unsafe {
        answer(out, || Ok(reference(router, "router")?.router.observe(confidence_in(confidence)?).into()))
    }
}

/// What the drift monitor has counted, with the file and point that it belongs to, as JSON. Null after a failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_drift_snapshot(router: *const RouterHandle) -> *mut c_char {
    text_out(|| {
        // SAFETY: the caller's promise.
        let router = unsafe { &reference(router, "router")?.router };
        let none = || {
            let method = &router.method().id;
            Failure::new(Status::Unavailable, format!("the file has no alarm levels for method `{method}`"))
        };
        let snapshot = router.drift_snapshot().ok_or_else(none)?;
        serde_json::to_string(&snapshot).map_err(|error| Failure::unwritable(&error))
    })
}

/// Lets the drift monitor go on from a snapshot.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_drift_resume(router: *const RouterHandle, snapshot: *const c_char) -> i32 {
    status(|| {
        // SAFETY: the caller's promise.
        let (router, snapshot) =
            unsafe { (&reference(router, "router")?.router, text(snapshot, "snapshot")?) };
        let snapshot = serde_json::from_str(snapshot).map_err(|error| Failure::json("snapshot", &error))?;
        Ok(router.resume_drift(&snapshot)?)
    })
}
