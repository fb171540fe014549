//! The rows of questions, their sources, confidences and scores.

use serde::{Deserialize, Serialize};

use crate::missing::MissingReason;
use crate::question::{PoolRole, Question};
use crate::table_row;

table_row! {
    /// A row of `questions`: a question of the pool with what it is for.
    #[derive(Debug, Clone, Copy, Serialize)]
    pub struct QuestionRow<'a> {
        /// The question.
        #[serde(flatten)]
        pub question: &'a Question,
        /// `main` (calibration and evaluation), `few_shot` (shown as an exemplar) or `probe_training`.
        pub role: PoolRole,
    }
}

table_row! {
    /// A row of `datasets`: where questions come from, and what became of the rows.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct DatasetRow {
        /// Dataset.
        pub dataset: String,
        /// Its domain.
        pub domain: String,
        /// Split.
        pub split: String,
        /// Where it was read from, as the plan says it.
        pub source: String,
        /// Commit of the hub repository; null for local files.
        pub commit: Option<String>,
        /// Licence, as far as it is known.
        pub licence: String,
        /// Rows of the source.
        pub rows: u64,
        /// Rows that gave no question.
        pub refused: u64,
        /// Of these, rows without a gold answer.
        pub unlabelled: u64,
        /// Main rows that the plan asks for.
        pub asked: u64,
        /// Main rows drawn.
        pub sampled: u64,
        /// Rows drawn and dropped as exact duplicates.
        pub dropped_exact: u64,
        /// Rows drawn and dropped as near duplicates.
        pub dropped_near: u64,
        /// Main rows in the pool: calibration and evaluation.
        pub main: u64,
        /// Exemplars in the pool.
        pub few_shot: u64,
        /// Probe-training rows in the pool.
        pub probe_training: u64,
    }
}

table_row! {
    /// A row of `confidences`: what a method said of an answer, or why it said nothing.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct ConfidenceRow {
        /// Question.
        pub question_id: String,
        /// Its dataset.
        pub dataset: String,
        /// Model whose answer it speaks of.
        pub model: String,
        /// Method.
        pub method: String,
        /// Transfer test that the confidence is for (`dataset=ID` or `domain=ID` is held out, and a
        /// probe saw none of it); null = the confidence that thresholds are fitted on.
        pub fold: Option<String>,
        /// Confidence in [0, 1], higher = more likely correct; null = missing.
        pub confidence: Option<f64>,
        /// Why it is missing.
        pub missing_reason: Option<MissingReason>,
        /// How likely the replies are together whose probabilities the method compares (p(True)), in
        /// [0, 1], as far as they were listed; null = another method, or not observed.
        #[serde(default)]
        pub answer_mass: Option<f64>,
        /// SHA-256 of the method's id, version and parameters.
        pub variant_hash: String,
    }
}

table_row! {
    /// A row of `scores`: a confidence joined to the grades that it is held against.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct ScoreRow {
        /// Question, unique within its dataset.
        pub question_id: String,
        /// Its dataset.
        pub dataset: String,
        /// Domain of the dataset; the dataset itself without one.
        pub domain: Option<String>,
        /// Small model; `slm` without one.
        pub slm: Option<String>,
        /// Large model.
        pub llm: Option<String>,
        /// Method that gave the confidence.
        pub method: String,
        /// Confidence in [0, 1], higher = more likely correct; null = missing.
        pub confidence: Option<f64>,
        /// Grade of the SLM's answer; null = ungraded.
        pub slm_correct: Option<bool>,
        /// Grade of the LLM's answer; null = ungraded.
        pub llm_correct: Option<bool>,
        /// What questions that are not independent share (a passage, a story).
        pub cluster_id: Option<String>,
        /// US dollars of the SLM's answer and its uncertainty.
        pub slm_cost: Option<f64>,
        /// US dollars of the LLM's answer.
        pub llm_cost: Option<f64>,
    }
}
