//! A server behind the gateway: one request, and its reply whole or as events. A reply that is dropped closes its
//! connection, so a client that goes away cancels what it asked for.

mod events;
mod transport;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use plimsoll_http::retry::retry_after;
use plimsoll_http::{Retry, RetryLimits};
use plimsoll_remote::openai::{
    ChatRequestError, Price, ReplyReader, RequestFields, Served, ServedModelTracker, TokenLimit,
};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

pub use events::{Events, StreamEvent};
pub(crate) use transport::Transport;
use transport::collect;

use crate::config::{Limits, ServerConfig};
use crate::error::GatewayError;

/// Maximum bytes of an error's body that are read.
const MAX_REFUSAL: usize = 64 << 10;
/// Maximum bytes of a list of models.
const MAX_MODELS: usize = 4 << 20;

/// A server.
#[derive(Debug)]
pub struct Upstream {
    transport: Transport,
    completions: Uri,
    models: Uri,
    authorization: Option<HeaderValue>,
    reader: ReplyReader,
    model: String,
    token_limit: TokenLimit,
    fields: RequestFields,
    price: Option<Price>,
    served: ServedModelTracker,
    /// The latest.
    fingerprint: Mutex<Option<String>>,
    first_token: Duration,
    total: Duration,
    retries: RetryLimits,
    reply_bytes: usize,
}

/// A reply.
#[derive(Debug)]
pub enum Reply {
    /// Whole: a chat completion.
    Whole(Box<Value>),
    /// Streamed.
    Events(Box<Events>),
}

impl Upstream {
    /// A client of a server; nothing is sent yet.
    ///
    /// # Errors
    /// [`GatewayError`] for an address or key that fits into no request, or without certificates.
    pub fn new(config: &ServerConfig, limits: &Limits) -> Result<Self, GatewayError> {
        let spec = &config.spec;
        let base = spec.base_url().as_str().trim_end_matches('/');
        let uri = |path: &str| format!("{base}/{path}").parse::<Uri>();
        let address =
            |error| GatewayError::config("base_url", format!("is no address for requests: {error}"));
        let authorization = spec.key().map(|key| HeaderValue::from_str(&key.header())).transpose();
        let mut authorization = authorization
            .map_err(|_| GatewayError::config("api_key_env", "names a key that fits into no header"))?;
        if let Some(header) = &mut authorization {
            header.set_sensitive(true);
        }
        Ok(Self {
            transport: Transport::new(spec.base_url().scheme(), config.connect)?,
            completions: uri("chat/completions").map_err(address)?,
            models: uri("models").map_err(address)?,
            authorization,
            reader: ReplyReader {
                host: spec.base_url().origin().ascii_serialization(),
                key: spec.key().cloned(),
            },
            model: spec.served_as().to_owned(),
            token_limit: spec.token_limit(),
            fields: spec.fields().clone(),
            price: spec.price(),
            served: ServedModelTracker::new(spec.same_fingerprint()),
            fingerprint: Mutex::default(),
            first_token: config.first_token,
            total: config.total,
            retries: RetryLimits {
                retries: config.retries,
                backoff: Duration::from_millis(200),
                max_backoff: Duration::from_secs(2),
                max_wait: Duration::from_secs(2),
            },
            reply_bytes: limits.reply_bytes,
        })
    }

    /// The model's name there.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The name of the field that bounds an answer's length.
    pub fn token_limit(&self) -> TokenLimit {
        self.token_limit
    }

    /// What requests carry beside the fields of clients.
    pub fn fields(&self) -> &RequestFields {
        &self.fields
    }

    /// What tokens cost.
    pub fn price(&self) -> Option<Price> {
        self.price
    }

    /// Reads its replies.
    pub fn reader(&self) -> &ReplyReader {
        &self.reader
    }

    /// Whether a reply's model is the one of all replies before.
    pub fn is_same_model(&self, served: &Served) -> bool {
        match self.served.see(served) {
            Ok(()) => true,
            Err(change) => {
                tracing::warn!(before = %change.before, after = %served, "the SLM's server answers as another model");
                false
            }
        }
    }

    /// Whether a reply comes from another configuration of the server than the one before: hosted models alternate.
    pub fn is_other_fingerprint(&self, served: &Served) -> bool {
        let Some(now) = &served.system_fingerprint else { return false };
        let mut last = self.fingerprint.lock().unwrap_or_else(PoisonError::into_inner);
        last.replace(now.clone()).is_some_and(|before| before != *now)
    }

    /// Asks for a chat completion, streamed or whole as its body says. It is asked again, within the limits, while nothing of a reply has come.
    ///
    /// # Errors
    /// Why there is none: also an error that came with status 200.
    pub async fn complete(&self, body: Vec<u8>, is_streamed: bool) -> Result<Reply, ChatRequestError> {
        let (body, end) = (Bytes::from(body), Instant::now() + self.total);
        let mut failures = 0;
        loop {
            let error = match self.once(&body, is_streamed, end).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            failures += 1;
            // A reply that did not come in time would take as long again.
            let retry =
                if matches!(error, ChatRequestError::Timeout { .. }) { Retry::Never } else { error.retry() };
            match self.retries.wait(failures, retry) {
                Some(wait) if Instant::now() + wait < end => sleep(wait).await,
                _ => return Err(error),
            }
        }
    }

    async fn once(&self, body: &Bytes, is_streamed: bool, end: Instant) -> Result<Reply, ChatRequestError> {
        let first = end.min(Instant::now() + self.first_token);
        let request = self.request(Method::POST, &self.completions, body.clone())?;
        // A reply that is not streamed has no first token: its head comes with all of it.
        let (until, within) = if is_streamed { (first, self.first_token) } else { (end, self.total) };
        let response = timeout_at(until, self.transport.request(request));
        let response = response.await.map_err(|_| self.late(within))?.map_err(|error| self.unsent(error))?;
        let (head, body) = response.into_parts();
        if head.status != 200 {
            return Err(self.refusal(head.status.as_u16(), &head.headers, body, end).await);
        }
        if is_event_stream(&head.headers) {
            let within = (self.first_token, self.total);
            let limits = events::EventLimits { first, end, within, bytes: self.reply_bytes };
            return Ok(Reply::Events(Box::new(Events::new(body, self.reader.clone(), limits))));
        }
        let document = self.whole(&head.headers, body, end).await?;
        Ok(Reply::Whole(Box::new(document)))
    }

    async fn whole(
        &self,
        headers: &HeaderMap,
        body: Incoming,
        end: Instant,
    ) -> Result<Value, ChatRequestError> {
        let bytes =
            timeout_at(end, collect(body, self.reply_bytes)).await.map_err(|_| self.late(self.total))?;
        let bytes = bytes.map_err(|failure| failure.into_error(&self.reader.host))?;
        let problem = "it is no JSON";
        let malformed = || ChatRequestError::Malformed { host: self.reader.host.clone(), problem };
        let document = self.reader.document(&bytes).ok_or_else(malformed)?;
        match self.reader.error(&document, 200, retry_after(headers, SystemTime::now())) {
            Some(error) => Err(error),
            None => Ok(document),
        }
    }

    async fn refusal(
        &self,
        status: u16,
        headers: &HeaderMap,
        body: Incoming,
        end: Instant,
    ) -> ChatRequestError {
        let wait = retry_after(headers, SystemTime::now());
        // A body that cannot be read adds nothing to the status, which is reported.
        let bytes = timeout_at(end, collect(body, MAX_REFUSAL)).await;
        let bytes = bytes.ok().and_then(Result::ok).unwrap_or_default();
        self.reader.refusal(&bytes, status, wait)
    }

    fn request(
        &self,
        method: Method,
        uri: &Uri,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, ChatRequestError> {
        let mut request = Request::builder().method(method).uri(uri).header(CONTENT_TYPE, "application/json");
        request = request.header(USER_AGENT, concat!("plimsoll/", env!("CARGO_PKG_VERSION")));
        if let Some(key) = &self.authorization {
            request = request.header(AUTHORIZATION, key);
        }
        let problem = "the request cannot be made";
        request
            .body(Full::new(body))
            .map_err(|_| ChatRequestError::Malformed { host: self.reader.host.clone(), problem })
    }

    /// Whether the server is there and has the model.
    ///
    /// # Errors
    /// What is wrong, for the readiness page.
    pub async fn probe(&self) -> Result<(), String> {
        let end = Instant::now() + self.first_token;
        let request =
            self.request(Method::GET, &self.models, Bytes::new()).map_err(|error| error.to_string())?;
        let response = timeout_at(end, self.transport.request(request)).await;
        let response = response.map_err(|_| self.late(self.first_token).to_string())?;
        let (head, body) = response.map_err(|error| self.unsent(error).to_string())?.into_parts();
        match head.status.as_u16() {
            200 => {}
            // Not every server lists its models; replies will tell.
            404 | 405 | 501 => return Ok(()),
            status => return Err(self.refusal(status, &head.headers, body, end).await.to_string()),
        }
        let bytes = timeout_at(end, collect(body, MAX_MODELS))
            .await
            .map_err(|_| self.late(self.first_token).to_string())?;
        let bytes = bytes.map_err(|failure| failure.into_error(&self.reader.host).to_string())?;
        let names = self.reader.document(&bytes).map(|document| model_names(&document)).unwrap_or_default();
        if names.is_empty() || names.contains(&self.model) {
            return Ok(());
        }
        Err(format!("{} has no model `{}`; it lists {}", self.reader.host, self.model, names.join(", ")))
    }

    fn late(&self, within: Duration) -> ChatRequestError {
        ChatRequestError::Timeout { host: self.reader.host.clone(), within }
    }

    fn unsent(&self, error: hyper_util::client::legacy::Error) -> ChatRequestError {
        let host = self.reader.host.clone();
        if error.is_connect() {
            ChatRequestError::Unreachable { host, source: Box::new(error) }
        } else {
            ChatRequestError::Cut { host }
        }
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
}

fn model_names(document: &Value) -> Vec<String> {
    let models = document.get("data").and_then(Value::as_array);
    let name = |model: &Value| model.get("id").and_then(Value::as_str).map(str::to_owned);
    models.into_iter().flatten().filter_map(name).collect()
}
