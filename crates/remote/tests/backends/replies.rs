//! What is asked of a server, and what is made of its replies.

use plimsoll_core::SignalRequest;
use plimsoll_remote::openai::OpenAi;
use serde_json::json;

use crate::fixture::{KEY, backend, everything, requests, rows, spec};
use plimsoll_test_support::chat_server::{Server, ServerReply, usual};

#[test]
fn the_rows_of_an_ask() {
    let server = Server::start();
    let price = json!({"price": {"input_per_mtok": 1.0, "output_per_mtok": 2.0}});
    let rows = rows(&OpenAi::new(spec(&server.base_url, &price)), &requests(1), &everything());
    let [answer, samples @ ..] = rows[0].generations.as_slice() else { panic!() };
    assert_eq!(answer.text.as_deref(), Some("It is 10"));
    let tokens = answer.tokens.as_ref().unwrap();
    let spans: Vec<_> = tokens.iter().map(|token| (token.text.as_str(), token.start, token.end)).collect();
    assert_eq!(spans, [("It is", 0, 5), (" 10", 5, 8), ("</s>", 8, 8)]);
    assert_eq!(tokens.iter().filter(|token| token.is_answer()).count(), 2);
    assert_eq!((answer.prompt_tokens, answer.completion_tokens), (Some(10), Some(3)));
    assert_eq!(answer.cost_usd, Some(16e-6));
    assert_eq!(answer.finish_reason.map(plimsoll_core::Finish::name), Some("stop"));
    let served = (answer.served_model.as_deref(), answer.system_fingerprint.as_deref());
    assert_eq!(served, (Some("served-1"), Some("fp-1")));
    let p_true = &answer.follow_ups[0];
    assert_eq!(p_true.true_mass, Some((-0.25f64).exp()));
    assert_eq!((p_true.false_mass, p_true.censored), (Some((-2.0f64).exp()), Some(false)));
    assert_eq!(answer.follow_ups[1].text.as_deref(), Some("It is 9"));
    assert_eq!(samples.len(), 3);
    assert!(
        samples.iter().all(|row| row.tokens.is_none() && row.follow_ups.is_empty() && row.text.is_some())
    );
    assert_eq!(samples.iter().map(|row| row.sample_index).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn what_is_sent() {
    let server = Server::start();
    rows(&backend(&server), &requests(1), &everything());
    let requests = server.requests();
    assert_eq!(requests.len(), 6);
    let body = |index: usize| &requests[index].body;
    assert_eq!(body(0)["max_tokens"], 16);
    assert_eq!((&body(0)["temperature"], &body(0)["logprobs"]), (&json!(0.0), &json!(true)));
    let turns = &body(1)["messages"];
    assert_eq!(turns[1], json!({"role": "assistant", "content": "It is 10"}));
    assert_eq!(turns[2]["content"], "You said It is 10. Is it right?");
    assert_eq!((&body(1)["max_tokens"], &body(1)["top_logprobs"]), (&json!(1), &json!(20)));
    assert_eq!(body(2)["max_tokens"], 8);
    let seeds: Vec<_> = (3..6).map(|index| body(index)["seed"].as_u64().unwrap()).collect();
    assert!(seeds[0] != seeds[1] && seeds[1] != seeds[2]);
    assert!(seeds.iter().all(|seed| *seed < 1 << 31));
    assert!((3..6).all(|index| body(index)["temperature"] == 1.0));
    assert!(requests.iter().all(|request| request.headers["authorization"] == format!("Bearer {KEY}")));
}

#[test]
fn bodies_in_chunks_and_with_other_fields_are_read() {
    let server = Server::scripted(|request, _| {
        let mut body = usual(request);
        body["choices"][0]["message"]["reasoning_content"] = json!("hm");
        body["novelty"] = json!([1, {"a": null}]);
        Some(ServerReply { is_chunked: true, ..ServerReply::json(200, &body) })
    });
    let rows = rows(&backend(&server), &requests(1), &everything());
    assert_eq!(rows[0].generations[0].tokens.as_ref().unwrap().len(), 3);
}

#[test]
fn a_server_that_refuses_log_probs_is_asked_without() {
    for status in [400, 422, 500] {
        let server = Server::scripted(move |request, _| {
            let is_asked = request.body.get("logprobs").is_some();
            let refusal =
                json!({"error": {"message": "This model does not support logprobs", "param": "logprobs"}});
            is_asked.then(|| ServerReply::json(status, &refusal))
        });
        let rows = rows(&backend(&server), &requests(5), &everything());
        for row in &rows {
            let answer = &row.generations[0];
            assert!(answer.text.is_some(), "{status}");
            assert_eq!(answer.logprobs_missing.map(plimsoll_core::MissingSignal::name), Some("no_logprobs"));
            assert_eq!(
                answer.follow_ups[0].missing_reason.map(plimsoll_core::MissingSignal::name),
                Some("no_top_logprobs")
            );
        }
    }
}

#[test]
fn an_answer_of_no_words_is_an_answer() {
    let server = Server::scripted(|_, _| {
        Some(ServerReply::json(
            200,
            &json!({"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}),
        ))
    });
    let rows = rows(&backend(&server), &requests(1), &SignalRequest::answer());
    let row = &rows[0].generations[0];
    assert_eq!((row.text.as_deref(), &row.failure), (Some(""), &None));
}
