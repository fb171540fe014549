//! Both backends pass what every backend must.

use std::io::Write as _;
use std::time::Duration;

use plimsoll_backend::Observation;
use plimsoll_backend::conformance::Suite;
use plimsoll_core::signal::Position;
use plimsoll_core::{Seed, SignalRequest};
use plimsoll_remote::openai::OpenAi;
use plimsoll_remote::replay::{RecordingFields, RecordingFile, RecordingFormat, Replay, ReplaySpec};
use serde_json::json;

use crate::fixture::{backend, everything, greedy, model, requests, spec};
use plimsoll_test_support::chat_server::{Server, ServerReply};

fn suite(signals: SignalRequest) -> Suite {
    Suite {
        requests: requests(7),
        signals,
        decoding: greedy(),
        seed: Seed::new(7),
        tolerance: 0.0,
        cancelled_within: Duration::from_secs(10),
    }
}

fn with_states() -> SignalRequest {
    everything()
        .with_hidden_state(-8, Position::LastPromptToken)
        .with_samples(2, 0.5)
        .unwrap()
        .with_follow_up_text("no_such", 4)
}

/// Rows as a file of recordings, a line each.
fn recorded(folder: &std::path::Path, rows: &[Observation]) -> ReplaySpec {
    let path = folder.join("recorded.jsonl");
    let mut file = std::fs::File::create(&path).unwrap();
    for row in rows.iter().flat_map(|answered| &answered.generations) {
        writeln!(file, "{}", serde_json::to_string(row).unwrap()).unwrap();
    }
    let file = RecordingFile {
        path,
        format: RecordingFormat::Generations,
        questions: String::new(),
        fields: RecordingFields::default(),
    };
    ReplaySpec { id: model(), recorded_as: "m".to_owned(), files: vec![file] }
}

#[test]
fn a_server_conforms_and_so_does_its_recording() {
    let server = Server::start();
    let rows = suite(with_states()).check(&backend(&server)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let replay = Replay::open(&recorded(folder.path(), &rows)).unwrap();
    assert_eq!(replay.recordings(), 7 * 6);
    let again = suite(with_states()).check(&replay).unwrap();
    assert_eq!(again, rows, "what was recorded comes back whole");
}

#[test]
fn a_server_that_gives_little_conforms() {
    let server = Server::scripted(|request, _| {
        let text = format!("It is {}", request.last().len());
        Some(ServerReply::json(200, &json!({"choices": [{"message": {"content": text}}]})))
    });
    let rows = suite(with_states()).check(&backend(&server)).unwrap();
    let answer = &rows[0].generations[0];
    assert_eq!(answer.logprobs_missing.map(plimsoll_core::MissingSignal::name), Some("no_logprobs"));
    assert_eq!(
        answer.follow_ups[1].missing_reason.map(plimsoll_core::MissingSignal::name),
        Some("no_top_logprobs")
    );
    assert_eq!(
        rows[0].hidden_states[0].missing_reason.map(plimsoll_core::MissingSignal::name),
        Some("hidden_states_unsupported")
    );
    assert_eq!((answer.cost_usd, &answer.served_model), (None, &None));
}

#[test]
fn a_server_that_refuses_some_questions_conforms() {
    let server = Server::scripted(|request, _| {
        let is_refused = request.last().len() % 2 == 0 && request.last().contains("What");
        is_refused.then(|| ServerReply::error(400, "content_policy_violation"))
    });
    let rows = suite(with_states()).check(&backend(&server)).unwrap();
    let failures: Vec<_> = rows
        .iter()
        .filter_map(|row| row.generations[0].failure.map(plimsoll_core::MissingSignal::name))
        .collect();
    assert!(!failures.is_empty() && failures.iter().all(|reason| *reason == "content_filter"));
}

#[test]
fn an_empty_recording_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let replay = Replay::open(&recorded(folder.path(), &[])).unwrap();
    let rows = suite(with_states()).check(&replay).unwrap();
    assert!(
        rows.iter()
            .flat_map(|row| &row.generations)
            .all(|row| row.failure.map(plimsoll_core::MissingSignal::name) == Some("not_recorded"))
    );
}

#[test]
fn a_backend_of_one_thread_gives_the_same_rows() {
    let server = Server::start();
    let one = OpenAi::new(spec(&server.base_url, &json!({"limits": {"concurrency": 1}})));
    let mut first = suite(everything()).check(&one).unwrap();
    let mut second = suite(everything()).check(&backend(&server)).unwrap();
    for row in first.iter_mut().chain(&mut second).flat_map(|row| &mut row.generations) {
        row.latency_ms = None;
    }
    assert_eq!(first, second);
}
