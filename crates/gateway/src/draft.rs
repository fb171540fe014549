//! The line of a request in the decision log, and its counts: written when the request ends, however it ends.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use plimsoll_router::{DecisionRecord, Route};
use serde::Serialize;
use serde_json::Value;

use crate::gateway::Gateway;
use crate::reason::NoConfidence;
use crate::route_notice::{RouteNotice, route_name};

/// A decision as the log holds it: the router's record, and what the host knows.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// Seconds since 1970.
    time: f64,
    id: &'a str,
    #[serde(flatten)]
    record: &'a DecisionRecord,
    #[serde(flatten)]
    host: &'a HostKeys,
    latency_ms: f64,
}

/// What the host adds; absent where there is nothing to say.
#[derive(Debug, Default, Serialize)]
pub(crate) struct HostKeys {
    /// Whose answer the client saw.
    pub(crate) answered_by: Option<Route>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing_reason: Option<NoConfidence>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) early_exit: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) shadow: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) client_gone: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) llm_failure: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) slm_ms: Option<f64>,
    #[serde(skip_serializing_if = "Usage::is_unknown")]
    pub(crate) slm: Usage,
    #[serde(skip_serializing_if = "Usage::is_unknown")]
    pub(crate) llm: Usage,
}

/// What a model's answer took.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub(crate) struct Usage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system_fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prompt_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost_usd: Option<f64>,
}

impl Usage {
    fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Of a completion, or of a chunk that counts tokens.
    pub(crate) fn read(document: &Value, price: Option<plimsoll_remote::openai::Price>) -> Self {
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let count = |name: &str| document.get("usage").and_then(|usage| usage.get(name)?.as_u64());
        let (prompt_tokens, completion_tokens) = (count("prompt_tokens"), count("completion_tokens"));
        let cost = price.and_then(|price| Some(price.cost_usd(prompt_tokens?, completion_tokens?)));
        Self {
            model: text("model"),
            system_fingerprint: text("system_fingerprint"),
            prompt_tokens,
            completion_tokens,
            cost_usd: cost,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A request under way. Dropped before it is finished, its client has gone.
#[derive(Debug)]
pub(crate) struct Draft {
    gateway: Arc<Gateway>,
    pub(crate) id: String,
    started: Instant,
    /// The decision; requests that no point was fitted for have none, and stand in no log.
    pub(crate) record: Option<DecisionRecord>,
    pub(crate) host: HostKeys,
    /// Route and reason, for the counts.
    counted: Option<(Route, String)>,
    is_finished: bool,
}

impl Draft {
    pub(crate) fn new(gateway: Arc<Gateway>, id: String) -> Self {
        gateway.metrics.in_flight.inc();
        Self {
            gateway,
            id,
            started: Instant::now(),
            record: None,
            host: HostKeys::default(),
            counted: None,
            is_finished: false,
        }
    }

    /// What the client reads is also what is counted.
    pub(crate) fn tell(&mut self, notice: &RouteNotice) {
        self.host.answered_by = Some(notice.route);
        self.counted = Some((notice.route, notice.reason.clone()));
    }

    /// The request has ended as it should.
    pub(crate) fn finish(&mut self) {
        self.is_finished = true;
    }

    /// Milliseconds since the request came.
    pub(crate) fn milliseconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1e3
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let metrics = &self.gateway.metrics;
        metrics.in_flight.dec();
        if !self.is_finished {
            metrics.clients_gone.inc();
            self.host.client_gone = true;
        }
        if let Some((route, reason)) = &self.counted {
            metrics.answered(route_name(*route), reason, self.started.elapsed().as_secs_f64());
        }
        for (name, usage) in [("slm", &self.host.slm), ("llm", &self.host.llm)] {
            if !usage.is_unknown() {
                metrics.used(name, usage.prompt_tokens, usage.completion_tokens, usage.cost_usd);
            }
        }
        if let (Some(record), Some(log)) = (&self.record, &self.gateway.log) {
            let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            let latency_ms = self.milliseconds();
            log.line(&Line { time, id: &self.id, record, host: &self.host, latency_ms });
        }
    }
}
