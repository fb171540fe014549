//! What a caller may learn of a run while it goes on. Every method has a default that does nothing.

use std::fmt;
use std::sync::Arc;

use plimsoll_backend::{BackendEvent, BackendObserver};
use plimsoll_core::ModelId;
use plimsoll_hub::DownloadObserver;
use plimsoll_import::ImportObserver;

use crate::failure::Failure;
use crate::model_estimate::ModelEstimate;
use crate::stage::{Stage, StageReport};

/// Receives notes and progress of a run.
///
/// ```
/// use plimsoll_pipeline::Observer;
///
/// #[derive(Debug)]
/// struct Notes;
///
/// impl Observer for Notes {
///     fn note(&self, text: &str) {
///         eprintln!("note: {text}");
///     }
/// }
/// ```
pub trait Observer: fmt::Debug + Send + Sync {
    /// Something that is no error and that a person should read. It may hold text of untrusted files.
    fn note(&self, _text: &str) {}

    /// A stage begins or is skipped.
    ///
    /// # Errors
    /// An error ends the run: whoever asked to see it cannot.
    fn stage(&self, _report: &StageReport) -> Result<(), Failure> {
        Ok(())
    }

    /// What the stage `infer` is about to ask of each model.
    ///
    /// # Errors
    /// As [`Observer::stage`].
    fn workload(&self, _models: &[ModelEstimate]) -> Result<(), Failure> {
        Ok(())
    }

    /// Progress over a known number of steps of a stage.
    fn steps(&self, _stage: Stage, _steps: u64) -> Box<dyn Progress> {
        Box::new(())
    }

    /// Progress over rows of a table of scores, whose number is not known before.
    fn rows(&self, _task: &'static str) -> Box<dyn Progress> {
        Box::new(())
    }

    /// Progress of the requests to one model.
    fn requests(&self, _model: &ModelId, _total: u64) -> Arc<dyn RequestProgress> {
        Arc::new(())
    }

    /// Progress of downloads.
    fn downloads(&self) -> Box<dyn DownloadObserver> {
        Box::new(())
    }
}

/// Progress of one piece of work, which ends when it is dropped.
pub trait Progress: Send + Sync {
    /// One more step is done.
    fn step(&self) {}

    /// `total` rows have been read so far.
    fn rows(&self, _total: u64) {}

    /// What is being worked on.
    fn message(&self, _text: &str) {}
}

/// Progress of the requests to one model, which end when it is dropped. Events of the backend come as they happen.
pub trait RequestProgress: BackendObserver {
    /// So many requests were answered by an earlier run.
    fn cached(&self, _requests: u64) {}

    /// The dataset whose questions are asked now.
    fn dataset(&self, _dataset: &str) {}
}

/// Observes nothing.
impl Observer for () {}

impl Progress for () {}

impl RequestProgress for () {}

/// Progress over rows, for the importer.
pub(crate) struct ImportProgress(pub(crate) Box<dyn Progress>);

impl ImportObserver for ImportProgress {
    fn rows(&self, total: u64) {
        self.0.rows(total);
    }
}

/// Counts the tokens of one model, and passes every event on.
#[derive(Debug)]
pub(crate) struct TokenCounter {
    tokens: std::sync::atomic::AtomicU64,
    next: Arc<dyn RequestProgress>,
}

impl TokenCounter {
    pub(crate) fn new(next: Arc<dyn RequestProgress>) -> Self {
        Self { tokens: std::sync::atomic::AtomicU64::new(0), next }
    }

    /// Tokens that were computed so far.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl BackendObserver for TokenCounter {
    fn event(&self, event: &BackendEvent<'_>) {
        if let BackendEvent::Computed { tokens } = event {
            self.tokens.fetch_add(tokens.computed(), std::sync::atomic::Ordering::Relaxed);
        }
        self.next.event(event);
    }
}
