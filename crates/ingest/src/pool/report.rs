//! What became of each dataset's rows.

use serde::{Deserialize, Serialize};

use super::duplicates::{DuplicateKind, DuplicatePair};
use super::options::PoolRow;
use plimsoll_core::question::PoolRole;

/// Counts of one dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetReport {
    /// Id of the dataset.
    pub dataset: String,
    /// Name of the split.
    pub split: String,
    /// Rows of the source.
    pub rows: u64,
    /// Rows that gave no question.
    pub refused: u64,
    /// Of these, rows without a gold answer.
    pub unlabelled: u64,
    /// Questions.
    pub questions: u64,
    /// Main rows that were asked for.
    pub asked: u64,
    /// Main rows drawn.
    pub sampled: u64,
    /// Exemplars that were asked for.
    pub few_shot_asked: u64,
    /// Probe-training rows that were asked for.
    pub probe_asked: u64,
    /// Rows drawn and dropped, since an earlier one has the same content.
    pub dropped_exact: u64,
    /// Rows drawn and dropped, since an earlier one has nearly the same content.
    pub dropped_near: u64,
    /// Main rows in the pool.
    pub main: u64,
    /// Exemplars in the pool.
    pub few_shot: u64,
    /// Probe-training rows in the pool.
    pub probe_training: u64,
    /// Strata of the main rows, if it was sampled by any.
    pub strata: Vec<StratumReport>,
}

impl DatasetReport {
    pub(super) fn count_dropped(&mut self, kind: DuplicateKind, already: bool) {
        match kind {
            _ if already => {}
            DuplicateKind::Exact => self.dropped_exact += 1,
            DuplicateKind::Near => self.dropped_near += 1,
        }
    }

    pub(super) fn count_kept(&mut self, role: PoolRole) {
        match role {
            PoolRole::Main => self.main += 1,
            PoolRole::FewShot => self.few_shot += 1,
            PoolRole::ProbeTraining => self.probe_training += 1,
        }
    }
}

/// A stratum of the main rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StratumReport {
    /// Its name.
    pub name: String,
    /// Rows of the main role.
    pub rows: u64,
    /// Rows drawn.
    pub sampled: u64,
}

/// Two rows that are the same, or nearly so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedPair {
    /// Id of the earlier row.
    pub earlier: String,
    /// Id of the later row.
    pub later: String,
    /// How alike they are.
    pub kind: DuplicateKind,
    /// Jaccard similarity of their shingles, 1 for exact duplicates.
    pub jaccard: f64,
}

pub(super) fn named(pair: &DuplicatePair, rows: &[PoolRow]) -> NamedPair {
    let id = |row: usize| rows[row].question.question_id.to_string();
    NamedPair { earlier: id(pair.earlier), later: id(pair.later), kind: pair.kind, jaccard: pair.jaccard }
}

/// What became of the rows of all datasets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PoolReport {
    /// Datasets, in the order of the plan.
    pub datasets: Vec<DatasetReport>,
    /// Pairs of duplicates among the rows drawn.
    pub pairs: Vec<NamedPair>,
    /// Rows that share words with so many others that not all of these were compared with them.
    pub rows_cut_short: u64,
}
