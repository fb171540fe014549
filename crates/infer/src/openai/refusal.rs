//! What a server says when it does not answer: error bodies of every fashion, with any status.

use std::time::Duration;

use plimsoll_core::Missing;
use serde_json::Value;

use super::error::RequestError;

/// The most characters of a server's message that are shown.
const MOST_MESSAGE_CHARACTERS: usize = 300;

/// An error as a server words it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Says {
    /// Shortened, without control characters.
    pub(super) message: String,
    code: String,
    parameter: String,
    /// A status that stands in the body.
    status: Option<u16>,
}

impl Says {
    /// Reads an error body: `{"error": {..}}`, `{"error": ".."}`, `{"message": ..}`, `{"detail": ..}`.
    pub(super) fn read(body: &Value) -> Self {
        let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(body);
        let text = |field: &str| match error.get(field) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Array(_) | Value::Object(_))) => value.to_string(),
            _ => String::new(),
        };
        let message = match error {
            Value::String(text) => text.clone(),
            _ => ["message", "detail", "msg"]
                .into_iter()
                .map(text)
                .find(|text| !text.is_empty())
                .unwrap_or_default(),
        };
        let code = text("code");
        let status = [&code, &text("status")].into_iter().find_map(|text| text.parse().ok());
        let kind = if code.is_empty() || status.is_some() { text("type") } else { code };
        Self { message: short(&message), code: kind, parameter: text("param"), status }
    }

    /// Words that are no JSON.
    pub(super) fn plain(text: &str) -> Self {
        Self { message: short(text), ..Self::default() }
    }

    /// Whether a document with status 200 is an error all the same.
    pub(super) fn is_error(body: &Value) -> bool {
        body.get("error").is_some_and(|error| !error.is_null() && *error != Value::Bool(false))
            || (body.get("choices").is_none() && body.get("object").and_then(Value::as_str) == Some("error"))
    }

    /// The error that a status means.
    pub(super) fn into_error(self, host: String, status: u16, wait: Option<Duration>) -> RequestError {
        let status = match (status, self.status) {
            (200..=299, Some(inner @ 400..=599)) => inner,
            _ => status,
        };
        let is_about = |word: &str| self.parameter.contains(word) || self.message.contains(word);
        let message = if self.message.is_empty() { "no message".to_owned() } else { self.message.clone() };
        if is_about("logprobs") && status >= 400 {
            return RequestError::Refused { host, status, reason: Missing::NoLogprobs, message };
        }
        match status {
            402 => RequestError::QuotaSpent { host, message },
            429 if self.code == "insufficient_quota" => RequestError::QuotaSpent { host, message },
            429 => RequestError::RateLimited { host, wait, message },
            401 | 403 => RequestError::Denied { host, status, message },
            404 | 405 | 410 => RequestError::NotFound { host, status, message },
            300..=399 => RequestError::Redirected { host, status },
            200..=299 | 408 | 409 | 425 | 500..=599 => RequestError::Server { host, status, wait, message },
            _ => RequestError::Refused { host, status, reason: self.reason(), message },
        }
    }

    fn reason(&self) -> Missing {
        match self.code.as_str() {
            "context_length_exceeded" | "exceed_context_size_error" => Missing::ContextTooLong,
            "content_filter" | "content_policy_violation" => Missing::ContentFilter,
            _ => Missing::RequestRefused,
        }
    }
}

/// A message as it may be shown in one line. Control characters become spaces: without them a key could
/// come together that was not one when it was blotted out.
fn short(text: &str) -> String {
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let words = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(MOST_MESSAGE_CHARACTERS) {
        Some((end, _)) => format!("{} ..", &words[..end]),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(status: u16, body: &Value) -> RequestError {
        Says::read(body).into_error("h".into(), status, None)
    }

    #[test]
    fn error_bodies_of_every_fashion() {
        for (body, message) in [
            (json!({"error": {"message": "no\n way", "type": "t", "code": null}}), "no way"),
            (json!({"error": "no way"}), "no way"),
            (json!({"object": "error", "message": "no way", "code": 400}), "no way"),
            (json!({"detail": "no way"}), "no way"),
            (json!({"detail": [{"loc": ["body"]}]}), r#"[{"loc":["body"]}]"#),
            (json!({"error": {}}), ""),
            (json!(null), ""),
        ] {
            assert_eq!(Says::read(&body).message, message, "{body}");
        }
        assert!(short(&"x".repeat(10_000)).len() < 400);
        assert!(!Says::is_error(&json!({"choices": [], "error": null})));
        assert!(Says::is_error(&json!({"error": {"message": "x"}, "choices": []})));
        assert!(Says::is_error(&json!({"object": "error", "message": "x"})));
    }

    #[test]
    fn statuses_mean_what_they_mean() {
        use RequestError as E;
        let plain = json!({"error": {"message": "m"}});
        assert!(matches!(error(429, &plain), E::RateLimited { .. }));
        assert!(matches!(
            error(429, &json!({"error": {"code": "insufficient_quota"}})),
            E::QuotaSpent { .. }
        ));
        assert!(matches!(error(401, &plain), E::Denied { .. }));
        assert!(matches!(error(404, &plain), E::NotFound { .. }));
        assert!(matches!(error(503, &plain), E::Server { status: 503, .. }));
        assert!(matches!(error(307, &plain), E::Redirected { .. }));
        assert!(matches!(error(400, &plain), E::Refused { reason: Missing::RequestRefused, .. }));
        let long = json!({"error": {"code": "context_length_exceeded"}});
        assert!(matches!(error(400, &long), E::Refused { reason: Missing::ContextTooLong, .. }));
        // An error in a body with status 200, with and without a status of its own.
        assert!(matches!(error(200, &plain), E::Server { status: 200, .. }));
        assert!(matches!(error(200, &json!({"error": {"code": 401}})), E::Denied { .. }));
        assert!(matches!(error(200, &json!({"error": {"code": "429"}})), E::RateLimited { .. }));
        // Servers that have no log-probs say so with various statuses.
        let no_logprobs = json!({"error": {"message": "logprobs is not supported for this model"}});
        assert!(matches!(error(500, &no_logprobs), E::Refused { reason: Missing::NoLogprobs, .. }));
    }
}
