//! What one model will be asked, and what that takes.

use serde::Serialize;

/// What one model will be asked, and what that takes.
#[derive(Debug, Default, Serialize)]
pub struct ModelEstimate {
    /// Id of the model.
    pub model: String,
    /// What runs it.
    pub backend: &'static str,
    /// Prompts, those of probe training and of confidences among them.
    pub prompts: u64,
    /// Of these, prompts that the model cannot take: too long for its context, or refused by its template.
    pub unanswerable: u64,
    /// Texts that are generated: answers, samples, replies.
    pub texts: u64,
    /// Whether tokens were counted by the model's own tokenizer.
    pub is_counted: bool,
    /// Tokens to read, where what prompts and texts share is read once; for models that run elsewhere about
    /// 4 bytes a token.
    pub prompt_tokens: u64,
    /// Tokens to read if every text read its whole prompt.
    pub unshared_prompt_tokens: u64,
    /// Tokens that are generated at most.
    #[serde(rename = "most_new_tokens")]
    pub max_new_tokens: u64,
    /// US dollars, at most.
    #[serde(rename = "most_usd")]
    pub max_usd: Option<f64>,
    /// Bytes of weights and caches in memory.
    pub memory_bytes: Option<u64>,
}
