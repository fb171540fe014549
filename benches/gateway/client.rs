//! The clients of the measurement.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use axum::body::Bytes;
use axum::http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// So many requests by so many connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) model: &'static str,
    pub(crate) connections: usize,
    pub(crate) requests: usize,
}

/// How long they took.
pub(crate) struct Latency {
    pub(crate) median_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) per_second: f64,
}

type HttpClient = Client<HttpConnector, Full<Bytes>>;

fn client() -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

fn request(address: &str, body: &Value) -> Request<Full<Bytes>> {
    let request = Request::builder().method(Method::POST).uri(format!("{address}/chat/completions"));
    let request = request.header("content-type", "application/json");
    request.body(Full::new(Bytes::from(body.to_string()))).unwrap()
}

fn body(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "What is 9 + 9? ".repeat(20)}],
        "logprobs": model != "plimsoll"})
}

/// Sends a load and measures it.
pub(crate) async fn measure(address: &str, load: Load) -> Latency {
    let next = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..load.connections {
        let (next, address, body) = (next.clone(), address.to_owned(), body(load.model, false));
        clients.spawn(async move {
            let client = client();
            let mut times = Vec::new();
            while next.fetch_add(1, Ordering::Relaxed) < load.requests {
                let begin = Instant::now();
                let response = client.request(request(&address, &body)).await.unwrap();
                assert_eq!(response.status(), 200);
                response.into_body().collect().await.unwrap();
                times.push(begin.elapsed().as_secs_f64() * 1e3);
            }
            times
        });
    }
    let mut times: Vec<f64> = clients.join_all().await.concat();
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let per_second = times.len() as f64 / begin.elapsed().as_secs_f64();
    Latency { median_ms: at(50), p99_ms: at(99), per_second }
}

/// How many replies the server is at.
pub(crate) async fn under_way(address: &str) -> usize {
    let uri = format!("{address}/under_way").parse().unwrap();
    let body = client().get(uri).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&body).trim().parse().unwrap()
}

/// Clients that begin to read a reply of the LLM that has no end, and leave all at once. Gives how many replies the server
/// was at before.
pub(crate) async fn leave_in_the_middle(gateway: &str, upstream: &str, clients: usize) -> usize {
    let mut reading = JoinSet::new();
    for _ in 0..clients {
        // No log-probabilities at a temperature: deferred at once, and streamed for ever.
        let mut body = body("plimsoll", true);
        body["temperature"] = json!(0.7);
        let request = request(gateway, &body);
        reading.spawn(async move {
            let mut response = client().request(request).await.unwrap();
            assert_eq!(response.status(), 200);
            response.body_mut().frame().await.unwrap().unwrap();
            response
        });
    }
    let responses = reading.join_all().await;
    let most = under_way(upstream).await;
    drop(responses);
    most
}
