//! What can go wrong with a probe.

use plimsoll_core::missing::TooFew;

/// Why a probe could not be trained, read or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// Too few rows to train on. The method is missing for this dataset, which is a result.
    #[error("{0}")]
    TooFew(TooFew),
    /// Hidden states of different widths.
    #[error("the hidden state of cluster {cluster:016x} has {found} values, not {expected}")]
    Width {
        /// The row's cluster.
        cluster: u64,
        /// Values found.
        found: usize,
        /// Values expected.
        expected: usize,
    },
    /// NaN or an infinity in a hidden state.
    #[error("the hidden state of cluster {cluster:016x} is not finite at index {index}")]
    NotFinite {
        /// The row's cluster.
        cluster: u64,
        /// The index in the state.
        index: usize,
    },
    /// A row whose cluster the probe was trained on.
    #[error("the probe was trained on cluster {cluster:016x}; it cannot score a row of it")]
    Leak {
        /// The row's cluster.
        cluster: u64,
    },
    /// A dataset, or a set of held-out ones, for which no probe was trained.
    #[error("no probe was trained for dataset `{dataset}` without the datasets held out")]
    NotTrained {
        /// Id of the dataset.
        dataset: String,
    },
    /// Numbers that did not stay finite.
    #[error("{what} is not finite: lower the learning rate")]
    Arithmetic {
        /// What is not.
        what: &'static str,
    },
    /// Bytes that are no probe.
    #[error("not a probe file: {problem}")]
    File {
        /// What is wrong.
        problem: String,
    },
}
