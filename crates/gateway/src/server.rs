//! The interface: addresses, what may pass, and the two listeners.

mod decision;
mod feedback;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{get, post};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::json;
use tokio::time::timeout;

use crate::exchange::Exchange;
use crate::gateway::Gateway;
use crate::model_name::AskedPoint;
use crate::request::{ChatRequest, RequestProblem};
use crate::respond::{ClientError, json_response};
use crate::{streamed, whole};

type Shared = State<Arc<Gateway>>;

/// A client that sends its request more slowly holds a place that others could have.
const BODY_TIME: Duration = Duration::from_mins(1);

/// The interface for clients.
pub(crate) fn interface(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/models", get(models))
        .route("/v1/decision", post(decision::decide))
        .route("/v1/feedback", post(feedback::label))
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .fallback(nowhere)
        .with_state(gateway)
}

/// The interface for the operator's own programs.
pub(crate) fn metrics_interface(gateway: Arc<Gateway>) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(gateway)
}

async fn chat(State(gateway): Shared, request: Request) -> Response<Body> {
    match begin(&gateway, request).await {
        Ok(exchange) if exchange.request.is_streamed() => streamed::answer(exchange).await,
        Ok(exchange) => whole::answer(exchange).await,
        Err(error) => refuse(&gateway, &error),
    }
}

/// All that must hold before a model is asked.
async fn begin(gateway: &Arc<Gateway>, request: Request) -> Result<Exchange, ClientError> {
    let permit = gateway.permits.clone().try_acquire_owned();
    let permit = permit.map_err(|_| {
        let max = gateway.answering.limits.concurrency;
        ClientError::busy(
            StatusCode::TOO_MANY_REQUESTS,
            format!("{max} requests are under way, which is the most"),
        )
    })?;
    let body = admitted_body(gateway, request).await?;
    let request = ChatRequest::read(&body).map_err(|problem| bad_request(&problem))?;
    let asked = request.asked().clone();
    let mut exchange =
        Exchange::new(gateway.clone(), request, Some(permit)).ok_or_else(|| no_such_point(&asked))?;
    exchange.shadow(&body);
    Ok(exchange)
}

/// The body of a request whose client may ask.
async fn admitted_body(gateway: &Gateway, request: Request) -> Result<Bytes, ClientError> {
    admit(gateway, request.headers())?;
    let max = gateway.answering.limits.body_bytes;
    let Ok(body) = timeout(BODY_TIME, Limited::new(request.into_body(), max).collect()).await else {
        let message = format!("the body did not come within {} s", BODY_TIME.as_secs());
        return Err(ClientError::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message));
    };
    match body {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ClientError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request_too_large",
            format!("the body is larger than {max} bytes"),
        )),
        Err(_) => Err(ClientError::new(StatusCode::BAD_REQUEST, "request_cut", "the body ended early")),
    }
}

fn admit(gateway: &Gateway, headers: &HeaderMap) -> Result<(), ClientError> {
    if gateway.keys.admit(headers) {
        return Ok(());
    }
    let message = "this gateway wants one of its keys as `Authorization: Bearer KEY`";
    Err(ClientError::new(StatusCode::UNAUTHORIZED, "invalid_api_key", message))
}

fn bad_request(problem: &RequestProblem) -> ClientError {
    let (status, code) = match problem {
        RequestProblem::NoSuchModel(_) => (StatusCode::NOT_FOUND, "model_not_found"),
        _ => (StatusCode::BAD_REQUEST, "invalid_request"),
    };
    ClientError { parameter: problem.parameter(), ..ClientError::new(status, code, problem.to_string()) }
}

fn no_such_point(asked: &AskedPoint) -> ClientError {
    let name = match asked {
        AskedPoint::Usual => "the default one".to_owned(),
        AskedPoint::Named { method, target } => format!("`{target}` by `{method}`"),
    };
    let message =
        format!("the thresholds file has no operating point {name} that answers; GET /v1/models lists them");
    let error = ClientError::new(StatusCode::NOT_FOUND, "model_not_found", message);
    ClientError { parameter: Some("model"), ..error }
}

fn refuse(gateway: &Gateway, error: &ClientError) -> Response<Body> {
    gateway.metrics.refused(error.code);
    error.response(None)
}

async fn models(State(gateway): Shared, headers: HeaderMap) -> Response<Body> {
    match admit(&gateway, &headers) {
        Ok(()) => json_response(StatusCode::OK, gateway.serving().models(), None),
        Err(error) => refuse(&gateway, &error),
    }
}

async fn health() -> Response<Body> {
    json_response(StatusCode::OK, &json!({"status": "ok"}), None)
}

async fn ready(State(gateway): Shared) -> Response<Body> {
    let serving = gateway.serving();
    let about = json!({
        "thresholds_sha256": serving.thresholds_sha256(),
        "threshold_id": serving.usual().router().point().id,
        "unverified": serving.unverified(),
    });
    match gateway.not_ready() {
        None => json_response(StatusCode::OK, &json!({"status": "ready", "serving": about}), None),
        Some(problem) => {
            let body = json!({"status": "not_ready", "problem": problem, "serving": about});
            json_response(StatusCode::SERVICE_UNAVAILABLE, &body, None)
        }
    }
}

async fn nowhere(State(gateway): Shared, request: Request) -> Response<Body> {
    let message = format!(
        "there is no {} {} here: this gateway has /v1/chat/completions, /v1/models, /v1/decision, /v1/feedback, /healthz and /readyz",
        request.method(),
        request.uri().path()
    );
    refuse(&gateway, &ClientError::new(StatusCode::NOT_FOUND, "not_found", message))
}

async fn metrics(State(gateway): Shared) -> Response<Body> {
    gateway.refresh_metrics();
    match gateway.metrics.text() {
        Ok(text) => Response::new(Body::from(text)),
        Err(error) => {
            let message = format!("the metrics cannot be written: {error}");
            ClientError::new(StatusCode::INTERNAL_SERVER_ERROR, "metrics", message).response(None)
        }
    }
}
