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

/// How questions of a dataset are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptSpec {
    /// How they are to be answered.
    pub style: PromptStyle,
    /// Whether the answer comes with a confidence (`verbalization_1s`).
    pub verbalized: bool,
    /// What the dataset says before its questions.
    pub task: Option<String>,
}

impl PromptSpec {
    /// The main prompt of a dataset.
    pub fn new(dataset: &dyn Dataset, style: PromptStyle) -> Self {
        Self { style, verbalized: false, task: dataset.task().map(str::to_owned) }
    }

    /// The same with a confidence beside the answer.
    #[must_use]
    pub fn verbalized(self) -> Self {
        Self { verbalized: true, ..self }
    }
}
