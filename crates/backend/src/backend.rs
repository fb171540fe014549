//! What a backend is: it answers asks and pushes what it observed into a sink. Nothing here knows how.

use std::fmt;

use plimsoll_core::ModelId;

use crate::capability::Capabilities;
use crate::control::Control;
use crate::error::{BackendError, SinkError};
use crate::observation::Observation;
use crate::request::Batch;

/// A model that answers, wherever it runs.
///
/// What every backend keeps, and `conformance` checks:
///
/// - Each ask is answered exactly once, in any order. What cannot be had is a row with a reason.
/// - The rows of an ask depend on the ask, the signals, the decoding parameters and the seed, and not on
///   the other asks of its batch.
/// - An error stops the batch. What reached the sink before it is valid and complete for its ask.
/// - A cancelled batch ends soon, with [`BackendError::Cancelled`].
pub trait Backend: fmt::Debug + Send + Sync {
    /// The model, as the plan names it; the `model` of every row.
    fn model(&self) -> &ModelId;

    /// Lower-case hexadecimal SHA-256 of all that answers depend on beside the batch: weights and
    /// templates, or an address and a served name. Rows of another identity are not this backend's.
    fn identity(&self) -> String;

    /// What it can observe, as far as that is known before it is asked.
    fn capabilities(&self) -> Capabilities;

    /// Answers every ask of a batch.
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

/// Where answers go.
pub trait Sink {
    /// Takes the rows of one ask. Called once for each ask, in any order, by one thread at a time.
    ///
    /// # Errors
    /// Whatever the taker cannot go on with; the batch stops with [`BackendError::Sink`].
    fn take(&mut self, observation: Observation) -> Result<(), SinkError>;
}

/// Gathers in memory.
impl Sink for Vec<Observation> {
    fn take(&mut self, observation: Observation) -> Result<(), SinkError> {
        self.push(observation);
        Ok(())
    }
}
