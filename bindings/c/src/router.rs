//! A router: opened once, shared, and asked for decisions.

use std::ffi::c_char;
use std::sync::Arc;

use plimsoll_router::{Decision, ModelIdentity, Reason, Route, Router, Target, TrackedDecision};

use crate::boundary::{answer, confidence_in, end, handle, reference, slice, text, text_out, utf8};
use crate::failure::Failure;

/// One operating point of a thresholds file. Trackers and monitors keep what they need of it.
#[derive(Debug)]
pub struct RouterHandle {
    pub(crate) router: Arc<Router>,
}

/// A decision, `plimsoll_decision`. The default, all zero, defers.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct CDecision {
    /// 1: the small model's answer is kept; 0: the question is deferred.
    pub route: i32,
    /// 0 missing, 1 below, 2 at or above, 3 deferred by a certificate alone, 4 chosen by a coin.
    pub reason: i32,
    /// By a tracker: the confidence on the pool's scale; else NaN.
    pub z: f64,
    /// By a tracker: the number in [0, 1) that breaks ties; else NaN.
    pub u: f64,
    /// By a tracker: the threshold on the pool's scale; else NaN.
    pub t: f64,
}

/// The header's number of a route.
pub(crate) fn route_number(route: Route) -> i32 {
    i32::from(route == Route::Slm)
}

/// The header's number of a reason.
pub(crate) fn reason_number(reason: Reason) -> i32 {
    match reason {
        Reason::Below => 1,
        Reason::AtOrAbove => 2,
        Reason::Certificate => 3,
        Reason::Explored => 4,
        _ => 0,
    }
}

impl From<Decision> for CDecision {
    fn from(decision: Decision) -> Self {
        let (route, reason) = (route_number(decision.route), reason_number(decision.reason));
        Self { route, reason, z: f64::NAN, u: f64::NAN, t: f64::NAN }
    }
}

impl From<TrackedDecision> for CDecision {
    fn from(decided: TrackedDecision) -> Self {
        let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
        Self { z: number(decided.z), u: number(decided.u), t: decided.t, ..decided.decision.into() }
    }
}

/// Opens a thresholds file at one operating point and checks everything. Null after a failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_router_open(
    thresholds: *const u8,
    length: usize,
    device: *const c_char,
    method: *const c_char,
    target: *const c_char,
) -> *mut RouterHandle {
    handle(|| {
        // SAFETY: the caller's promise.
        let (bytes, device, method, target) = unsafe {
            (
                slice(thresholds, length, "thresholds")?,
                text(device, "device")?,
                text(method, "method")?,
                text(target, "target")?,
            )
        };
        let device = ModelIdentity::from_json(device)?;
        let target: Target = target.parse()?;
        let router = Router::open(utf8(bytes, "thresholds")?, &device, method, &target)?;
        Ok(RouterHandle { router: Arc::new(router) })
    })
}

/// Ends a router. Its trackers and monitors live on. Null is nothing to end.
///
/// # Safety
/// `router` is null or came from [`plimsoll_router_open`], and was not ended before.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_router_free(router: *mut RouterHandle) {
    // SAFETY: the caller's promise.
    unsafe { end(router) }
}

/// Decides about one question. NaN is a missing confidence.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_decide(
    router: *const RouterHandle,
    confidence: f64,
    out: *mut CDecision,
) -> i32 {
    // SAFETY: the caller's promise, for both pointers.
    unsafe {
        answer(out, || Ok(reference(router, "router")?.router.decide(confidence_in(confidence)?).into()))
    }
}

/// Decides, and gives the line of the decision log as JSON. Null after a failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_record(router: *const RouterHandle, confidence: f64) -> *mut c_char {
    text_out(|| {
        // SAFETY: the caller's promise.
        let router = unsafe { reference(router, "router")? };
        let record = router.router.record(confidence_in(confidence)?);
        serde_json::to_string(&record).map_err(|error| Failure::unwritable(&error))
    })
}

/// The operating point as the file has it, with the file's hash and what could not be verified, as JSON. Null after a
/// failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_router_describe(router: *const RouterHandle) -> *mut c_char {
    text_out(|| {
        // SAFETY: the caller's promise.
        let router = unsafe { reference(router, "router")? };
        serde_json::to_string(&router.router.describe()).map_err(|error| Failure::unwritable(&error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the other languages read the fields.
    #[test]
    fn structs_are_laid_out_as_the_header_s() {
        use std::mem::offset_of;
        assert_eq!(
            (size_of::<CDecision>(), offset_of!(CDecision, reason), offset_of!(CDecision, z)),
            (32, 4, 8)
        );
        assert_eq!(
            {
                use crate::drift::CDrift;
                (size_of::<CDrift>(), offset_of!(CDrift, window), offset_of!(CDrift, psi_alarm))
            },
            (56, 8, 40)
        );
        assert_eq!(size_of::<crate::error_monitor::CEvidence>(), 40);
        assert_eq!(size_of::<crate::exploration::CExplored>(), 16);
    }
}
