//! What a run does, every value checked.

use std::collections::BTreeMap;

use plimsoll_core::canonical::{canonical_sha256, to_value};
use plimsoll_evaluate::HoldOut;
use plimsoll_import::Format;
use plimsoll_router::thresholds::LabelSource;
use plimsoll_router::{Risk, Target};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::inference::{GradingConfig, InferenceConfig, MethodEntries};

/// A pipeline. Its serialised form is what `plimsoll config` prints, is itself a pipeline file, and is what its hash
/// is over: its keys and their order are a format.
#[derive(Debug, Clone)]
pub struct PipelineConfig {
    /// Name of the pipeline and of its output folder.
    pub name: String,
    /// Seed of everything random, at most 2^53.
    pub seed: u64,
    /// Where the scores come from.
    pub scores: ScoreSource,
    /// How the calibration set is drawn.
    pub calibration: CalibrationConfig,
    /// What thresholds are fitted for.
    pub thresholds: TargetsConfig,
    /// How it is evaluated; without it there are neither intervals nor transfer.
    pub evaluation: Option<EvaluationConfig>,
    /// How labels are read.
    pub labels: LabelsConfig,
    /// What ends a run with exit code 5.
    pub limits: LimitsConfig,
}

/// Where the scores of a pipeline come from.
#[derive(Debug, Clone)]
pub enum ScoreSource {
    /// Files of another program.
    Import(ImportConfig),
    /// Models that the run asks itself.
    Inference(Box<InferenceConfig>),
}

impl Serialize for PipelineConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("seed", &self.seed)?;
        match &self.scores {
            ScoreSource::Import(import) => map.serialize_entry("import", import)?,
            ScoreSource::Inference(inference) => {
                map.serialize_entry("datasets", &inference.datasets)?;
                map.serialize_entry("pool", &inference.pool)?;
                map.serialize_entry("prompt", &inference.prompt)?;
                map.serialize_entry("slms", &inference.slms)?;
                map.serialize_entry("llms", &inference.llms)?;
                map.serialize_entry("decoding", &inference.decoding)?;
                map.serialize_entry("methods", &MethodEntries(&inference.methods))?;
                map.serialize_entry("inference", &inference.execution)?;
            }
        }
        map.serialize_entry("calibration", &self.calibration)?;
        map.serialize_entry("thresholds", &self.thresholds)?;
        map.serialize_entry("evaluation", &self.evaluation)?;
        map.serialize_entry("labels", &self.labels)?;
        map.serialize_entry("limits", &self.limits)?;
        map.end()
    }
}

/// Foreign files and the query that maps them.
#[derive(Debug, Clone, Serialize)]
pub struct ImportConfig {
    /// Where relative paths start; the folder of the pipeline file without one. Not part of the hash.
    pub folder: Option<String>,
    /// SQL tables by name, each a set of files.
    pub files: BTreeMap<String, ImportFile>,
    /// The query that gives the columns of the table `scores`.
    pub sql: String,
}

/// The files of one table.
#[derive(Debug, Clone, Serialize)]
pub struct ImportFile {
    /// A path or pattern as written, variables not expanded.
    pub path: String,
    /// How the files are written.
    pub format: Format,
    /// `space`, `tab` or one ASCII character; for CSV.
    pub delimiter: Option<String>,
    /// Whether the first line holds the names of the columns; for CSV.
    pub header: Option<bool>,
}

impl ImportFile {
    /// The delimiter's byte; a comma where there is none.
    pub fn delimiter_byte(&self) -> u8 {
        self.delimiter.as_deref().and_then(delimiter_byte).unwrap_or(b',')
    }
}

/// The byte of a delimiter as it is written in a pipeline file.
pub(super) fn delimiter_byte(text: &str) -> Option<u8> {
    match text {
        "space" => Some(b' '),
        "tab" => Some(b'\t'),
        _ => match text.as_bytes() {
            [byte]
                if byte.is_ascii()
                    && !byte.is_ascii_alphanumeric()
                    && !matches!(byte, b'"' | b'\n' | b'\r') =>
            {
                Some(*byte)
            }
            _ => None,
        },
    }
}

/// How a delimiter is written in a pipeline file.
pub(super) fn delimiter_name(byte: u8) -> String {
    match byte {
        b' ' => "space".to_owned(),
        b'\t' => "tab".to_owned(),
        other => char::from(other).to_string(),
    }
}

/// How rows are drawn.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CalibrationConfig {
    /// Equal-width bins over [0, 1].
    pub bins: u32,
    /// Share of the scored rows that is drawn, in (0, 1].
    pub fraction: f64,
}

/// What thresholds are fitted for.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TargetsConfig {
    /// Shares of the questions to defer.
    pub routing_ratio: Vec<f64>,
    /// Accuracies to reach.
    pub accuracy: Vec<f64>,
    /// Accuracies to stay within of the LLM's. Left out of what is hashed where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub llm_gap: Vec<f64>,
    /// Budgets to keep.
    pub cost: Vec<CostTarget>,
    /// Risks to bound.
    pub risk: Vec<RiskTarget>,
}

/// A budget.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CostTarget {
    /// US dollars per 1,000 questions, at least 0.
    pub usd_per_1k_questions: f64,
}

/// A risk to bound: risk <= alpha with probability >= 1 - delta.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct RiskTarget {
    /// Which risk is bounded.
    pub kind: Risk,
    /// The bound, in (0, 1).
    pub alpha: f64,
    /// Probability that the bound fails, in (0, 1).
    pub delta: f64,
}

impl TargetsConfig {
    /// Every target, in the order of the operating points of a file.
    pub fn all(&self) -> Vec<Target> {
        let ratios = self.routing_ratio.iter().map(|value| Target::RoutingRatio { value: *value });
        let accuracies = self.accuracy.iter().map(|value| Target::Accuracy { value: *value });
        let gaps = self.llm_gap.iter().map(|value| Target::LlmGap { value: *value });
        let costs =
            self.cost.iter().map(|cost| Target::Cost { usd_per_1k_questions: cost.usd_per_1k_questions });
        let risks = self.risk.iter().map(|risk| risk.kind.target(risk.alpha, risk.delta));
        ratios.chain(accuracies).chain(gaps).chain(costs).chain(risks).collect()
    }

    /// A target that occurs twice.
    pub fn repeated(&self) -> Option<Target> {
        let all = self.all();
        all.iter()
            .enumerate()
            .find(|(index, target)| all[..*index].contains(target))
            .map(|(_, target)| *target)
    }
}

/// How thresholds are evaluated.
#[derive(Debug, Clone, Serialize)]
pub struct EvaluationConfig {
    /// What is held out, one after the other.
    pub transfer: Vec<HoldOutName>,
    /// Draws for each held-out dataset or domain.
    pub repeats: Option<u32>,
    /// Bootstrap replicates behind the 95 % intervals; 0 = no intervals.
    pub bootstrap: u32,
}

/// What a transfer holds out, as pipeline files write it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HoldOutName {
    /// One dataset at a time.
    LeaveOneDatasetOut,
    /// One domain at a time.
    LeaveOneDomainOut,
}

impl From<HoldOutName> for HoldOut {
    fn from(name: HoldOutName) -> Self {
        match name {
            HoldOutName::LeaveOneDatasetOut => Self::Dataset,
            HoldOutName::LeaveOneDomainOut => Self::Domain,
        }
    }
}

/// How labels are read.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LabelsConfig {
    /// What an ungraded SLM answer counts as.
    pub ungraded: Ungraded,
    /// Who graded the answers.
    pub source: LabelsFrom,
    /// How answers are graded, where models are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grading: Option<GradingConfig>,
}

/// What an ungraded SLM answer counts as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ungraded {
    /// It counts as wrong.
    #[default]
    Wrong,
    /// The row is left out.
    Exclude,
}

/// Who graded the answers, as pipeline files write it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelsFrom {
    /// The source of the scores; nothing more is known.
    #[default]
    Imported,
    /// A rule.
    Graded,
    /// A language model: a guarantee is then on the judge's label.
    Judged,
}

impl From<LabelsFrom> for LabelSource {
    fn from(from: LabelsFrom) -> Self {
        match from {
            LabelsFrom::Imported => Self::Imported,
            LabelsFrom::Graded => Self::Graded,
            LabelsFrom::Judged => Self::Judged,
        }
    }
}

/// Largest shares that an (SLM, LLM, method, dataset) may have, in [0, 1].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct LimitsConfig {
    /// Rows without a confidence.
    pub missing: Option<f64>,
    /// Rows with an ungraded answer.
    pub ungraded: Option<f64>,
}

impl LimitsConfig {
    /// Nothing may be missing or ungraded (`--strict`).
    pub const STRICT: Self = Self { missing: Some(0.0), ungraded: Some(0.0) };
}

impl PipelineConfig {
    /// What is asked of models, if the pipeline asks any.
    pub fn inference(&self) -> Option<&InferenceConfig> {
        match &self.scores {
            ScoreSource::Inference(inference) => Some(inference),
            ScoreSource::Import(_) => None,
        }
    }

    /// Bootstrap replicates; none without an evaluation.
    pub fn bootstrap(&self) -> u32 {
        self.evaluation.as_ref().map_or(0, |evaluation| evaluation.bootstrap)
    }

    /// SHA-256 of the pipeline's canonical JSON, without `import.folder`, which only says where the files
    /// lie on this machine (what is in them is recorded by their own hashes), and without `inference`,
    /// on which rows depend in the last bits of log-probabilities at most.
    pub fn sha256(&self) -> String {
        let mut value = to_value(self);
        if let Some(Value::Object(import)) = value.get_mut("import") {
            import.remove("folder");
        }
        if let Value::Object(pipeline) = &mut value {
            pipeline.remove("inference");
        }
        canonical_sha256(&value)
    }
}
