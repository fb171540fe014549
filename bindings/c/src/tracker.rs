//! A tracker: a routing ratio on traffic never seen.

use std::ffi::c_char;
use std::sync::Arc;

use plimsoll_router::{Confidence, Router, TrackedDecision, Tracker, TrackerSettings};

use crate::boundary::{answer, confidence_in, end, exclusive, given, handle, reference, text, text_out};
use crate::failure::{Failure, Status};
use crate::router::{CDecision, RouterHandle};
use crate::streaming::AccumulatorHandle;

/// A tracker, the router that it decides with, and its latest decision.
#[derive(Debug)]
pub struct TrackerHandle {
    router: Arc<Router>,
    tracker: Tracker,
    latest: Option<(Option<Confidence>, TrackedDecision)>,
}

impl TrackerHandle {
    /// `certificate_z`: NaN for none.
    fn new(router: &Arc<Router>, tracker: Tracker, certificate_z: f64) -> Result<Self, Failure> {
        let tracker = match given(certificate_z) {
            Some(z) => tracker.with_certificate(z)?,
            None => tracker,
        };
        Ok(Self { router: Arc::clone(router), tracker, latest: None })
    }
}

/// The file's settings, with another horizon unless it is NaN.
fn settings(router: &Router, horizon: f64) -> TrackerSettings {
    let usual = router.method().tracker;
    given(horizon).map_or(usual, |horizon| usual.with_horizon(horizon))
}

/// A tracker that has seen nothing. Null after a failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_tracker_new(
    router: *const RouterHandle,
    horizon: f64,
    certificate_z: f64,
) -> *mut TrackerHandle {
    handle(|| {
        // SAFETY: the caller's promise.
        let router = unsafe { &reference(router, "router")?.router };
        TrackerHandle::new(router, router.tracker(settings(router, horizon))?, certificate_z)
    })
}

/// A tracker that goes on from a snapshot. Null after a failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_tracker_resume(
    router: *const RouterHandle,
    snapshot: *const c_char,
    horizon: f64,
    certificate_z: f64,
) -> *mut TrackerHandle {
    handle(|| {
        // SAFETY: the caller's promise.
        let (router, snapshot) =
            unsafe { (&reference(router, "router")?.router, text(snapshot, "snapshot")?) };
        let snapshot = serde_json::from_str(snapshot).map_err(|error| Failure::json("snapshot", &error))?;
        TrackerHandle::new(router, router.resume(&snapshot, settings(router, horizon))?, certificate_z)
    })
}

/// Ends a tracker. Null is nothing to end.
///
/// # Safety
/// `tracker` is null or came from this library, and was not ended before.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_tracker_free(tracker: *mut TrackerHandle) {
    // SAFETY: the caller's promise.
    unsafe { end(tracker) }
}

/// Decides about one question and counts it.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_track(
    tracker: *mut TrackerHandle,
    id: *const c_char,
    confidence: f64,
    out: *mut CDecision,
) -> i32 {
    let decide = || {
        // SAFETY: the caller's promise.
        let (handle, id) = unsafe { (exclusive(tracker, "tracker")?, text(id, "id")?) };
        let confidence = confidence_in(confidence)?;
        let decided = handle.router.track(&mut handle.tracker, id, confidence)?;
        handle.latest = Some((confidence, decided));
        Ok(decided.into())
    };
    // SAFETY: the caller's promise.
    unsafe { answer(out, decide) }
}

/// Sets `out` to 1, and counts the decision, if it is already "defer".
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_tracker_must_defer(
    tracker: *mut TrackerHandle,
    accumulator: *const AccumulatorHandle,
    max_tokens: u32,
    out: *mut i32,
) -> i32 {
    let decide = || {
        // SAFETY: the caller's promise.
        let (handle, growing) =
            unsafe { (exclusive(tracker, "tracker")?, reference(accumulator, "accumulator")?) };
        let router = &handle.router;
        let decided = router.tracker_must_defer(&handle.tracker, &growing.growing, max_tokens.into())?;
        if let Some(decided) = &decided {
            handle.tracker.count(decided);
            // An answer that was cut has no confidence to record.
            handle.latest = None;
        }
        Ok(i32::from(decided.is_some()))
    };
    // SAFETY: the caller's promise.
    unsafe { answer(out, decide) }
}

/// The line of the decision log for the latest decision, as JSON. Null after a failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_tracker_record(tracker: *const TrackerHandle) -> *mut c_char {
    text_out(|| {
        // SAFETY: the caller's promise.
        let handle = unsafe { reference(tracker, "tracker")? };
        let (confidence, decided) = handle.latest.as_ref().ok_or_else(|| {
            Failure::new(Status::Unavailable, "no decision of this tracker is to be recorded")
        })?;
        let record = handle.router.tracked_record(*confidence, decided);
        serde_json::to_string(&record).map_err(|error| Failure::unwritable(&error))
    })
}

/// The tracker's state with the file and point that it belongs to, as JSON. Null after a failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_tracker_snapshot(tracker: *const TrackerHandle) -> *mut c_char {
    text_out(|| {
        // SAFETY: the caller's promise.
        let handle = unsafe { reference(tracker, "tracker")? };
        let snapshot = handle.router.snapshot(&handle.tracker);
        serde_json::to_string(&snapshot).map_err(|error| Failure::unwritable(&error))
    })
}
