//! The plan: what a run does, every number checked.

use std::collections::BTreeMap;

use plimsoll_core::canonical::{canonical_sha256, to_value};
use plimsoll_evaluate::HoldOut;
use plimsoll_import::Format;
use plimsoll_router::thresholds::LabelSource;
use plimsoll_router::{Risk, Target};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::asking::{Asking, Grading, MethodEntries};

/// A plan. Its serialised form is what `plimsoll config` prints, and is itself a plan.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Name of the pipeline and of its output folder.
    pub(crate) name: String,
    /// Seed of everything random, at most 2^53.
    pub(crate) seed: u64,
    /// Where the scores come from.
    pub(crate) origin: Origin,
    /// The draw.
    pub(crate) calibration: Calibration,
    /// What is fitted.
    pub(crate) thresholds: Targets,
    /// How it is judged; without it there are neither intervals nor transfer.
    pub(crate) evaluation: Option<Evaluation>,
    /// How labels are read.
    pub(crate) labels: Labels,
    /// What ends a run with exit code 5.
    pub(crate) limits: Limits,
}

/// Where the scores of a plan come from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// Others made them.
    Import(Import),
    /// Models are asked.
    Asking(Box<Asking>),
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("seed", &self.seed)?;
        match &self.origin {
            Origin::Import(import) => map.serialize_entry("import", import)?,
            Origin::Asking(asking) => {
                map.serialize_entry("datasets", &asking.datasets)?;
                map.serialize_entry("pool", &asking.pool)?;
                map.serialize_entry("prompt", &asking.prompt)?;
                map.serialize_entry("slms", &asking.slms)?;
                map.serialize_entry("llms", &asking.llms)?;
                map.serialize_entry("decoding", &asking.decoding)?;
                map.serialize_entry("methods", &MethodEntries(&asking.methods))?;
                map.serialize_entry("inference", &asking.inference)?;
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
pub(crate) struct Import {
    /// Where relative paths start; the plan's own folder without one. Not part of the plan's hash.
    pub(crate) folder: Option<String>,
    /// The SQL tables.
    pub(crate) files: BTreeMap<String, File>,
    /// The query.
    pub(crate) sql: String,
}

/// The files of one table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct File {
    /// A path or pattern as written, variables not expanded.
    pub(crate) path: String,
    /// The format.
    pub(crate) format: Format,
    /// `space`, `tab` or one ASCII character; for CSV.
    pub(crate) delimiter: Option<String>,
    /// Whether the first line holds the names of the columns; for CSV.
    pub(crate) header: Option<bool>,
}

impl File {
    /// The delimiter's byte; a comma where there is none.
    pub(crate) fn delimiter_byte(&self) -> u8 {
        self.delimiter.as_deref().and_then(delimiter_byte).unwrap_or(b',')
    }
}

/// The byte of a delimiter as it is written in a plan.
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

/// How a delimiter is written in a plan.
pub(super) fn delimiter_name(byte: u8) -> String {
    match byte {
        b' ' => "space".to_owned(),
        b'\t' => "tab".to_owned(),
        other => char::from(other).to_string(),
    }
}

/// How rows are drawn.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Calibration {
    /// Equal-width bins over [0, 1].
    pub(crate) bins: u32,
    /// Share of the scored rows that is drawn, in (0, 1].
    pub(crate) fraction: f64,
}

/// What thresholds are fitted for.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Targets {
    /// Shares of the questions to hand over.
    pub(crate) routing_ratio: Vec<f64>,
    /// Accuracies to reach.
    pub(crate) accuracy: Vec<f64>,
    /// Budgets to keep.
    pub(crate) cost: Vec<CostTarget>,
    /// Risks to bound.
    pub(crate) risk: Vec<RiskTarget>,
}

/// A budget.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct CostTarget {
    /// US dollars per 1,000 questions, at least 0.
    pub(crate) usd_per_1k_questions: f64,
}

/// A risk to bound: risk <= alpha with probability >= 1 - delta.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct RiskTarget {
    /// Which risk.
    pub(crate) kind: Risk,
    /// The bound, in (0, 1).
    pub(crate) alpha: f64,
    /// Probability that the bound fails, in (0, 1).
    pub(crate) delta: f64,
}

impl Targets {
    /// Every target, in the order of the operating points of a file.
    pub(crate) fn all(&self) -> Vec<Target> {
        let ratios = self.routing_ratio.iter().map(|value| Target::RoutingRatio { value: *value });
        let accuracies = self.accuracy.iter().map(|value| Target::Accuracy { value: *value });
        let costs =
            self.cost.iter().map(|cost| Target::Cost { usd_per_1k_questions: cost.usd_per_1k_questions });
        let risks = self.risk.iter().map(|risk| risk.kind.target(risk.alpha, risk.delta));
        ratios.chain(accuracies).chain(costs).chain(risks).collect()
    }

    /// A target that occurs twice.
    pub(crate) fn repeated(&self) -> Option<Target> {
        let all = self.all();
        all.iter()
            .enumerate()
            .find(|(index, target)| all[..*index].contains(target))
            .map(|(_, target)| *target)
    }
}

/// How thresholds are judged.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Evaluation {
    /// What is held out, one after the other.
    pub(crate) transfer: Vec<HoldOutName>,
    /// Draws per split.
    pub(crate) repeats: Option<u32>,
    /// Bootstrap replicates behind the 95 % intervals; 0 = no intervals.
    pub(crate) bootstrap: u32,
}

/// What a transfer holds out, as plans write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HoldOutName {
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
pub(crate) struct Labels {
    /// What an ungraded SLM answer counts as.
    pub(crate) ungraded: Ungraded,
    /// Who graded.
    pub(crate) source: LabelsFrom,
    /// How answers are graded, where models are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grading: Option<Grading>,
}

/// What an ungraded SLM answer counts as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ungraded {
    /// A wrong one.
    #[default]
    Wrong,
    /// Nothing: the row is left out.
    Exclude,
}

/// Who graded the answers, as plans write it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LabelsFrom {
    /// Whoever made the scores; nothing more is known.
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

/// Largest shares that an (SLM, LLM, method, dataset) may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Limits {
    /// Rows without a confidence.
    pub(crate) missing: Option<f64>,
    /// Rows with an ungraded answer.
    pub(crate) ungraded: Option<f64>,
}

impl Limits {
    /// Nothing may be missing or ungraded (`--strict`).
    pub(crate) const STRICT: Self = Self { missing: Some(0.0), ungraded: Some(0.0) };
}

impl Plan {
    /// What is asked of models, if the plan asks any.
    pub(crate) fn asking(&self) -> Option<&Asking> {
        match &self.origin {
            Origin::Asking(asking) => Some(asking),
            Origin::Import(_) => None,
        }
    }

    /// Bootstrap replicates; none without an evaluation.
    pub(crate) fn bootstrap(&self) -> u32 {
        self.evaluation.as_ref().map_or(0, |evaluation| evaluation.bootstrap)
    }

    /// SHA-256 of the plan's canonical JSON, without `import.folder`, which only says where the files
    /// lie on this machine (what is in them is recorded by their own hashes), and without `inference`,
    /// on which rows depend in the last bits of log-probabilities at most.
    pub(crate) fn sha256(&self) -> String {
        let mut value = as_json(self);
        if let Some(Value::Object(import)) = value.get_mut("import") {
            import.remove("folder");
        }
        if let Value::Object(plan) = &mut value {
            plan.remove("inference");
        }
        canonical_sha256(&value)
    }
}

/// A part of a plan as JSON.
pub(crate) fn as_json(part: &impl Serialize) -> Value {
    to_value(part)
}
