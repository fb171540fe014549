//! Requests: what is asked, what is unsupported, what is refused, what the models get.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn decoding() -> Decoding {
    Decoding::new(0.0, 1.0, 64).unwrap()
}

fn read(extra: &Value) -> Result<ChatRequest, RequestProblem> {
    let mut body = json!({"model": "plimsoll", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    ChatRequest::read(body.to_string().as_bytes())
}

fn unsupported(extra: &Value) -> Option<&'static str> {
    read(extra).unwrap().unsupported(decoding())
}

#[test]
fn plain_requests_are_supported() {
    for extra in [
        json!({}),
        json!({"temperature": 0, "top_p": 1.0, "n": 1, "tools": [], "response_format": {"type": "text"}}),
        json!({"temperature": null, "frequency_penalty": 0.0, "presence_penalty": 0, "stop": null, "user": "u"}),
        json!({"seed": 7, "x_unknown": {"a": [1]}, "max_tokens": 5, "logprobs": true, "top_logprobs": 3}),
        json!({"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "hi"}]}]}),
    ] {
        assert_eq!(unsupported(&extra), None, "{extra}");
    }
}

#[test]
fn what_no_point_was_fitted_for_is_named() {
    let image = json!([{"type": "image_url", "image_url": {"url": "data:"}}]);
    for (extra, field) in [
        (json!({"temperature": 0.7}), "temperature"),
        (json!({"top_p": 0.9}), "top_p"),
        (json!({"temperature": "0"}), "temperature"),
        (json!({"tools": [{"type": "function"}]}), "tools"),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (json!({"n": 2}), "n"),
        (json!({"response_format": {"type": "json_object"}}), "response_format"),
        (json!({"logit_bias": {"5": 1}}), "logit_bias"),
        (json!({"stop": ["\n"]}), "stop"),
        (json!({"frequency_penalty": 0.1}), "frequency_penalty"),
        (json!({"chat_template_kwargs": {"enable_thinking": false}}), "chat_template_kwargs"),
        (json!({"messages": [{"role": "user", "content": image}]}), "content"),
        (
            json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}),
            "messages",
        ),
        (json!({"messages": [{"role": "tool", "content": "a"}]}), "messages"),
        (json!({"messages": [{"role": "assistant", "content": null, "tool_calls": [{}]}]}), "messages"),
    ] {
        assert_eq!(unsupported(&extra), Some(field), "{extra}");
    }
}

#[test]
fn bad_requests_are_refused_with_the_field() {
    for (body, expected) in [
        ("", "no JSON object"),
        ("[]", "no JSON object"),
        ("{\"model\": \"plimsoll\", \"messages\": [", "no JSON object"),
        ("{\"messages\": []}", "`model` is missing"),
        ("{\"model\": \"plimsoll\"}", "`messages` is missing"),
        ("{\"model\": \"plimsoll\", \"messages\": []}", "`messages` is empty"),
        ("{\"model\": \"plimsoll\", \"messages\": \"hi\"}", "`messages` is of another shape"),
        ("{\"model\": \"plimsoll\", \"messages\": [{}]}", "no `role` that is a text at index 0"),
        ("{\"model\": \"gpt-4o\", \"messages\": []}", "no model `gpt-4o` here"),
        ("{\"model\": 5, \"messages\": []}", "`model` is of another shape"),
    ] {
        let problem = ChatRequest::read(body.as_bytes()).unwrap_err().to_string();
        assert!(problem.contains(expected), "{body}: {problem}");
    }
    for (extra, expected) in [
        (json!({"max_tokens": 0}), "`max_tokens` is 0"),
        (json!({"max_tokens": -1}), "`max_tokens` is of another shape"),
        (json!({"stream": "yes"}), "`stream` is of another shape"),
        (json!({"top_logprobs": 21}), "`top_logprobs` is more than 20"),
        (json!({"plimsoll": {"method": "perplexity"}}), "missing field `target`"),
    ] {
        let problem = read(&extra).unwrap_err().to_string();
        assert!(problem.contains(expected), "{extra}: {problem}");
    }
}

#[test]
fn nested_beyond_reason_is_refused() {
    let deep = format!("{{\"model\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(ChatRequest::read(deep.as_bytes()).is_err());
}

#[test]
fn a_point_is_asked_for_by_name_or_by_object() {
    let named = AskedPoint::Named { method: "perplexity".into(), target: "routing_ratio=0.3".into() };
    let by_name = read(&json!({"model": "plimsoll-perplexity-routing_ratio=0.3"})).unwrap();
    assert_eq!(*by_name.asked(), named);
    let object = json!({"model": "any", "plimsoll": {"method": "perplexity", "target": "routing_ratio=0.3"}});
    assert_eq!(*read(&object).unwrap().asked(), named);
}

#[test]
fn the_models_get_what_the_client_wrote() {
    let text = r#"{"model": "plimsoll", "messages": [ {"role":"user","content":"hi"} ], "max_tokens": 5,
        "stream": true, "stream_options": {"include_usage": true}, "x": 1.00000000000000000001, "logprobs": true, "top_logprobs": 2}"#;
    let request = ChatRequest::read(text.as_bytes()).unwrap();
    let none = RequestFields::default();
    let llm = String::from_utf8(request.llm_body("big", &none).unwrap()).unwrap();
    assert!(llm.contains(r#""model":"big""#) && llm.contains("1.00000000000000000001"), "{llm}");
    assert!(
        llm.contains(r#"[ {"role":"user","content":"hi"} ]"#) && llm.contains(r#""max_tokens":5"#),
        "{llm}"
    );
    let wanted = SlmFields {
        model: "small",
        decoding: request.decoding(decoding()),
        token_limit: TokenLimit::MaxCompletionTokens,
        top_logprobs: 0,
        stream: false,
        fields: &none,
    };
    let slm: Value = serde_json::from_slice(&request.slm_body(&wanted).unwrap()).unwrap();
    assert_eq!(slm["max_completion_tokens"], 5);
    assert_eq!((&slm["logprobs"], &slm["top_logprobs"]), (&json!(true), &json!(2)));
    assert_eq!((&slm["temperature"], &slm["model"]), (&json!(0.0), &json!("small")));
    for absent in ["stream", "max_tokens", "stream_options"] {
        assert!(slm.get(absent).is_none(), "{absent}");
    }
    assert!(request.wants_usage() && request.is_streamed() && request.logprobs() == Some(2));
}

#[test]
fn fields_of_the_calibration_go_before_the_client_s_at_the_slm_and_after_them_at_the_llm() {
    let extra =
        [("top_k", json!(0)), ("repeat_penalty", json!(1.0))].map(|(name, value)| (name.to_owned(), value));
    let variables = [("enable_thinking".to_owned(), json!(false))];
    let fields = RequestFields::new(variables.into(), extra.into()).unwrap();
    let request = read(&json!({"top_k": 40})).unwrap();
    let wanted = SlmFields {
        model: "small",
        decoding: request.decoding(decoding()),
        token_limit: TokenLimit::MaxTokens,
        top_logprobs: 0,
        stream: true,
        fields: &fields,
    };
    let slm: Value = serde_json::from_slice(&request.slm_body(&wanted).unwrap()).unwrap();
    let llm: Value = serde_json::from_slice(&request.llm_body("big", &fields).unwrap()).unwrap();
    assert_eq!((&slm["top_k"], &llm["top_k"]), (&json!(0), &json!(40)));
    for body in [slm, llm] {
        assert_eq!(body["repeat_penalty"], json!(1.0));
        assert_eq!(body["chat_template_kwargs"], json!({"enable_thinking": false}));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = ChatRequest::read(&bytes);
    }
}
