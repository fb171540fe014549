//! The closed forms.

use std::ffi::c_char;

use plimsoll_router::Confidence;

use crate::boundary::{confidence_out, slice, text};

/// The mean probability of the answer's tokens; NaN is missing.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_average_token_probability(logprobs_nats: *const f64, count: usize) -> f64 {
    confidence_out(|| {
        // SAFETY: the caller's promise.
        let logprobs = unsafe { slice(logprobs_nats, count, "logprobs_nats")? };
        Ok(Confidence::average_token_probability(logprobs))
    })
}

/// 1 / perplexity of the answer's tokens; NaN is missing.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_perplexity(logprobs_nats: *const f64, count: usize) -> f64 {
    confidence_out(|| {
        // SAFETY: the caller's promise.
        let logprobs = unsafe { slice(logprobs_nats, count, "logprobs_nats")? };
        Ok(Confidence::perplexity(logprobs))
    })
}

/// The normalised probability of "True"; NaN is missing.
#[no_mangle]
pub extern "C" fn plimsoll_p_true(true_mass: f64, false_mass: f64) -> f64 {
    confidence_out(|| Ok(Confidence::p_true(true_mass, false_mass)))
}

/// How much sampled answers agree; NaN is missing.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_jaccard_degree(answers: *const *const c_char, count: usize) -> f64 {
    confidence_out(|| {
        // SAFETY: the caller's promise, for the list and each text.
        let texts: Result<Vec<&str>, _> = unsafe {
            slice(answers, count, "answers")?.iter().map(|answer| text(*answer, "an answer")).collect()
        };
        Ok(Confidence::jaccard_degree(&texts?))
    })
}
