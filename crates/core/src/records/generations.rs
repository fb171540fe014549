//! The rows of `generations` and `hidden_states`, which backends write and methods read.

use serde::{Deserialize, Serialize};

use crate::signal::Position;
use crate::{Finish, MissingSignal, table_row};

table_row! {
    /// A generated token.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct TokenRow {
        /// Its id in the model's vocabulary; `None` where the server does not tell.
        #[serde(default)]
        pub id: Option<u32>,
        /// Its text, whole; bytes that are no UTF-8 by themselves are shown as U+FFFD.
        pub text: String,
        /// First byte in the text of the generation.
        pub start: u32,
        /// Byte after the last. The spans of a text's tokens follow each other without gaps and fill it. A
        /// token without a span (`start == end`) is no answer token: a stop token, or what the text leaves out.
        pub end: u32,
        /// Natural log of its probability over the whole vocabulary, at most 0 but for rounding.
        #[serde(default)]
        pub logprob: Option<f32>,
        /// Natural logs of the probabilities of the likeliest tokens at its position, falling, whichever was chosen; as
        /// many as were asked for, or as a server lists. Null where none were asked for or listed.
        #[serde(default)]
        pub top_logprobs: Option<Vec<f32>>,
    }
}

impl TokenRow {
    /// Whether it is part of the text.
    pub fn is_answer(&self) -> bool {
        self.start < self.end
    }
}

table_row! {
    /// What came of a follow-up.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct FollowUpRow {
        /// The follow-up's id in the prompt.
        pub id: String,
        /// The reply, if a text was wanted.
        #[serde(default)]
        pub text: Option<String>,
        /// How the reply ended; `None` if nothing tells.
        #[serde(default)]
        pub finish_reason: Option<Finish>,
        /// Whether the prompt of the follow-up ended within reasoning; `None` where that is not known.
        #[serde(default)]
        pub starts_in_reasoning: Option<bool>,
        /// Probability of the true spellings at the first position, in [0, 1].
        #[serde(default)]
        pub true_mass: Option<f64>,
        /// Probability of the false spellings.
        #[serde(default)]
        pub false_mass: Option<f64>,
        /// Whether one of the masses is only bounded, by the smallest probability that the server listed.
        #[serde(default)]
        pub censored: Option<bool>,
        /// Why something that was wanted is missing.
        #[serde(default)]
        pub missing_reason: Option<MissingSignal>,
        /// Tokens that were read for it, as the server counts.
        #[serde(default)]
        pub prompt_tokens: Option<u64>,
        /// Tokens that were generated for it.
        #[serde(default)]
        pub completion_tokens: Option<u64>,
        /// US dollars, where a price is known.
        #[serde(default)]
        pub cost_usd: Option<f64>,
    }
}

table_row! {
    /// A row of `generations`: an answer or a sample, or why there is none.
    ///
    /// The key is (`question_id`, `model`, `prompt_hash`, `decoding_hash`, `sample_index`).
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct GenerationRow {
        /// Question.
        pub question_id: String,
        /// Model, as the plan names it.
        pub model: String,
        /// SHA-256 of the prompt.
        pub prompt_hash: String,
        /// SHA-256 of the decoding parameters.
        pub decoding_hash: String,
        /// 0 = the answer; 1, 2, .. = samples.
        pub sample_index: u32,
        /// The text without the stop token; null for the reason in `failure`.
        #[serde(default)]
        pub text: Option<String>,
        /// How it ended: `stop`, `length` or `content_filter`; null if nothing tells.
        #[serde(default)]
        pub finish_reason: Option<Finish>,
        /// Whether the prompt ended within reasoning, so that the text begins there; null where that is
        /// not known.
        #[serde(default)]
        pub starts_in_reasoning: Option<bool>,
        /// Tokens with the bytes of `text` that they are and their natural-log probabilities.
        #[serde(default)]
        pub tokens: Option<Vec<TokenRow>>,
        /// Why log-probs that were wanted are missing.
        #[serde(default)]
        pub logprobs_missing: Option<MissingSignal>,
        /// Replies to follow-ups; empty for samples.
        #[serde(default)]
        pub follow_ups: Vec<FollowUpRow>,
        /// Tokens of the prompt.
        #[serde(default)]
        pub prompt_tokens: Option<u64>,
        /// Tokens generated.
        #[serde(default)]
        pub completion_tokens: Option<u64>,
        /// Milliseconds from the request to the reply, follow-ups not counted.
        #[serde(default)]
        pub latency_ms: Option<f64>,
        /// US dollars of this text alone, where a price is known.
        #[serde(default)]
        pub cost_usd: Option<f64>,
        /// How often it was asked for, the last time included; 0 = never.
        #[serde(default)]
        pub attempts: u32,
        /// Why there is no text.
        #[serde(default)]
        pub failure: Option<MissingSignal>,
        /// Name of the model that the server says it used.
        #[serde(default)]
        pub served_model: Option<String>,
        /// What the server says of its own state.
        #[serde(default)]
        pub system_fingerprint: Option<String>,
    }
}

table_row! {
    /// A row of `hidden_states`.
    ///
    /// The key is (`question_id`, `model`, `prompt_hash`, `layer`, `position`).
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct HiddenStateRow {
        /// Question.
        pub question_id: String,
        /// Model, as the plan names it.
        pub model: String,
        /// SHA-256 of the prompt.
        pub prompt_hash: String,
        /// Layer as it was asked for: 0 = the embeddings, negative from the end.
        pub layer: i32,
        /// `last_prompt_token` or `last_answer_token`.
        pub position: Position,
        /// The state, as many numbers as the model is wide; null = missing.
        #[serde(default)]
        pub vector: Option<Vec<f32>>,
        /// Why it is missing.
        #[serde(default)]
        pub missing_reason: Option<MissingSignal>,
    }
}
