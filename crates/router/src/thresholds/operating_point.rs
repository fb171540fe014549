//! One threshold with what it was fitted for, what it achieved, and what is guaranteed.

use serde::{Deserialize, Serialize};

use crate::decision::Threshold;
use crate::target::{Risk, Target};

/// An operating point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OperatingPoint {
    /// `METHOD/TARGET`, unique in the file; the `threshold_id` of decisions.
    pub id: String,
    /// What it was fitted for.
    pub target: Target,
    /// How that went.
    pub status: Status,
    /// The threshold; null unless the status is `reached`, `tied` or `missing_share`.
    pub threshold: Option<Threshold>,
    /// The threshold's position on the pool's scale; null without a threshold or a scale.
    pub z: Option<f64>,
    /// What the threshold achieved on the calibration set; null without a threshold.
    pub achieved: Option<Achieved>,
    /// For a ratio that ties make unreachable: the tie-break that would reach it. `decide` never draws.
    pub tie_break: Option<TieBreak>,
    /// For an accuracy: the smallest ratio whose lower 95 % limit reaches it. In an adapted file, also for a gap to the LLM:
    /// the smallest at which the estimate reaches it with one standard deviation to spare.
    pub conservative: Option<Conservative>,
    /// For a risk: what was tested.
    pub guarantee: Option<Guarantee>,
    /// For a risk: what can be promised about a dataset that was never seen; null with fewer than two datasets.
    pub dataset_guarantee: Option<DatasetGuarantee>,
    /// For a risk, where the datasets are too few to promise 1 - delta without an assumption: a bound by Student's t, which
    /// assumes that their risks are near a normal distribution. Absent elsewhere, and with fewer than four datasets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_t_bound: Option<DatasetGuarantee>,
    /// For a risk that could not be bounded: what it would take.
    pub infeasible: Option<Infeasible>,
    /// A remark for people, where there is something to say.
    pub note: Option<String>,
}

impl OperatingPoint {
    /// The point of a method for a target, with its id and nothing else.
    pub fn new(method: &str, target: Target, status: Status) -> Self {
        Self {
            id: format!("{method}/{target}"),
            target,
            status,
            threshold: None,
            z: None,
            achieved: None,
            tie_break: None,
            conservative: None,
            guarantee: None,
            dataset_guarantee: None,
            dataset_t_bound: None,
            infeasible: None,
            note: None,
        }
    }
}

/// How the fit of an operating point went. Only `reached`, `tied` and `missing_share` have a threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// The target is met (a ratio: to within half a calibration row).
    Reached,
    /// A ratio that ties make unreachable; the nearest reachable one is given.
    Tied,
    /// A ratio below the share of missing confidences, which are always deferred; the smallest
    /// reachable one is given.
    MissingShare,
    /// No threshold reaches the accuracy, or none fits the budget.
    NotReached,
    /// No threshold has the guarantee on this many rows.
    Infeasible,
    /// Needs graded LLM answers, and there are none.
    NeedsLlm,
    /// Needs costs for every row, and there are none.
    NeedsCosts,
    /// Nothing to fit on: no row has a confidence.
    #[default]
    NoRows,
}

impl Status {
    /// The name used in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Tied => "tied",
            Self::MissingShare => "missing_share",
            Self::NotReached => "not_reached",
            Self::Infeasible => "infeasible",
            Self::NeedsLlm => "needs_llm",
            Self::NeedsCosts => "needs_costs",
            Self::NoRows => "no_rows",
        }
    }

    /// Whether a point of this status has a threshold.
    pub const fn has_threshold(self) -> bool {
        matches!(self, Self::Reached | Self::Tied | Self::MissingShare)
    }
}

/// An estimate with its 95 % interval (cluster bootstrap, the threshold held fixed).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Estimate {
    /// Point estimate, weighted by the draw.
    pub value: f64,
    /// Lower 95 % limit; null without a bootstrap.
    pub low: Option<f64>,
    /// Upper 95 % limit; null without a bootstrap.
    pub high: Option<f64>,
}

impl Estimate {
    /// An estimate without an interval.
    pub const fn new(value: f64) -> Self {
        Self { value, low: None, high: None }
    }

    /// The same estimate, with its 95 % limits.
    #[must_use]
    pub const fn with_interval(self, low: f64, high: f64) -> Self {
        Self { low: Some(low), high: Some(high), ..self }
    }
}

/// What a threshold achieved. Every figure is over all rows: a missing confidence is deferred.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Achieved {
    /// Share of questions deferred.
    pub routing_ratio: Estimate,
    /// Overall accuracy; null without graded LLM answers.
    pub accuracy: Option<Estimate>,
    /// P(SLM wrong | kept); null if nothing is kept.
    pub selective_error: Option<Estimate>,
    /// P(SLM wrong and kept).
    pub joint_error: Estimate,
    /// P(SLM wrong, LLM right, kept); null without graded LLM answers.
    pub regret: Option<Estimate>,
    /// Mean US dollars per 1,000 questions; null without costs.
    pub usd_per_1k_questions: Option<Estimate>,
}

impl Achieved {
    /// The two figures that every threshold has; the others are set afterwards.
    pub const fn new(routing_ratio: Estimate, joint_error: Estimate) -> Self {
        Self {
            routing_ratio,
            accuracy: None,
            selective_error: None,
            joint_error,
            regret: None,
            usd_per_1k_questions: None,
        }
    }
}

/// The tie-break that would reach an unreachable ratio, for information.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TieBreak {
    /// The threshold whose ratio lies at or under the target.
    pub threshold: Threshold,
    /// The confidence that many rows share.
    pub tied_confidence: f64,
    /// Deferring this share of the rows at the tied confidence, at random, would reach the target.
    pub probability: f64,
}

impl TieBreak {
    /// A threshold, the confidence at which rows are tied, and the share of them to defer.
    pub const fn new(threshold: Threshold, tied_confidence: f64, probability: f64) -> Self {
        Self { threshold, tied_confidence, probability }
    }
}

/// The cautious twin of an accuracy point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Conservative {
    /// The threshold; of a fit, one of the 101 candidates nearest to the ratios 0, 0.01, .., 1.
    pub threshold: Threshold,
    /// What it achieved.
    pub achieved: Achieved,
}

impl Conservative {
    /// A threshold and what it achieved.
    pub const fn new(threshold: Threshold, achieved: Achieved) -> Self {
        Self { threshold, achieved }
    }
}

/// The test of a guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GuaranteeTest {
    /// Thresholds tested from strict to loose, each with the exact binomial tail, until one fails.
    FixedSequenceExactBinomial,
}

/// A guarantee: with probability at least 1 - delta over the calibration rows, the risk at this
/// threshold is at most alpha *on the distribution of the pool*. It holds for one operating point;
/// choosing the best of k methods needs delta / k.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Guarantee {
    /// The bounded risk.
    pub risk: Risk,
    /// The bound.
    pub alpha: f64,
    /// The probability that the bound fails.
    pub delta: f64,
    /// The test.
    pub test: GuaranteeTest,
    /// Rows tested: the proportional part of the draw, one per cluster.
    pub rows_tested: u64,
    /// Trials of the binomial: rows kept (selective error), all rows tested (the other risks).
    pub trials: u64,
    /// Losses among the trials.
    pub losses: u64,
    /// P(Bin(trials, alpha) <= losses).
    pub p_value: f64,
    /// Clopper-Pearson upper 1 - delta limit of the risk at this threshold alone.
    pub upper_bound: f64,
    /// Thresholds in the sequence, chosen from confidences of rows that were not tested.
    pub thresholds_in_sequence: u32,
    /// Of these, thresholds that passed.
    pub thresholds_passed: u32,
    /// Trials that the first tested threshold had to have, computed before any label was seen.
    #[serde(rename = "least_trials")]
    pub min_trials: u64,
}

impl Guarantee {
    /// The test of a bounded risk, before anything was counted: no rows, a p-value and an upper
    /// limit of 1. The counts are set afterwards.
    pub const fn new(risk: Risk, alpha: f64, delta: f64, test: GuaranteeTest) -> Self {
        Self {
            risk,
            alpha,
            delta,
            test,
            rows_tested: 0,
            trials: 0,
            losses: 0,
            p_value: 1.0,
            upper_bound: 1.0,
            thresholds_in_sequence: 0,
            thresholds_passed: 0,
            min_trials: 0,
        }
    }
}

/// A guarantee about a dataset that was never seen. The unit is the dataset: it holds if a new one and those of the
/// pool are exchangeable ("drawn like these"). A guarantee over rows, the other one, does not hold there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DatasetGuarantee {
    /// How it is made.
    pub kind: DatasetGuaranteeKind,
    /// Datasets of the pool.
    pub k: u64,
    /// Which of their thresholds is taken, from the strictest: 1 = the worst of k; 0 for a t bound, which takes none.
    pub rank: u64,
    /// The probability that a new dataset's risk is at most alpha: 1 - rank / (k + 1), or the 1 - delta of a t bound.
    pub promise: f64,
    /// Datasets that the asked 1 - delta needs.
    pub datasets_needed: u64,
    /// The bound on the risk.
    pub alpha: f64,
    /// The threshold. The next double above 1 where some dataset bears none: every question is deferred.
    pub threshold: Threshold,
    /// Its position on the pool's scale: what a tracker takes as a certificate; null without a scale.
    pub z: Option<f64>,
    /// Share of the pool's questions that it defers.
    pub routing_ratio: f64,
    /// The dataset whose threshold it is; for a t bound the one with the largest risk there.
    pub deciding_dataset: String,
}

impl DatasetGuarantee {
    /// The guarantee of the `rank`-th strictest threshold of `k` datasets. What the asked delta needs, position and
    /// ratio are set afterwards.
    pub fn new(
        k: u64,
        rank: u64,
        alpha: f64,
        threshold: Threshold,
        deciding_dataset: impl Into<String>,
    ) -> Self {
        Self {
            kind: if rank == 1 {
                DatasetGuaranteeKind::WorstOfK
            } else {
                DatasetGuaranteeKind::OrderStatistic
            },
            k,
            rank,
            promise: 1.0 - rank as f64 / (k as f64 + 1.0),
            datasets_needed: k,
            alpha,
            threshold,
            z: None,
            routing_ratio: 1.0,
            deciding_dataset: deciding_dataset.into(),
        }
    }
}

impl DatasetGuarantee {
    /// The bound of `k` datasets by Student's t, with the promise 1 - delta. What the asked delta needs, place and ratio are
    /// set afterwards.
    pub fn t(k: u64, alpha: f64, delta: f64, threshold: Threshold, worst_dataset: impl Into<String>) -> Self {
        let kind = DatasetGuaranteeKind::T;
        Self { kind, rank: 0, promise: 1.0 - delta, ..Self::new(k, 1, alpha, threshold, worst_dataset) }
    }
}

/// How a guarantee about a new dataset is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DatasetGuaranteeKind {
    /// The strictest of the datasets' thresholds.
    WorstOfK,
    /// A less strict one, where there are enough datasets for the promise.
    OrderStatistic,
    /// A prediction bound by Student's t: it assumes that risks of datasets are near a normal distribution.
    T,
}

impl DatasetGuaranteeKind {
    /// The name used in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WorstOfK => "worst_of_k",
            Self::OrderStatistic => "order_statistic",
            Self::T => "t",
        }
    }
}

/// Why a risk could not be bounded, and what it would take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Infeasible {
    /// Rows that were tested.
    pub rows_tested: u64,
    /// The smallest observed risk over the thresholds that have enough rows to be tested at all.
    pub best_observed_risk: Option<f64>,
    /// Tested rows that would do if the observed risk is the true one; null if no number would.
    pub rows_tested_needed: Option<u64>,
    /// The same as rows of the pool.
    pub rows_pool_needed: Option<u64>,
}

impl Infeasible {
    /// So many rows were tested; what else is known is set afterwards.
    pub const fn new(rows_tested: u64) -> Self {
        Self { rows_tested, best_observed_risk: None, rows_tested_needed: None, rows_pool_needed: None }
    }
}
