//! Alarms: in the program's log, in the metrics, and at an address of the operator's.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Request};
use http_body_util::Full;
use plimsoll_http::Secret;
use serde_json::Value;
use url::Url;

use crate::error::GatewayError;
use crate::metrics::Metrics;
use crate::upstream::Transport;

/// Time for a post.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Raises alarms.
#[derive(Debug)]
pub struct Alarms {
    webhook: Option<Arc<Webhook>>,
}

#[derive(Debug)]
struct Webhook {
    transport: Transport,
    /// May hold a token in its path, and is never shown.
    address: Secret,
    host: String,
}

impl Alarms {
    /// With the address that alarms are posted to, if there is one.
    ///
    /// # Errors
    /// [`GatewayError::System`] without certificates.
    pub fn new(webhook: Option<Url>) -> Result<Self, GatewayError> {
        let webhook = webhook.map(|address| -> Result<Arc<Webhook>, GatewayError> {
            let transport = Transport::new(address.scheme(), Duration::from_secs(5))?;
            let host = address.origin().ascii_serialization();
            Ok(Arc::new(Webhook { transport, address: Secret::new(address), host }))
        });
        Ok(Self { webhook: webhook.transpose()? })
    }

    /// Raises an alarm of this kind; the post is made on the side and never held up by.
    pub fn raise(&self, kind: &'static str, detail: &Value, metrics: &Metrics) {
        metrics.alarm(kind);
        tracing::warn!(kind, %detail, "alarm");
        if let Some(webhook) = self.webhook.clone() {
            let body = serde_json::json!({"alarm": kind, "detail": detail}).to_string();
            tokio::spawn(async move {
                if let Err(problem) = webhook.post(body).await {
                    tracing::error!("the alarm could not be posted to {}: {problem}", webhook.host);
                }
            });
        }
    }
}

impl Webhook {
    async fn post(&self, body: String) -> Result<(), String> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.address.reveal())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| "it is no address for requests".to_owned())?;
        match tokio::time::timeout(TIMEOUT, self.transport.request(request)).await {
            Err(_) => Err(format!("no response within {} s", TIMEOUT.as_secs())),
            Ok(Err(error)) if error.is_connect() => Err("no connection".to_owned()),
            Ok(Err(_)) => Err("the connection was closed".to_owned()),
            Ok(Ok(response)) if response.status().is_success() => Ok(()),
            Ok(Ok(response)) => Err(format!("status {}", response.status().as_u16())),
        }
    }
}
