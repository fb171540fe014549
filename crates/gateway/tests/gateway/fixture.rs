//! A gateway on this machine, scripted replies, and a client.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use plimsoll_gateway::{GatewayConfig, GatewayError, Listening, LoadedModels, RawGateway};
use plimsoll_router::Thresholds;
use plimsoll_router::conformance::example_thresholds;
use plimsoll_test_support::chat_server::{Server, ServerReply, ServerRequest, completion};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// The key of both servers, which must be seen nowhere.
pub(crate) const KEY: &str = "sk-of-the-servers-1";
/// The key that a client shows.
pub(crate) const CLIENT_KEY: &str = "client-key-of-the-gateway";

/// What the SLM's tokens cost in confidence.
pub(crate) const SURE: f64 = -0.125;
pub(crate) const UNSURE: f64 = -3.0;

/// A gateway that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) address: String,
    pub(crate) metrics: String,
    pub(crate) folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), GatewayError>>>,
}

/// Settings in a folder, for two servers.
pub(crate) fn settings(folder: &TempDir, slm: &str, llm: &str) -> Value {
    json!({
        "thresholds": folder.path().join("t.json"), "method": "perplexity", "target": "routing_ratio=0.3",
        "slm": {"base_url": slm, "model": "small", "api_key_env": "KEY", "first_token_seconds": 30, "total_seconds": 60,
            "retries": 0, "max_tokens": 64},
        "llm": {"base_url": llm, "model": "large", "api_key_env": "KEY", "first_token_seconds": 30, "total_seconds": 60,
            "retries": 0},
        "listen": "127.0.0.1:0", "metrics_listen": "127.0.0.1:0", "accept_unverified": true,
        "log": {"file": folder.path().join("log/decisions.jsonl"), "fsync_seconds": 0.05},
    })
}

pub(crate) fn write_thresholds(folder: &TempDir, thresholds: Thresholds) {
    let text = thresholds.sealed().unwrap().to_json().unwrap();
    std::fs::write(folder.path().join("t.json"), text).unwrap();
}

/// Of a model that is not waited for long: only where a test is about that, since machines may be busy.
pub(crate) fn impatient() -> Value {
    json!({"first_token_seconds": 0.5, "total_seconds": 2})
}

/// Starts a gateway in front of two servers, with some settings changed.
pub(crate) fn start(slm: &Server, llm: &Server, changed: &Value) -> Running {
    let folder = tempfile::tempdir().unwrap();
    write_thresholds(&folder, example_thresholds());
    start_in(folder, &slm.base_url, &llm.base_url, changed)
}

pub(crate) fn start_in(folder: TempDir, slm: &str, llm: &str, changed: &Value) -> Running {
    start_loaded(folder, slm, llm, changed, LoadedModels::default())
}

/// Starts a gateway with models of this process. A model that names one has none of the servers' settings.
pub(crate) fn start_loaded(
    folder: TempDir,
    slm: &str,
    llm: &str,
    changed: &Value,
    loaded: LoadedModels,
) -> Running {
    let mut settings = settings(&folder, slm, llm);
    for (name, value) in changed.as_object().unwrap() {
        match (settings.get_mut(name).and_then(Value::as_object_mut), value.as_object()) {
            (Some(inner), Some(value)) if !value.contains_key("in_process") => inner.extend(value.clone()),
            _ => settings[name] = value.clone(),
        }
    }
    let raw: RawGateway = serde_json::from_value(settings).unwrap();
    let variable = |name: &str| match name {
        "KEY" => Some(OsString::from(KEY)),
        "CLIENT_KEY" => Some(OsString::from(CLIENT_KEY)),
        _ => None,
    };
    let config = GatewayConfig::resolve(raw, &variable).unwrap();
    let (announce, announced) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(plimsoll_gateway::run(
            config,
            loaded,
            move |_, listening: Listening| announce.send(listening).unwrap(),
            async move {
                let _ = stopped.await;
            },
        ))
    });
    let Ok(listening) = announced.recv() else { panic!("{:?}", thread.join().unwrap()) };
    let metrics = listening.metrics.map(|address| format!("http://{address}/metrics")).unwrap_or_default();
    let address = format!("http://{}", listening.interface);
    Running { address, metrics, folder, stop: Some(stop), thread: Some(thread) }
}

impl Running {
    /// Stops the gateway; gives its folder.
    pub(crate) fn stop(mut self) -> TempDir {
        self.end();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
            self.thread.take().unwrap().join().unwrap().unwrap();
        }
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.folder.path().join("log/decisions.jsonl")
    }

    /// The lines of the log, once there are so many.
    pub(crate) fn log_lines(&self, count: usize) -> Vec<Value> {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let text = std::fs::read_to_string(self.log_file()).unwrap_or_default();
            let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            if lines.len() >= count {
                return lines;
            }
            assert!(Instant::now() < end, "{} of {count} lines: {text}", lines.len());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A line of the metrics that begins so.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let text = get(&self.metrics).1;
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    pub(crate) fn chat(&self, body: &Value) -> Answer {
        post(&format!("{}/v1/chat/completions", self.address), body, &[])
    }

    pub(crate) fn ask(&self, stream: bool) -> Answer {
        self.chat(&question(stream))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

pub(crate) fn question(stream: bool) -> Value {
    json!({"model": "plimsoll", "messages": [{"role": "user", "content": "What is 9 + 9?"}], "stream": stream})
}

/// A response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The chunks of a stream, or the one document.
    pub(crate) fn documents(&self) -> Vec<Value> {
        if !self.header("content-type").unwrap_or_default().starts_with("text/event-stream") {
            return vec![serde_json::from_str(&self.text).unwrap()];
        }
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// The answer's text, however it came.
    pub(crate) fn content(&self) -> String {
        let documents = self.documents();
        let choices = documents.iter().map(|document| &document["choices"][0]);
        choices
            .map(|choice| {
                choice["message"]["content"]
                    .as_str()
                    .or(choice["delta"]["content"].as_str())
                    .unwrap_or_default()
            })
            .collect()
    }

    /// The `plimsoll` key.
    pub(crate) fn notice(&self) -> Value {
        self.documents()[0]["plimsoll"].clone()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.text.ends_with("data: [DONE]\n\n")
    }
}

pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.timeout_global(Some(Duration::from_mins(2))).build().new_agent()
}

pub(crate) fn post(address: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut request = agent().post(address).content_type("application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(request.send(body.to_string()).unwrap())
}

pub(crate) fn get(address: &str) -> (u16, String) {
    let answer = read(agent().get(address).call().unwrap());
    (answer.status, answer.text)
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    let text_of = |value: &ureq::http::HeaderValue| value.to_str().unwrap().to_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text_of(value))).collect();
    Answer {
        status: response.status().as_u16(),
        headers,
        text: response.body_mut().read_to_string().unwrap(),
    }
}

/// A reply of these tokens with one log-probability each, streamed where that was asked for.
pub(crate) fn reply(request: &ServerRequest, text: &str, logprob: f64) -> ServerReply {
    let document = completion(&request.body, &[(text, logprob), ("</s>", -0.5)], false);
    if request.body["stream"] == json!(true) {
        events(&chunks(&document), true)
    } else {
        ServerReply::json(200, &document)
    }
}

/// The chunks that a server would stream.
pub(crate) fn chunks(document: &Value) -> Vec<Value> {
    let choice = &document["choices"][0];
    let chunk = |delta: Value, finish: Value, logprobs: Value| {
        json!({"id": "1", "object": "chat.completion.chunk", "model": document["model"], "system_fingerprint": document["system_fingerprint"],
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": logprobs}]})
    };
    let content = &choice["message"]["content"];
    let tokens = choice["logprobs"]["content"].as_array().map(|tokens| json!({"content": tokens[..1]}));
    vec![
        chunk(json!({"role": "assistant", "content": ""}), Value::Null, Value::Null),
        chunk(json!({"content": content}), Value::Null, tokens.unwrap_or_default()),
        chunk(json!({}), choice["finish_reason"].clone(), Value::Null),
    ]
}

/// A stream of events.
pub(crate) fn events(chunks: &[Value], is_done: bool) -> ServerReply {
    let mut text = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect::<Vec<_>>().concat();
    text.push_str(if is_done { "data: [DONE]\n\n" } else { "" });
    ServerReply { is_chunked: true, ..ServerReply::new(200, text) }.with("Content-Type", "text/event-stream")
}

/// An SLM that is sure, or unsure, of its answer.
pub(crate) fn slm(logprob: f64) -> Server {
    Server::scripted(move |request, _| Some(reply(request, "from the SLM", logprob)))
}

/// An LLM that answers.
pub(crate) fn llm() -> Server {
    Server::scripted(|request, _| Some(reply(request, "from the LLM", -0.25)))
}

/// How often a server was asked for a completion.
pub(crate) fn asked(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.path.ends_with("/chat/completions")).count()
}
