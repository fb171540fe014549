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

/// The smallest probability of the answer's tokens; NaN is missing.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_min_token_probability(logprobs_nats: *const f64, count: usize) -> f64 {
    confidence_out(|| {
        // SAFETY: the caller's promise.
        let logprobs = unsafe { slice(logprobs_nats, count, "logprobs_nats")? };
        Ok(Confidence::min_token_probability(logprobs))
    })
}

/// By how much the likeliest token leads, on average; NaN is missing. `count` pairs.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_token_margin(likeliest_two_nats: *const f64, count: usize) -> f64 {
    confidence_out(|| {
        // SAFETY: the caller's promise; a pair has the layout of two doubles.
        let pairs = unsafe { slice(likeliest_two_nats.cast::<[f64; 2]>(), count, "likeliest_two_nats")? };
        Ok(Confidence::token_margin(pairs.iter().copied()))
    })
}

/// How far the next-token distributions are from uniform, on average; NaN is missing. `count` lists of `k`.
///
/// # Safety
/// Pointers are null or as the header says.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_token_entropy(likeliest_nats: *const f64, count: usize, k: usize) -> f64 {
    confidence_out(|| {
        // A product that does not fit is refused as an impossible length.
        let length = count.saturating_mul(k);
        // SAFETY: the caller's promise.
        let logprobs = unsafe { slice(likeliest_nats, length, "likeliest_nats")? };
        // No list at all where k is 0: missing.
        Ok(Confidence::token_entropy(logprobs.chunks(k.max(1))))
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
