//! Servers that refuse some rows, or some fields, and answer all else.

use std::path::Path;
use std::sync::Arc;

use plimsoll_backend::{Backend as _, BackendObserver, Batch, Cancel, Control, Observation, Request};
use plimsoll_core::{Seed, SignalRequest};
use plimsoll_remote::openai::OpenAi;
use serde_json::{Value, json};

use crate::fixture::{RecordedEvents, answer, everything, greedy, requests, rows, spec, stopped};
use plimsoll_test_support::chat_server::{Server, ServerReply, ServerRequest, completion, usual};

/// A refusal of a prompt, as Azure words it.
fn filtered() -> ServerReply {
    ServerReply::json(
        400,
        &json!({"error": {"message": "The response was filtered due to the prompt triggering the policy.",
            "type": null, "param": "prompt", "code": "content_filter", "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
    )
}

/// Which of `requests` a request speaks of: the number in its first turn.
fn number(request: &ServerRequest) -> usize {
    let first = request.body["messages"][0]["content"].as_str().unwrap();
    first.matches('I').count() - 1
}

fn backend(server: &Server, folder: &Path, extra: &Value) -> OpenAi {
    let mut spec = spec(&server.base_url, extra);
    spec.cache = Some(folder.to_owned());
    spec.network.max_failures_in_a_row = 5;
    OpenAi::new(spec)
}

/// The answers, and the notices beside them.
fn notices(
    backend: &OpenAi,
    requests: &[Request],
    signals: &SignalRequest,
) -> (Vec<Observation>, Vec<String>) {
    let events = Arc::new(RecordedEvents::default());
    let progress: Arc<dyn BackendObserver> = events.clone();
    let (batch, mut rows) = (Batch::new(requests, signals, greedy(), Seed::new(7)).unwrap(), Vec::new());
    let control = Control { cancel: &Cancel::new(), progress: &progress };
    backend.answer(&batch, &mut rows, &control).unwrap();
    let events = events.0.lock().unwrap();
    (rows, events.iter().filter(|event| event.starts_with("Notice")).cloned().collect())
}

#[test]
fn a_refused_question_is_asked_once_and_stops_nothing() {
    let server = Server::scripted(|request, _| (number(request) % 2 == 1).then(filtered));
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(&backend(&server, folder.path(), &json!({})), &requests(40), &everything());
    for (index, row) in rows.iter().enumerate() {
        let failures: Vec<Option<&str>> = row
            .generations
            .iter()
            .map(|generation| generation.failure.map(plimsoll_core::MissingSignal::name))
            .collect();
        let refused = (index % 2 == 1).then_some("content_filter");
        assert_eq!(failures, [refused; 4], "the answer and three samples of {index}");
        let reasons = row.generations[0]
            .follow_ups
            .iter()
            .map(|row| row.missing_reason.map(plimsoll_core::MissingSignal::name));
        assert!(reasons.into_iter().all(|reason| reason == refused.map(|_| "no_answer")));
    }
    // One request for a question that is refused, six for one that is answered.
    assert_eq!(server.requests().len(), 20 + 20 * 6);
    // Refusals are kept like replies.
    let again =
        crate::fixture::rows(&backend(&server, folder.path(), &json!({})), &requests(40), &everything());
    assert_eq!((again, server.requests().len()), (rows, 20 + 20 * 6));
}

#[test]
fn a_run_that_was_interrupted_goes_on_wherever_that_was() {
    // Long runs of refusals, longer than what ends a run in which nothing is answered.
    let refuses = |number: usize| !number.is_multiple_of(10);
    let signals = SignalRequest::answer().with_samples(5, 1.0).unwrap();
    for done in [1, 3, 11, 20, 33] {
        let server = Server::scripted(move |request, _| refuses(number(request)).then(filtered));
        let folder = tempfile::tempdir().unwrap();
        let one = json!({"limits": {"concurrency": 1, "retries": 0}});
        rows(&backend(&server, folder.path(), &one), &requests(40)[..done], &signals);
        let rows = rows(&backend(&server, folder.path(), &json!({})), &requests(40), &signals);
        let answered = rows.iter().filter(|row| row.generations[0].text.is_some()).count();
        assert_eq!((answered, server.requests().len()), (4, 36 + 4 * 6), "after {done}");
    }
}

#[test]
fn a_server_that_refuses_all_stops_the_run_unless_an_earlier_part_was_answered() {
    let server = Server::scripted(|_, _| Some(filtered()));
    let folder = tempfile::tempdir().unwrap();
    let (rows, ended) = answer(&backend(&server, folder.path(), &json!({})), &requests(30), &everything());
    let error = crate::fixture::chain(&ended.unwrap_err());
    assert!(error.contains("questions failed one after the other") && rows.len() < 12, "{error}");
    assert!(error.contains("was filtered"), "the server's words: {error}");
    let resumed = backend(&server, folder.path(), &json!({}));
    resumed.resume(&resumed.served()).unwrap();
    assert_eq!(crate::fixture::rows(&resumed, &requests(30), &everything()).len(), 30);
    // A server that is down is down, whatever was answered before.
    let down = Server::scripted(|_, _| Some(ServerReply::new(500, "")));
    let other = tempfile::tempdir().unwrap();
    let resumed = backend(&down, other.path(), &json!({"limits": {"retries": 0}}));
    resumed.resume(&resumed.served()).unwrap();
    assert!(stopped(&resumed, &requests(30), &everything()).contains("questions failed one after the other"));
}

/// A server that refuses requests with this field for this reason, and answers all others.
fn refusing(is_refused: impl Fn(&Value) -> bool + Send + Sync + 'static, status: u16, body: Value) -> Server {
    Server::scripted(move |request, _| {
        let reply = if is_refused(&request.body) {
            ServerReply::json(status, &body)
        } else {
            ServerReply::json(200, &usual(request))
        };
        Some(reply)
    })
}

#[test]
fn likeliest_tokens_are_asked_for_as_many_as_the_server_allows() {
    let signals = SignalRequest::answer().with_follow_up_masses("p_true");
    for (allowed, words) in [
        (5, "Cannot request more than 5 logprobs"),
        (8, "top_logprobs: expected a value <= 8, but got 20 instead: above maximum"),
        (5, "Top_Logprobs is too large"),
        (4, "topLogprobs: 20 is greater than 9"),
        (10, "Requested sample logprobs of 20, which is greater than max allowed: 10"),
        (2, "at most 2 top log probs"),
    ] {
        let body = json!({"object": "error", "message": words, "code": 400});
        let server = refusing(move |body| body["top_logprobs"].as_u64() > Some(allowed), 400, body);
        let folder = tempfile::tempdir().unwrap();
        let (rows, notices) = notices(&backend(&server, folder.path(), &json!({})), &requests(12), &signals);
        let masses = rows.iter().filter(|row| row.generations[0].follow_ups[0].true_mass.is_some()).count();
        // Where the words name more than is allowed, or nothing, five are asked for, and then none.
        let expected = if allowed == 4 { 0 } else { 12 };
        assert_eq!(masses, expected, "{words}: {rows:?}");
        assert!(notices[0].contains("top_logprobs") && notices[0].contains(words), "{notices:?}");
        let refused =
            server.requests().iter().filter(|r| r.body["top_logprobs"].as_u64() > Some(allowed)).count();
        assert!(refused <= 3 * 4, "{refused} requests were refused by threads under way");
    }
}

#[test]
fn what_else_a_server_refuses_is_left_out_and_reported_once() {
    let logprobs = SignalRequest::answer().with_logprobs();
    let list = json!([{"error": {"code": 400, "status": "INVALID_ARGUMENT",
        "message": "Logprobs is not enabled for models/any"}}]);
    let unknown =
        |name: &str| json!({"detail": [{"loc": ["body", name], "msg": "Extra inputs are not permitted"}]});
    let renamed = json!({"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this \
        model. Use 'max_completion_tokens' instead.", "param": "max_tokens", "code": "unsupported_parameter"}});
    type Has = fn(&Value) -> bool;
    let cases: [(Has, u16, Value, &str); 5] = [
        (|body| !body["logprobs"].is_null(), 400, list, "`logprobs`"),
        (|body| !body["logprobs"].is_null(), 422, unknown("logprobs"), "`logprobs`"),
        (|body| !body["seed"].is_null(), 422, unknown("seed"), "send_seed"),
        (|body| !body["max_tokens"].is_null(), 400, renamed, "token_limit"),
        (
            |body| body["top_logprobs"] == 0,
            400,
            json!("top_logprobs must be between 1 and 20"),
            "`top_logprobs` of 0",
        ),
    ];
    for (is_refused, status, body, said) in cases {
        let server = refusing(is_refused, status, body.clone());
        let folder = tempfile::tempdir().unwrap();
        let (rows, notices) = notices(&backend(&server, folder.path(), &json!({})), &requests(12), &logprobs);
        assert!(rows.iter().all(|row| row.generations[0].text.is_some()), "{body}");
        assert!(notices.len() == 1 && notices[0].contains(said), "{body}: {notices:?}");
        let missing = rows.iter().filter(|row| row.generations[0].tokens.is_none()).count();
        assert_eq!(missing, if said == "`logprobs`" { 12 } else { 0 }, "{body}");
        assert!(server.requests().len() <= 12 + 4, "asked again once, by threads under way");
    }
}

#[test]
fn a_cut_by_any_name_is_one() {
    let message = json!({"role": "assistant", "content": "First I add 3 and 4, that is 7 and then 1"});
    let reasoned = json!({"role": "assistant", "content": null, "reasoning_content": "Lots of words"});
    let choices = [
        json!({"message": message, "finish_reason": "length"}),
        json!({"message": message, "finish_reason": "MAX_TOKENS"}),
        json!({"message": message, "finish_reason": "model_length"}),
        json!({"message": message, "finish_reason": "max_output_tokens"}),
        json!({"message": message, "finish_reason": "stop"}),
        json!({"message": message}),
        json!({"message": reasoned, "finish_reason": "length"}),
        json!({"message": {"content": ""}, "finish_reason": "FINISH_REASON_MAX_TOKENS"}),
        json!({"message": null, "finish_reason": "MaxTokens"}),
        json!({"finish_reason": "length"}),
    ];
    let count = choices.len();
    let server = Server::scripted(move |request, _| {
        let choice = &choices[number(request)];
        Some(ServerReply::json(200, &json!({"choices": [choice], "usage": {"completion_tokens": 16}})))
    });
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(&backend(&server, folder.path(), &json!({})), &requests(count), &SignalRequest::answer());
    for (index, row) in rows.iter().enumerate() {
        let row = &row.generations[0];
        assert_eq!(
            (row.finish_reason.map(plimsoll_core::Finish::name), row.text.is_some()),
            (Some("length"), true),
            "{index}: {row:?}"
        );
    }
    assert_eq!(server.requests().len(), count, "a second request changes nothing");
}

/// A server that penalises repeated tokens at temperature 0, which shows where the likeliest tokens are listed.
#[test]
fn a_server_that_samples_by_itself_is_reported_once() {
    let listing = |chosen: f64| {
        move |request: &ServerRequest, _| {
            let mut reply = completion(&request.body, &[("18", chosen), ("</s>", -0.25)], false);
            for token in reply["choices"][0]["logprobs"]["content"].as_array_mut()? {
                token["top_logprobs"] = json!([{"token": "19", "logprob": -0.25}]);
            }
            Some(ServerReply::json(200, &reply))
        }
    };
    let signals = SignalRequest::answer().with_logprobs().with_top_logprobs(1);
    for (chosen, expected) in [(-2.0, 1), (-0.25, 0)] {
        let server = Server::scripted(listing(chosen));
        let (rows, notices) = notices(&crate::fixture::backend(&server), &requests(6), &signals);
        assert_eq!((rows.len(), notices.len()), (6, expected), "{notices:?}");
        assert!(
            notices.iter().all(|text| text.contains("extra_body") && text.contains("-2.00")),
            "{notices:?}"
        );
    }
}
