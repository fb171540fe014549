//! The backend trait: a model answers requests and sends its observations to a sink.

use std::fmt;

use plimsoll_core::ModelId;

use crate::capability::Capabilities;
use crate::control::Control;
use crate::error::{BackendError, SinkError};
use crate::observation::Observation;
use crate::request::Batch;

/// A model that answers, wherever it runs.
///
/// Guarantees of every backend, checked by `conformance`:
///
/// - Each request gets exactly one observation, in any order. A signal that is missing has a reason in its row.
/// - The rows of a request depend on the request, the signals, the decoding parameters and the seed, and not on the
///   other requests of its batch.
/// - An error stops the batch. Observations that reached the sink before it are complete and valid.
/// - A cancelled batch ends soon, with [`BackendError::Cancelled`].
pub trait Backend: fmt::Debug + Send + Sync {
    /// The model, as the pipeline file names it; the `model` of every row.
    fn model(&self) -> &ModelId;

    /// Lower-case hexadecimal SHA-256 of all that answers depend on beside the batch: weights and
    /// templates, or an address and a served name. Rows of another identity are not this backend's.
    fn identity(&self) -> String;

    /// The signals that it can observe, as far as that is known before a request.
    fn capabilities(&self) -> Capabilities;

    /// Answers every request of a batch.
    ///
    /// # Errors
    /// What stops a run: [`BackendError`].
    fn answer(
        &self,
        batch: &Batch<'_>,
        sink: &mut dyn Sink,
        control: &Control<'_>,
    ) -> Result<(), BackendError>;
}

/// Receives observations.
pub trait Sink {
    /// Takes the observation of one request. Called once for each request, in any order, by one thread at a time.
    ///
    /// # Errors
    /// A failure of the sink; the batch stops with [`BackendError::Sink`].
    fn take(&mut self, observation: Observation) -> Result<(), SinkError>;
}

/// Collects in memory.
impl Sink for Vec<Observation> {
    fn take(&mut self, observation: Observation) -> Result<(), SinkError> {
        self.push(observation);
        Ok(())
    }
}
