//! What is counted, in the text form of Prometheus. Labels come from closed sets, so that no client can add a series.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};

/// One label.
type Label = [(&'static str, String); 1];
/// Two labels.
type Labels = [(&'static str, String); 2];
type FloatGauge = Gauge<f64, AtomicU64>;
type RequestSeconds = Family<Label, Histogram, fn() -> Histogram>;

/// Upper limits of the buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

/// A metric that the registry shows.
fn add<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

/// The counts of a gateway.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    missing: Family<Label, Counter>,
    shadow: Family<Label, Counter>,
    failures: Family<Labels, Counter>,
    refused: Family<Label, Counter>,
    tokens: Family<Labels, Counter>,
    cost: Family<Label, Counter<f64, AtomicU64>>,
    alarms: Family<Label, Counter>,
    reloads: Family<Label, Counter>,
    seconds: RequestSeconds,
    /// Requests under way.
    pub in_flight: Gauge,
    /// Clients that went away before their reply was whole.
    pub clients_gone: Counter,
    /// Replies of the SLM under another fingerprint than the one before.
    pub fingerprints: Counter,
    /// 0 unmonitored, 1 collecting, 2 normal, 3 alarm.
    pub drift_state: Gauge,
    /// Natural logarithm of the evidence that kept answers are wrong more often than was certified.
    pub error_log_e: FloatGauge,
    /// Share that the tracker has deferred.
    pub tracked_ratio: FloatGauge,
    /// Lines that the decision log lost.
    pub log_lost: Gauge,
}

impl Metrics {
    /// Nothing was counted yet.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("plimsoll");
        let all = &mut registry;
        let seconds: RequestSeconds = Family::new_with_constructor(|| Histogram::new(BUCKETS));
        all.register_with_unit(
            "request",
            "From the request to the end of its reply",
            Unit::Seconds,
            seconds.clone(),
        );
        Self {
            seconds,
            requests: add(all, "requests", "Requests answered, by route and reason"),
            missing: add(all, "missing", "Requests without a confidence, by reason"),
            shadow: add(all, "shadow", "In shadow mode, routes that would have been taken"),
            failures: add(all, "upstream_failures", "Failed requests to a model"),
            refused: add(all, "refused", "Requests that were not taken"),
            tokens: add(all, "tokens", "Tokens, by model and kind"),
            cost: add(all, "cost_usd", "US dollars, where prices are known"),
            alarms: add(all, "alarms", "Alarms: drift of confidences, error of kept answers"),
            reloads: add(all, "reloads", "Changes of the thresholds file"),
            in_flight: add(all, "in_flight", "Requests under way"),
            clients_gone: add(all, "clients_gone", "Clients that left before their reply ended"),
            fingerprints: add(
                all,
                "fingerprint_changes",
                "Replies of the SLM's server under another fingerprint than the one before",
            ),
            drift_state: add(
                all,
                "drift_state",
                "Drift monitor: 0 unmonitored, 1 collecting, 2 normal, 3 alarm",
            ),
            error_log_e: add(all, "error_log_e", "Evidence against the certified error, natural logarithm"),
            tracked_ratio: add(all, "tracked_ratio", "Share that the tracker has deferred"),
            log_lost: add(all, "decision_log_lost_lines", "Lines that were not written"),
            registry,
        }
    }

    /// A request that was answered.
    pub fn answered(&self, route: &str, reason: &str, seconds: f64) {
        self.requests.get_or_create(&[("route", route.to_owned()), ("reason", reason.to_owned())]).inc();
        self.seconds.get_or_create(&[("route", route.to_owned())]).observe(seconds);
    }

    /// A request without a confidence.
    pub fn missing(&self, reason: &str) {
        self.missing.get_or_create(&[("reason", reason.to_owned())]).inc();
    }

    /// A route that would have been taken.
    pub fn shadow(&self, route: &str) {
        self.shadow.get_or_create(&[("route", route.to_owned())]).inc();
    }

    /// A failed request to `slm` or `llm`.
    pub fn failed(&self, model: &str, reason: &str) {
        self.failures.get_or_create(&[("model", model.to_owned()), ("reason", reason.to_owned())]).inc();
    }

    /// A request that was not taken.
    pub fn refused(&self, why: &str) {
        self.refused.get_or_create(&[("why", why.to_owned())]).inc();
    }

    /// Tokens that a model read and generated, and their cost.
    pub fn used(&self, model: &str, prompt: Option<u64>, generated: Option<u64>, cost_usd: Option<f64>) {
        for (kind, count) in [("prompt", prompt), ("completion", generated)] {
            let labels = [("model", model.to_owned()), ("kind", kind.to_owned())];
            self.tokens.get_or_create(&labels).inc_by(count.unwrap_or(0));
        }
        if let Some(cost) = cost_usd {
            self.cost.get_or_create(&[("model", model.to_owned())]).inc_by(cost);
        }
    }

    /// An alarm.
    pub fn alarm(&self, kind: &str) {
        self.alarms.get_or_create(&[("kind", kind.to_owned())]).inc();
    }

    /// A change of the thresholds file, taken or refused.
    pub fn reloaded(&self, result: &str) {
        self.reloads.get_or_create(&[("result", result.to_owned())]).inc();
    }

    /// All counts as text.
    ///
    /// # Errors
    /// Why they cannot be written.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_shown_by_name() {
        let metrics = Metrics::new();
        metrics.answered("slm", "at_or_above", 0.2);
        metrics.used("slm", Some(10), None, Some(0.5));
        let text = metrics.text().unwrap();
        for line in [
            "plimsoll_requests_total{route=\"slm\",reason=\"at_or_above\"} 1",
            "plimsoll_tokens_total{model=\"slm\",kind=\"prompt\"} 10",
            "plimsoll_cost_usd_total{model=\"slm\"} 0.5",
            "plimsoll_request_seconds_count{route=\"slm\"} 1",
            "plimsoll_in_flight 0",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
