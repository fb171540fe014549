//! Chat completions, read leniently: servers leave out fields, give them as null and add others.

use plimsoll_core::records::{GenerationRow, TokenRow};
use plimsoll_core::{Finish, MissingSignal};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::key::ApiKey;
use super::served::Served;
use crate::alignment::{ListedToken, align};
use plimsoll_backend::LOGPROB_ROUNDING;
use plimsoll_backend::observation::keep_likeliest;

/// Maximum bytes of a model's name, a fingerprint or a finish reason; longer ones are damage.
const MAX_NAME_BYTES: usize = 1024;

/// A chat completion, as it is used and cached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Completion {
    /// The text; `None` for the reason in `no_text`.
    pub(super) text: Option<String>,
    /// Why there is no text.
    pub(super) no_text: Option<MissingSignal>,
    /// How it ended; `None` if nothing tells.
    pub(super) finish_reason: Option<Finish>,
    /// The tokens; `None` for the reason in `no_tokens`.
    pub(super) tokens: Option<Vec<TokenRow>>,
    /// Why there are no tokens.
    pub(super) no_tokens: Option<MissingSignal>,
    /// The likeliest tokens at the first position with their natural-log probabilities; empty if the
    /// server lists none.
    pub(super) first: Vec<(String, f64)>,
    pub(super) prompt_tokens: Option<u64>,
    pub(super) generated_tokens: Option<u64>,
    pub(super) model: Option<String>,
    pub(super) system_fingerprint: Option<String>,
}

impl Completion {
    /// Reads a reply whose key was redacted; `max_tokens` is how many tokens it was allowed.
    ///
    /// # Errors
    /// Why it is no chat completion.
    pub(super) fn read(reply: &Value, key: Option<&ApiKey>, max_tokens: u32) -> Result<Self, &'static str> {
        let choices = reply.get("choices").and_then(Value::as_array).ok_or("it has no `choices`")?;
        let choice = choices.first().ok_or("its `choices` are empty")?;
        if !choice.is_object() {
            return Err("its first choice is no object");
        }
        let usage = |field| reply.get("usage").and_then(|usage| usage.get(field)).and_then(Value::as_u64);
        let word = name(choice.get("finish_reason"))?;
        let finish = Finish::observed(word.as_deref(), usage("completion_tokens"), max_tokens);
        let (text, no_text) = match (text(choice)?, finish) {
            (Some(text), _) => (Some(text), None),
            // All tokens went into reasoning: the answer is the empty text, cut.
            (None, Some(Finish::Length)) => (Some(String::new()), None),
            (None, Some(Finish::ContentFilter)) => (None, Some(MissingSignal::ContentFilter)),
            (None, _) => (None, Some(MissingSignal::NoText)),
        };
        let listed = listed(choice.get("logprobs"));
        let tokens = tokens(text.as_deref().unwrap_or_default(), &listed, key);
        let mut likeliest: Vec<Vec<(String, f64)>> = listed.into_iter().map(Listed::likeliest).collect();
        let tokens = tokens.map(|tokens| with_likeliest(tokens, &likeliest));
        Ok(Self {
            text,
            no_text,
            finish_reason: finish,
            no_tokens: tokens.as_ref().err().copied(),
            tokens: tokens.ok(),
            first: if likeliest.is_empty() { Vec::new() } else { likeliest.swap_remove(0) },
            prompt_tokens: usage("prompt_tokens"),
            generated_tokens: usage("completion_tokens"),
            model: name(reply.get("model"))?,
            system_fingerprint: name(reply.get("system_fingerprint"))?,
        })
    }

    /// Writes what the reply says into a row; of the likeliest tokens so many are kept.
    pub(super) fn fill(self, row: &mut GenerationRow, wants_logprobs: bool, top_logprobs: u8) {
        row.logprobs_missing = match (&self.text, wants_logprobs) {
            (_, false) => None,
            (None, true) => Some(MissingSignal::NoAnswer),
            (Some(_), true) => self.no_tokens,
        };
        row.text = self.text;
        row.failure = self.no_text;
        row.tokens = self.tokens.filter(|_| wants_logprobs && row.text.is_some());
        keep_likeliest(row, usize::from(top_logprobs));
        row.finish_reason = self.finish_reason;
        row.prompt_tokens = self.prompt_tokens;
        row.completion_tokens = self.generated_tokens;
        row.served_model = self.model;
        row.system_fingerprint = self.system_fingerprint;
    }

    pub(super) fn served(&self) -> Served {
        Served { model: self.model.clone(), system_fingerprint: self.system_fingerprint.clone() }
    }
}

/// Puts the log-probs of the likeliest tokens beside each token.
fn with_likeliest(tokens: Vec<TokenRow>, likeliest: &[Vec<(String, f64)>]) -> Vec<TokenRow> {
    let mut tokens = tokens;
    for (token, listed) in tokens.iter_mut().zip(likeliest) {
        #[expect(clippy::cast_possible_truncation, reason = "tables hold f32")]
        let mut top: Vec<f32> = listed.iter().map(|(_, logprob)| logprob.min(0.0) as f32).collect();
        top.sort_by(|a, b| b.total_cmp(a));
        token.top_logprobs = Some(top).filter(|top| !top.is_empty());
    }
    tokens
}

/// A short text, or nothing.
fn name(value: Option<&Value>) -> Result<Option<String>, &'static str> {
    match value.and_then(Value::as_str) {
        Some(text) if text.len() > MAX_NAME_BYTES => Err("a name in it is longer than 1024 bytes"),
        Some("") | None => Ok(None),
        Some(text) => Ok(Some(text.to_owned())),
    }
}

/// The text of a choice: a string, a list of parts, or the words in which the model declines. Servers that cut a
/// model within its reasoning leave out the text, the message, or both; the older form has the text beside it.
fn text(choice: &Value) -> Result<Option<String>, &'static str> {
    let message = match choice.get("message") {
        None | Some(Value::Null) => {
            return Ok(choice.get("text").and_then(Value::as_str).map(str::to_owned));
        }
        Some(message) if message.is_object() => message,
        Some(_) => return Err("its `message` is no object"),
    };
    match message.get("content") {
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Array(parts)) => parts.iter().filter_map(part).collect::<Result<String, _>>().map(Some),
        Some(Value::Null) | None => Ok(message.get("refusal").and_then(Value::as_str).map(str::to_owned)),
        Some(_) => Err("its `content` is no text"),
    }
}

/// The text of a part of a message; `None` for what the model reasoned.
fn part(part: &Value) -> Option<Result<String, &'static str>> {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    if matches!(kind, "thinking" | "reasoning" | "redacted_thinking") {
        return None;
    }
    Some(part.get("text").and_then(Value::as_str).map(str::to_owned).ok_or("a part of it is no text"))
}

/// A token as listed, and the likeliest ones at its position.
struct Listed {
    piece: ListedToken,
    text: String,
    top: Vec<(String, f64)>,
}

impl Listed {
    /// The likeliest tokens, the generated one among them.
    fn likeliest(mut self) -> Vec<(String, f64)> {
        if let Some(logprob) = self.piece.logprob.filter(|_| !self.top.is_empty())
            && !self.top.iter().any(|(text, _)| *text == self.text)
        {
            self.top.push((self.text, logprob));
        }
        self.top.retain(|(_, logprob)| logprob.is_finite() && *logprob <= LOGPROB_ROUNDING);
        self.top
    }
}

/// Tokens in today's form, or in the one of older servers, with one list for each field.
fn listed(logprobs: Option<&Value>) -> Vec<Listed> {
    let Some(logprobs) = logprobs else { return Vec::new() };
    if let Some(content) = logprobs.get("content").and_then(Value::as_array) {
        return content.iter().map(listed_token).collect();
    }
    let list = |field: &str| logprobs.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let (logs, tops) = (list("token_logprobs"), list("top_logprobs"));
    let token = |(index, token): (usize, &Value)| {
        let text = token.as_str().unwrap_or_default().to_owned();
        let logprob = logs.get(index).and_then(Value::as_f64);
        let top = tops.get(index).and_then(Value::as_object);
        let top = top.into_iter().flatten().filter_map(|(text, log)| Some((text.clone(), log.as_f64()?)));
        let top = top.collect();
        Listed { piece: ListedToken { id: None, bytes: text.clone().into_bytes(), logprob }, text, top }
    };
    list("tokens").iter().enumerate().map(token).collect()
}

fn listed_token(token: &Value) -> Listed {
    let logprob = |token: &Value| token.get("logprob").and_then(Value::as_f64);
    let top = token.get("top_logprobs").and_then(Value::as_array);
    let top =
        top.into_iter().flatten().filter_map(|other| Some((token_text(other), logprob(other)?))).collect();
    let id = token.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    let token_string = token.get("token").and_then(Value::as_str).unwrap_or_default();
    let bytes = bytes(token.get("bytes")).unwrap_or_else(|| token_string.as_bytes().to_vec());
    Listed { piece: ListedToken { id, bytes, logprob: logprob(token) }, text: token_text(token), top }
}

/// The text of a token: its bytes where they are UTF-8, else the string beside them, which may be a name
/// (`token_id:123`) or the vocabulary's spelling.
fn token_text(token: &Value) -> String {
    let bytes = bytes(token.get("bytes")).filter(|bytes| !bytes.is_empty());
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_else(|| token.get("token").and_then(Value::as_str).unwrap_or_default().to_owned())
}

fn bytes(value: Option<&Value>) -> Option<Vec<u8>> {
    value?.as_array()?.iter().map(|byte| u8::try_from(byte.as_u64()?).ok()).collect()
}

/// The tokens with their spans, or why there are none. Tokens that together contain the key are dropped.
fn tokens(text: &str, listed: &[Listed], key: Option<&ApiKey>) -> Result<Vec<TokenRow>, MissingSignal> {
    let pieces: Vec<ListedToken> = listed.iter().map(|token| token.piece.clone()).collect();
    if pieces.iter().all(|piece| piece.logprob.is_none()) {
        return Err(MissingSignal::NoLogprobs);
    }
    let joined: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.iter().copied()).collect();
    if key.is_some_and(|key| key.is_in(&String::from_utf8_lossy(&joined))) {
        return Err(MissingSignal::TokensDoNotJoin);
    }
    let tokens = align(text, &pieces)?;
    // A null costs nothing where it belongs to no part of the text, as on a stop token.
    let lacks = |token: &TokenRow| token.is_answer() && token.logprob.is_none();
    if tokens.iter().any(lacks) { Err(MissingSignal::NoLogprobs) } else { Ok(tokens) }
}

#[cfg(test)]
mod tests;
