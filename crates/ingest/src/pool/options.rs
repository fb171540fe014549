//! What a pool is made of.

use plimsoll_core::question::PoolRole;
use plimsoll_core::{Question, Seed};
use serde::{Deserialize, Serialize};

use super::role::RoleShares;

/// What is done with duplicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// The later row of a pair is dropped.
    Drop,
    /// Both stay, unless their roles differ: then the later is dropped all the same, or an exemplar
    /// would stand among the questions that it helps to answer.
    Keep,
}

/// One dataset of the plan.
#[derive(Debug, Clone)]
pub struct PoolDataset {
    /// Its questions, of one dataset.
    pub questions: Vec<Question>,
    /// Rows that were refused, for the report.
    pub refused: u64,
    /// Refused rows that had no gold answer, for the report.
    pub unlabelled: u64,
    /// How many main rows are drawn; `None` = all.
    pub sample: Option<SampleSpec>,
    /// How many exemplars are drawn.
    pub few_shot: usize,
}

/// What holds for the whole pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolOptions {
    /// The plan's seed.
    pub seed: Seed,
    /// Shares of the roles.
    pub shares: RoleShares,
    /// Probe-training rows drawn for each main row drawn, 0 for none.
    pub probe_rows_per_main_row: f64,
    /// What is done with duplicates.
    pub duplicates: Duplicates,
}

/// A question of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolRow {
    /// The question.
    pub question: Question,
    /// What it is for.
    pub role: PoolRole,
}

/// How many rows of a dataset are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleSpec {
    /// Rows; all there are, if there are fewer.
    pub rows: usize,
    /// Strata that each get their share; without, the sample is uniform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Stratum>,
}

/// What strata are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stratum {
    /// The question's subject.
    Subject,
    /// The first accepted answer (a letter, yes or no).
    Gold,
}

impl Stratum {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Gold => "gold answer",
        }
    }

    pub(super) fn value(self, question: &Question) -> Option<&str> {
        match self {
            Self::Subject => question.subject.as_deref(),
            Self::Gold => question.gold.first().map(String::as_str),
        }
    }
}
