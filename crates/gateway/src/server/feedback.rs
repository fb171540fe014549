//! `POST /v1/feedback`: whether an answer was right. The label is a line of the decision log, and counts as evidence about
//! the certified error.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use plimsoll_router::Route;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Shared, admitted_body, refuse};
use crate::gateway::Gateway;
use crate::recent::Labelled;
use crate::respond::{ClientError, json_response};

/// What a client says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Feedback {
    /// The decision's id.
    id: String,
    /// Whether the answer that was shown is right.
    correct: bool,
}

/// The line of a label.
#[derive(Serialize)]
struct LabelLine<'a> {
    /// The decision that it is about.
    label_of: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    slm_correct: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    llm_correct: Option<bool>,
}

pub(super) async fn label(State(gateway): Shared, request: Request) -> Response<Body> {
    match take(&gateway, request).await {
        Ok(response) => response,
        Err(error) => refuse(&gateway, &error),
    }
}

async fn take(gateway: &Gateway, request: Request) -> Result<Response<Body>, ClientError> {
    let body = admitted_body(gateway, request).await?;
    let Feedback { id, correct } = serde_json::from_slice(&body).map_err(|error| {
        let message = format!("a label is {{\"id\": DECISION, \"correct\": true or false}}: {error}");
        ClientError::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    })?;
    let decision = match gateway.recent.label(&id) {
        Labelled::First(decision) => decision,
        Labelled::Again => {
            let message = "this decision has a label already; the first one counts";
            return Err(ClientError::new(StatusCode::CONFLICT, "labelled", message));
        }
        Labelled::Unknown => {
            let message = format!(
                "there is no decision of this id among the last {}, nor since the gateway was started",
                gateway.answering.limits.recent
            );
            return Err(ClientError::new(StatusCode::NOT_FOUND, "no_such_decision", message));
        }
    };
    let by = |route| (decision.answered_by == route).then_some(correct);
    let line = LabelLine { label_of: &id, slm_correct: by(Route::Slm), llm_correct: by(Route::Llm) };
    if let Some(log) = &gateway.log {
        log.line(&line);
    }
    let serving = gateway.serving();
    if let Some(point) = serving.by_id(&decision.threshold_id).filter(|_| decision.was_kept) {
        gateway.observe_label(point, correct);
    }
    Ok(json_response(StatusCode::OK, &json!({"id": id, "answered_by": decision.answered_by}), None))
}
