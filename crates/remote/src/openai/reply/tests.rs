//! Replies as servers give them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(reply: &Value) -> Result<Completion, &'static str> {
    Completion::read(reply, None, 64)
}

#[test]
fn a_full_reply() {
    let reply = json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m-2024", "system_fingerprint": "fp",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "4 \u{e9}"},
            "logprobs": {"content": [
                {"token": "4", "logprob": -0.5, "bytes": [52], "top_logprobs": [{"token": "4", "logprob": -0.5}, {"token": "5", "logprob": -1.5}]},
                {"token": " \\xc3", "logprob": -0.1, "bytes": [32, 195], "top_logprobs": []},
                {"token": "\\xa9", "logprob": 0, "bytes": [169]}]}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "details": {}},
        "novelty": true
    });
    let read = read(&reply).unwrap();
    let spans: Vec<_> = read.tokens.unwrap().iter().map(|token| (token.start, token.end)).collect();
    assert_eq!(spans, [(0, 1), (1, 3), (3, 4)]);
    assert_eq!(read.first, [("4".to_owned(), -0.5), ("5".to_owned(), -1.5)]);
    assert_eq!((read.prompt_tokens, read.generated_tokens), (Some(9), Some(3)));
    assert_eq!(read.model.as_deref(), Some("m-2024"));
}

#[test]
fn what_servers_leave_out_is_missing_and_not_invented() {
    let bare = read(&json!({"choices": [{"message": {"content": "a"}}]})).unwrap();
    assert_eq!((bare.text.as_deref(), bare.tokens, bare.model), (Some("a"), None, None));
    assert_eq!(bare.no_tokens.map(MissingSignal::name), Some("no_logprobs"));
    for (choice, no_text) in [
        (json!({"message": {"content": null}, "finish_reason": null}), Some("no_text")),
        (json!({"message": {}, "finish_reason": "content_filter"}), Some("content_filter")),
        (json!({"message": null, "finish_reason": "SAFETY"}), Some("content_filter")),
        (json!({"finish_reason": "stop"}), Some("no_text")),
        (json!({"text": "of the older form"}), None),
        (json!({"message": {"content": null, "refusal": "I cannot"}}), None),
        (json!({"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}), None),
        (json!({"message": {"content": ""}, "logprobs": null}), None),
        (json!({"message": {"content": ""}, "logprobs": {"content": null}}), None),
    ] {
        let read = read(&json!({"choices": [choice], "usage": null, "model": null})).unwrap();
        assert_eq!(read.no_text.map(MissingSignal::name), no_text, "{choice}");
        assert_eq!(read.text.is_none(), no_text.is_some());
    }
}

#[test]
fn what_is_no_completion_is_refused() {
    for reply in [
        json!(null),
        json!([]),
        json!({}),
        json!({"choices": []}),
        json!({"choices": {}}),
        json!({"choices": [7]}),
        json!({"choices": [{"message": 7}]}),
        json!({"choices": [{"message": {"content": 7}}]}),
        json!({"choices": [{"message": {"content": [{"image": 1}]}}]}),
        json!({"model": "x".repeat(2000), "choices": [{"message": {"content": "a"}}]}),
    ] {
        assert!(read(&reply).is_err(), "{reply}");
    }
}

#[test]
fn log_probs_that_are_none_and_the_older_form() {
    let with = |logprobs: Value| {
        read(&json!({"choices": [{"message": {"content": "ab"}, "logprobs": logprobs}]})).unwrap()
    };
    let token = |text: &str, logprob: Value| json!({"token": text, "logprob": logprob});
    for (content, reason) in [
        (json!([token("ab", json!(0.5))]), "invalid_logprobs"),
        (json!([token("ab", json!(null))]), "no_logprobs"),
        (json!([token("b", json!(-1))]), "tokens_do_not_join"),
        (json!([]), "no_logprobs"),
        (json!([7]), "no_logprobs"),
    ] {
        assert_eq!(with(json!({"content": content})).no_tokens.map(MissingSignal::name), Some(reason));
    }
    let older = with(
        json!({"tokens": ["a", "b"], "token_logprobs": [-1, -2], "top_logprobs": [{"a": -1, "c": -3}, {}]}),
    );
    assert_eq!(older.tokens.unwrap().len(), 2);
    assert_eq!(older.first, [("a".to_owned(), -1.0), ("c".to_owned(), -3.0)]);
}

#[test]
fn a_key_spread_over_tokens_is_not_kept() {
    let key = ApiKey::new("sk-secret-1").unwrap();
    let tokens: Vec<Value> = ["ok", "sk-", "secret", "-1"]
        .iter()
        .map(|text| json!({"token": text, "logprob": -1, "bytes": text.as_bytes()}))
        .collect();
    let reply = json!({"choices": [{"message": {"content": "ok"}, "logprobs": {"content": tokens}}]});
    let read = Completion::read(&reply, Some(&key), 64).unwrap();
    assert_eq!(read.no_tokens.map(MissingSignal::name), Some("tokens_do_not_join"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "choices",
        "message",
        "content",
        "logprobs",
        "token",
        "logprob",
        "bytes",
        "top_logprobs",
        "model",
        "usage",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,4}".prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 48, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..5).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_is_read_or_refused(reply in any_json(), choice in any_json()) {
        let _ = read(&reply);
        if let Ok(completion) = read(&json!({"choices": [choice]})) {
            prop_assert_eq!(completion.text.is_none(), completion.no_text.is_some());
            prop_assert_eq!(completion.tokens.is_none(), completion.no_tokens.is_some());
        }
    }
}

#[test]
fn what_a_token_does_not_need_costs_nothing() {
    let with = |content: Value| {
        read(&json!({"choices": [{"message": {"content": "42"}, "logprobs": {"content": content}}]})).unwrap()
    };
    let token = |text: &str, logprob: Value| json!({"token": text, "logprob": logprob});
    // A null on the stop token, on a space that the text has lost, and on what was reasoned.
    for content in [
        json!([token("42", json!(-0.25)), token("<eos>", json!(null))]),
        json!([token(" ", json!(null)), token("42", json!(-0.25))]),
        json!([
            token("hm", json!(null)),
            token("</think>", json!(null)),
            token("42", json!(-0.25)),
            token("", json!(null))
        ]),
    ] {
        let tokens = with(content.clone()).tokens.unwrap_or_else(|| panic!("{content}"));
        let known: Vec<_> =
            tokens.iter().filter(|token| token.is_answer()).map(|token| token.logprob).collect();
        assert_eq!(known, [Some(-0.25)], "{content}");
    }
    let within = with(json!([token("4", json!(-0.25)), token("2", json!(null))]));
    assert_eq!(within.no_tokens.map(MissingSignal::name), Some("no_logprobs"));
}

#[test]
fn bytes_are_believed_before_names() {
    let top = json!([{"token": "token_id:7", "logprob": -0.1, "bytes": b" True"},
        {"token": "\u{120}False", "logprob": -2.5, "bytes": null}, {"token": "x", "logprob": -5, "bytes": [255]}]);
    let token = json!({"token": "token_id:7", "logprob": -0.1, "bytes": b" True", "top_logprobs": top});
    let reply = json!({"choices": [{"message": {"content": "True"}, "logprobs": {"content": [token]}}]});
    let read = read(&reply).unwrap();
    let expected = [(" True", -0.1), ("\u{120}False", -2.5), ("x", -5.0)];
    assert_eq!(read.first, expected.map(|(text, logprob)| (text.to_owned(), logprob)));
    assert_eq!(read.tokens.unwrap()[0].text, " True");
}
