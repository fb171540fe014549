//! The data that thresholds were fitted on.

use serde::{Deserialize, Serialize};

/// Identity of the calibration data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
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
    /// Bootstrap replicates of the 95 % intervals; 0 = no intervals.
    pub bootstrap: u32,
}

/// One dataset of the pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
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
#[non_exhaustive]
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
#[non_exhaustive]
pub enum LabelSource {
    /// Grades came with the imported scores.
    Imported,
    /// Graded by rule.
    Graded,
    /// Some or all grades are a language model's verdicts: a guarantee is on the judge's label.
    Judged,
}

impl Calibration {
    /// A draw without datasets and files, which are set afterwards: `bins` of equal width over
    /// [0, 1], the `fraction` in (0, 1] that is drawn, the pipeline's seed, and who graded.
    pub const fn new(bins: u32, fraction: f64, seed: u64, labels: LabelSource) -> Self {
        Self {
            datasets: Vec::new(),
            sources: Vec::new(),
            bins,
            fraction,
            seed,
            labels,
            ungraded_excluded: false,
            bootstrap: 0,
        }
    }
}

impl DatasetIdentity {
    /// A dataset of which so many questions were answered, with the SHA-256 over their keys and
    /// grades; its split is set afterwards, where known.
    pub fn new(
        id: impl Into<String>,
        domain: impl Into<String>,
        questions: u64,
        sha256: impl Into<String>,
    ) -> Self {
        Self { id: id.into(), domain: domain.into(), split: None, questions, sha256: sha256.into() }
    }
}

impl SourceFile {
    /// A file's name, and the SHA-256 of its bytes.
    pub fn new(name: impl Into<String>, sha256: impl Into<String>) -> Self {
        Self { name: name.into(), sha256: sha256.into() }
    }
}

impl LabelSource {
    /// The name used in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Graded => "graded",
            Self::Judged => "judged",
        }
    }
}
