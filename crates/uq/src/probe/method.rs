//! The probe of a method: what it learns from, and what it reads.

use plimsoll_core::signal::Position;

use super::training::TrainingSpec;

/// Which rows a probe learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeKind {
    /// The probe-training rows of the dataset that it scores.
    SameDataset,
    /// Those of all other datasets.
    OtherDatasets,
}

/// A method that scores by a probe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbeMethod {
    /// Which rows it learns from.
    pub kind: ProbeKind,
    /// The layer whose state it reads; negative from the end.
    pub layer: i32,
    /// The token whose state it reads.
    pub position: Position,
    /// How it is trained.
    pub training: TrainingSpec,
}
