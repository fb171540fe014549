//! An alarm about the error of kept answers.

use std::ffi::c_char;
use std::sync::Arc;

use plimsoll_router::{ErrorMonitor, Router};

use crate::boundary::{answer, end, exclusive, given, handle, reference, text, text_out};
use crate::failure::{Failure, Status};
use crate::router::RouterHandle;

/// A monitor, and the router whose answers it watches.
#[derive(Debug)]
pub struct ErrorMonitorHandle {
    router: Arc<Router>,
    monitor: ErrorMonitor,
}

/// What a monitor has seen, `plimsoll_evidence`.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct CEvidence {
    /// Kept answers with a label.
    pub kept: u64,
    /// Of these, wrong.
    pub wrong: u64,
    /// The natural logarithm of the evidence now.
    pub log_e: f64,
    /// A p-value that is valid at every moment.
    pub p_value: f64,
    /// 1 from the first alarm on.
    pub alarm: i32,
    /// Fills the struct up to a multiple of 8 bytes.
    pub reserved: i32,
}

/// A monitor that has seen nothing; alpha and delta are the operating point's unless given. Null after a failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_error_monitor_new(
    router: *const RouterHandle,
    alpha: f64,
    delta: f64,
) -> *mut ErrorMonitorHandle {
    handle(|| {
        // SAFETY: the caller's promise.
        let router = unsafe { &reference(router, "router")?.router };
        let monitor = match (given(alpha), given(delta)) {
            (None, None) => router.error_monitor()?,
            (Some(alpha), Some(delta)) => ErrorMonitor::new(alpha, delta)?,
            _ => return Err(Failure::new(Status::InvalidArgument, "give alpha and delta both, or neither")),
        };
        Ok(ErrorMonitorHandle { router: Arc::clone(router), monitor })
    })
}

/// A monitor that goes on from a snapshot. Null after a failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_error_monitor_resume(
    router: *const RouterHandle,
    snapshot: *const c_char,
) -> *mut ErrorMonitorHandle {
    handle(|| {
        // SAFETY: the caller's promise.
        let (router, snapshot) =
            unsafe { (&reference(router, "router")?.router, text(snapshot, "snapshot")?) };
        let snapshot = serde_json::from_str(snapshot).map_err(|error| Failure::json("snapshot", &error))?;
        let monitor = router.resume_error_monitor(&snapshot)?;
        Ok(ErrorMonitorHandle { router: Arc::clone(router), monitor })
    })
}

/// Ends a monitor. Null is nothing to end.
///
/// # Safety
/// `monitor` is null or came from this library, and was not ended before.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_error_monitor_free(monitor: *mut ErrorMonitorHandle) {
    // SAFETY: the caller's promise.
    unsafe { end(monitor) }
}

/// Counts a kept answer whose label has arrived; `correct` is 0 for a wrong one.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_error_monitor_observe(
    monitor: *mut ErrorMonitorHandle,
    correct: i32,
    out: *mut CEvidence,
) -> i32 {
    let observe = || {
        // SAFETY: the caller's promise.
        let monitor = unsafe { &mut exclusive(monitor, "monitor")?.monitor };
        let alarm = i32::from(monitor.observe(correct != 0));
        let state = monitor.state();
        let (log_e, p_value) = (monitor.log_e(), monitor.p_value());
        Ok(CEvidence { kept: state.kept, wrong: state.wrong, log_e, p_value, alarm, reserved: 0 })
    };
    // SAFETY: the caller's promise.
    unsafe { answer(out, observe) }
}

/// The monitor's state with the file and point that it belongs to, as JSON. Null after a failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_error_monitor_snapshot(monitor: *const ErrorMonitorHandle) -> *mut c_char {
    text_out(|| {
        // SAFETY: the caller's promise.
        let handle = unsafe { reference(monitor, "monitor")? };
        let snapshot = handle.router.error_snapshot(&handle.monitor);
        serde_json::to_string(&snapshot).map_err(|error| Failure::unwritable(&error))
    })
}
