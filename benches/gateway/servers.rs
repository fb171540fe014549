//! The processes that are measured: a server that answers at once, and the gateway in front of it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::Response;
use axum::routing::{get, post};
use hyper::body::Frame;
use plimsoll_gateway::{GatewayConfig, LoadedModels, RawGateway};
use plimsoll_router::conformance::example_thresholds;
use serde_json::{Value, json};
use tokio::time::{Interval, interval};

/// Replies under way.
type UnderWay = Arc<AtomicUsize>;

/// A server that answers at once with log-probabilities, and streams without end.
pub(crate) async fn upstream() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}/v1", listener.local_addr().unwrap());
    let routes = Router::new()
        .route("/v1/chat/completions", post(complete))
        .route(
            "/v1/under_way",
            get(|State(count): State<UnderWay>| async move { count.load(Ordering::SeqCst).to_string() }),
        )
        .with_state(UnderWay::default());
    axum::serve(listener, routes).await.unwrap();
}

async fn complete(State(under_way): State<UnderWay>, body: Bytes) -> Response<Body> {
    let request: Value = serde_json::from_slice(&body).unwrap();
    if request["stream"] == true {
        under_way.fetch_add(1, Ordering::SeqCst);
        let mut response =
            Response::new(Body::new(Endless { under_way, ticks: interval(Duration::from_millis(50)) }));
        response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
        return response;
    }
    let token = json!({"token": "word ", "logprob": -0.125, "bytes": b"word ".to_vec(), "top_logprobs": []});
    let reply = json!({"id": "1", "object": "chat.completion", "model": "m", "choices": [{
        "index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "word ".repeat(32)},
        "logprobs": {"content": vec![token; 32]}}], "usage": {"prompt_tokens": 90, "completion_tokens": 32}});
    let mut response = Response::new(Body::from(reply.to_string()));
    response.headers_mut().insert("content-type", "application/json".parse().unwrap());
    response
}

/// A stream without end, which is counted while it is read.
struct Endless {
    under_way: UnderWay,
    ticks: Interval,
}

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        const EVENT: &str =
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":null}]}\n\n";
        self.ticks.poll_tick(context).map(|_| Some(Ok(Frame::data(Bytes::from_static(EVENT.as_bytes())))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The gateway, with a decision log and a tracker.
pub(crate) async fn gateway(slm: &str, llm: &str, folder: &str) {
    let folder = std::path::Path::new(folder);
    std::fs::write(folder.join("t.json"), example_thresholds().to_json().unwrap()).unwrap();
    let raw: RawGateway = serde_json::from_value(json!({
        "thresholds": folder.join("t.json"), "method": "perplexity", "target": "routing_ratio=0.3", "accept_unverified": true,
        "slm": {"base_url": slm, "model": "small"}, "llm": {"base_url": llm, "model": "large"},
        "listen": "127.0.0.1:0", "metrics_listen": "off", "track": true,
        "limits": {"concurrency": 4096, "recent_decisions": 10_000},
        "log": {"file": folder.join("decisions.jsonl")}, "state": {"file": folder.join("state.json"), "interval_seconds": 1},
    }))
    .unwrap();
    let config = GatewayConfig::resolve(raw, &|name| std::env::var_os(name)).unwrap();
    let announce = |_: &plimsoll_gateway::Gateway, listening: plimsoll_gateway::Listening| {
        println!("http://{}/v1", listening.interface);
    };
    plimsoll_gateway::run(config, LoadedModels::default(), announce, std::future::pending()).await.unwrap();
}
