//! Confidences that grow token by token.

use plimsoll_router::{ConfidenceAccumulator, TokenMethod};
use pyo3::prelude::*;

use crate::confidence::confidence_out;
use crate::failure::Failure;
use crate::logprobs::chosen;

/// A confidence that grows with the answer.
#[pyclass(module = "plimsoll_router")]
#[derive(Debug)]
pub(crate) struct Accumulator {
    pub(crate) growing: ConfidenceAccumulator,
}

#[pymethods]
impl Accumulator {
    #[new]
    fn new(method: &str) -> Result<Self, Failure> {
        let found = TokenMethod::from_id(method);
        let error = || plimsoll_router::Error::NotStreamed { method: method.to_owned() };
        Ok(Self { growing: ConfidenceAccumulator::new(found.ok_or_else(error)?) })
    }

    fn push(&mut self, logprob: Option<f64>) {
        self.growing.push(logprob.unwrap_or(f64::NAN));
    }

    fn extend(&mut self, logprobs: &Bound<'_, PyAny>) -> PyResult<()> {
        for logprob in chosen(logprobs)? {
            self.growing.push(logprob);
        }
        Ok(())
    }

    fn confidence(&self) -> Option<f64> {
        confidence_out(self.growing.confidence())
    }

    fn upper_bound(&self, max_tokens: u64) -> Option<f64> {
        confidence_out(self.growing.upper_bound(max_tokens))
    }

    #[getter]
    fn method(&self) -> &'static str {
        self.growing.method().id()
    }

    #[getter]
    fn tokens(&self) -> u64 {
        self.growing.tokens()
    }

    fn __repr__(&self) -> String {
        format!("Accumulator('{}', tokens={})", self.method(), self.tokens())
    }
}
