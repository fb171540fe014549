//! What a client reads of a decision: headers, a `plimsoll` key in the body and in every chunk, and the model that
//! answered. Log-probabilities that the client did not ask for are taken out.

use plimsoll_router::{DecisionRecord, Route};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::reason::NoConfidence;

/// What the headers and the `plimsoll` key of a reply say.
#[derive(Debug, Clone, Serialize)]
pub struct RouteNotice {
    /// The decision's id, for `/v1/feedback`.
    pub id: String,
    /// The model that answered.
    pub route: Route,
    /// Why: a reason of the router, or `unsupported_request`, `shadow`, `llm_failed`.
    pub reason: String,
    /// Why there is no confidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_reason: Option<&'static str>,
    /// For `unsupported_request`: the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// The confidence.
    pub confidence: Option<f64>,
    /// An estimate of P(correct).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// The operating point.
    pub threshold_id: String,
    /// The thresholds file.
    pub thresholds_sha256: String,
    /// With exploration: the probability with which the route was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propensity: Option<f64>,
    /// In shadow mode: what would have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Route>,
}

impl RouteNotice {
    /// About a decision of the operating point.
    pub fn decided(id: &str, record: &DecisionRecord, missing: Option<NoConfidence>) -> Self {
        Self {
            id: id.to_owned(),
            route: record.route,
            reason: reason_name(record),
            missing_reason: missing.map(NoConfidence::name),
            field: None,
            confidence: record.confidence,
            probability: record.probability,
            threshold_id: record.threshold_id.clone(),
            thresholds_sha256: record.thresholds_sha256.clone(),
            propensity: record.propensity,
            shadow: None,
        }
    }

    /// About a request that no point was fitted for.
    pub fn unsupported(id: &str, record: &DecisionRecord, field: &'static str) -> Self {
        let reason = NoConfidence::UnsupportedRequest(field).name().to_owned();
        Self { reason, field: Some(field), ..Self::decided(id, record, None) }
    }

    /// The headers.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("x-plimsoll-id", self.id.clone()),
            ("x-plimsoll-route", route_name(self.route).to_owned()),
            ("x-plimsoll-reason", self.reason.clone()),
            ("x-plimsoll-threshold-id", self.threshold_id.clone()),
        ];
        headers.extend(self.confidence.map(|confidence| ("x-plimsoll-confidence", confidence.to_string())));
        headers.extend(self.missing_reason.map(|reason| ("x-plimsoll-missing-reason", reason.to_owned())));
        headers
    }

    /// Writes the `plimsoll` key into a completion or a chunk, and the model's name where the server left it out.
    pub fn mark(&self, document: &mut Value, model: &str) {
        let Value::Object(fields) = document else { return };
        let is_named = fields.get("model").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
        if !is_named {
            fields.insert("model".to_owned(), json!(model));
        }
        fields.insert("plimsoll".to_owned(), self.json());
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        // Texts and finite numbers; were it none, a client would see an empty object.
        serde_json::to_value(self).unwrap_or_else(|_| Value::Object(Map::new()))
    }
}

/// The name of a route.
pub const fn route_name(route: Route) -> &'static str {
    match route {
        Route::Slm => "slm",
        Route::Llm => "llm",
    }
}

/// The name of a record's reason.
pub fn reason_name(record: &DecisionRecord) -> String {
    match serde_json::to_value(record.reason) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

/// Leaves of the log-probabilities what the client asked for: none, or so many of the likeliest tokens.
pub fn keep_asked_logprobs(document: &mut Value, asked: Option<u8>) {
    let choices = document.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        let Some(choice) = choice.as_object_mut() else { continue };
        let Some(count) = asked else {
            choice.remove("logprobs");
            continue;
        };
        let tokens =
            choice.get_mut("logprobs").and_then(|logprobs| logprobs.get_mut("content")?.as_array_mut());
        for token in tokens.into_iter().flatten() {
            if let Some(top) = token.get_mut("top_logprobs").and_then(Value::as_array_mut) {
                top.truncate(usize::from(count));
            }
        }
    }
}

/// The chunks of a whole reply, as a client that streams gets it.
pub fn chunks(document: &Value) -> Vec<Value> {
    let choice = &document["choices"][0];
    let head = |choice: Value| {
        let mut chunk = document.clone();
        if let Value::Object(fields) = &mut chunk {
            fields.remove("usage");
            fields.insert("object".to_owned(), json!("chat.completion.chunk"));
            fields.insert("choices".to_owned(), json!([choice]));
        }
        chunk
    };
    let text = choice["message"].get("content").filter(|content| content.is_string());
    let text = text.or_else(|| choice["message"].get("refusal")).cloned().unwrap_or_else(|| json!(""));
    let mut first =
        json!({"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": null});
    if let Some(logprobs) = choice.get("logprobs") {
        first["logprobs"] = logprobs.clone();
    }
    let last = json!({"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]});
    vec![head(first), head(last)]
}

/// The chunk that ends a stream with the count of tokens; `None` where the server did not count.
pub fn usage_chunk(document: &Value) -> Option<Value> {
    let usage = document.get("usage").filter(|usage| usage.is_object())?;
    let mut chunk = document.clone();
    chunk["object"] = json!("chat.completion.chunk");
    chunk["choices"] = json!([]);
    chunk["usage"] = usage.clone();
    Some(chunk)
}

#[cfg(test)]
mod tests {
    use plimsoll_router::conformance::example_thresholds;
    use plimsoll_router::{Confidence, Router};

    use super::*;

    fn record() -> DecisionRecord {
        let target = "routing_ratio=0.3".parse().unwrap();
        let router = Router::without_device_check(&example_thresholds(), "perplexity", &target).unwrap();
        router.record(Confidence::new(1.0).ok())
    }

    fn reply() -> Value {
        json!({"id": "1", "choices": [{"index": 0, "message": {"role": "assistant", "content": "It is"}, "finish_reason": "stop",
            "logprobs": {"content": [{"token": "It", "logprob": -0.5, "top_logprobs": [{"token": "It"}, {"token": "x"}]}]}}],
            "usage": {"total_tokens": 3}})
    }

    #[test]
    fn the_route_stands_in_headers_and_body() {
        let notice = RouteNotice::decided("dec-1", &record(), None);
        let headers = notice.headers();
        for (name, value) in [
            ("x-plimsoll-route", "slm"),
            ("x-plimsoll-reason", "at_or_above"),
            ("x-plimsoll-confidence", "1"),
        ] {
            assert!(headers.iter().any(|(known, found)| *known == name && found == value), "{headers:?}");
        }
        let mut body = reply();
        notice.mark(&mut body, "small");
        assert_eq!((&body["plimsoll"]["route"], &body["model"]), (&json!("slm"), &json!("small")));
        let unsupported = RouteNotice::unsupported("dec-2", &record(), "tools").json();
        assert_eq!(
            (&unsupported["reason"], &unsupported["field"]),
            (&json!("unsupported_request"), &json!("tools"))
        );
    }

    #[test]
    fn logprobs_are_stripped_unless_asked_for() {
        let mut body = reply();
        keep_asked_logprobs(&mut body, Some(1));
        assert_eq!(body["choices"][0]["logprobs"]["content"][0]["top_logprobs"].as_array().unwrap().len(), 1);
        keep_asked_logprobs(&mut body, None);
        assert!(body["choices"][0].get("logprobs").is_none());
        for mut odd in [
            json!(null),
            json!({"choices": 1}),
            json!({"choices": [1]}),
            json!({"choices": [{"logprobs": {"content": [1]}}]}),
        ] {
            keep_asked_logprobs(&mut odd, Some(0));
        }
    }

    #[test]
    fn a_whole_reply_streams_as_text_and_end() {
        let chunks = chunks(&reply());
        assert_eq!(chunks[0]["choices"][0]["delta"]["content"], "It is");
        assert_eq!(chunks[0]["choices"][0]["logprobs"]["content"][0]["logprob"], -0.5);
        assert_eq!(chunks[1]["choices"][0]["finish_reason"], "stop");
        assert!(
            chunks
                .iter()
                .all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk.get("usage").is_none())
        );
        assert_eq!(usage_chunk(&reply()).unwrap()["usage"]["total_tokens"], 3);
    }
}
