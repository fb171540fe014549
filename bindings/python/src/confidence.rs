//! The closed forms.

use plimsoll_router::Confidence;
use pyo3::prelude::*;

use crate::failure::Failure;
use crate::logprobs::{chosen, likeliest};

/// A confidence as it comes: None and NaN are missing.
pub(crate) fn confidence_in(value: Option<f64>) -> Result<Option<Confidence>, Failure> {
    match value {
        Some(value) if !value.is_nan() => Ok(Some(Confidence::new(value)?)),
        _ => Ok(None),
    }
}

pub(crate) fn confidence_out(confidence: Option<Confidence>) -> Option<f64> {
    confidence.map(Confidence::get)
}

/// 1 / perplexity of the answer's tokens.
#[pyfunction]
pub(crate) fn perplexity(logprobs: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    Ok(confidence_out(Confidence::perplexity(chosen(logprobs)?)))
}

/// The mean probability of the answer's tokens.
#[pyfunction]
pub(crate) fn average_token_probability(logprobs: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    Ok(confidence_out(Confidence::average_token_probability(chosen(logprobs)?)))
}

/// The smallest probability of the answer's tokens.
#[pyfunction]
pub(crate) fn min_token_probability(logprobs: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    Ok(confidence_out(Confidence::min_token_probability(chosen(logprobs)?)))
}

/// By how much the likeliest token leads the second at the positions of the answer, on average.
#[pyfunction]
pub(crate) fn token_margin(logprobs: &Bound<'_, PyAny>) -> PyResult<Option<f64>> {
    let positions = likeliest(logprobs, Some(2))?;
    let pairs: Option<Vec<[f64; 2]>> =
        positions.iter().map(|position| position.first_chunk::<2>().copied()).collect();
    Ok(confidence_out(pairs.and_then(Confidence::token_margin)))
}

/// How far the next-token distributions are from uniform, on average, by the k likeliest tokens.
#[pyfunction]
#[pyo3(signature = (logprobs, k=None))]
pub(crate) fn token_entropy(logprobs: &Bound<'_, PyAny>, k: Option<usize>) -> PyResult<Option<f64>> {
    if k == Some(0) {
        return Err(Failure::argument("k must be at least 1").into());
    }
    Ok(confidence_out(Confidence::token_entropy(likeliest(logprobs, k)?)))
}

/// P(True) / (P(True) + P(False)).
#[pyfunction]
pub(crate) fn p_true(true_mass: f64, false_mass: f64) -> Option<f64> {
    confidence_out(Confidence::p_true(true_mass, false_mass))
}

/// How much sampled answers agree.
#[pyfunction]
pub(crate) fn jaccard_degree(answers: Vec<String>) -> Option<f64> {
    confidence_out(Confidence::jaccard_degree(&answers))
}
