//! Exploration: now and then the route is chosen by a coin, so that a log can be fitted anew.

use std::ffi::c_char;

use plimsoll_router::{DecisionRecord, Exploration};

use crate::boundary::{answer, confidence_in, reference, text_out};
use crate::failure::{Failure, Status};
use crate::router::{reason_number, route_number, RouterHandle};

/// A decision with its propensity, `plimsoll_explored`. The default, all zero, defers.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
pub struct CExplored {
    /// 1: the small model's answer is kept; 0: the question is deferred.
    pub route: i32,
    /// As in a decision; 4: a coin chose the other route.
    pub reason: i32,
    /// The probability with which this route was taken.
    pub propensity: f64,
}

/// # Safety
/// `router` is null or as the header says.
unsafe fn explored(
    router: *const RouterHandle,
    confidence: f64,
    share: f64,
    u: f64,
) -> Result<DecisionRecord, Failure> {
    // SAFETY: the caller's promise.
    let router = unsafe { &reference(router, "router")?.router };
    let exploration = Exploration::new(share)?;
    if !(0.0..1.0).contains(&u) {
        return Err(Failure::new(Status::InvalidArgument, format!("u = {u} is not in [0, 1)")));
    }
    Ok(exploration.explore(router.record(confidence_in(confidence)?), u))
}

/// Decides about one question, and takes the other route where a coin says so.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_explore(
    router: *const RouterHandle,
    confidence: f64,
    share: f64,
    u: f64,
    out: *mut CExplored,
) -> i32 {
    let decide = || {
        // SAFETY: the caller's promise.
        let record = unsafe { explored(router, confidence, share, u)? };
        Ok(CExplored {
            route: route_number(record.route),
            reason: reason_number(record.reason),
            propensity: record.propensity.unwrap_or(1.0),
        })
    };
    // SAFETY: the caller's promise.
    unsafe { answer(out, decide) }
}

/// The decision of [`plimsoll_explore`] as a line of the decision log, JSON. Null after a failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_explored_record(
    router: *const RouterHandle,
    confidence: f64,
    share: f64,
    u: f64,
) -> *mut c_char {
    text_out(|| {
        // SAFETY: the caller's promise.
        let record = unsafe { explored(router, confidence, share, u)? };
        serde_json::to_string(&record).map_err(|error| Failure::unwritable(&error))
    })
}
