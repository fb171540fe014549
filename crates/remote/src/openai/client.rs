//! Sends one request and reads its reply.

use std::time::SystemTime;

use plimsoll_http::retry::retry_after;
use plimsoll_http::{HttpAgent, HttpFailure};
use serde_json::Value;
use ureq::Body;
use ureq::http::{HeaderValue, Response};
use url::Url;

use super::error::ChatRequestError;
use super::key::ApiKey;
use super::refusal::ErrorBody;
use super::reply::Completion;
use super::spec::OpenAiSpec;

/// Maximum size of an error body that is read, in bytes.
const MAX_REFUSAL: u64 = 64 << 10;

/// A client of one server.
#[derive(Debug)]
pub(super) struct Client {
    agent: HttpAgent,
    scheme: String,
    address: String,
    host: String,
    max_reply_bytes: u64,
    within: std::time::Duration,
    key: Option<ApiKey>,
}

impl Client {
    pub(super) fn new(spec: &OpenAiSpec) -> Self {
        let host = spec.base_url.origin().ascii_serialization();
        Self {
            agent: spec.network.agent(spec.concurrency.get()),
            scheme: spec.base_url.scheme().to_owned(),
            address: address(&spec.base_url),
            host,
            max_reply_bytes: spec.network.max_reply_bytes,
            within: spec.network.timeout,
            key: spec.key.clone(),
        }
    }

    /// Sends a body that allows `max_tokens` tokens, and reads the reply.
    pub(super) fn complete(&self, body: &str, max_tokens: u32) -> Result<Completion, ChatRequestError> {
        let agent = self.agent.for_scheme(&self.scheme).map_err(|failure| self.failed(failure))?;
        let mut request = agent.post(&self.address).content_type("application/json");
        if let Some(key) = &self.key {
            let refused = |_| self.malformed("the key fits into no header");
            let mut header = HeaderValue::from_str(&key.header()).map_err(refused)?;
            header.set_sensitive(true);
            request = request.header("authorization", header);
        }
        let response = request.send(body).map_err(|error| self.failed(error.into()))?;
        let status = response.status().as_u16();
        if status == 200 { self.reply(response, max_tokens) } else { Err(self.refusal(status, response)) }
    }

    fn reply(&self, mut response: Response<Body>, max_tokens: u32) -> Result<Completion, ChatRequestError> {
        let wait = retry_after(response.headers(), SystemTime::now());
        let bytes = response.body_mut().with_config().limit(self.max_reply_bytes).read_to_vec();
        let bytes = bytes.map_err(|error| self.failed(error.into()))?;
        let document = self.document(&bytes).ok_or_else(|| self.malformed("it is no JSON"))?;
        if ErrorBody::has_error(&document) {
            return Err(ErrorBody::read(&document).into_error(self.host.clone(), 200, wait));
        }
        Completion::read(&document, self.key.as_ref(), max_tokens).map_err(|problem| self.malformed(problem))
    }

    fn refusal(&self, status: u16, mut response: Response<Body>) -> ChatRequestError {
        let wait = retry_after(response.headers(), SystemTime::now());
        // A body that cannot be read adds nothing to the status, which is reported.
        let bytes = response.body_mut().with_config().limit(MAX_REFUSAL).read_to_vec().unwrap_or_default();
        let error_body = match self.document(&bytes) {
            Some(document) => ErrorBody::read(&document),
            None => ErrorBody::plain(&self.redacted(&String::from_utf8_lossy(&bytes))),
        };
        error_body.into_error(self.host.clone(), status, wait)
    }

    fn document(&self, bytes: &[u8]) -> Option<Value> {
        parse_document(bytes, self.key.as_ref())
    }

    fn redacted(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.redact(text))
    }

    fn malformed(&self, problem: &'static str) -> ChatRequestError {
        ChatRequestError::Malformed { host: self.host.clone(), problem }
    }

    /// Maps a transport failure.
    fn failed(&self, failure: HttpFailure) -> ChatRequestError {
        let host = self.host.clone();
        match failure {
            HttpFailure::Timeout => ChatRequestError::Timeout { host, within: self.within },
            HttpFailure::TooLarge { max } => ChatRequestError::TooLarge { host, max },
            HttpFailure::Tls(source) => ChatRequestError::Tls { host, source },
            HttpFailure::NoCertificates => ChatRequestError::NoCertificates { host },
            HttpFailure::Unreachable(source) => ChatRequestError::Unreachable { host, source },
            HttpFailure::Cut(_) => ChatRequestError::Cut { host },
            _ => ChatRequestError::Malformed { host, problem: "it is no HTTP" },
        }
    }
}

/// A JSON document with the key redacted.
pub(super) fn parse_document(bytes: &[u8], key: Option<&ApiKey>) -> Option<Value> {
    let mut document = serde_json::from_slice(bytes).ok()?;
    if let Some(key) = key {
        key.redact_document(&mut document);
    }
    Some(document)
}

fn address(base: &Url) -> String {
    format!("{}/chat/completions", base.as_str().trim_end_matches('/'))
}
