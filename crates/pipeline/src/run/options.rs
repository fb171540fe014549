//! How a pipeline is run.

use std::path::PathBuf;

use plimsoll_backend::Cancel;

use crate::locations::Locations;
use crate::stage::Stage;

/// How a pipeline is run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The folder of the pipeline file, where its relative paths start.
    pub base: PathBuf,
    /// The run folder; made if it is not there.
    pub out: PathBuf,
    /// The last stage to run.
    pub until: Stage,
    /// Whether any missing confidence and any ungraded answer breaks a limit, whatever the pipeline says.
    pub strict: bool,
    /// URL of a store whose chunks are used, and which is given those that are answered here; `None` for a run of one
    /// machine.
    pub store: Option<String>,
    /// Ends the run in good order from another thread: what was finished is kept.
    pub cancel: Cancel,
}

impl RunOptions {
    /// All stages of a pipeline in the folder `base`, into the folder `out`.
    pub fn new(base: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        let (base, out) = (base.into(), out.into());
        Self { base, out, until: Stage::Report, strict: false, store: None, cancel: Cancel::new() }
    }

    pub(super) fn locations(&self) -> Locations<'_> {
        Locations { base: &self.base, out: &self.out, offline: false }
    }
}
