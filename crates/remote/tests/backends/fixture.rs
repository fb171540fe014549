//! What the tests share: asks, a backend for a server, and a close look at every error.

use std::error::Error;
use std::ffi::OsString;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plimsoll_backend::{
    Backend, BackendError, BackendEvent, BackendObserver, Batch, Cancel, Control, Observation, Request,
};
use plimsoll_core::prompt::{FollowUp, Message, Prompt, Role};
use plimsoll_core::{Decoding, ModelId, QuestionId, Seed, SignalRequest};
use plimsoll_remote::openai::{OpenAi, OpenAiSpec};
use serde_json::{Value, json};

use plimsoll_test_support::chat_server::Server;

pub(crate) const KEY: &str = "sk-never-shown-0123";

pub(crate) fn model() -> ModelId {
    ModelId::new("m").unwrap()
}

pub(crate) fn prompt(text: &str) -> Prompt {
    let follow_up = |id: &str, template: &str| FollowUp {
        id: id.to_owned(),
        template: template.to_owned(),
        continues: true,
    };
    Prompt {
        version: "1".to_owned(),
        messages: vec![Message { role: Role::User, text: text.to_owned() }],
        follow_ups: vec![
            follow_up("p_true", "You said {answer}. Is it right?"),
            follow_up("verbalization_2s", "How sure?"),
        ],
        true_strings: vec!["True".to_owned(), " True".to_owned()],
        false_strings: vec!["False".to_owned(), " False".to_owned()],
    }
}

/// Asks `made/test/0`, `made/test/1`, ..
pub(crate) fn requests(count: usize) -> Vec<Request> {
    let ask = |row: usize| Request {
        question_id: QuestionId::new(format!("made/test/{row}")).unwrap(),
        source_row: Some(row as u64),
        prompt: prompt(&format!("What is {}?", "I".repeat(row + 1))),
    };
    (0..count).map(ask).collect()
}

pub(crate) fn greedy() -> Decoding {
    Decoding::new(0.0, 1.0, 16).unwrap()
}

/// All that can be asked for without looking into the model.
pub(crate) fn everything() -> SignalRequest {
    SignalRequest::answer()
        .with_logprobs()
        .with_samples(3, 1.0)
        .unwrap()
        .with_follow_up_masses("p_true")
        .with_follow_up_text("verbalization_2s", 8)
}

/// A specification for a server, impatient; `extra` replaces keys of the plan.
pub(crate) fn spec(base_url: &str, extra: &Value) -> OpenAiSpec {
    let mut raw = json!({"base_url": base_url, "model": "any", "api_key_env": "KEY",
        "limits": {"concurrency": 4, "retries": 2}});
    for (name, value) in extra.as_object().unwrap() {
        raw[name] = value.clone();
    }
    let variable = |name: &str| (name == "KEY").then(|| OsString::from(KEY));
    let raw = serde_json::from_value(raw).unwrap();
    let mut spec = OpenAiSpec::resolve(model(), raw, &variable).unwrap();
    spec.network.backoff = Duration::from_millis(2);
    spec.network.timeout = Duration::from_secs(20);
    spec
}

pub(crate) fn backend(server: &Server) -> OpenAi {
    OpenAi::new(spec(&server.base_url, &json!({})))
}

/// Keeps events as lines.
#[derive(Debug, Default)]
pub(crate) struct RecordedEvents(pub(crate) Mutex<Vec<String>>);

impl BackendObserver for RecordedEvents {
    fn event(&self, event: &BackendEvent<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

/// Answers asks; the rows in the order of the asks, as far as they came.
pub(crate) fn answer(
    backend: &dyn Backend,
    requests: &[Request],
    signals: &SignalRequest,
) -> (Vec<Observation>, Result<(), BackendError>) {
    let events = Arc::new(RecordedEvents::default());
    let progress: Arc<dyn BackendObserver> = events.clone();
    let batch = Batch::new(requests, signals, greedy(), Seed::new(7)).unwrap();
    let mut rows = Vec::new();
    let ended = backend.answer(&batch, &mut rows, &Control { cancel: &Cancel::new(), progress: &progress });
    rows.sort_by_key(|row: &Observation| requests.iter().position(|ask| ask.question_id == row.question_id));
    // Wherever the key comes back, nobody must see it.
    let reported = events.0.lock().unwrap().join("\n");
    let shown =
        format!("{rows:?} {reported} {backend:?} {}", ended.as_ref().err().map_or_else(String::new, chain));
    assert!(!shown.contains(KEY), "{shown}");
    (rows, ended)
}

/// The rows, where nothing stops the run.
pub(crate) fn rows(backend: &dyn Backend, requests: &[Request], signals: &SignalRequest) -> Vec<Observation> {
    let (rows, ended) = answer(backend, requests, signals);
    ended.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(rows.len(), requests.len());
    rows
}

/// The error, where something does.
pub(crate) fn stopped(backend: &dyn Backend, requests: &[Request], signals: &SignalRequest) -> String {
    chain(&answer(backend, requests, signals).1.unwrap_err())
}

/// An error with its causes, as it is printed and as it is debugged.
pub(crate) fn chain(error: &BackendError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    assert!(!format!("{error:?}").contains(KEY));
    text
}
