//! What the library refuses: one exception with a message and a status.

use std::error::Error as _;

use plimsoll_router::Error;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

pyo3::create_exception!(
    plimsoll_router,
    PlimsollError,
    PyException,
    "What the library refuses. The message says what is wrong, where, and what to do; `status` is its kind."
);

/// A status with a message, on the way to [`PlimsollError`].
#[derive(Debug)]
pub(crate) struct Failure {
    status: &'static str,
    message: String,
}

impl Failure {
    pub(crate) fn new(status: &'static str, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// An argument that is not what it should be.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new("invalid_argument", message)
    }

    /// A JSON text that an argument should have been.
    pub(crate) fn json(name: &str, error: &serde_json::Error) -> Self {
        Self::argument(format!("{name} cannot be read: {error}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::Json(_)
            | Error::NotJson(_)
            | Error::Empty
            | Error::Truncated { .. }
            | Error::Format { .. }
            | Error::Version { .. }
            | Error::Hash { .. }
            | Error::Inconsistent { .. } => "invalid_file",
            Error::Mismatch { .. } => "other_model",
            Error::UnknownMethod { .. } | Error::UnknownTarget { .. } => "not_in_file",
            Error::NoThreshold { .. } => "no_threshold",
            Error::NoScale { .. } | Error::NoBound { .. } | Error::NotStreamed { .. } => "unavailable",
            Error::OtherSnapshot { .. } => "other_snapshot",
            _ => "invalid_argument",
        };
        let source = error.source().map_or_else(String::new, |source| format!(": {source}"));
        Self::new(status, format!("{error}{source}"))
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        let error = PlimsollError::new_err(failure.message);
        Python::attach(|py| match error.value(py).setattr("status", failure.status) {
            Ok(()) => error,
            Err(other) => other,
        })
    }
}

/// A document of ours as JSON, which all can be.
pub(crate) fn to_json(document: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(document)
        .map_err(|error| Failure::argument(format!("a document cannot be written: {error}")))
}
