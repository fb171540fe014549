//! A reply that is streamed: comments while the SLM is buffered, then its answer at once, or the LLM's as it comes. The
//! status and the headers wait for the decision as long as one keep-alive; a decision that comes later stands in the
//! chunks alone.

mod body;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use plimsoll_remote::openai::ChatRequestError;
use plimsoll_router::Route;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::config::LlmFailure;
use crate::draft::Usage;
use crate::exchange::{Exchange, Settled};
use crate::respond::{ClientError, tell};
use crate::route_notice::{RouteNotice, chunks, keep_asked_logprobs, usage_chunk};
use crate::sse::{DONE, event};
use crate::upstream::{Events, Reply, StreamEvent};
use crate::whole::note_failure;
use body::EventBody;

/// Events that may wait for the client; more hold up the model's stream.
const MAX_WAITING: usize = 16;

/// How a response begins.
#[derive(Debug)]
enum Head {
    /// A stream, about a decision.
    Stream(Box<RouteNotice>),
    /// An error before any event.
    Error(Box<Response<Body>>),
}

/// The client has gone.
struct Gone;

/// Where events go.
struct Output {
    head: Option<oneshot::Sender<Head>>,
    events: mpsc::Sender<Bytes>,
}

impl Output {
    /// Begins the stream, unless it has begun.
    fn begin(&mut self, notice: &RouteNotice) {
        if let Some(head) = self.head.take() {
            // The status was sent before, should nobody wait for it any more.
            let _ = head.send(Head::Stream(Box::new(notice.clone())));
        }
    }

    async fn send(&mut self, notice: &RouteNotice, data: &str) -> Result<(), Gone> {
        self.begin(notice);
        self.events.send(Bytes::from(event(data))).await.map_err(|_| Gone)
    }

    /// Ends with an error: as the response, or as an event where the status was sent. Such a stream has no mark of its end.
    async fn fail(mut self, notice: &RouteNotice, error: &ClientError) {
        if let Some(head) = self.head.take()
            && head.send(Head::Error(Box::new(error.response(Some(notice))))).is_ok()
        {
            return;
        }
        // The last thing that is sent; whether it arrives changes nothing.
        let _ = self.events.send(Bytes::from(event(&error.body(Some(notice)).to_string()))).await;
    }
}

/// Answers a request.
pub(crate) async fn answer(exchange: Exchange) -> Response<Body> {
    let keep_alive = exchange.gateway.answering.limits.keep_alive;
    let (head, mut begun) = oneshot::channel();
    let (events, receiver) = mpsc::channel(MAX_WAITING);
    let task = tokio::spawn(run(exchange, Output { head: Some(head), events }));
    let body = EventBody::new(receiver, task, keep_alive);
    let notice = match timeout(keep_alive, &mut begun).await {
        Ok(Ok(Head::Stream(notice))) => Some(notice),
        Ok(Ok(Head::Error(response))) => return *response,
        // It takes longer: the client is sent a sign that it goes on. A head that is sent from now on finds nobody.
        Ok(Err(_)) | Err(_) => {
            begun.close();
            match begun.try_recv() {
                Ok(Head::Stream(notice)) => Some(notice),
                Ok(Head::Error(response)) => return *response,
                Err(_) => None,
            }
        }
    };
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    tell(&mut response, notice.as_deref());
    response
}

async fn run(mut exchange: Exchange, mut output: Output) {
    let Settled { notice, kept } = exchange.settle().await;
    match (notice.route, kept) {
        (Route::Slm, Some(document)) => {
            // Of a client that has gone the draft is not finished, which counts it.
            let _ = send_kept(&mut exchange, &mut output, document, &notice).await;
        }
        (_, kept) => relay_llm(&mut exchange, output, kept, &notice).await,
    }
}

/// Sends the SLM's answer.
async fn send_kept(
    exchange: &mut Exchange,
    output: &mut Output,
    mut document: Value,
    notice: &RouteNotice,
) -> Result<(), Gone> {
    keep_asked_logprobs(&mut document, exchange.request.logprobs());
    notice.mark(&mut document, exchange.gateway.slm.name());
    let usage = exchange.request.wants_usage().then(|| usage_chunk(&document)).flatten();
    for chunk in chunks(&document).into_iter().chain(usage) {
        output.send(notice, &chunk.to_string()).await?;
    }
    exchange.draft.finish();
    output.send(notice, DONE).await
}

/// Sends the LLM's answer as it comes.
async fn relay_llm(exchange: &mut Exchange, mut output: Output, kept: Option<Value>, notice: &RouteNotice) {
    let error = match stream_llm(exchange, &mut output, notice).await {
        Ok(()) | Err(Ended::Gone) => return,
        Err(Ended::Failed { error, has_content }) => {
            note_failure(exchange, &error);
            let is_allowed = exchange.gateway.answering.llm_failure == LlmFailure::SlmAnswer;
            match kept.filter(|_| is_allowed && !has_content) {
                Some(document) => {
                    let notice = exchange.fall_back(notice);
                    let _ = send_kept(exchange, &mut output, document, &notice).await;
                    return;
                }
                None => error,
            }
        }
    };
    exchange.draft.finish();
    output.fail(notice, &ClientError::from_llm(&error)).await;
}

/// Why the LLM's stream was not sent to its end.
enum Ended {
    Gone,
    /// No answer, or not all of it; whether the client has seen a part.
    Failed {
        error: ChatRequestError,
        has_content: bool,
    },
}

impl From<Gone> for Ended {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

async fn stream_llm(exchange: &mut Exchange, output: &mut Output, notice: &RouteNotice) -> Result<(), Ended> {
    let llm = &exchange.gateway.llm;
    let before = |error| Ended::Failed { error, has_content: false };
    match llm.complete(&exchange.draft.id, &exchange.request, true).await.map_err(before)? {
        Reply::Events(events) => relay(exchange, output, *events, notice).await,
        // A server that does not stream, or a model in this process.
        Reply::Whole(mut document) => {
            exchange.draft.host.llm = Usage::read(&document, exchange.gateway.llm.price());
            notice.mark(&mut document, exchange.gateway.llm.model());
            let usage = exchange.request.wants_usage().then(|| usage_chunk(&document)).flatten();
            for chunk in chunks(&document).into_iter().chain(usage) {
                output.send(notice, &chunk.to_string()).await?;
            }
            exchange.draft.finish();
            Ok(output.send(notice, DONE).await?)
        }
    }
}

async fn relay(
    exchange: &mut Exchange,
    output: &mut Output,
    mut events: Events,
    notice: &RouteNotice,
) -> Result<(), Ended> {
    let (mut has_content, mut has_ended) = (false, false);
    loop {
        let next = events.next().await.map_err(|error| Ended::Failed { error, has_content })?;
        let mut chunk = match next {
            Some(StreamEvent::Chunk(chunk)) => *chunk,
            None if !has_ended => {
                let host = exchange.gateway.llm.host().to_owned();
                return Err(Ended::Failed { error: ChatRequestError::Cut { host }, has_content });
            }
            Some(StreamEvent::Done) | None => break,
        };
        has_content |= has_text(&chunk);
        has_ended |= chunk["choices"][0].get("finish_reason").is_some_and(|reason| !reason.is_null());
        let usage = Usage::read(&chunk, exchange.gateway.llm.price());
        if usage.completion_tokens.is_some() || exchange.draft.host.llm.model.is_none() {
            exchange.draft.host.llm = usage;
        }
        notice.mark(&mut chunk, exchange.gateway.llm.model());
        output.send(notice, &chunk.to_string()).await?;
    }
    exchange.draft.finish();
    Ok(output.send(notice, DONE).await?)
}

/// Whether a chunk shows something that cannot be taken back.
fn has_text(chunk: &Value) -> bool {
    let delta = &chunk["choices"][0]["delta"];
    let is_said = |name: &str| delta.get(name).is_some_and(|value| !value.is_null() && value != "");
    ["content", "refusal", "tool_calls", "function_call", "reasoning_content"].into_iter().any(is_said)
}
