//! Roles, fixed once.

use plimsoll_core::Question;
use plimsoll_core::question::PoolRole;
use plimsoll_core::seed::key_of;
use serde::{Deserialize, Serialize};

use super::error::PoolError;

/// Shares of the roles that are not the main one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleShares {
    /// Share of few-shot exemplars.
    pub few_shot: f64,
    /// Share of probe-training rows.
    pub probe_training: f64,
}

impl RoleShares {
    /// The shares that every plan uses, so that a question's role is the same in all of them. Probe
    /// training gets a fifth of what is left for the main role.
    pub const USUAL: Self = Self { few_shot: 0.04, probe_training: 0.16 };

    /// Refuses shares below 0 or above 1, alone or together.
    pub(super) fn check(self) -> Result<(), PoolError> {
        let expected = "between 0 and 1";
        let shares = [
            ("the share of few-shot rows", self.few_shot),
            ("the share of probe-training rows", self.probe_training),
            ("the share of few-shot and probe-training rows", self.few_shot + self.probe_training),
        ];
        match shares.into_iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            Some((what, value)) => Err(PoolError::Share { what, value, expected }),
            None => Ok(()),
        }
    }
}

/// The role of a question. It depends on its dataset, its cluster and the shares, on no seed and no other
/// question. Few-shot rows are taken from below and probe-training rows from above, so that a larger
/// share only adds to them.
///
/// # Formula
/// u = XXH3-64(cluster, seeded with XXH3-64(dataset)) / 2^64; few-shot if u < `few_shot`, probe training
/// if u >= 1 - `probe_training`, else main.
pub fn role_of(question: &Question, shares: RoleShares) -> PoolRole {
    /// 2^53, the doubles between 0 and 1 that are equally far apart.
    const STEPS: f64 = 9_007_199_254_740_992.0;
    let hash = key_of(key_of(0, question.dataset.as_str()), question.cluster());
    let fraction = (hash >> 11) as f64 / STEPS;
    if fraction < shares.few_shot {
        PoolRole::FewShot
    } else if fraction >= 1.0 - shares.probe_training {
        PoolRole::ProbeTraining
    } else {
        PoolRole::Main
    }
}
