//! How questions are asked.

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;

/// How a question is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromptStyle {
    /// With the answer alone.
    Direct,
    /// With reasoning, then the answer.
    ChainOfThought,
}

/// Where a prompt says how to answer.
///
/// Small models that read the instruction first, and the options last, may answer with one letter whatever is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstructionOrder {
    /// Before the question, so that all prompts of a dataset begin alike; a cue is repeated after it.
    #[default]
    First,
    /// After the question and its options.
    Last,
}

impl InstructionOrder {
    /// Whether it is the one of pipelines that say nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How questions of a dataset are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptSpec {
    /// How they are to be answered.
    pub style: PromptStyle,
    /// Where the prompt says how.
    #[serde(default)]
    pub instruction: InstructionOrder,
    /// Whether the answer comes with a confidence (`verbalization_1s`).
    pub verbalized: bool,
    /// What the dataset says before its questions.
    pub task: Option<String>,
}

impl PromptSpec {
    /// The main prompt of a dataset, which says first how to answer.
    pub fn new(dataset: &dyn Dataset, style: PromptStyle) -> Self {
        let task = dataset.task().map(str::to_owned);
        Self { style, instruction: InstructionOrder::First, verbalized: false, task }
    }

    /// The same with the instruction in another order.
    #[must_use]
    pub fn with_instruction(self, instruction: InstructionOrder) -> Self {
        Self { instruction, ..self }
    }

    /// The same with a confidence beside the answer.
    #[must_use]
    pub fn verbalized(self) -> Self {
        Self { verbalized: true, ..self }
    }
}
