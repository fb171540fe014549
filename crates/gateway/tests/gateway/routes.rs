//! Each way in which a request can go: its route, its reason, what the client sees, and what stands in the log.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use plimsoll_router::conformance::example_thresholds;
use plimsoll_test_support::chat_server::{Server, ServerReply, ServerRequest, completion};
use serde_json::{Value, json};

use crate::fixture::{
    Answer, Running, SURE, UNSURE, asked, chunks, events, impatient, llm, question, reply, slm, start,
    start_in, write_thresholds,
};

fn check(answer: &Answer, route: &str, reason: &str, missing: Option<&str>) {
    let notice = answer.notice();
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!((&notice["route"], &notice["reason"]), (&json!(route), &json!(reason)), "{notice}");
    assert_eq!(notice["missing_reason"].as_str(), missing, "{notice}");
    assert_eq!(answer.header("x-plimsoll-route"), Some(route));
    assert_eq!(answer.header("x-plimsoll-reason"), Some(reason));
    assert_eq!(answer.header("x-plimsoll-missing-reason"), missing);
    let expected = if route == "slm" { "from the SLM" } else { "from the LLM" };
    assert_eq!(answer.content(), expected);
    for document in answer.documents() {
        assert_eq!(document["plimsoll"], notice, "in every chunk");
        assert_eq!(document["model"], "served-1", "the model that answered");
        assert!(document["choices"][0]["logprobs"].is_null(), "{document}");
    }
}

/// Asks with and without a stream; the log has a line of each.
fn both(running: &Running, route: &str, reason: &str, missing: Option<&str>) {
    for (count, stream) in [(1, false), (2, true)] {
        let answer = running.ask(stream);
        check(&answer, route, reason, missing);
        assert_eq!(answer.is_done(), stream);
        let lines = running.log_lines(count);
        let line = &lines[count - 1];
        assert_eq!((&line["route"], &line["answered_by"]), (&json!(route), &json!(route)), "{line}");
        assert_eq!(line["missing_reason"].as_str(), missing, "{line}");
        let logged = if missing.is_some() { "missing" } else { reason };
        assert_eq!((&line["reason"], &line["id"]), (&json!(logged), &answer.notice()["id"]), "{line}");
        assert_eq!(line["confidence"].is_null(), missing.is_some(), "{line}");
    }
}

#[test]
fn a_sure_answer_is_kept_and_an_unsure_one_deferred() {
    for (logprob, route, reason) in [(SURE, "slm", "at_or_above"), (UNSURE, "llm", "below")] {
        let (slm, llm) = (slm(logprob), llm());
        let running = start(&slm, &llm, &json!({}));
        both(&running, route, reason, None);
        let confidence = running.ask(false).notice()["confidence"].as_f64().unwrap();
        // Tables hold log-probabilities in single precision, and these are exact in it.
        assert_eq!(confidence, logprob.exp());
        assert_eq!(asked(&llm), if route == "slm" { 0 } else { 3 });
        let sent =
            &slm.requests().into_iter().find(|request| request.path.ends_with("completions")).unwrap().body;
        assert_eq!(
            (&sent["model"], &sent["temperature"], &sent["logprobs"]),
            (&json!("small"), &json!(0.0), &json!(true))
        );
        assert_eq!(sent["max_tokens"], 64);
    }
}

type Script = fn(&ServerRequest) -> ServerReply;

#[test]
fn an_slm_that_fails_is_deferred_with_the_reason() {
    let without_logprobs: Script = |request| {
        let plain = ServerRequest { body: json!({"stream": request.body["stream"]}), ..request.clone() };
        reply(&plain, "from the SLM", SURE)
    };
    let cut: Script = |request| {
        let mut reply = reply(request, "from the SLM", SURE);
        if request.body["stream"] == true {
            let document = completion(&request.body, &[("from the SLM", SURE), ("</s>", -0.5)], false);
            return events(&chunks(&document)[..2], false);
        }
        reply.cut = Some(reply.body.len() / 2);
        reply
    };
    let empty: Script = |request| {
        if request.body["stream"] == true {
            events(&[], true)
        } else {
            ServerReply::json(
                200,
                &json!({"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}),
            )
        }
    };
    let error_event: Script = |request| {
        let error = json!({"error": {"message": "out of memory", "code": 500}});
        if request.body["stream"] == true { events(&[error], false) } else { ServerReply::json(200, &error) }
    };
    let cases: [(Script, &str); 9] = [
        (without_logprobs, "no_logprobs"),
        (|_| ServerReply::error(500, "broken"), "server_failed"),
        (|_| ServerReply::error(401, "invalid_api_key"), "server_failed"),
        (|_| ServerReply::error(400, "context_length_exceeded"), "context_too_long"),
        (error_event, "server_failed"),
        (|_| ServerReply::new(200, "<html>"), "malformed_reply"),
        (cut, "reply_cut"),
        (empty, "no_text"),
        (
            |request| ServerReply { silence: Duration::from_secs(4), ..reply(request, "late", SURE) },
            "timed_out",
        ),
    ];
    for (script, missing) in cases {
        let slm = Server::scripted(move |request, _| {
            request.path.ends_with("completions").then(|| script(request))
        });
        let llm = llm();
        let changed = if missing == "timed_out" { json!({"slm": impatient()}) } else { json!({}) };
        let running = start(&slm, &llm, &changed);
        both(&running, "llm", "missing", Some(missing));
        assert_eq!(
            running.metric(&format!("plimsoll_missing_total{{reason=\"{missing}\"}}")),
            Some(2.0),
            "{missing}"
        );
    }
}

#[test]
fn no_slm_at_all_is_deferred_too() {
    let folder = tempfile::tempdir().unwrap();
    write_thresholds(&folder, example_thresholds());
    let llm = llm();
    let running = start_in(folder, "http://127.0.0.1:9/v1", &llm.base_url, &json!({}));
    both(&running, "llm", "missing", Some("server_failed"));
}

#[test]
fn a_server_that_lists_fewer_tokens_than_the_method_needs_is_missing() {
    let mut thresholds = example_thresholds();
    let method = &mut thresholds.methods[0];
    "token_margin".clone_into(&mut method.id);
    for point in &mut method.operating_points {
        point.id = point.id.replace("perplexity", "token_margin");
    }
    for (listed, missing) in [(1usize, Some("no_top_logprobs")), (2, None)] {
        let folder = tempfile::tempdir().unwrap();
        write_thresholds(&folder, thresholds.clone());
        let slm = Server::scripted(move |request, _| {
            let mut wanted = request.clone();
            wanted.body["top_logprobs"] = json!(0);
            let mut document = completion(&wanted.body, &[("from the SLM", SURE), ("</s>", -0.5)], false);
            let top =
                [json!({"token": "from the SLM", "logprob": SURE}), json!({"token": "x", "logprob": UNSURE})];
            document["choices"][0]["logprobs"]["content"][0]["top_logprobs"] = json!(top[..listed]);
            Some(ServerReply::json(200, &document))
        });
        let llm = llm();
        let running = start_in(folder, &slm.base_url, &llm.base_url, &json!({"method": "token_margin"}));
        let answer = running.ask(false);
        let (route, reason) = if missing.is_some() { ("llm", "missing") } else { ("slm", "at_or_above") };
        check(&answer, route, reason, missing);
    }
}

#[test]
fn another_model_is_deferred_and_alternating_fingerprints_are_not() {
    let named = |field: &'static str| {
        let answered = AtomicUsize::new(0);
        Server::scripted(move |request, _| {
            let mut document = completion(&request.body, &[("from the SLM", SURE), ("</s>", -0.5)], false);
            // The gateway's look at the server's models may come between two questions.
            let is_question = request.path.ends_with("/chat/completions");
            let turn = answered.fetch_add(usize::from(is_question), Ordering::SeqCst) % 2;
            document[field] = json!(["a", "b"][turn]);
            Some(ServerReply::json(200, &document))
        })
    };
    for (field, changed, deferred) in [
        ("model", json!({}), 2),
        ("system_fingerprint", json!({}), 0),
        ("system_fingerprint", json!({"slm": {"same_fingerprint": true}}), 2),
    ] {
        let (slm, llm) = (named(field), llm());
        let running = start(&slm, &llm, &changed);
        let notice: Vec<Value> = (0..4).map(|_| running.ask(false).notice()).collect();
        let others = notice.iter().filter(|notice| notice["missing_reason"] == "other_model").count();
        assert_eq!(others, deferred, "{field}: {notice:?}");
        if deferred == 0 {
            assert_eq!(running.metric("plimsoll_fingerprint_changes_total"), Some(3.0));
        }
    }
}

#[test]
fn what_the_point_was_not_fitted_for_goes_to_the_llm_untouched_and_into_no_log() {
    let (slm, llm) = (slm(SURE), llm());
    let running = start(&slm, &llm, &json!({}));
    for (extra, field) in [
        (json!({"tools": [{"type": "function", "function": {"name": "f"}}]}), "tools"),
        (json!({"temperature": 0.7}), "temperature"),
        (json!({"n": 2}), "n"),
        (json!({"response_format": {"type": "json_object"}}), "response_format"),
    ] {
        for stream in [false, true] {
            let mut body = question(stream);
            body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            let answer = running.chat(&body);
            check(&answer, "llm", "unsupported_request", None);
            assert_eq!(answer.notice()["field"], field);
            let sent = llm.requests().pop().unwrap().body;
            assert_eq!(sent[field], extra[field], "verbatim");
        }
    }
    assert_eq!(asked(&slm), 0);
    running.ask(false);
    assert_eq!(running.log_lines(1).len(), 1, "the supported one alone");
}

#[test]
fn an_answer_that_the_client_s_limit_cut_is_no_answer_of_the_calibration_s() {
    let slm = Server::scripted(|request, _| {
        let is_cut = request.body["max_tokens"] == 5;
        let tokens: &[(&str, f64)] =
            if is_cut { &[("from the SLM", SURE)] } else { &[("from the SLM", SURE), ("</s>", -0.5)] };
        Some(ServerReply::json(200, &completion(&request.body, tokens, is_cut)))
    });
    let llm = llm();
    let running = start(&slm, &llm, &json!({}));
    for (max, missing) in [(5, Some("cut_by_limit")), (64, None), (1000, None)] {
        let mut body = question(false);
        body["max_tokens"] = json!(max);
        let notice = running.chat(&body).notice();
        assert_eq!(notice["missing_reason"].as_str(), missing, "{max}: {notice}");
    }
}

#[test]
fn points_are_asked_for_by_name() {
    // exp(-0.5) = 0.61 is kept at 0.3 and deferred at 0.7.
    let (slm, llm) = (slm(-0.5), llm());
    let running = start(&slm, &llm, &json!({}));
    for (target, route) in
        [("routing_ratio=0.3", "slm"), ("routing_ratio=0.7", "llm"), ("selective_error=0.2:0.1", "slm")]
    {
        let mut body = question(false);
        body["model"] = json!(format!("plimsoll-perplexity-{target}"));
        let notice = running.chat(&body).notice();
        assert_eq!(
            (&notice["route"], &notice["threshold_id"]),
            (&json!(route), &json!(format!("perplexity/{target}")))
        );
    }
    let mut infeasible = question(false);
    infeasible["model"] = json!("plimsoll-perplexity-selective_error=0.01:0.1");
    assert_eq!(running.chat(&infeasible).status, 404);
}

#[test]
fn an_llm_that_fails_is_an_error_or_the_slm_s_answer() {
    for (status, code, expected) in [
        (500, "broken", 502),
        (401, "invalid_api_key", 502),
        (429, "slow_down", 429),
        (400, "context_length_exceeded", 400),
    ] {
        let (slm, llm) = (slm(UNSURE), Server::scripted(move |_, _| Some(ServerReply::error(status, code))));
        let running = start(&slm, &llm, &json!({}));
        for stream in [false, true] {
            let answer = running.ask(stream);
            assert_eq!(answer.status, expected, "{}", answer.text);
            assert_eq!(answer.notice()["route"], "llm");
            assert!(
                answer.documents()[0]["error"]["message"]
                    .as_str()
                    .unwrap()
                    .contains("the LLM did not answer")
            );
        }
        assert!(!running.log_lines(2)[0]["llm_failure"].is_null());
        let running = start(&slm, &llm, &json!({"llm_failure": "slm_answer"}));
        for stream in [false, true] {
            let answer = running.ask(stream);
            assert_eq!((answer.status, answer.content().as_str()), (200, "from the SLM"));
            assert_eq!(
                (&answer.notice()["route"], &answer.notice()["reason"]),
                (&json!("slm"), &json!("llm_failed"))
            );
        }
        assert_eq!(running.log_lines(2)[1]["answered_by"], "slm");
    }
}

/// What the calibration's requests carried is asked of the SLM, whatever the client says of it; the LLM gets what the settings
/// say where the client says nothing.
#[test]
fn the_slm_is_asked_with_the_fields_of_the_calibration() {
    let (slm, llm) = (slm(UNSURE), llm());
    let folder = tempfile::tempdir().unwrap();
    let mut thresholds = example_thresholds();
    let decoding = r#"{"temperature":0.0,"top_p":1.0,"max_new_tokens":64,"template_variables":{"enable_thinking":false},"extra_body":{"repeat_penalty":1.0,"top_k":0}}"#;
    thresholds.slm.decoding = Some(decoding.to_owned());
    write_thresholds(&folder, thresholds);
    let changed = json!({"llm": {"extra_body": {"top_k": 5, "min_p": 0.1}}});
    let running = start_in(folder, &slm.base_url, &llm.base_url, &changed);
    let mut question = question(false);
    question["top_k"] = json!(40);
    assert_eq!(running.chat(&question).status, 200);
    let sent = |server: &Server| {
        let requests = server.requests();
        requests.into_iter().find(|request| request.path.ends_with("completions")).unwrap().body
    };
    let (small, large) = (sent(&slm), sent(&llm));
    assert_eq!((&small["repeat_penalty"], &small["top_k"]), (&json!(1.0), &json!(0)));
    assert_eq!(small["chat_template_kwargs"], json!({"enable_thinking": false}));
    assert_eq!((&large["top_k"], &large["min_p"]), (&json!(40), &json!(0.1)));
    assert!(large.get("repeat_penalty").is_none() && small.get("min_p").is_none());
}
