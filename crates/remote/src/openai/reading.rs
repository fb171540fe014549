//! Replies to requests that another client sent, read as the backend reads its own: a gateway then decides on the
//! number that the pipeline computes.

use std::time::Duration;

use plimsoll_core::MissingSignal;
use plimsoll_core::records::GenerationRow;
use serde_json::Value;

use super::client::parse_document;
use super::error::{ChatRequestError, Meaning};
use super::key::ApiKey;
use super::refusal::ErrorBody;
use super::reply::Completion;

/// A server whose replies are read.
#[derive(Debug, Clone)]
pub struct ReplyReader {
    /// Scheme, host and port, as errors name it.
    pub host: String,
    /// The key that was sent, which is redacted before anything else is read.
    pub key: Option<ApiKey>,
}

impl ReplyReader {
    /// The JSON document of a body, without the key; `None` if it is none.
    pub fn document(&self, bytes: &[u8]) -> Option<Value> {
        parse_document(bytes, self.key.as_ref())
    }

    /// The error that a document is, whatever its status: `{"error": ..}` and all other known forms. `None` for an
    /// answer.
    pub fn error(&self, document: &Value, status: u16, wait: Option<Duration>) -> Option<ChatRequestError> {
        ErrorBody::has_error(document)
            .then(|| ErrorBody::read(document).into_error(self.host.clone(), status, wait))
    }

    /// The error of a body whose status is none of success.
    pub fn refusal(&self, bytes: &[u8], status: u16, wait: Option<Duration>) -> ChatRequestError {
        let body = match self.document(bytes) {
            Some(document) => ErrorBody::read(&document),
            None => {
                let text = String::from_utf8_lossy(bytes);
                ErrorBody::plain(&self.key.as_ref().map_or_else(|| text.to_string(), |key| key.redact(&text)))
            }
        };
        body.into_error(self.host.clone(), status, wait)
    }

    /// What a completion says, with its tokens and their log-probabilities: a row without keys of a question. So many of
    /// the likeliest tokens are kept at each position; `max_tokens` is how many tokens the answer was allowed.
    ///
    /// # Errors
    /// [`ChatRequestError::Malformed`] for what is no chat completion.
    pub fn row(
        &self,
        document: &Value,
        max_tokens: u32,
        top_logprobs: u8,
    ) -> Result<GenerationRow, ChatRequestError> {
        let completion = Completion::read(document, self.key.as_ref(), max_tokens)
            .map_err(|problem| ChatRequestError::Malformed { host: self.host.clone(), problem })?;
        let mut row = GenerationRow { attempts: 1, ..GenerationRow::default() };
        completion.fill(&mut row, true, top_logprobs);
        Ok(row)
    }
}

impl ChatRequestError {
    /// Why a row is missing that this request should have filled. What would stop a run of the pipeline is here a failure of
    /// the server like any other.
    pub fn missing_reason(&self) -> MissingSignal {
        match self.meaning() {
            Meaning::Row(reason) => reason,
            Meaning::Run => MissingSignal::ServerFailed,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reader() -> ReplyReader {
        ReplyReader { host: "http://h".to_owned(), key: ApiKey::new("sk-secret-1").ok() }
    }

    #[test]
    fn a_row_has_what_the_backend_would_have() {
        let token = |text: &str, logprob: f64| json!({"token": text, "logprob": logprob, "top_logprobs": [{"token": text, "logprob": logprob}, {"token": "x", "logprob": -3.0}]});
        let reply = json!({"choices": [{"message": {"content": "It is"}, "finish_reason": "stop",
            "logprobs": {"content": [token("It", -0.5), token(" is", -0.25)]}}], "model": "m"});
        let row = reader().row(&reply, 8, 2).unwrap();
        let tokens = row.tokens.unwrap();
        assert_eq!(tokens.iter().map(|token| token.logprob).collect::<Vec<_>>(), [Some(-0.5), Some(-0.25)]);
        assert_eq!(tokens[0].top_logprobs, Some(vec![-0.5, -3.0]));
        assert_eq!(row.served_model.as_deref(), Some("m"));
        assert!(reader().row(&json!({"choices": []}), 8, 0).is_err());
    }

    #[test]
    fn an_error_is_one_whatever_its_status_and_shows_no_key() {
        let document =
            reader().document(br#"{"error": {"message": "no sk-secret-1", "code": 503}}"#).unwrap();
        let error = reader().error(&document, 200, None).unwrap();
        assert!(error.to_string().contains("no [key]"), "{error}");
        assert_eq!(error.missing_reason(), MissingSignal::ServerFailed);
        assert!(reader().error(&json!({"choices": []}), 200, None).is_none());
        let plain = reader().refusal(b"<html>sk-secret-1", 502, None);
        assert!(!plain.to_string().contains("secret"), "{plain}");
        assert_eq!(reader().refusal(b"", 401, None).missing_reason(), MissingSignal::ServerFailed);
    }
}
