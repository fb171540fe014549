//! An LLM in the gateway's process, asked after an SLM on a server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use plimsoll_backend::BackendError;
use plimsoll_backend::conformance::Scripted;
use plimsoll_core::Decoding;
use plimsoll_gateway::{LoadedModel, LoadedModels};
use plimsoll_router::ModelIdentity;
use plimsoll_router::conformance::example_thresholds;
use plimsoll_test_support::chat_server::Server;
use serde_json::{Value, json};

use crate::fixture::{Running, UNSURE, question, slm, start_loaded, write_thresholds};

/// A gateway whose SLM is unsure, and what its LLM was asked.
fn start(slm: &Server, llm: &Value) -> (Running, Arc<Mutex<Vec<Decoding>>>) {
    let folder = tempfile::tempdir().unwrap();
    write_thresholds(&folder, example_thresholds());
    let asked = Arc::<Mutex<Vec<Decoding>>>::default();
    let decodings = asked.clone();
    // `wait` makes it wait until it is cancelled.
    let backend = Scripted::new("large", move |request, batch, control| {
        decodings.lock().unwrap().push(batch.decoding());
        let waits = request.prompt.messages[0].text == "wait";
        if waits && control.cancel.sleep(Duration::from_secs(100)) {
            return Err(BackendError::Cancelled);
        }
        Ok("from the LLM".to_owned())
    });
    let llm_model = LoadedModel { backend: Box::new(backend), identity: ModelIdentity::named("large") };
    let loaded = LoadedModels { slm: None, llm: Some(llm_model) };
    let mut settings = json!({"in_process": "large.gguf"});
    settings.as_object_mut().unwrap().extend(llm.as_object().unwrap().clone());
    (start_loaded(folder, &slm.base_url, "", &json!({"llm": settings}), loaded), asked)
}

#[test]
fn it_answers_what_is_deferred_whole_and_streamed() {
    let slm = slm(UNSURE);
    let price = json!({"price": {"input_per_mtok": 1, "output_per_mtok": 2}});
    let (running, asked) = start(&slm, &price);
    for stream in [false, true] {
        let answer = running.ask(stream);
        assert_eq!((answer.status, answer.content().as_str()), (200, "from the LLM"));
        assert_eq!(
            (&answer.notice()["route"], &answer.documents()[0]["model"]),
            (&json!("llm"), &json!("large"))
        );
        assert_eq!(answer.is_done(), stream);
        assert!(answer.documents()[0]["choices"][0].get("logprobs").is_none());
    }
    let mut counted = question(true);
    counted["stream_options"] = json!({"include_usage": true});
    counted["logprobs"] = json!(true);
    let answer = running.chat(&counted);
    assert!(answer.text.contains("-0.25"), "the log-probabilities that were asked for: {}", answer.text);
    assert_eq!(answer.documents().last().unwrap()["usage"]["total_tokens"], 6);
    let lines = running.log_lines(3);
    assert_eq!(
        lines[0]["llm"],
        json!({"model": "large", "prompt_tokens": 5, "completion_tokens": 1, "cost_usd": 7e-6})
    );
    // Greedily and as long as the settings say, where the client says nothing.
    assert_eq!(asked.lock().unwrap()[0], Decoding::new(0.0, 1.0, 1024).unwrap());
}

#[test]
fn the_client_says_how_it_decodes() {
    let slm = slm(UNSURE);
    let (running, asked) = start(&slm, &json!({"max_tokens": 7}));
    let mut body = question(false);
    body["temperature"] = json!(0.5);
    body["top_p"] = json!(0.75);
    assert_eq!(running.chat(&body).status, 200);
    body["max_completion_tokens"] = json!(3);
    assert_eq!(running.chat(&body).status, 200);
    let expected = [7, 3].map(|max| Decoding::new(0.5, 0.75, max).unwrap());
    assert_eq!(*asked.lock().unwrap(), expected);
    body["temperature"] = json!(-1);
    let refused = running.chat(&body);
    assert_eq!((refused.status, &refused.documents()[0]["error"]["code"]), (400, &json!("llm_refused")));
}

#[test]
fn more_than_a_text_is_refused_with_its_field() {
    let slm = slm(UNSURE);
    let (running, asked) = start(&slm, &json!({}));
    for (field, value) in [
        ("tools", json!([{"type": "function", "function": {"name": "f"}}])),
        ("n", json!(2)),
        ("messages", json!([{"role": "tool", "content": "x", "tool_call_id": "1"}])),
        ("response_format", json!({"type": "json_object"})),
    ] {
        let mut body = question(false);
        body[field] = value;
        let refused = running.chat(&body);
        assert_eq!(refused.status, 400, "{}", refused.text);
        let message = refused.documents()[0]["error"]["message"].to_string();
        assert!(message.contains(&format!("`{field}` asks for more")), "{message}");
    }
    assert!(asked.lock().unwrap().is_empty());
}

#[test]
fn no_room_and_no_answer_in_time() {
    let slm = slm(UNSURE);
    let (running, _) = start(&slm, &json!({"queue": 1, "total_seconds": 1.5}));
    let mut waits = question(false);
    waits["messages"][0]["content"] = json!("wait");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..4).map(|_| scope.spawn(|| running.chat(&waits))).collect();
        asking
            .into_iter()
            .map(|asking| asking.join().unwrap())
            .map(|answer| {
                assert_eq!(answer.header("retry-after").is_some(), answer.status == 429, "{}", answer.text);
                answer.status
            })
            .collect()
    });
    // One is computed, one waits, and each has its time.
    assert!(statuses.contains(&429) && statuses.contains(&504), "{statuses:?}");
    assert_eq!(running.ask(false).status, 200, "what nobody waits for is cancelled");
}
