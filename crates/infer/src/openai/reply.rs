//! What comes back, read with patience: servers leave out fields, give them as null and add others.

use plimsoll_core::Missing;
use plimsoll_core::records::TokenRow;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::key::ApiKey;
use super::served::Served;
use crate::alignment::{LOGPROB_ROUNDING, Piece, align};

/// The longest name of a model, fingerprint or reason to stop; longer ones are damage.
const MOST_NAME_BYTES: usize = 1024;

/// A chat completion, as it is used and kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Completion {
    /// The text; `None` for the reason in `no_text`.
    pub(super) text: Option<String>,
    /// Why there is no text: a name of [`Missing`].
    pub(super) no_text: Option<String>,
    pub(super) finish_reason: Option<String>,
    /// The tokens; `None` for the reason in `no_tokens`.
    pub(super) tokens: Option<Vec<TokenRow>>,
    /// Why there are no tokens: a name of [`Missing`].
    pub(super) no_tokens: Option<String>,
    /// The likeliest tokens at the first position with their natural-log probabilities; empty if the
    /// server lists none.
    pub(super) first: Vec<(String, f64)>,
    pub(super) prompt_tokens: Option<u64>,
    pub(super) generated_tokens: Option<u64>,
    pub(super) model: Option<String>,
    pub(super) system_fingerprint: Option<String>,
}

impl Completion {
    /// Reads a reply out of which the key was blotted.
    ///
    /// # Errors
    /// Why it is no chat completion.
    pub(super) fn read(reply: &Value, key: Option<&ApiKey>) -> Result<Self, &'static str> {
        let choices = reply.get("choices").and_then(Value::as_array).ok_or("it has no `choices`")?;
        let choice = choices.first().ok_or("its `choices` are empty")?;
        let message = choice.get("message").ok_or("its first choice has no `message`")?;
        let finish_reason = name(choice.get("finish_reason"))?;
        let (text, no_text) = match text(message)? {
            Some(text) => (Some(text), None),
            None if finish_reason.as_deref() == Some("content_filter") => {
                (None, Some(Missing::ContentFilter))
            }
            None => (None, Some(Missing::NoText)),
        };
        let listed = listed(choice.get("logprobs"));
        let tokens = tokens(text.as_deref().unwrap_or_default(), &listed, key);
        let usage = |field| reply.get("usage").and_then(|usage| usage.get(field)).and_then(Value::as_u64);
        Ok(Self {
            text,
            no_text: no_text.map(|reason| reason.name().to_owned()),
            finish_reason,
            no_tokens: tokens.as_ref().err().map(|reason| reason.name().to_owned()),
            tokens: tokens.ok(),
            first: listed.into_iter().next().map_or_else(Vec::new, Listed::likeliest),
            prompt_tokens: usage("prompt_tokens"),
            generated_tokens: usage("completion_tokens"),
            model: name(reply.get("model"))?,
            system_fingerprint: name(reply.get("system_fingerprint"))?,
        })
    }

    pub(super) fn served(&self) -> Served {
        Served { model: self.model.clone(), system_fingerprint: self.system_fingerprint.clone() }
    }
}

/// A short text, or nothing.
fn name(value: Option<&Value>) -> Result<Option<String>, &'static str> {
    match value.and_then(Value::as_str) {
        Some(text) if text.len() > MOST_NAME_BYTES => Err("a name in it is longer than 1024 bytes"),
        Some("") | None => Ok(None),
        Some(text) => Ok(Some(text.to_owned())),
    }
}

/// The text of a message: a string, a list of parts, or the words in which the model declines.
fn text(message: &Value) -> Result<Option<String>, &'static str> {
    match message.get("content") {
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Array(parts)) => {
            let part = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
            parts.iter().map(part).collect::<Option<String>>().map(Some).ok_or("a part of it is no text")
        }
        Some(Value::Null) | None => Ok(message.get("refusal").and_then(Value::as_str).map(str::to_owned)),
        Some(_) => Err("its `content` is no text"),
    }
}

/// A token as listed, and the likeliest ones at its position.
struct Listed {
    piece: Piece,
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
    let token = |(place, token): (usize, &Value)| {
        let text = token.as_str().unwrap_or_default().to_owned();
        let logprob = logs.get(place).and_then(Value::as_f64);
        let top = tops.get(place).and_then(Value::as_object);
        let top = top.into_iter().flatten().filter_map(|(text, log)| Some((text.clone(), log.as_f64()?)));
        let top = top.collect();
        Listed { piece: Piece { id: None, bytes: text.clone().into_bytes(), logprob }, text, top }
    };
    list("tokens").iter().enumerate().map(token).collect()
}

fn listed_token(token: &Value) -> Listed {
    let text = |token: &Value| token.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
    let logprob = |token: &Value| token.get("logprob").and_then(Value::as_f64);
    let top = token.get("top_logprobs").and_then(Value::as_array);
    let top = top.into_iter().flatten().filter_map(|other| Some((text(other), logprob(other)?))).collect();
    let id = token.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    let own = text(token);
    let bytes = bytes(token.get("bytes")).unwrap_or_else(|| own.clone().into_bytes());
    Listed { piece: Piece { id, bytes, logprob: logprob(token) }, text: own, top }
}

fn bytes(value: Option<&Value>) -> Option<Vec<u8>> {
    value?.as_array()?.iter().map(|byte| u8::try_from(byte.as_u64()?).ok()).collect()
}

/// The tokens with their spans, or why there are none. A key that is spread over tokens is not kept.
fn tokens(text: &str, listed: &[Listed], key: Option<&ApiKey>) -> Result<Vec<TokenRow>, Missing> {
    let pieces: Vec<Piece> = listed.iter().map(|token| token.piece.clone()).collect();
    if pieces.is_empty() || pieces.iter().any(|piece| piece.logprob.is_none()) {
        return Err(Missing::NoLogprobs);
    }
    let joined: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.iter().copied()).collect();
    if key.is_some_and(|key| key.is_in(&String::from_utf8_lossy(&joined))) {
        return Err(Missing::TokensDoNotJoin);
    }
    align(text, &pieces)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(reply: &Value) -> Result<Completion, &'static str> {
        Completion::read(reply, None)
    }

    #[test]
    fn a_full_reply() {
        let reply = json!({
            "id": "x", "object": "chat.completion", "created": 1, "model": "m-2024", "system_fingerprint": "fp",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "4 \u{e9}"},
                "logprobs": {"content": [
                    {"token": "4", "logprob": -0.5, "bytes": [52], "top_logprobs": [{"token": "4", "logprob": -0.5}, {"token": "5", "logprob": -1.5}]},
                    {"token": " \\xc3", "logprob": -0.1, "bytes": [32, 195], "top_logprobs": []},
                    {"token": "\\xa9", "logprob": 0, "bytes": [169]}]}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 3, "details": {}},
            "novelty": true
        });
        let read = read(&reply).unwrap();
        let spans: Vec<_> = read.tokens.unwrap().iter().map(|token| (token.start, token.end)).collect();
        assert_eq!(spans, [(0, 1), (1, 3), (3, 4)]);
        assert_eq!(read.first, [("4".to_owned(), -0.5), ("5".to_owned(), -1.5)]);
        assert_eq!((read.prompt_tokens, read.generated_tokens), (Some(9), Some(3)));
        assert_eq!(read.model.as_deref(), Some("m-2024"));
    }

    #[test]
    fn what_servers_leave_out_is_missing_and_not_invented() {
        let bare = read(&json!({"choices": [{"message": {"content": "a"}}]})).unwrap();
        assert_eq!((bare.text.as_deref(), bare.tokens, bare.model), (Some("a"), None, None));
        assert_eq!(bare.no_tokens.as_deref(), Some("no_logprobs"));
        for (choice, no_text) in [
            (json!({"message": {"content": null}, "finish_reason": null}), Some("no_text")),
            (json!({"message": {}, "finish_reason": "content_filter"}), Some("content_filter")),
            (json!({"message": {"content": null, "refusal": "I cannot"}}), None),
            (json!({"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}), None),
            (json!({"message": {"content": ""}, "logprobs": null}), None),
            (json!({"message": {"content": ""}, "logprobs": {"content": null}}), None),
        ] {
            let read = read(&json!({"choices": [choice], "usage": null, "model": null})).unwrap();
            assert_eq!(read.no_text.as_deref(), no_text, "{choice}");
            assert_eq!(read.text.is_none(), no_text.is_some());
        }
    }

    #[test]
    fn what_is_no_completion_is_refused() {
        for reply in [
            json!(null),
            json!([]),
            json!({}),
            json!({"choices": []}),
            json!({"choices": {}}),
            json!({"choices": [{"text": "legacy"}]}),
            json!({"choices": [{"message": {"content": 7}}]}),
            json!({"choices": [{"message": {"content": [{"image": 1}]}}]}),
            json!({"model": "x".repeat(2000), "choices": [{"message": {"content": "a"}}]}),
        ] {
            assert!(read(&reply).is_err(), "{reply}");
        }
    }

    #[test]
    fn log_probs_that_are_none_and_the_older_form() {
        let with = |logprobs: Value| {
            read(&json!({"choices": [{"message": {"content": "ab"}, "logprobs": logprobs}]})).unwrap()
        };
        let token = |text: &str, logprob: Value| json!({"token": text, "logprob": logprob});
        for (content, reason) in [
            (json!([token("ab", json!(0.5))]), "invalid_logprobs"),
            (json!([token("ab", json!(null))]), "no_logprobs"),
            (json!([token("b", json!(-1))]), "tokens_do_not_join"),
            (json!([]), "no_logprobs"),
            (json!([7]), "no_logprobs"),
        ] {
            assert_eq!(with(json!({"content": content})).no_tokens.as_deref(), Some(reason));
        }
        let older = with(
            json!({"tokens": ["a", "b"], "token_logprobs": [-1, -2], "top_logprobs": [{"a": -1, "c": -3}, {}]}),
        );
        assert_eq!(older.tokens.unwrap().len(), 2);
        assert_eq!(older.first, [("a".to_owned(), -1.0), ("c".to_owned(), -3.0)]);
    }

    #[test]
    fn a_key_spread_over_tokens_is_not_kept() {
        let key = ApiKey::new("sk-secret-1").unwrap();
        let tokens: Vec<Value> = ["ok", "sk-", "secret", "-1"]
            .iter()
            .map(|text| json!({"token": text, "logprob": -1, "bytes": text.as_bytes()}))
            .collect();
        let reply = json!({"choices": [{"message": {"content": "ok"}, "logprobs": {"content": tokens}}]});
        let read = Completion::read(&reply, Some(&key)).unwrap();
        assert_eq!(read.no_tokens.as_deref(), Some("tokens_do_not_join"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let names = prop::sample::select(vec![
            "choices",
            "message",
            "content",
            "logprobs",
            "token",
            "logprob",
            "bytes",
            "top_logprobs",
            "model",
            "usage",
            "x",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,4}".prop_map(Value::from)
        ];
        leaf.prop_recursive(6, 48, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(names.clone(), inner, 0..5).prop_map(|fields| {
                    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_document_is_read_or_refused(reply in any_json(), choice in any_json()) {
            let _ = read(&reply);
            if let Ok(completion) = read(&json!({"choices": [choice]})) {
                prop_assert_eq!(completion.text.is_none(), completion.no_text.is_some());
                prop_assert_eq!(completion.tokens.is_none(), completion.no_tokens.is_some());
            }
        }
    }
}
