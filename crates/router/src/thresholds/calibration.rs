//! The data that thresholds were fitted on.

use serde::{Deserialize, Serialize};

/// Identity of the calibration data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The datasets of the pool.
    pub datasets: Vec<DatasetIdentity>,
    /// The files that the rows came from.
    pub sources: Vec<SourceFile>,
    /// Number of equal-width bins over [0, 1] in the draw.
    pub bins: u32,
    /// Share of the scored rows that is drawn.
    pub fraction: f64,
    /// Seed of the plan.
    pub seed: u64,
    /// Who graded the answers; a guarantee is about these labels.
    pub labels: LabelSource,
    /// Whether ungraded SLM answers were left out (else they count as wrong).
    pub ungraded_excluded: bool,
    /// Bootstrap replicates behind the 95 % intervals; 0 = no intervals.
    pub bootstrap: u32,
}

/// One dataset of the pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DatasetIdentity {
    /// Its id.
    pub id: String,
    /// Its domain.
    pub domain: String,
    /// Its split, where known.
    pub split: Option<String>,
    /// Questions of it that this pair answered.
    pub questions: u64,
    /// SHA-256 over the sorted keys and grades of these questions.
    pub sha256: String,
}

/// A file that rows were read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// Its name, without the folders that lead to it.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// Who graded the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LabelSource {
    /// Grades came with the imported scores.
    Imported,
    /// Graded by rule.
    Graded,
    /// Some or all grades are a language model's verdicts: a guarantee is on the judge's label.
    Judged,
}
