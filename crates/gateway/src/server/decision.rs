//! `POST /v1/decision`: signals in, decision out, for programs that ask the models themselves.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use plimsoll_core::missing::MissingReason;
use plimsoll_router::Confidence;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Shared, admitted_body, no_such_point, refuse};
use crate::draft::Draft;
use crate::exchange::{hear, new_id};
use crate::gateway::Gateway;
use crate::model_name::AskedPoint;
use crate::point::Point;
use crate::reason::NoConfidence;
use crate::recent::RecentDecision;
use crate::respond::{ClientError, json_response};
use crate::route_notice::RouteNotice;

/// What is asked: one of the three signals.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// `plimsoll` or `plimsoll-METHOD-TARGET`; absent = the default point.
    model: Option<String>,
    /// A confidence; null = missing.
    #[serde(default, deserialize_with = "given")]
    confidence: Option<Value>,
    /// Natural logs of the probabilities of the answer's tokens.
    logprobs: Option<Vec<f64>>,
    /// A chat completion with its log-probabilities.
    reply: Option<Value>,
}

/// A field that is there, null or not.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

pub(super) async fn decide(State(gateway): Shared, request: Request) -> Response<Body> {
    match take(&gateway, request).await {
        Ok(response) => response,
        Err(error) => refuse(&gateway, &error),
    }
}

fn invalid(message: impl Into<String>) -> ClientError {
    ClientError::new(StatusCode::BAD_REQUEST, "invalid_request", message)
}

async fn take(gateway: &std::sync::Arc<Gateway>, request: Request) -> Result<Response<Body>, ClientError> {
    let body = admitted_body(gateway, request).await?;
    let asked: Asked = serde_json::from_slice(&body).map_err(|error| {
        invalid(format!("a decision is asked for with `confidence`, `logprobs` or `reply`: {error}"))
    })?;
    let name = asked.model.as_deref().unwrap_or(crate::model_name::PREFIX);
    let point_asked = AskedPoint::from_model(name)
        .ok_or_else(|| invalid("`model` is neither `plimsoll` nor `plimsoll-METHOD-TARGET`"))?;
    let serving = gateway.serving();
    let point = serving.find(&point_asked).ok_or_else(|| no_such_point(&point_asked))?;
    let found = confidence(&asked, point)?;
    let (confidence, missing) = match found {
        Ok(confidence) => (confidence, None),
        Err(reason) => (None, Some(NoConfidence::Missing(reason))),
    };
    let mut draft = Draft::new(gateway.clone(), new_id());
    let decision = point.decide(&draft.id, confidence);
    hear(gateway, point, decision.drift);
    let notice = RouteNotice::decided(&draft.id, &decision.record, missing);
    let was_kept = decision.record.route == plimsoll_router::Route::Slm
        && decision.record.reason != plimsoll_router::Reason::Explored;
    let recent =
        RecentDecision { threshold_id: notice.threshold_id.clone(), answered_by: notice.route, was_kept };
    gateway.recent.add(&notice.id, recent);
    draft.host.missing_reason = missing;
    draft.record = Some(decision.record);
    draft.tell(&notice);
    draft.finish();
    Ok(json_response(StatusCode::OK, &notice.json(), Some(&notice)))
}

/// The confidence of what was given; the inner result says why there is none.
fn confidence(
    asked: &Asked,
    point: &Point,
) -> Result<Result<Option<Confidence>, MissingReason>, ClientError> {
    match (&asked.confidence, &asked.logprobs, &asked.reply) {
        (Some(Value::Null), None, None) => Ok(Ok(None)),
        (Some(confidence), None, None) => {
            let number =
                confidence.as_f64().ok_or_else(|| invalid("`confidence` is neither a number nor null"))?;
            Confidence::new(number)
                .map(|confidence| Ok(Some(confidence)))
                .map_err(|error| invalid(error.to_string()))
        }
        (None, Some(logprobs), None) => Ok(point.method().from_logprobs(logprobs).map(Some)),
        (None, None, Some(reply)) => {
            let reader = plimsoll_remote::openai::ReplyReader { host: "the reply".to_owned(), key: None };
            let row = reader.row(reply, u32::MAX, point.method().top_logprobs());
            let row = row.map_err(|error| invalid(error.to_string()))?;
            Ok(point.method().confidence(&row).map(Some))
        }
        _ => Err(invalid("give exactly one of `confidence`, `logprobs` and `reply`")),
    }
}
