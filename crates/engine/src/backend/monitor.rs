//! Cancellation and token accounting of a batch.

use plimsoll_backend::{BackendError, BackendEvent, Control, TokenCount};

use super::LocalBackend;

/// Checks for cancellation and reports computed tokens.
#[derive(Debug)]
pub(super) struct Monitor<'a> {
    backend: &'a LocalBackend,
    control: &'a Control<'a>,
}

impl<'a> Monitor<'a> {
    pub(super) fn new(backend: &'a LocalBackend, control: &'a Control<'a>) -> Self {
        Self { backend, control }
    }

    pub(super) fn backend(&self) -> &'a LocalBackend {
        self.backend
    }

    /// Ends a batch that is cancelled.
    ///
    /// # Errors
    /// [`BackendError::Cancelled`].
    pub(super) fn check(&self) -> Result<(), BackendError> {
        if self.control.cancel.is_cancelled() { Err(BackendError::Cancelled) } else { Ok(()) }
    }

    /// Adds to the backend's count and reports it.
    pub(super) fn count(&mut self, tokens: TokenCount) {
        if tokens == TokenCount::default() {
            return;
        }
        self.backend.count(tokens);
        self.control.progress.event(&BackendEvent::Computed { tokens });
    }
}
