//! Which files hold recordings, and how they are written.

use std::path::PathBuf;

use plimsoll_core::ModelId;
use serde::{Deserialize, Serialize};

/// The recordings of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplaySpec {
    /// The model, as the plan names it.
    pub id: ModelId,
    /// The name by which files with a field `model` know it; their other lines are left alone.
    pub recorded_as: String,
    /// The files.
    pub files: Vec<RecordingFile>,
}

/// A file of recordings, JSON lines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordingFile {
    /// The file.
    pub path: PathBuf,
    /// How its lines are written.
    pub format: RecordingFormat,
    /// The beginning of the ids of all its questions (`gsm8k/test/`), which is put before the ids in the
    /// file. Empty if the file has whole ids; needed where it knows its questions by row.
    #[serde(default)]
    pub questions: String,
    /// The names of its fields; those of Plimsoll's own tables without it.
    #[serde(default)]
    pub fields: RecordingFields,
}

/// How the lines of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingFormat {
    /// An object with the fields of [`RecordingFields`], and any of the table `generations`.
    Generations,
    /// `samples_*.jsonl` of the lm-evaluation-harness: `doc_id` is the row, the first of `resps` the
    /// answer, further ones are samples. A task with several filters has a line for each; they count once.
    LmEvaluationHarness,
}

/// The names of fields, for files of others. A field that a file lacks is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecordingFields {
    /// Id of the question, a text or a number.
    pub question_id: String,
    /// Row of the question in its source file, from 0, for files without an id.
    pub row: String,
    /// The answer.
    pub text: String,
    /// The samples: texts, or objects with the same fields as an answer.
    pub samples: String,
    /// The tokens of the answer: texts, or objects as in the table `generations`.
    pub tokens: String,
    /// The natural logs of the tokens' probabilities, as many as tokens.
    pub logprobs: String,
    /// The model.
    pub model: String,
}

impl Default for RecordingFields {
    fn default() -> Self {
        Self {
            question_id: "question_id".to_owned(),
            row: "row".to_owned(),
            text: "text".to_owned(),
            samples: "samples".to_owned(),
            tokens: "tokens".to_owned(),
            logprobs: "logprobs".to_owned(),
            model: "model".to_owned(),
        }
    }
}
