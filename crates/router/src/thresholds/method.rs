//! One method of a thresholds file.

use serde::{Deserialize, Serialize};

use super::OperatingPoint;
use crate::histogram::Histogram;
use crate::map::{Isotonic, Maps};
use crate::pool_cdf::PoolCdf;
use crate::tie::{TieHash, TieSeed};
use crate::tracker::TrackerSettings;

/// A method with its reference distribution, maps and operating points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Method {
    /// Its id.
    pub id: String,
    /// What the confidence is, in a sentence.
    pub definition: String,
    /// SHA-256 of the variant (definition and parameters): another variant needs other thresholds.
    pub variant_sha256: String,
    /// SHA-256 of the probe that computes the confidence (of several, that of the lines `HASH  NAME\n`); absent
    /// for methods without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_sha256: Option<String>,
    /// How the number is to be read.
    pub orientation: Orientation,
    /// The comparison that decides.
    pub rule: Rule,
    /// What happens without a confidence.
    pub missing: MissingPolicy,
    /// Rows that the thresholds were fitted on.
    pub rows: MethodRows,
    /// Confidences of the whole pool, in the bins of the draw.
    pub reference: Histogram,
    /// The pool's distribution of confidences: the scale on which a tracker works; null where no row has a
    /// confidence.
    pub pool_cdf: Option<PoolCdf>,
    /// How equal confidences are told apart on that scale.
    pub tie_break: TieRule,
    /// How a tracker of this method moves.
    pub tracker: TrackerSettings,
    /// Alarm levels of the drift monitor; null where the pool is too small to calibrate them.
    pub drift: Option<DriftLevels>,
    /// Maps from the SLM's confidence to P(SLM correct).
    pub maps: Maps,
    /// Isotonic regression of the LLM's correctness on the SLM's confidence; null without graded LLM answers, or
    /// where it could not be fitted.
    pub llm_isotonic: Option<Isotonic>,
    /// How the datasets of the pool differ.
    pub datasets: DatasetSpread,
    /// For thresholds that were adapted to other traffic, or fitted anew on a log of decisions: to what; absent for those
    /// of the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapted: Option<Adaptation>,
    /// One per target.
    pub operating_points: Vec<OperatingPoint>,
}

impl Method {
    /// A method with its rows and the histogram of its pool. Operating points, scale, maps, alarm levels
    /// and a probe's hash are set afterwards; how the number is read and compared is the format's.
    pub fn new(
        id: impl Into<String>,
        definition: impl Into<String>,
        variant_sha256: impl Into<String>,
        rows: MethodRows,
        reference: Histogram,
    ) -> Self {
        Self {
            id: id.into(),
            definition: definition.into(),
            variant_sha256: variant_sha256.into(),
            probe_sha256: None,
            orientation: Orientation::HigherIsMoreConfident,
            rule: Rule::KeepIffAtOrAbove,
            missing: MissingPolicy::Defer,
            rows,
            reference,
            pool_cdf: None,
            tie_break: TieRule::default(),
            tracker: TrackerSettings::DEFAULT,
            drift: None,
            maps: Maps::default(),
            llm_isotonic: None,
            datasets: DatasetSpread::default(),
            adapted: None,
            operating_points: Vec::new(),
        }
    }
}

/// How a confidence is to be read. There is one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// A higher number means: more likely correct.
    HigherIsMoreConfident,
}

/// The comparison that decides. There is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The SLM's answer is kept iff confidence >= threshold.
    KeepIffAtOrAbove,
}

/// What happens without a confidence. There is one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MissingPolicy {
    /// The question is deferred to the LLM.
    Defer,
}

/// How equal confidences are told apart: by a hash of the request's id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TieRule {
    /// The hash.
    pub hash: TieHash,
    /// Its seed. A deployment whose clients choose their ids uses a secret one of its own.
    pub seed: TieSeed,
}

impl TieRule {
    /// The rule with a seed.
    pub const fn new(seed: TieSeed) -> Self {
        Self { hash: TieHash::Fnv1a64Splitmix64, seed }
    }
}

/// How the datasets of a pool differ in level: what a ratio on a new one will miss by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DatasetSpread {
    /// Datasets of the pool.
    pub k: u64,
    /// Root mean square, over datasets and ratios .1 to .9, of the ratio that a dataset has at the others' threshold
    /// less the ratio that was asked for; null with one dataset.
    pub level_sd: Option<f64>,
}

impl DatasetSpread {
    /// So many datasets, which differ by so much.
    pub const fn new(k: u64, level_sd: Option<f64>) -> Self {
        Self { k, level_sd }
    }
}

/// The traffic that thresholds were adapted to, or fitted anew on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Adaptation {
    /// SHA-256 of the thresholds file that was adapted.
    pub base_sha256: String,
    /// SHA-256 of the file of confidences, or of the log.
    pub traffic_sha256: String,
    /// Questions in it.
    pub questions: u64,
    /// Of these, without a confidence.
    pub missing: u64,
    /// Of these, with both answers graded; of a log, with a label of the answer that was shown.
    pub labelled: u64,
    /// Expected distance of the routing ratio from a target of 0.5, in [0, 1]; null where the pool's file says nothing
    /// of how datasets differ.
    pub expected_ratio_error: Option<f64>,
    /// For a fit on a log of decisions: its labels and weights; absent otherwise. Reference, scale and maps of the method
    /// are then those of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions: Option<LoggedLabels>,
}

/// The labels of a log of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LoggedLabels {
    /// Kept answers that were labelled.
    pub slm: u64,
    /// Answers of the LLM that were labelled.
    pub llm: u64,
    /// The smallest probability with which a route was taken, in (0, 1]: no label weighs more than one over this.
    pub smallest_propensity: f64,
}

impl LoggedLabels {
    /// Labelled answers of either model, and the smallest propensity.
    pub const fn new(slm: u64, llm: u64, smallest_propensity: f64) -> Self {
        Self { slm, llm, smallest_propensity }
    }
}

impl Adaptation {
    /// An adaptation to so many questions; what else is known is set afterwards.
    pub fn new(base_sha256: impl Into<String>, traffic_sha256: impl Into<String>, questions: u64) -> Self {
        Self {
            base_sha256: base_sha256.into(),
            traffic_sha256: traffic_sha256.into(),
            questions,
            missing: 0,
            labelled: 0,
            expected_ratio_error: None,
            decisions: None,
        }
    }
}

/// Rows that the thresholds of a method were fitted on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MethodRows {
    /// Rows of the pool.
    pub pool: u64,
    /// Of these, rows with a confidence.
    pub scored: u64,
    /// Of these, rows without a confidence.
    pub missing: u64,
    /// Of these, rows whose SLM answer is ungraded.
    pub ungraded_slm: u64,
    /// Of these, rows whose LLM answer is ungraded (all of them without an LLM).
    pub ungraded_llm: u64,
    /// Rows drawn into the calibration set.
    pub drawn: u64,
    /// Of these, rows of the proportional part, which alone enters guarantees.
    pub proportional: u64,
}

/// Alarm levels of the drift monitor, calibrated by drawing windows from the pool itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DriftLevels {
    /// Decisions per window; windows do not overlap. The levels hold for this length only.
    pub window: u32,
    /// Alarm if the window's PSI exceeds this.
    pub psi: f64,
    /// Alarm if the window's KS distance on the bin edges exceeds this.
    pub ks: f64,
    /// Alarm if the window's share of missing confidences exceeds this.
    pub missing_share: f64,
    /// Expected false alarms per 10,000 decisions when nothing has drifted.
    pub false_alarms_per_10k_decisions: f64,
    /// Windows drawn to calibrate the levels.
    pub windows_drawn: u32,
}

impl DriftLevels {
    /// Windows of so many decisions, calibrated on `windows_drawn` of them, with levels of 0, which
    /// are set afterwards.
    pub const fn new(window: u32, windows_drawn: u32) -> Self {
        Self {
            window,
            psi: 0.0,
            ks: 0.0,
            missing_share: 0.0,
            false_alarms_per_10k_decisions: 0.0,
            windows_drawn,
        }
    }
}
