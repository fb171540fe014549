//! Responses: JSON with headers, and errors in the form of OpenAI's.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use plimsoll_remote::openai::ChatRequestError;
use serde_json::{Value, json};

use crate::route_notice::RouteNotice;

/// An error that a client sees.
#[derive(Debug)]
pub(crate) struct ClientError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) parameter: Option<&'static str>,
    pub(crate) retry_after: Option<Duration>,
}

impl ClientError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), parameter: None, retry_after: None }
    }

    /// Too much at once: comes again later.
    pub(crate) fn busy(status: StatusCode, message: impl Into<String>) -> Self {
        Self { retry_after: Some(Duration::from_secs(1)), ..Self::new(status, "busy", message) }
    }

    /// The LLM failed. What concerns the client's own request is passed on; the rest is the gateway's failure.
    pub(crate) fn from_llm(error: &ChatRequestError) -> Self {
        let message = format!("the LLM did not answer: {error}");
        match error {
            ChatRequestError::RateLimited { wait, .. } => {
                Self { retry_after: *wait, ..Self::new(StatusCode::TOO_MANY_REQUESTS, "llm_busy", message) }
            }
            ChatRequestError::Refused { status, .. } | ChatRequestError::FieldRefused { status, .. } => {
                let status = StatusCode::from_u16(*status).ok().filter(StatusCode::is_client_error);
                Self::new(status.unwrap_or(StatusCode::BAD_GATEWAY), "llm_refused", message)
            }
            ChatRequestError::Timeout { .. } => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "llm_timeout", message)
            }
            ChatRequestError::Cut { .. } => Self::new(StatusCode::BAD_GATEWAY, "llm_cut", message),
            _ => Self::new(StatusCode::BAD_GATEWAY, "llm_failed", message),
        }
    }

    /// The body.
    pub(crate) fn body(&self, notice: Option<&RouteNotice>) -> Value {
        let kind = if self.status.is_client_error() { "invalid_request_error" } else { "upstream_error" };
        let mut body = json!({
            "error": {"message": self.message, "type": kind, "param": self.parameter, "code": self.code}
        });
        if let Some(notice) = notice {
            body["plimsoll"] = notice.json();
        }
        body
    }

    /// The response.
    pub(crate) fn response(&self, notice: Option<&RouteNotice>) -> Response<Body> {
        let mut response = json_response(self.status, &self.body(notice), notice);
        if let Some(wait) = self.retry_after {
            // Rounded up: an earlier try would be refused again.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert("www-authenticate", HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A JSON response.
pub(crate) fn json_response(
    status: StatusCode,
    body: &Value,
    notice: Option<&RouteNotice>,
) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    tell(&mut response, notice);
    response
}

/// Writes the notice into the headers.
pub(crate) fn tell(response: &mut Response<Body>, notice: Option<&RouteNotice>) {
    for (name, value) in notice.map(RouteNotice::headers).unwrap_or_default() {
        // Ids and names of a thresholds file are printable; one that is not stands in the body alone.
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}
