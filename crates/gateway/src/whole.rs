//! A reply that is not streamed.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use plimsoll_remote::openai::ChatRequestError;
use plimsoll_router::Route;
use serde_json::Value;

use crate::config::LlmFailure;
use crate::draft::Usage;
use crate::exchange::{Exchange, Settled};
use crate::respond::{ClientError, json_response};
use crate::route_notice::{RouteNotice, keep_asked_logprobs};
use crate::upstream::Reply;

/// Answers a request.
pub(crate) async fn answer(mut exchange: Exchange) -> Response<Body> {
    let Settled { notice, kept } = exchange.settle().await;
    let response = match (notice.route, kept) {
        (Route::Slm, Some(document)) => slm_response(&exchange, document, &notice),
        (_, kept) => llm_response(&mut exchange, kept, &notice).await,
    };
    exchange.draft.finish();
    response
}

fn slm_response(exchange: &Exchange, mut document: Value, notice: &RouteNotice) -> Response<Body> {
    keep_asked_logprobs(&mut document, exchange.request.logprobs());
    notice.mark(&mut document, exchange.gateway.slm.name());
    json_response(StatusCode::OK, &document, Some(notice))
}

async fn llm_response(exchange: &mut Exchange, kept: Option<Value>, notice: &RouteNotice) -> Response<Body> {
    match ask_llm(exchange).await {
        Ok(mut document) => {
            exchange.draft.host.llm = Usage::read(&document, exchange.gateway.llm.price());
            notice.mark(&mut document, exchange.gateway.llm.model());
            json_response(StatusCode::OK, &document, Some(notice))
        }
        Err(error) => {
            note_failure(exchange, &error);
            match (exchange.gateway.answering.llm_failure, kept) {
                (LlmFailure::SlmAnswer, Some(document)) => {
                    let notice = exchange.fall_back(notice);
                    slm_response(exchange, document, &notice)
                }
                _ => ClientError::from_llm(&error).response(Some(notice)),
            }
        }
    }
}

async fn ask_llm(exchange: &Exchange) -> Result<Value, ChatRequestError> {
    let llm = &exchange.gateway.llm;
    let malformed = |problem| ChatRequestError::Malformed { host: llm.host().to_owned(), problem };
    match llm.complete(&exchange.draft.id, &exchange.request, false).await? {
        Reply::Whole(document) if document.is_object() => Ok(*document),
        Reply::Whole(_) => Err(malformed("it is no JSON object")),
        Reply::Events(_) => Err(malformed("it is a stream that nobody asked for")),
    }
}

/// Counts and logs a failure of the LLM.
pub(crate) fn note_failure(exchange: &mut Exchange, error: &ChatRequestError) {
    let reason = error.missing_reason().name();
    tracing::warn!(id = exchange.draft.id, "the LLM did not answer: {error}");
    exchange.gateway.metrics.failed("llm", reason);
    exchange.draft.host.llm_failure = Some(reason);
}
