//! What outlives a request: labels, states, alarms; a file that changes; shadow mode and exploration.

use std::time::{Duration, Instant};

use plimsoll_router::Thresholds;
use plimsoll_router::conformance::example_thresholds;
use plimsoll_test_support::chat_server::{Server, ServerReply};
use serde_json::{Value, json};

use crate::fixture::{
    Answer, Running, SURE, UNSURE, asked, get, llm, post, reply, slm, start, start_in, write_thresholds,
};

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn feedback(running: &Running, id: &Value, correct: bool) -> Answer {
    post(&format!("{}/v1/feedback", running.address), &json!({"id": id, "correct": correct}), &[])
}

fn decide(running: &Running, body: &Value) -> Answer {
    post(&format!("{}/v1/decision", running.address), body, &[])
}

#[test]
fn a_label_finds_its_decision_once() {
    let (slm, llm) = (slm(SURE), llm());
    let running = start(&slm, &llm, &json!({}));
    let id = running.ask(false).notice()["id"].clone();
    assert_eq!(feedback(&running, &id, true).status, 200);
    assert_eq!(feedback(&running, &id, true).status, 409);
    assert_eq!(feedback(&running, &json!("dec-none"), true).status, 404);
    assert_eq!(post(&format!("{}/v1/feedback", running.address), &json!({"id": 5}), &[]).status, 400);
    let lines = running.log_lines(2);
    assert_eq!(lines[1], json!({"label_of": id, "slm_correct": true}));
    assert_eq!(lines.len(), 2);
}

#[test]
fn decisions_about_signals_of_others() {
    let (slm, llm) = (slm(SURE), llm());
    let running = start(&slm, &llm, &json!({}));
    let reply = json!({"choices": [{"message": {"content": "ab"}, "finish_reason": "stop", "logprobs": {"content": [
        {"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -0.25}]}}]});
    for (body, route, confidence) in [
        (json!({"confidence": 0.9}), "slm", json!(0.9)),
        (json!({"confidence": 0.1}), "llm", json!(0.1)),
        (json!({"confidence": null}), "llm", Value::Null),
        (json!({"logprobs": [-0.5, -0.25]}), "slm", json!((-0.375f64).exp())),
        (json!({"logprobs": []}), "llm", Value::Null),
        (json!({"reply": reply}), "slm", json!((-0.375f64).exp())),
        (json!({"model": "plimsoll-perplexity-routing_ratio=0.7", "confidence": 0.5}), "llm", json!(0.5)),
    ] {
        let notice: Value = serde_json::from_str(&decide(&running, &body).text).unwrap();
        assert_eq!(
            (&notice["route"], &notice["confidence"]),
            (&json!(route), &confidence),
            "{body}: {notice}"
        );
    }
    for bad in [
        json!({}),
        json!({"confidence": 2}),
        json!({"confidence": 1, "logprobs": []}),
        json!({"reply": 5}),
        json!({"model": "x", "confidence": 1}),
        json!({"confidance": 1}),
    ] {
        assert_eq!(decide(&running, &bad).status, 400, "{bad}");
    }
    assert_eq!(running.log_lines(7).len(), 7);
}

#[test]
fn what_was_learnt_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    write_thresholds(&folder, example_thresholds());
    let (slm, llm) = (slm(SURE), llm());
    let state = folder.path().join("state.json");
    let changed = json!({"track": true, "state": {"file": state, "interval_seconds": 0.1}, "target": "selective_error=0.2:0.1"});
    let running = start_in(folder, &slm.base_url, &llm.base_url, &changed);
    for _ in 0..10 {
        decide(&running, &json!({"confidence": 0.9}));
    }
    let id = running.ask(false).notice()["id"].clone();
    feedback(&running, &id, false);
    let read =
        || serde_json::from_slice::<Value>(&std::fs::read(&state).unwrap_or_default()).unwrap_or_default();
    let id = "perplexity/selective_error=0.2:0.1";
    until("the state is written while it runs", || read()["points"][id]["errors"]["state"]["wrong"] == 1);
    let folder = running.stop();
    let before = read();
    assert_eq!(before["points"][id]["tracker"]["state"]["n"], 11);
    assert_eq!(before["points"][id]["drift"]["state"]["window"]["counts"].as_array().unwrap().len(), 30);
    let running = start_in(folder, &slm.base_url, &llm.base_url, &changed);
    assert!(running.metric("plimsoll_error_log_e").unwrap() != 0.0, "resumed");
    decide(&running, &json!({"confidence": 0.9}));
    let folder = running.stop();
    assert_eq!(read()["points"][id]["tracker"]["state"]["n"], 12);
    drop(folder);
}

#[test]
fn alarms_are_counted_and_posted() {
    let folder = tempfile::tempdir().unwrap();
    write_thresholds(&folder, example_thresholds());
    let hook = Server::scripted(|_, _| Some(ServerReply::new(204, "")));
    let (slm, llm) = (slm(SURE), llm());
    let changed = json!({"target": "selective_error=0.2:0.1", "alarms": {"webhook": format!("{}/hook?token=secret", hook.base_url)}});
    let running = start_in(folder, &slm.base_url, &llm.base_url, &changed);
    // The example's window is of 300.
    for _ in 0..300 {
        let notice: Value =
            serde_json::from_str(&decide(&running, &json!({"confidence": 1.0})).text).unwrap();
        if running.metric("plimsoll_alarms_total{kind=\"error\"}").is_none() {
            feedback(&running, &notice["id"], false);
        }
    }
    assert_eq!(running.metric("plimsoll_alarms_total{kind=\"error\"}"), Some(1.0));
    assert_eq!(running.metric("plimsoll_alarms_total{kind=\"drift\"}"), Some(1.0));
    assert_eq!(running.metric("plimsoll_drift_state"), Some(3.0));
    until("both are posted", || hook.requests().len() == 2);
    let kinds: Vec<Value> = hook.requests().iter().map(|request| request.body["alarm"].clone()).collect();
    assert_eq!(kinds, ["error", "drift"]);
}

/// The example file with another threshold at the point.
fn other_file(threshold: f64) -> Thresholds {
    let mut thresholds = example_thresholds();
    thresholds.methods[0].operating_points[0].threshold = plimsoll_router::Threshold::new(threshold).ok();
    thresholds.methods[0].operating_points[0].z = None;
    thresholds
}

#[test]
fn a_new_file_is_taken_under_load_and_a_bad_one_is_not() {
    let (slm, llm) = (slm(-0.5), llm());
    let running = start(&slm, &llm, &json!({"reload_seconds": 0.05}));
    let route = || running.ask(false).notice()["route"].clone();
    assert_eq!(route(), "slm");
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..40).map(|_| running.ask(false).status).collect::<Vec<_>>()))
            .collect();
        std::fs::write(running.folder.path().join("t.json"), "{\"format\": ").unwrap();
        until("the bad file is refused", || {
            running.metric("plimsoll_reloads_total{result=\"refused\"}") >= Some(1.0)
        });
        assert_eq!(route(), "slm");
        write_thresholds(&running.folder, other_file(0.9));
        until("the new file is in service", || route() == "llm");
        for asking in asking {
            assert!(asking.join().unwrap().iter().all(|status| *status == 200), "nothing is dropped");
        }
    });
    assert_eq!(running.metric("plimsoll_reloads_total{result=\"taken\"}"), Some(1.0));
}

/// Streams and whole answers, while files with opposite thresholds take turns: each answer is of one file alone.
#[test]
fn files_take_turns_under_load_and_each_answer_is_of_one_of_them() {
    const CLIENTS: usize = 16;
    const SWAPS: usize = 30;
    let (slm, llm) = (slm(-0.5), llm());
    let running = start(&slm, &llm, &json!({"reload_seconds": 0.01}));
    // exp(-0.5) = 0.61 is kept by the one and deferred by the other.
    let files: Vec<Thresholds> = [0.1, 0.9].map(|at| other_file(at).sealed().unwrap()).into();
    let route_of = |sha256: &Value| match files.iter().position(|file| sha256 == &json!(file.sha256)) {
        Some(0) => json!("slm"),
        Some(_) => json!("llm"),
        None => panic!("{sha256}"),
    };
    let taken = || running.metric("plimsoll_reloads_total{result=\"taken\"}").unwrap_or_default();
    write_thresholds(&running.folder, files[0].clone());
    until("the first file is in service", || taken() == 1.0);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let ask_on = |client: usize| {
            let mut answers = Vec::new();
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                answers.push(running.ask((client + answers.len()).is_multiple_of(2)));
            }
            answers
        };
        let asking: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(move || ask_on(client))).collect();
        for swap in 1..=SWAPS {
            write_thresholds(&running.folder, files[swap % 2].clone());
            until("the next file is in service", || taken() == (swap + 1) as f64);
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        asking.into_iter().flat_map(|asking| asking.join().unwrap()).collect()
    });
    for answer in &answers {
        let notice = answer.notice();
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(notice["route"], route_of(&notice["thresholds_sha256"]), "{notice}");
    }
    let kept = answers.iter().filter(|answer| answer.notice()["route"] == "slm").count();
    assert!(0 < kept && kept < answers.len(), "both were in service: {kept} of {}", answers.len());
}

#[test]
fn in_shadow_mode_the_incumbent_answers_and_decisions_are_counted() {
    let (slm, llm) = (slm(SURE), llm());
    for (incumbent, content) in [("llm", "from the LLM"), ("slm", "from the SLM")] {
        let running = start(&slm, &llm, &json!({"shadow": incumbent}));
        for stream in [false, true] {
            let answer = running.ask(stream);
            assert_eq!((answer.content().as_str(), &answer.notice()["reason"]), (content, &json!("shadow")));
        }
        let lines = running.log_lines(2);
        for line in lines {
            assert_eq!(
                (&line["shadow"], &line["route"], &line["answered_by"]),
                (&json!(true), &json!("slm"), &json!(incumbent))
            );
            assert!(line.get("propensity").is_none());
        }
        until("both are counted", || running.metric("plimsoll_shadow_total{route=\"slm\"}") == Some(2.0));
    }
}

#[test]
fn a_share_of_the_routes_is_a_coin_s_with_its_propensity() {
    let (slm, llm) = (slm(SURE), llm());
    let running = start(&slm, &llm, &json!({"exploration": 0.5}));
    for _ in 0..60 {
        let notice = running.ask(false).notice();
        let expected = if notice["reason"] == "explored" { ("llm", 0.25) } else { ("slm", 0.75) };
        assert_eq!((notice["route"].as_str().unwrap(), notice["propensity"].as_f64().unwrap()), expected);
    }
    let lines = running.log_lines(60);
    let explored = lines.iter().filter(|line| line["reason"] == "explored").count();
    // Of 60 with probability 1/4: fewer than 3 or more than 32 come once in 100,000 runs.
    assert!((3..=32).contains(&explored), "{explored}");
    assert_eq!(asked(&llm), explored);
}

#[test]
fn it_is_ready_once_the_slm_s_server_has_the_model() {
    let with_models = Server::scripted(|request, before| {
        let names = if before < 1 { "other" } else { "small" };
        if request.path.ends_with("/models") {
            return Some(ServerReply::json(200, &json!({"data": [{"id": names}]})));
        }
        Some(reply(request, "from the SLM", UNSURE))
    });
    let llm = llm();
    let running = start(&with_models, &llm, &json!({}));
    let ready = format!("{}/readyz", running.address);
    until("the first probe", || {
        get(&ready).1.contains("has no model `small`; it lists other") || get(&ready).0 == 200
    });
    until("it is ready", || get(&ready).0 == 200);
    assert!(get(&ready).1.contains("weights_sha256"), "what is taken on trust is said");
}
