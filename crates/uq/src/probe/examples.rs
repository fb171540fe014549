//! The rows that a probe is trained on.

use plimsoll_core::missing::TooFew;

use super::error::ProbeError;

/// Minimum number of rows that a probe is trained on.
pub(super) const MIN_ROWS: usize = 50;

/// Minimum number of rows of each class.
pub(super) const MIN_OF_A_CLASS: usize = 5;

/// A row to train on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Example<'a> {
    /// Key of the question; no two rows share one.
    pub key: u64,
    /// Key of its cluster (passage, story), or of the question itself.
    pub cluster: u64,
    /// The hidden state.
    pub state: &'a [f32],
    /// Whether the model's answer is right.
    pub correct: bool,
}

/// Checks the rows and orders them by key, so that their order of arrival leaves no trace.
pub(super) fn ordered<'a>(examples: &[Example<'a>]) -> Result<Vec<Example<'a>>, ProbeError> {
    if examples.len() < MIN_ROWS {
        return Err(ProbeError::TooFew(TooFew::Rows));
    }
    let right = examples.iter().filter(|example| example.correct).count();
    if right.min(examples.len() - right) < MIN_OF_A_CLASS {
        return Err(ProbeError::TooFew(TooFew::OfAClass));
    }
    let width = examples.first().map_or(0, |example| example.state.len());
    for example in examples {
        check(example.cluster, example.state, width)?;
    }
    let mut ordered = examples.to_vec();
    ordered.sort_by_key(|example| example.key);
    Ok(ordered)
}

/// Whether a hidden state can be read.
pub(super) fn check(cluster: u64, state: &[f32], expected: usize) -> Result<(), ProbeError> {
    if state.len() != expected || state.is_empty() {
        return Err(ProbeError::Width { cluster, found: state.len(), expected });
    }
    match state.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(ProbeError::NotFinite { cluster, index }),
        None => Ok(()),
    }
}
