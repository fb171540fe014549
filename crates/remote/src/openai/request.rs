//! The body of a chat completion request, with fields in a fixed order.

use std::collections::BTreeMap;

use plimsoll_core::Decoding;
use plimsoll_core::prompt::Role;
use serde::Serialize;
use serde_json::Value;

use super::field::Adaptation;
use super::logprob_selection::LogprobSelection;
use super::spec::{OpenAiSpec, TokenLimit};
use plimsoll_core::canonical::{sha256_hex, to_text};

/// Version of the request's form; part of the cache key.
const VERSION: u32 = 2;

/// A turn.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Turn {
    role: &'static str,
    content: String,
}

impl Turn {
    pub(super) fn new(role: Role, text: &str) -> Self {
        let role = match role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        Self { role, content: text.to_owned() }
    }
}

/// A request for one text.
#[derive(Debug, Clone)]
pub(super) struct ChatRequest {
    pub(super) turns: Vec<Turn>,
    pub(super) decoding: Decoding,
    pub(super) logprob_selection: LogprobSelection,
    /// 31 bits, which every server takes.
    pub(super) seed: u32,
    pub(super) sample_index: u32,
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: &'a [Turn],
    temperature: f64,
    top_p: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    /// Given whenever log-probs are wanted: some servers list none without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u8>,
    /// What the pipeline sends beside.
    #[serde(flatten)]
    fields: BTreeMap<String, Value>,
}

#[derive(Serialize)]
struct CacheKey<'a> {
    version: u32,
    base_url: &'a str,
    sample_index: u32,
    body: &'a str,
}

impl ChatRequest {
    /// The body, as JSON text, without what the server refused.
    pub(super) fn body(&self, spec: &OpenAiSpec, adaptation: Adaptation) -> String {
        let max = Some(self.decoding.max_new_tokens());
        let (max_tokens, max_completion_tokens) = match adaptation.token_limit(spec) {
            TokenLimit::MaxTokens => (max, None),
            TokenLimit::MaxCompletionTokens => (None, max),
        };
        let (logprobs, top_logprobs) = match adaptation.logprob_selection(self.logprob_selection) {
            LogprobSelection::Nothing => (None, None),
            LogprobSelection::Chosen => (Some(true), Some(0)),
            LogprobSelection::Top(count) | LogprobSelection::ChosenAndTop(count) => (Some(true), Some(count)),
        };
        let body = Body {
            model: &spec.served_as,
            messages: &self.turns,
            temperature: self.decoding.temperature(),
            top_p: self.decoding.top_p(),
            max_tokens,
            max_completion_tokens,
            seed: adaptation.sends_seed(spec).then_some(self.seed),
            logprobs,
            top_logprobs,
            fields: spec.fields.in_body(),
        };
        to_text(&body)
    }

    /// The texts that the server reads.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.turns.iter().map(|turn| turn.content.as_str()).collect()
    }

    /// Lower-case hexadecimal SHA-256 of the whole request: address, body, and which sample it is, since
    /// samples at a server that takes no seed differ in nothing else.
    pub(super) fn hash(&self, spec: &OpenAiSpec, body: &str) -> String {
        let base_url = spec.base_url.as_str();
        let key = CacheKey { version: VERSION, base_url, sample_index: self.sample_index, body };
        sha256_hex(to_text(&key).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::spec::RawOpenAi;

    fn spec(extra: &str) -> OpenAiSpec {
        let raw = format!(r#"{{"base_url": "http://h/v1", "model": "m"{extra}}}"#);
        let raw: RawOpenAi = serde_json::from_str(&raw).unwrap();
        OpenAiSpec::resolve(plimsoll_core::ModelId::new("m").unwrap(), raw, &|_| None).unwrap()
    }

    fn request(sample_index: u32) -> ChatRequest {
        ChatRequest {
            turns: vec![Turn::new(Role::User, "Why?")],
            decoding: Decoding::new(1.0, 0.5, 7).unwrap(),
            logprob_selection: LogprobSelection::Chosen,
            seed: 3,
            sample_index,
        }
    }

    #[test]
    fn bodies_are_what_the_protocol_says() {
        let message = r#""messages":[{"role":"user","content":"Why?"}],"temperature":1.0,"top_p":0.5"#;
        assert_eq!(
            request(0).body(&spec(""), Adaptation::default()),
            format!(r#"{{"model":"m",{message},"max_tokens":7,"seed":3,"logprobs":true,"top_logprobs":0}}"#)
        );
        let other = spec(r#", "token_limit": "max_completion_tokens", "send_seed": false"#);
        let plain = ChatRequest { logprob_selection: LogprobSelection::Nothing, ..request(0) };
        assert_eq!(
            plain.body(&other, Adaptation::default()),
            format!(r#"{{"model":"m",{message},"max_completion_tokens":7}}"#)
        );
    }

    #[test]
    fn template_variables_are_sent_as_servers_take_them() {
        let spec = spec(r#", "template_variables": {"enable_thinking": false}"#);
        let body = request(0).body(&spec, Adaptation::default());
        assert!(body.ends_with(r#""chat_template_kwargs":{"enable_thinking":false}}"#), "{body}");
    }

    #[test]
    fn extra_fields_are_sent_by_their_names() {
        let spec = spec(r#", "extra_body": {"repeat_penalty": 1.0, "top_k": 0}"#);
        let body = request(0).body(&spec, Adaptation::default());
        assert!(body.ends_with(r#""top_logprobs":0,"repeat_penalty":1.0,"top_k":0}"#), "{body}");
    }

    #[test]
    fn samples_have_different_keys_also_without_a_seed() {
        let spec = spec(r#", "send_seed": false"#);
        let (first, second) = (request(1), request(2));
        let body = first.body(&spec, Adaptation::default());
        assert_eq!(body, second.body(&spec, Adaptation::default()));
        assert_ne!(first.hash(&spec, &body), second.hash(&spec, &body));
    }
}
