//! `generations`: answers and samples of models, with what was observed beside them.

use crate::table::{Column, Kind, Table};

/// The names of the columns.
pub mod columns {
    /// Question.
    pub const QUESTION_ID: &str = "question_id";
    /// Model, as the plan names it.
    pub const MODEL: &str = "model";
    /// SHA-256 of the prompt.
    pub const PROMPT_HASH: &str = "prompt_hash";
    /// SHA-256 of the decoding parameters.
    pub const DECODING_HASH: &str = "decoding_hash";
    /// 0 = the answer; 1, 2, .. = samples.
    pub const SAMPLE_INDEX: &str = "sample_index";
    /// The text without the stop token; null for the reason in `failure`.
    pub const TEXT: &str = "text";
    /// How it ended: `stop`, `length` or `content_filter`.
    pub const FINISH_REASON: &str = "finish_reason";
    /// Whether the prompt ended within reasoning; null where that is not known.
    pub const STARTS_IN_REASONING: &str = "starts_in_reasoning";
    /// Tokens with the bytes of `text` that they are and their natural-log probabilities.
    pub const TOKENS: &str = "tokens";
    /// Why log-probs that were wanted are missing.
    pub const LOGPROBS_MISSING: &str = "logprobs_missing";
    /// Replies to follow-ups; empty for samples.
    pub const FOLLOW_UPS: &str = "follow_ups";
    /// Tokens of the prompt.
    pub const PROMPT_TOKENS: &str = "prompt_tokens";
    /// Tokens generated.
    pub const COMPLETION_TOKENS: &str = "completion_tokens";
    /// Milliseconds from the request to the reply, follow-ups not counted.
    pub const LATENCY_MS: &str = "latency_ms";
    /// US dollars of this text alone, where a price is known.
    pub const COST_USD: &str = "cost_usd";
    /// How often it was asked for, the last time included; 0 = never.
    pub const ATTEMPTS: &str = "attempts";
    /// Why there is no text.
    pub const FAILURE: &str = "failure";
    /// Name of the model that the server says it used.
    pub const SERVED_MODEL: &str = "served_model";
    /// What the server says of its own state.
    pub const SYSTEM_FINGERPRINT: &str = "system_fingerprint";
}

/// The table.
pub const TABLE: Table = Table {
    name: "generations",
    version: 2,
    columns: &[
        Column::new(columns::QUESTION_ID, Kind::Text, "Question."),
        Column::new(columns::MODEL, Kind::Text, "Model, as the plan names it."),
        Column::new(columns::PROMPT_HASH, Kind::Text, "SHA-256 of the prompt."),
        Column::new(columns::DECODING_HASH, Kind::Text, "SHA-256 of the decoding parameters."),
        Column::new(columns::SAMPLE_INDEX, Kind::Index, "0 = the answer; 1, 2, .. = samples."),
        Column::nullable(
            columns::TEXT,
            Kind::Text,
            "The text without the stop token; null for the reason in `failure`.",
        ),
        Column::nullable(
            columns::FINISH_REASON,
            Kind::Text,
            "How it ended: `stop`, `length` or `content_filter`; null if nothing tells.",
        ),
        Column::nullable(
            columns::STARTS_IN_REASONING,
            Kind::Flag,
            "Whether the prompt ended within reasoning, so that the text begins there; null where that is not known.",
        ),
        Column::nullable(
            columns::TOKENS,
            Kind::Tokens,
            "Tokens with the bytes of `text` that they are and their natural-log probabilities.",
        ),
        Column::nullable(
            columns::LOGPROBS_MISSING,
            Kind::Text,
            "Why log-probs that were wanted are missing.",
        ),
        Column::new(columns::FOLLOW_UPS, Kind::FollowUps, "Replies to follow-ups; empty for samples."),
        Column::nullable(columns::PROMPT_TOKENS, Kind::Count, "Tokens of the prompt."),
        Column::nullable(columns::COMPLETION_TOKENS, Kind::Count, "Tokens generated."),
        Column::nullable(
            columns::LATENCY_MS,
            Kind::Number,
            "Milliseconds from the request to the reply, follow-ups not counted.",
        ),
        Column::nullable(
            columns::COST_USD,
            Kind::Number,
            "US dollars of this text alone, where a price is known.",
        ),
        Column::new(
            columns::ATTEMPTS,
            Kind::Index,
            "How often it was asked for, the last time included; 0 = never.",
        ),
        Column::nullable(columns::FAILURE, Kind::Text, "Why there is no text."),
        Column::nullable(
            columns::SERVED_MODEL,
            Kind::Text,
            "Name of the model that the server says it used.",
        ),
        Column::nullable(columns::SYSTEM_FINGERPRINT, Kind::Text, "What the server says of its own state."),
    ],
};
