//! Transfer: thresholds fitted without a dataset (or domain), applied to it.

use plimsoll_core::records::TransferRow;
use plimsoll_core::scores::Questions;
use plimsoll_fit::{FitSpec, Prepared};

/// What is held out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldOut {
    /// One dataset at a time.
    Dataset,
    /// One domain at a time.
    Domain,
}

impl HoldOut {
    /// The name in tables and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Domain => "domain",
        }
    }
}

/// The parameters of a transfer.
#[derive(Debug, Clone)]
pub struct TransferSpec {
    /// How thresholds are fitted.
    pub fit: FitSpec,
    /// What is held out, one after the other.
    pub by: Vec<HoldOut>,
    /// Draws per split.
    pub repeats: u32,
}

/// Number of splits that a table offers: what `finished` of [`transfer`] is called for, per repeat.
pub fn splits(questions: &Questions, by: HoldOut) -> usize {
    let _ = (questions, by);
    0
}

/// Transfers of a series. `finished` is called after each split of each repeat, from any thread.
pub fn transfer(prepared: &Prepared<'_>, spec: &TransferSpec, finished: &(dyn Fn() + Sync)) -> Vec<TransferRow> {
    let _ = (prepared, spec, finished);
    Vec::new()
}
