//! The part of a plan that asks models itself: datasets, prompts, models, decoding, methods.

use std::collections::BTreeMap;

use plimsoll_core::{Decoding, SignalRequest};
use plimsoll_ingest::pool::{Duplicates, Sample};
use plimsoll_ingest::prompts::PromptStyle;
use plimsoll_label::{Policy, SpanGrading};
use plimsoll_remote::openai::{Price, RawLimits, TokenLimit};
use plimsoll_remote::replay::{RecordingFields, RecordingFormat};
use plimsoll_uq::MethodConfig;
use plimsoll_uq::methods::{PromptKind, Scoring};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::compute::{Device, Dtype};

/// Everything that is asked of models.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    /// Where the questions come from, in order.
    pub(crate) datasets: Vec<DatasetPlan>,
    /// Which of them are asked.
    pub(crate) pool: PoolPlan,
    /// How they are asked, unless a dataset says otherwise.
    pub(crate) prompt: PromptPlan,
    /// The small models.
    pub(crate) slms: Vec<ModelPlan>,
    /// The large ones; may be empty.
    pub(crate) llms: Vec<ModelPlan>,
    /// How answers are decoded.
    pub(crate) decoding: Decoding,
    /// How uncertainty is measured.
    pub(crate) methods: Vec<MethodConfig>,
    /// How the work is done; rows do not depend on it, but for the last bits of log-probabilities.
    pub(crate) inference: InferencePlan,
}

/// One dataset.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DatasetPlan {
    /// Id of a built-in dataset, or of the user's own.
    pub(crate) id: String,
    /// A path, an `hf://` address, or `pocket`.
    pub(crate) source: String,
    /// The split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) split: Option<String>,
    /// The configuration of a hub repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config: Option<String>,
    /// The file that maps the user's own table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mapping: Option<String>,
    /// How many rows; all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sample: Option<Sample>,
    /// How its questions are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<PromptPlan>,
}

/// Which questions are asked.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct PoolPlan {
    /// What is done with duplicates.
    pub(crate) duplicates: Duplicates,
    /// Probe-training rows drawn for each main row.
    pub(crate) probe_rows: f64,
}

/// How questions are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct PromptPlan {
    /// With or without reasoning.
    pub(crate) style: PromptStyle,
    /// Exemplars before each.
    pub(crate) few_shot: usize,
}

/// What runs a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BackendName {
    /// In process.
    Candle,
    /// An OpenAI-compatible server.
    Openai,
    /// Recorded generations.
    Replay,
}

impl BackendName {
    /// The name in plans.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Candle => "candle",
            Self::Openai => "openai",
            Self::Replay => "replay",
        }
    }
}

/// A model; which keys it has depends on its backend.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ModelPlan {
    /// Its id in tables and files.
    pub(crate) id: String,
    /// What runs it.
    pub(crate) backend: BackendName,
    /// candle: a folder, a GGUF file, or an `hf://` address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    /// candle: the type of weights and activations; the stored one without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dtype: Option<Dtype>,
    /// candle: where it is computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<Device>,
    /// openai: address of the interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base_url: Option<String>,
    /// openai: the model's name at the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// openai: the environment variable that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key_env: Option<String>,
    /// openai: how much may be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limits: Option<RawLimits>,
    /// openai: likeliest tokens that are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) top_logprobs: Option<u8>,
    /// openai: the field that bounds an answer's length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token_limit: Option<TokenLimit>,
    /// openai: whether requests carry a seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) send_seed: Option<bool>,
    /// openai: whether a change of the server's fingerprint stops the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) same_fingerprint: Option<bool>,
    /// candle, openai: variables that the chat template is given, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) template_variables: BTreeMap<String, Value>,
    /// replay: the recordings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<RecordingPlan>,
    /// replay: the model's name in the recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recorded_as: Option<String>,
    /// US dollars for a million tokens. A model in process costs nothing unless the plan says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) price: Option<Price>,
}

/// A file of recordings.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RecordingPlan {
    /// The file.
    pub(crate) path: String,
    /// How its lines are written.
    pub(crate) format: RecordingFormat,
    /// The beginning of the ids of its questions.
    pub(crate) questions: String,
    /// The names of its fields.
    pub(crate) fields: RecordingFields,
}

/// How the work is done. Chunks that were answered under other numbers are used again.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct InferencePlan {
    /// Questions of a chunk: what is lost at most when the process is killed.
    pub(crate) chunk: usize,
    /// Sequences that a model in process works on at once.
    pub(crate) sequences: usize,
    /// Memory for caches of keys and values, GiB.
    pub(crate) cache_gib: f64,
}

/// How answers are graded.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Grading {
    /// What odd answers count as, and how texts are graded.
    pub(crate) policy: Policy,
    /// The model that is asked where the policy leaves texts to a judge.
    pub(crate) judge: Option<ModelPlan>,
}

impl Grading {
    /// Whether some grades are a model's verdicts.
    pub(crate) fn is_judged(&self) -> bool {
        self.policy.span() == SpanGrading::Judge
    }
}

impl Asking {
    /// What all methods that speak of this kind of prompt need to be observed on the rows that are scored.
    pub(crate) fn signals(&self, kind: PromptKind) -> SignalRequest {
        let of_kind = self.methods.iter().filter(|method| method.prompt == kind);
        of_kind.fold(SignalRequest::answer(), |all, method| all.union(&method.request))
    }

    /// What probes need to be observed on the rows that they learn from; `None` without probes.
    pub(crate) fn probe_signals(&self) -> Option<SignalRequest> {
        let mut probes =
            self.methods.iter().filter(|method| matches!(method.scoring, Scoring::Probe(_))).peekable();
        probes.peek()?;
        Some(probes.fold(SignalRequest::answer(), |all, method| all.union(&method.request)))
    }

    /// Whether any method asks for answer and confidence in one prompt.
    pub(crate) fn verbalizes(&self) -> bool {
        self.methods.iter().any(|method| method.prompt == PromptKind::Verbalized)
    }

    /// How a dataset's questions are asked.
    pub(crate) fn prompt_of(&self, dataset: &DatasetPlan) -> PromptPlan {
        dataset.prompt.unwrap_or(self.prompt)
    }
}

/// Methods as a plan lists them: one without parameters is its name, another a mapping from its name to them.
#[derive(Debug)]
pub(crate) struct MethodEntries<'a>(pub(crate) &'a [MethodConfig]);

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
