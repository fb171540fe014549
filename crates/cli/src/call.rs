//! What a command has, and gives, that runs without a terminal.

use plimsoll_backend::Cancel;
use plimsoll_pipeline::score_files::InMemoryScores;
use plimsoll_pipeline::{Failure, Observer};

/// What a command has instead of a terminal.
#[derive(Debug)]
pub struct Call {
    /// Read in place of what `--scores` names.
    pub scores: Option<InMemoryScores>,
    /// Receives notes and progress.
    pub observer: Box<dyn Observer>,
    /// Ends `run` in good order.
    pub cancel: Cancel,
}

/// What came of it.
#[derive(Debug)]
pub struct CallResult {
    /// What the command writes to stdout with `--json`; some write it before they fail.
    pub document: Option<String>,
    /// Whether it failed.
    pub result: Result<(), Failure>,
}
