//! The part of a pipeline that asks models: datasets, prompts, models, decoding, methods.

use std::collections::BTreeMap;

use plimsoll_core::{Decoding, SignalRequest};
use plimsoll_ingest::pool::{Duplicates, SampleSpec};
use plimsoll_ingest::prompts::{InstructionOrder, PromptStyle};
use plimsoll_label::{Policy, SpanGrading};
use plimsoll_uq::MethodConfig;
use plimsoll_uq::methods::{PromptKind, Scoring};
use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};

use super::models::ModelConfig;

/// Everything that is asked of models.
#[derive(Debug, Clone)]
pub struct InferenceConfig {
    /// Where the questions come from, in order.
    pub datasets: Vec<DatasetConfig>,
    /// Which of them are asked.
    pub pool: PoolConfig,
    /// How they are asked, unless a dataset says otherwise.
    pub prompt: PromptConfig,
    /// The small models, which answer on the device.
    pub slms: Vec<ModelConfig>,
    /// The large ones; may be empty.
    pub llms: Vec<ModelConfig>,
    /// How answers are decoded.
    pub decoding: Decoding,
    /// How uncertainty is measured.
    pub methods: Vec<MethodConfig>,
    /// How the work is done; rows do not depend on it, but for the last bits of log-probabilities.
    pub execution: ExecutionConfig,
}

/// A dataset, or one split of it.
#[derive(Debug, Clone, Serialize)]
pub struct DatasetConfig {
    /// Id of a built-in dataset, or a name for the user's own.
    pub id: String,
    /// A path, an `hf://` address, or `pocket`.
    pub source: String,
    /// The split; what the file's name says without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// The configuration of a hub repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The file that maps the user's own table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// How many rows; all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleSpec>,
    /// How its questions are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<PromptConfig>,
}

/// Which questions are asked.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PoolConfig {
    /// What is done with duplicates.
    pub duplicates: Duplicates,
    /// Probe-training rows drawn for each main row.
    pub probe_rows: f64,
}

/// How questions are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PromptConfig {
    /// With or without reasoning.
    pub style: PromptStyle,
    /// Exemplars before each question.
    pub few_shot: usize,
    /// Where the prompt says how to answer.
    #[serde(skip_serializing_if = "InstructionOrder::is_default")]
    pub instruction: InstructionOrder,
}

/// How the work is done (key `inference`). Cached chunks are reused whatever `sequences` and `cache_gib` were.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ExecutionConfig {
    /// Questions of a chunk: what is lost at most when the process is killed.
    pub chunk: usize,
    /// Sequences that a model in process works on at once.
    pub sequences: usize,
    /// Memory for caches of keys and values, GiB.
    pub cache_gib: f64,
}

/// How answers are graded.
#[derive(Debug, Clone, Serialize)]
pub struct GradingConfig {
    /// What refusals, cut or empty answers count as, and how texts are graded.
    pub policy: Policy,
    /// The model that is asked where the policy leaves texts to a judge.
    pub judge: Option<ModelConfig>,
}

impl GradingConfig {
    /// Whether some grades are a model's verdicts.
    pub fn is_judged(&self) -> bool {
        self.policy.span() == SpanGrading::Judge
    }
}

impl InferenceConfig {
    /// What all methods on this kind of prompt need to be observed on the rows that are scored.
    pub fn signals(&self, kind: PromptKind) -> SignalRequest {
        let with_kind = self.methods.iter().filter(|method| method.prompt == kind);
        with_kind.fold(SignalRequest::answer(), |all, method| all.union(&method.request))
    }

    /// What probes need to be observed on the rows that they learn from; `None` without probes.
    pub fn probe_signals(&self) -> Option<SignalRequest> {
        let mut probes =
            self.methods.iter().filter(|method| matches!(method.scoring, Scoring::Probe(_))).peekable();
        probes.peek()?;
        Some(probes.fold(SignalRequest::answer(), |all, method| all.union(&method.request)))
    }

    /// Whether any method asks for answer and confidence in one prompt.
    pub fn verbalizes(&self) -> bool {
        self.methods.iter().any(|method| method.prompt == PromptKind::Verbalized)
    }

    /// How a dataset's questions are asked.
    pub fn prompt_for(&self, dataset: &DatasetConfig) -> PromptConfig {
        dataset.prompt.unwrap_or(self.prompt)
    }
}

/// Methods as a pipeline file lists them: one without parameters is its name, another a mapping from its name to them.
#[derive(Debug)]
pub struct MethodEntries<'a>(pub(super) &'a [MethodConfig]);

impl Serialize for MethodEntries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for method in self.0 {
            if method.parameters.is_null() {
                list.serialize_element(method.id)?;
            } else {
                list.serialize_element(&BTreeMap::from([(method.id, &method.parameters)]))?;
            }
        }
        list.end()
    }
}
