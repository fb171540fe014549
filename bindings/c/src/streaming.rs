//! Confidences that grow token by token, and the exact early exit.

use std::ffi::c_char;

use plimsoll_router::{ConfidenceAccumulator, TokenMethod};

use crate::boundary::{answer, confidence_out, end, exclusive, handle, reference, status, text};
use crate::failure::{Failure, Status};
use crate::router::RouterHandle;

/// A confidence that grows.
#[derive(Debug)]
pub struct AccumulatorHandle {
    pub(crate) growing: ConfidenceAccumulator,
}

/// A confidence of an answer without tokens. Null after a failure.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_accumulator_new(method: *const c_char) -> *mut AccumulatorHandle {
    handle(|| {
        // SAFETY: the caller's promise.
        let method = unsafe { text(method, "method")? };
        let none = || {
            let message =
                "has no confidence that grows token by token; average_token_probability, perplexity and \
                 min_token_probability have";
            Failure::new(Status::Unavailable, format!("method `{method}` {message}"))
        };
        let method = TokenMethod::from_id(method).ok_or_else(none)?;
        Ok(AccumulatorHandle { growing: ConfidenceAccumulator::new(method) })
    })
}

/// Ends an accumulator. Null is nothing to end.
///
/// # Safety
/// `accumulator` is null or came from this library, and was not ended before.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_accumulator_free(accumulator: *mut AccumulatorHandle) {
    // SAFETY: the caller's promise.
    unsafe { end(accumulator) }
}

/// Takes the log-probability of the next token of the answer.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_accumulator_push(
    accumulator: *mut AccumulatorHandle,
    logprob_nats: f64,
) -> i32 {
    status(|| {
        // SAFETY: the caller's promise.
        unsafe { exclusive(accumulator, "accumulator")? }.growing.push(logprob_nats);
        Ok(())
    })
}

/// The confidence of the tokens so far; NaN is missing.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_accumulator_confidence(accumulator: *const AccumulatorHandle) -> f64 {
    confidence_out(|| {
        // SAFETY: the caller's promise.
        Ok(unsafe { reference(accumulator, "accumulator")? }.growing.confidence())
    })
}

/// No answer of at most `max_tokens` tokens that begins with these gets a larger confidence; NaN if it gets none.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_accumulator_upper_bound(
    accumulator: *const AccumulatorHandle,
    max_tokens: u32,
) -> f64 {
    confidence_out(|| {
        // SAFETY: the caller's promise.
        Ok(unsafe { reference(accumulator, "accumulator")? }.growing.upper_bound(max_tokens.into()))
    })
}

/// Sets `out` to 1 if the decision is already "defer".
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_must_defer(
    router: *const RouterHandle,
    accumulator: *const AccumulatorHandle,
    max_tokens: u32,
    out: *mut i32,
) -> i32 {
    let decide = || {
        // SAFETY: the caller's promise.
        let (router, growing) =
            unsafe { (&reference(router, "router")?.router, reference(accumulator, "accumulator")?) };
        Ok(i32::from(router.must_defer(&growing.growing, max_tokens.into())?))
    };
    // SAFETY: the caller's promise.
    unsafe { answer(out, decide) }
}
