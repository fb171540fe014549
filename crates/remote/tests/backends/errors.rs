//! Servers that fail, and what is a row's reason and what stops the run.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use plimsoll_backend::{Backend as _, BackendError, BackendObserver, Batch, Cancel, Control};
use plimsoll_core::{Seed, SignalRequest};
use plimsoll_remote::openai::OpenAi;
use serde_json::json;

use crate::fixture::{answer, backend, greedy, requests, rows, spec, stopped};
use plimsoll_test_support::chat_server::{Server, ServerReply, completion};

fn only() -> SignalRequest {
    SignalRequest::answer()
}

/// A server whose first replies are these.
fn first(replies: Vec<ServerReply>) -> Server {
    Server::scripted(move |_, before| replies.get(before).cloned())
}

#[test]
fn what_passes_is_asked_again() {
    let short = json!({"choices": [{"message": {"content": "whole"}}]}).to_string();
    for (what, reply) in [
        ("busy", ServerReply::error(429, "rate_limit_exceeded")),
        ("broken", ServerReply::new(500, "<html>oops</html>")),
        ("gateway", ServerReply::new(502, "")),
        ("cut", ServerReply { cut: Some(20), ..ServerReply::new(200, short) }),
        ("closed", ServerReply { raw: Some(Vec::new()), ..ServerReply::default() }),
        ("malformed", ServerReply::new(200, "{\"choices\": [")),
        ("a page", ServerReply::new(200, "<html></html>")),
        ("no choices", ServerReply::new(200, "{}")),
        ("empty", ServerReply::new(200, "")),
        ("no HTTP", ServerReply { raw: Some(b"SSH-2.0-x\r\n\r\n".to_vec()), ..ServerReply::default() }),
        (
            "an error with 200",
            ServerReply::json(200, &json!({"error": {"message": "overloaded", "code": 503}})),
        ),
        ("another error with 200", ServerReply::json(200, &json!({"error": "overloaded", "choices": []}))),
    ] {
        let server = first(vec![reply.clone(), reply]);
        let rows = rows(&backend(&server), &requests(1), &only());
        let row = &rows[0].generations[0];
        assert_eq!((row.text.as_deref(), row.attempts), (Some("It is 10"), 3), "{what}");
    }
}

#[test]
fn what_does_not_pass_is_a_reason_in_the_row() {
    let whole = ServerReply::json(200, &json!({"choices": [{"message": {"content": "ok"}}]}));
    for (reason, reply, attempts) in [
        ("server_failed", ServerReply::new(500, ""), 3),
        ("server_failed", ServerReply { cut: Some(5), ..whole.clone() }, 3),
        ("server_failed", ServerReply::json(200, &json!({"error": {"message": "x"}})), 3),
        ("malformed_reply", ServerReply::new(200, "[]"), 3),
        ("malformed_reply", ServerReply::new(200, vec![b' '; 200_000]), 3),
        ("request_refused", ServerReply::error(400, "bad"), 1),
        ("request_refused", ServerReply::error(413, "large"), 1),
        ("context_too_long", ServerReply::error(400, "context_length_exceeded"), 1),
        ("timed_out", ServerReply { silence: Duration::from_secs(3), ..whole.clone() }, 3),
        ("timed_out", ServerReply { drip: Some(Duration::from_millis(300)), ..whole }, 3),
        ("no_text", ServerReply::json(200, &json!({"choices": [{"message": {"content": null}}]})), 1),
    ] {
        let (second, other) = (requests(2).remove(1), reply.clone());
        let server =
            Server::scripted(move |request, _| (request.last() == "What is I?").then(|| other.clone()));
        let mut spec = spec(&server.base_url, &json!({}));
        spec.network.max_reply_bytes = 100_000;
        spec.network.timeout = Duration::from_millis(700);
        let rows = rows(&OpenAi::new(spec), &requests(2), &only().with_follow_up_masses("p_true"));
        let (bad, good) = (&rows[0].generations[0], &rows[1].generations[0]);
        assert_eq!(
            (bad.failure.map(plimsoll_core::MissingSignal::name), bad.attempts),
            (Some(reason), attempts),
            "{reply:?}"
        );
        assert_eq!(
            bad.follow_ups[0].missing_reason.map(plimsoll_core::MissingSignal::name),
            Some("no_answer")
        );
        assert_eq!(good.text.as_deref(), Some("It is 11"), "{second:?}");
    }
}

#[test]
fn what_every_request_would_meet_stops_the_run() {
    for (message, reply, most_requests) in [
        ("refuses access (status 401)", ServerReply::error(401, "invalid_api_key"), 4),
        ("refuses access (status 403)", ServerReply::new(403, ""), 4),
        (
            "no such model or address (status 404): it is model_not_found",
            ServerReply::error(404, "model_not_found"),
            4,
        ),
        ("no means left", ServerReply::error(429, "insufficient_quota"), 4),
        ("lets through no more requests (429)", ServerReply::error(429, "busy"), 100),
        ("redirects (status 307)", ServerReply::new(307, "").with("Location", "http://127.0.0.1:9/v1"), 4),
        ("redirects (status 302)", ServerReply::new(302, "").with("Location", "/elsewhere"), 4),
    ] {
        let server = Server::scripted(move |_, _| Some(reply.clone()));
        let error = stopped(&backend(&server), &requests(30), &only());
        assert!(error.contains(message), "{error}");
        assert!(error.contains("question `made/test/"), "{error}");
        assert!(server.requests().len() <= most_requests, "{}: {message}", server.requests().len());
        assert!(server.requests().iter().all(|request| request.path == "/v1/chat/completions"));
    }
    let nobody = OpenAi::new(spec("http://127.0.0.1:9/v1", &json!({})));
    assert!(
        stopped(&nobody, &requests(3), &only()).contains("cannot reach http://127.0.0.1:9: check `base_url`")
    );
}

#[test]
fn a_server_that_fails_row_after_row_stops_the_run() {
    let server = Server::scripted(|_, _| Some(ServerReply::new(500, "down")));
    let mut spec = spec(&server.base_url, &json!({"limits": {"retries": 0}}));
    spec.network.max_failures_in_a_row = 5;
    let (rows, ended) = answer(&OpenAi::new(spec), &requests(50), &only());
    assert!(ended.is_err() && rows.len() < 10, "{}", rows.len());
    assert!(rows.iter().all(
        |row| row.generations[0].failure.map(plimsoll_core::MissingSignal::name) == Some("server_failed")
    ));
}

#[test]
fn a_server_is_given_the_time_it_asks_for() {
    for (is_date, least) in [(false, Duration::from_secs(1)), (true, Duration::from_secs(1))] {
        // A date has whole seconds: three from now are more than two.
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
        let value = if is_date { date } else { "1".to_owned() };
        let busy = ServerReply::error(429, "busy").with("Retry-After", value.clone());
        let server = Server::scripted(move |_, before| (before == 0).then(|| busy.clone()));
        let requests = requests(6);
        rows(&backend(&server), &requests, &only());
        let requests = server.requests();
        // Those that were under way, then nobody until the time has come.
        let pause = requests.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap();
        assert!(pause >= least.mul_f64(0.9), "{value}: {pause:?}");
    }
    let forever =
        Server::scripted(|_, _| Some(ServerReply::error(429, "busy").with("Retry-After", "100000")));
    assert!(stopped(&backend(&forever), &requests(1), &only()).contains("(429)"));
    assert_eq!(forever.requests().len(), 1, "a wait that is too long is not waited for");
}

#[test]
fn requests_are_spaced_and_no_more_are_under_way_than_allowed() {
    let server = Server::scripted(|request, _| {
        let body = completion(&request.body, &[("a", -1.0), ("", -1.0)], false);
        Some(ServerReply { silence: Duration::from_millis(30), ..ServerReply::json(200, &body) })
    });
    rows(
        &OpenAi::new(spec(&server.base_url, &json!({"limits": {"concurrency": 3}}))),
        &requests(12),
        &only(),
    );
    assert!((2..=3).contains(&server.max_at_once()), "{}", server.max_at_once());
    let paced = spec(&server.base_url, &json!({"limits": {"concurrency": 8, "requests_per_minute": 1200}}));
    let before = server.requests().len();
    rows(&OpenAi::new(paced), &requests(11), &only());
    // A lower bound, which a slow machine meets too: ten steps of 50 ms lie between the turns of the first and the last.
    let sent: Vec<Instant> = server.requests()[before..].iter().map(|request| request.at).collect();
    let (first, last) = (sent.iter().min().unwrap(), sent.iter().max().unwrap());
    assert!(*last - *first >= Duration::from_millis(450), "{:?}", *last - *first);
}

#[test]
fn a_cancelled_run_does_not_wait_for_the_server() {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let (blocked, cancel) = (std::sync::Mutex::new(blocked), Cancel::new());
    let other = cancel.clone();
    // The server cancels the run when it has a request, and replies when this test has ended.
    let server = Server::scripted(move |_, _| {
        other.cancel();
        let _ = blocked.lock().unwrap().recv();
        None
    });
    let progress: Arc<dyn BackendObserver> = Arc::new(());
    let (signals, requests) = (only(), requests(4));
    let batch = Batch::new(&requests, &signals, greedy(), Seed::new(1)).unwrap();
    let control = Control { cancel: &cancel, progress: &progress };
    let mut patient = spec(&server.base_url, &json!({}));
    // A run that waited for the reply would not end.
    patient.network.timeout = Duration::from_hours(1);
    let ended = OpenAi::new(patient).answer(&batch, &mut Vec::new(), &control);
    assert!(matches!(ended, Err(BackendError::Cancelled)));
    drop(release);
}

/// A server that says something else of itself from the fourth reply on.
fn changing(field: &'static str, value: &'static str) -> Server {
    Server::scripted(move |request, before| {
        let mut body = completion(&request.body, &[("a", -1.0), ("", -1.0)], false);
        if before >= 3 {
            body[field] = json!(value);
        }
        Some(ServerReply::json(200, &body))
    })
}

#[test]
fn another_model_behind_the_name_stops_the_run() {
    for (field, value, key) in [("model", "served-2", false), ("system_fingerprint", "fp-2", true)] {
        let server = changing(field, value);
        let spec = |limits: serde_json::Value| {
            spec(&server.base_url, &json!({"limits": limits, "same_fingerprint": key}))
        };
        let backend = OpenAi::new(spec(json!({"concurrency": 1})));
        let (rows, ended) = answer(&backend, &requests(6), &only());
        assert_eq!(rows.len(), 3);
        let error = crate::fixture::chain(&ended.unwrap_err());
        assert!(error.contains(&format!("`{value}`")) && error.contains("`made/test/3`"), "{error}");
        assert_eq!(error.contains("`same_fingerprint`"), key, "{error}");
        // A later part of the run receives what the first was served by.
        let resumed = OpenAi::new(spec(json!({})));
        resumed.resume(&backend.served()).unwrap();
        assert!(stopped(&resumed, &requests(1), &only()).contains("changed the model"));
    }
}

#[test]
fn another_fingerprint_is_recorded_and_stops_nothing() {
    let server = changing("system_fingerprint", "b4567-0a1b2c3");
    let backend = OpenAi::new(spec(&server.base_url, &json!({"limits": {"concurrency": 1}})));
    let rows = rows(&backend, &requests(6), &only());
    let fingerprints: Vec<&str> =
        rows.iter().filter_map(|row| row.generations[0].system_fingerprint.as_deref()).collect();
    assert_eq!(fingerprints, ["fp-1", "fp-1", "fp-1", "b4567-0a1b2c3", "b4567-0a1b2c3", "b4567-0a1b2c3"]);
    // Also where a later part of the run begins with the other one.
    let resumed = OpenAi::new(spec(&server.base_url, &json!({})));
    resumed.resume(&backend.served()).unwrap();
    crate::fixture::rows(&resumed, &requests(6), &only());
}

/// What servers say of their own state: hosted ones alternate, some say nothing in some replies, builds change with an
/// update, and some say something else each time.
#[test]
fn no_shape_of_a_fingerprint_stops_a_run() {
    type Shape = fn(usize) -> serde_json::Value;
    let shapes: [(Shape, usize); 6] = [
        (|n| json!(["fp_44709d6fcb", "fp_0aa8d3e20b"][n % 2]), 2),
        (|n| if n % 3 == 0 { json!(null) } else { json!("fp_ollama") }, 1),
        (|n| json!(if n < 4 { "b4567-0a1b2c3" } else { "b5000-1c2d3e4" }), 2),
        (|n| json!(format!("{n:x}")), 8),
        (|n| if n < 5 { json!("") } else { json!("fp_late") }, 1),
        (|n| if n % 2 == 0 { json!({"build": n}) } else { json!("fp_x") }, 1),
    ];
    for (index, (shape, distinct)) in shapes.into_iter().enumerate() {
        let server = Server::scripted(move |request, before| {
            let mut body = completion(&request.body, &[("a", -1.0), ("", -1.0)], false);
            body["system_fingerprint"] = shape(before);
            Some(ServerReply::json(200, &body))
        });
        let rows = rows(&backend(&server), &requests(8), &only());
        let seen: std::collections::BTreeSet<&str> =
            rows.iter().filter_map(|row| row.generations[0].system_fingerprint.as_deref()).collect();
        assert_eq!(seen.len(), distinct, "{index}: {seen:?}");
    }
}
