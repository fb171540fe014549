//! One request, one reply.

use std::time::SystemTime;

use plimsoll_http::retry::retry_after;
use plimsoll_http::{Failure, HttpAgent};
use serde_json::Value;
use ureq::Body;
use ureq::http::{HeaderValue, Response};
use url::Url;

use super::error::RequestError;
use super::key::ApiKey;
use super::refusal::Says;
use super::reply::Completion;
use super::spec::OpenAiSpec;

/// The largest error body that is read.
const MAX_REFUSAL: u64 = 64 << 10;

/// Speaks to one server.
#[derive(Debug)]
pub(super) struct Client {
    agent: HttpAgent,
    scheme: String,
    address: String,
    host: String,
    largest_reply: u64,
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
            largest_reply: spec.network.largest_reply,
            within: spec.network.timeout,
            key: spec.key.clone(),
        }
    }

    /// Sends a body that allows so many tokens, and reads what comes back.
    pub(super) fn complete(&self, body: &str, max_tokens: u32) -> Result<Completion, RequestError> {
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

    fn reply(&self, mut response: Response<Body>, max_tokens: u32) -> Result<Completion, RequestError> {
        let wait = retry_after(response.headers(), SystemTime::now());
        let bytes = response.body_mut().with_config().limit(self.largest_reply).read_to_vec();
        let bytes = bytes.map_err(|error| self.failed(error.into()))?;
        let document = self.document(&bytes).ok_or_else(|| self.malformed("it is no JSON"))?;
        if Says::is_error(&document) {
            return Err(Says::read(&document).into_error(self.host.clone(), 200, wait));
        }
        Completion::read(&document, self.key.as_ref(), max_tokens).map_err(|problem| self.malformed(problem))
    }

    fn refusal(&self, status: u16, mut response: Response<Body>) -> RequestError {
        let wait = retry_after(response.headers(), SystemTime::now());
        // Without its body a status says enough.
        let bytes = response.body_mut().with_config().limit(MAX_REFUSAL).read_to_vec().unwrap_or_default();
        let says = match self.document(&bytes) {
            Some(document) => Says::read(&document),
            None => Says::plain(&self.redacted(&String::from_utf8_lossy(&bytes))),
        };
        says.into_error(self.host.clone(), status, wait)
    }

    /// A JSON document without the key.
    fn document(&self, bytes: &[u8]) -> Option<Value> {
        let mut document = serde_json::from_slice(bytes).ok()?;
        if let Some(key) = &self.key {
            key.redact_document(&mut document);
        }
        Some(document)
    }

    fn redacted(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.redact(text))
    }

    fn malformed(&self, problem: &'static str) -> RequestError {
        RequestError::Malformed { host: self.host.clone(), problem }
    }

    /// What a failure on the way means.
    fn failed(&self, failure: Failure) -> RequestError {
        let host = self.host.clone();
        match failure {
            Failure::Timeout => RequestError::Timeout { host, within: self.within },
            Failure::TooLarge { max: most } => RequestError::TooLarge { host, most },
            Failure::Tls(source) => RequestError::Tls { host, source },
            Failure::NoCertificates => RequestError::NoCertificates { host },
            Failure::Unreachable(source) => RequestError::Unreachable { host, source },
            Failure::Cut(_) => RequestError::Cut { host },
            _ => RequestError::Malformed { host, problem: "it is no HTTP" },
        }
    }
}

fn address(base: &Url) -> String {
    format!("{}/chat/completions", base.as_str().trim_end_matches('/'))
}
