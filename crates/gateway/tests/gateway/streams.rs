//! Streams: what comes when, what is never taken back, and how they end.

use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

use plimsoll_test_support::chat_server::{Server, ServerReply, completion};
use serde_json::{Value, json};

use crate::fixture::{SURE, UNSURE, agent, chunks, events, impatient, llm, question, reply, slm, start};

#[test]
fn comments_keep_the_client_while_the_slm_is_buffered() {
    let slow = Server::scripted(|request, _| {
        let silence =
            if request.path.ends_with("completions") { Duration::from_millis(400) } else { Duration::ZERO };
        Some(ServerReply { silence, ..reply(request, "from the SLM", SURE) })
    });
    let llm = llm();
    let running = start(&slow, &llm, &json!({"limits": {"keep_alive_seconds": 0.1}}));
    let answer = running.ask(true);
    assert!(answer.text.starts_with(": keep-alive\n\n"), "{}", answer.text);
    assert!(answer.text.matches(": keep-alive").count() >= 2, "{}", answer.text);
    assert_eq!((answer.header("x-plimsoll-route"), answer.content().as_str()), (None, "from the SLM"));
    assert_eq!(answer.notice()["route"], "slm", "the chunks say it");
    assert!(answer.is_done());
}

#[test]
fn an_error_after_the_first_comment_is_an_event() {
    let slow = Server::scripted(|request, _| {
        Some(ServerReply { silence: Duration::from_millis(300), ..reply(request, "from the SLM", UNSURE) })
    });
    let broken = Server::scripted(|_, _| Some(ServerReply::error(500, "broken")));
    let running = start(&slow, &broken, &json!({"limits": {"keep_alive_seconds": 0.1}}));
    let answer = running.ask(true);
    let last = answer.documents().pop().unwrap();
    assert_eq!((answer.status, &last["error"]["code"]), (200, &json!("llm_failed")));
    assert!(!answer.is_done());
}

/// A stream of the LLM: `words`, then what the test adds.
fn llm_stream(words: &'static [&'static str], rest: Vec<Value>, is_done: bool) -> Server {
    Server::scripted(move |_, _| {
        let chunk = |word: &&str| json!({"model": "big-1", "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": null}]});
        let all: Vec<Value> = words.iter().map(chunk).chain(rest.clone()).collect();
        Some(ServerReply { drip: Some(Duration::from_millis(2)), is_chunked: false, ..events(&all, is_done) })
    })
}

fn stop() -> Value {
    json!({"model": "big-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
}

#[test]
fn the_llm_is_streamed_as_it_comes() {
    const WORDS: [&str; 20] = ["word "; 20];
    let usage =
        json!({"model": "big-1", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 20}});
    let (slm, llm) = (slm(UNSURE), llm_stream(&WORDS, vec![stop(), usage], true));
    let running = start(&slm, &llm, &json!({"llm": {"price": {"input_per_mtok": 1, "output_per_mtok": 2}}}));
    let response = agent()
        .post(format!("{}/v1/chat/completions", running.address))
        .content_type("application/json")
        .send(question(true).to_string())
        .unwrap();
    let mut times = Vec::new();
    for line in BufReader::new(response.into_body().into_reader()).lines() {
        if line.unwrap().contains("word ") {
            times.push(Instant::now());
        }
    }
    assert_eq!(times.len(), WORDS.len());
    let spread = *times.last().unwrap() - times[0];
    assert!(spread > Duration::from_millis(50), "they came one by one: {spread:?}");
    let line = running.log_lines(1).remove(0);
    assert_eq!((&line["llm"]["completion_tokens"], &line["llm"]["model"]), (&json!(20), &json!("big-1")));
    assert_eq!(line["llm"]["cost_usd"], json!(47e-6));
}

#[test]
fn an_error_event_within_a_200_is_a_failure() {
    let error = json!({"error": {"message": "overloaded", "code": 503}});
    let slm = slm(UNSURE);
    let first = llm_stream(&[], vec![error.clone()], false);
    let answer = start(&slm, &first, &json!({})).ask(true);
    assert_eq!(answer.status, 502, "nothing was sent yet: {}", answer.text);
    let later = llm_stream(&["some "], vec![error], true);
    let running = start(&slm, &later, &json!({"llm_failure": "slm_answer"}));
    let answer = running.ask(true);
    let documents = answer.documents();
    assert_eq!(documents[0]["choices"][0]["delta"]["content"], "some ");
    let last = documents.last().unwrap();
    assert!(last["error"]["message"].as_str().unwrap().contains("overloaded"), "{last}");
    assert!(!answer.is_done() && !answer.text.contains("from the SLM"), "no cascade after the first word");
    assert_eq!(running.log_lines(1)[0]["llm_failure"], "server_failed");
}

#[test]
fn a_stream_of_the_llm_that_is_cut_or_stalls_ends_with_an_error() {
    let slm = slm(UNSURE);
    for (rest, is_done, is_whole) in [
        (vec![], false, false),
        (vec![stop()], false, true),
        (vec![stop()], true, true),
        (vec![], true, true),
    ] {
        let llm = llm_stream(&["some "], rest, is_done);
        let answer = start(&slm, &llm, &json!({})).ask(true);
        assert_eq!(answer.is_done(), is_whole, "{}", answer.text);
        assert_eq!(answer.text.contains("llm_cut"), !is_whole, "{}", answer.text);
    }
    let stalled = Server::scripted(|request, _| {
        Some(ServerReply { silence: Duration::from_secs(4), ..reply(request, "late", SURE) })
    });
    let answer = start(&slm, &stalled, &json!({"llm": impatient()})).ask(true);
    assert_eq!((answer.status, &answer.documents()[0]["error"]["code"]), (504, &json!("llm_timeout")));
}

#[test]
fn logprobs_and_usage_come_if_they_were_asked_for() {
    let (slm, llm) = (slm(SURE), llm());
    let running = start(&slm, &llm, &json!({}));
    for stream in [false, true] {
        let mut body = question(stream);
        body["logprobs"] = json!(true);
        body["top_logprobs"] = json!(1);
        let answer = running.chat(&body);
        let token = &answer.documents()[0]["choices"][0]["logprobs"]["content"][0];
        assert_eq!(
            (&token["logprob"], token["top_logprobs"].as_array().map(Vec::len)),
            (&json!(SURE), Some(1))
        );
    }
    let counting = Server::scripted(|request, _| {
        let document = completion(&request.body, &[("from the SLM", SURE), ("</s>", -0.5)], false);
        let mut all = chunks(&document);
        all.push(json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}));
        Some(events(&all, true))
    });
    let running = start(&counting, &llm, &json!({}));
    let mut body = question(true);
    assert!(running.chat(&body).documents().iter().all(|chunk| chunk.get("usage").is_none()));
    body["stream_options"] = json!({"include_usage": true});
    assert_eq!(running.chat(&body).documents().last().unwrap()["usage"]["completion_tokens"], 2);
}

#[test]
fn the_slm_is_stopped_as_soon_as_the_decision_is_known() {
    // With 64 tokens at most, S / 64 < ln 0.3 once S < -77: after 26 tokens of -3.
    let long = Server::scripted(|request, _| {
        let chunk = |_| {
            json!({"model": "s", "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": null,
            "logprobs": {"content": [{"token": "x", "logprob": UNSURE}]}}]})
        };
        let all: Vec<Value> = (0..64).map(chunk).chain([stop()]).collect();
        let drip = request.path.ends_with("completions").then(|| Duration::from_millis(1));
        Some(ServerReply { drip, is_chunked: false, ..events(&all, true) })
    });
    let llm = llm();
    let running = start(&long, &llm, &json!({"early_exit": true, "slm": {"total_seconds": 30}}));
    for stream in [false, true] {
        let begin = Instant::now();
        let answer = running.ask(stream);
        let notice = answer.notice();
        assert_eq!(
            (&notice["route"], &notice["reason"], &notice["confidence"]),
            (&json!("llm"), &json!("below"), &Value::Null)
        );
        assert_eq!(answer.content(), "from the LLM");
        // All 64 chunks of about 110 bytes, ten each millisecond or more, take 700 ms at least.
        assert!(begin.elapsed() < Duration::from_secs(25));
    }
    let line = running.log_lines(2).remove(1);
    assert_eq!((&line["early_exit"], &line["reason"]), (&json!(true), &json!("below")));
}
