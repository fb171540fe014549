//! Who is let in, how much, and that no key is seen anywhere.

use std::time::Duration;

use plimsoll_test_support::chat_server::{Server, ServerReply};
use serde_json::json;

use crate::fixture::{CLIENT_KEY, KEY, SURE, UNSURE, get, llm, post, question, reply, slm, start};

#[test]
fn a_client_shows_a_key_where_keys_are_set() {
    let (slm, llm) = (slm(SURE), llm());
    let running = start(&slm, &llm, &json!({"client_key_envs": ["CLIENT_KEY"]}));
    let address = format!("{}/v1/chat/completions", running.address);
    let shown =
        |key: &str| post(&address, &question(false), &[("authorization", &format!("Bearer {key}"))]).status;
    assert_eq!((shown(CLIENT_KEY), shown("client-key-of-the-gatewax"), shown("")), (200, 401, 401));
    let bare = running.ask(false);
    assert_eq!((bare.status, bare.header("www-authenticate")), (401, Some("Bearer")));
    for path in ["/v1/decision", "/v1/feedback"] {
        assert_eq!(post(&format!("{}{path}", running.address), &json!({}), &[]).status, 401);
    }
    assert_eq!(get(&format!("{}/v1/models", running.address)).0, 401);
    assert_eq!(get(&format!("{}/healthz", running.address)).0, 200);
    let sent = slm.requests().into_iter().find(|request| request.path.ends_with("completions")).unwrap();
    assert_eq!(
        sent.headers["authorization"],
        format!("Bearer {KEY}"),
        "the server's key, and not the client's"
    );
}

#[test]
fn no_key_is_seen_in_replies_logs_or_metrics() {
    let echo = |text: &'static str, logprob: f64| {
        Server::scripted(move |request, _| {
            let mut reply = reply(request, text, logprob);
            let body = String::from_utf8(reply.body).unwrap();
            reply.body = body
                .replace("ECHO", request.headers["authorization"].trim_start_matches("Bearer "))
                .into_bytes();
            Some(reply)
        })
    };
    let refuses = Server::scripted(|request, _| {
        let key = &request.headers["authorization"];
        Some(ServerReply::json(500, &json!({"error": {"message": format!("bad key {key}")}})))
    });
    let (echoing_slm, echoing_llm) = (echo("ECHO", SURE), echo("ECHO", SURE));
    for (slm, llm) in [(&echoing_slm, &refuses), (&refuses, &echoing_llm), (&refuses, &refuses)] {
        let running = start(slm, llm, &json!({}));
        for stream in [false, true] {
            let answer = running.ask(stream);
            assert!(!answer.text.contains(KEY), "{}", answer.text);
            assert!(answer.headers.iter().all(|(_, value)| !value.contains(KEY)));
        }
        running.log_lines(2);
        let log = std::fs::read_to_string(running.log_file()).unwrap();
        assert!(!log.contains(KEY) && !log.contains("9 + 9"), "neither keys nor texts");
        assert!(!get(&running.metrics).1.contains(KEY));
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let slow = Server::scripted(|request, _| {
        let silence =
            if request.path.ends_with("completions") { Duration::from_millis(600) } else { Duration::ZERO };
        Some(ServerReply { silence, ..reply(request, "from the SLM", SURE) })
    });
    let llm = llm();
    let running = start(&slow, &llm, &json!({"limits": {"concurrency": 2, "body_bytes": 2000}}));
    let statuses: Vec<(u16, bool)> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..6).map(|_| scope.spawn(|| running.ask(false))).collect();
        asking
            .into_iter()
            .map(|asking| asking.join().unwrap())
            .map(|answer| (answer.status, answer.header("retry-after").is_some()))
            .collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == (200, false)).count(), 2, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == (429, true)).count(), 4, "{statuses:?}");
    let mut large = question(false);
    large["user"] = json!("x".repeat(3000));
    assert_eq!(running.chat(&large).status, 413);
    assert_eq!(running.metric("plimsoll_refused_total{why=\"busy\"}"), Some(4.0));
    assert_eq!(running.metric("plimsoll_in_flight"), Some(0.0));
}

#[test]
fn a_reply_without_end_is_cut_off() {
    let endless = Server::scripted(|_, _| {
        let text = "data: {\"choices\": [{\"delta\": {\"content\": \"x\"}}]}\n\n".repeat(2000);
        Some(ServerReply::new(200, text).with("Content-Type", "text/event-stream"))
    });
    let llm = llm();
    let running = start(&endless, &llm, &json!({"limits": {"reply_bytes": 10_000}}));
    assert_eq!(running.ask(true).notice()["missing_reason"], "malformed_reply");
    let running = start(&slm(UNSURE), &endless, &json!({"limits": {"reply_bytes": 10_000}}));
    let answer = running.ask(true);
    assert!(answer.text.contains("more than 10000 bytes") && !answer.is_done(), "{}", answer.text);
}

#[test]
fn bad_requests_are_answered_in_openai_s_form() {
    let (slm, llm) = (slm(SURE), llm());
    let running = start(&slm, &llm, &json!({}));
    for (body, status, code, parameter) in [
        (json!([]), 400, "invalid_request", None),
        (json!({"model": "gpt-4o", "messages": []}), 404, "model_not_found", Some("model")),
        (json!({"model": "plimsoll", "messages": []}), 400, "invalid_request", Some("messages")),
        (
            json!({"model": "plimsoll-perplexity-accuracy=0.5", "messages": [{"role": "user", "content": ""}]}),
            404,
            "model_not_found",
            Some("model"),
        ),
    ] {
        let answer = running.chat(&body);
        let error = answer.documents()[0]["error"].clone();
        assert_eq!(
            (answer.status, error["code"].as_str(), error["param"].as_str()),
            (status, Some(code), parameter),
            "{error}"
        );
    }
    assert_eq!(get(&format!("{}/v1/embeddings", running.address)).0, 404);
    let models = get(&format!("{}/v1/models", running.address)).1;
    assert!(
        models.contains("plimsoll-perplexity-routing_ratio=0.3") && models.contains("infeasible"),
        "{models}"
    );
}
