//! Error bodies as servers word them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn error(status: u16, body: &Value) -> ChatRequestError {
    ErrorBody::read(body).into_error("h".into(), status, None)
}

#[test]
fn error_bodies_of_every_fashion() {
    for (body, message) in [
        (json!({"error": {"message": "no\n way", "type": "t", "code": null}}), "no way"),
        (json!({"error": "no way"}), "no way"),
        (json!({"object": "error", "message": "no way", "code": 400}), "no way"),
        (json!({"detail": "no way"}), "no way"),
        (json!({"detail": [{"loc": ["body"]}]}), r#"[{"loc":["body"]}]"#),
        (json!({"detail": [{"loc": ["body", "seed"], "msg": "no way"}]}), "no way (seed)"),
        (json!({"detail": {"error": {"message": "no way"}}}), "no way"),
        (json!([{"error": {"code": 400, "message": "no way", "status": "INVALID_ARGUMENT"}}]), "no way"),
        (json!({"errors": [{"message": "no way"}]}), "no way"),
        (json!({"type": "error", "error": {"type": "invalid_request_error", "message": "no way"}}), "no way"),
        (json!({"title": "no", "detail": "no way", "status": 400}), "no way"),
        (json!({"error": {"metadata": {"raw": "{\"error\":{\"message\":\"no way\"}}"}}}), "no way"),
        (json!("no way"), "no way"),
        (json!({"error": {}}), ""),
        (json!({"error": {"code": null, "x": ""}}), ""),
        (json!(null), ""),
    ] {
        assert_eq!(ErrorBody::read(&body).message, message, "{body}");
    }
    assert!(short(&"x".repeat(10_000)).len() < 400);
    assert!(!ErrorBody::has_error(&json!({"choices": [], "error": null})));
    assert!(!ErrorBody::has_error(&json!({"choices": [], "message": "hello"})));
    assert!(!ErrorBody::has_error(&json!({})));
    for body in [
        json!({"error": {"message": "x"}, "choices": []}),
        json!({"object": "error", "message": "x"}),
        json!([{"error": {"message": "x"}}]),
        json!({"detail": "x"}),
        json!({"errors": ["x"]}),
    ] {
        assert!(ErrorBody::has_error(&body), "{body}");
    }
}

#[test]
fn a_huge_or_deep_body_is_looked_at_for_a_while() {
    let mut deep = json!("no way");
    for _ in 0..100 {
        deep = json!({"error": [deep]});
    }
    assert_eq!(ErrorBody::read(&deep).message, "no way");
    let wide: Vec<Value> = (0..100_000).map(|index| json!({"message": format!("m{index}")})).collect();
    assert_eq!(ErrorBody::read(&json!(wide)).message, "m0");
}

#[test]
fn statuses_mean_what_they_mean() {
    use ChatRequestError as E;
    let plain = json!({"error": {"message": "m"}});
    assert!(matches!(error(429, &plain), E::RateLimited { .. }));
    assert!(matches!(error(429, &json!({"error": {"code": "insufficient_quota"}})), E::QuotaSpent { .. }));
    assert!(matches!(error(401, &plain), E::Denied { .. }));
    assert!(matches!(error(403, &plain), E::Denied { .. }));
    assert!(matches!(error(404, &plain), E::NotFound { .. }));
    assert!(matches!(error(503, &plain), E::Server { status: 503, .. }));
    assert!(matches!(error(307, &plain), E::Redirected { .. }));
    assert!(matches!(error(400, &plain), E::Refused { reason: MissingSignal::RequestRefused, .. }));
    // An error in a body with status 200, with and without a status of its own.
    assert!(matches!(error(200, &plain), E::Server { status: 200, .. }));
    assert!(matches!(error(200, &json!({"error": {"code": 401}})), E::Denied { .. }));
    assert!(matches!(error(200, &json!({"error": {"code": "429"}})), E::RateLimited { .. }));
}

/// Codes and words of refusals of one row, as servers write them.
#[test]
fn a_prompt_that_is_too_long_is_known_by_codes_and_words() {
    let by_message =
        |message: &str| json!({"error": {"message": message, "type": "BadRequestError", "code": 400}});
    for (status, body) in [
        (400, json!({"error": {"code": "context_length_exceeded"}})),
        (400, json!({"error": {"type": "exceed_context_size_error", "code": 400, "n_ctx": 512}})),
        (
            400,
            json!({"object": "error", "type": "BadRequestError", "code": 400, "param": null, "message":
                "This model's maximum context length is 512 tokens. However, you requested 640 tokens. Please reduce the length."}),
        ),
        (
            422,
            json!({"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 1500"}),
        ),
        (
            422,
            json!({"error": "`inputs` tokens + `max_new_tokens` must be <= 2048. Given: 2000 `inputs` tokens"}),
        ),
        (500, by_message("the request exceeds the available context size, try increasing it")),
        (413, by_message("prompt is too long: 205000 tokens > 200000 maximum")),
        (
            400,
            by_message("The input token count (9000) exceeds the maximum number of tokens allowed (8192)."),
        ),
        (
            400,
            by_message(
                "The decoder prompt (length 640) is longer than the maximum model length; context window",
            ),
        ),
        (200, by_message("Requested token count exceeds the model's maximum context length of 512 tokens")),
        (400, json!([{"error": {"code": 400, "message": "Input too long", "status": "INVALID_ARGUMENT"}}])),
        (400, json!({"error": {"innererror": {"code": "ContextWindowExceeded"}}})),
    ] {
        let found = error(status, &body);
        assert!(
            matches!(found, ChatRequestError::Refused { reason: MissingSignal::ContextTooLong, .. }),
            "{body}: {found:?}"
        );
    }
}

#[test]
fn a_prompt_that_a_filter_holds_back_is_known_by_codes_and_words() {
    for (status, body) in [
        (
            400,
            json!({"error": {"code": "content_filter", "status": 400, "param": "prompt", "type": null, "message":
                "The response was filtered due to the prompt triggering the content management policy.",
                "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
        ),
        (400, json!({"error": {"code": 400, "innererror": {"code": "ResponsibleAIPolicyViolation"}}})),
        (400, json!({"error": {"code": "content_policy_violation"}})),
        (400, json!({"error": {"message": "Your request was rejected by our safety system."}})),
        (
            403,
            json!({"error": {"code": 403, "message": "The model requires moderation and your input was flagged",
            "metadata": {"reasons": ["violence"], "flagged_input": ".."}}}),
        ),
        (
            400,
            json!({"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}),
        ),
        (500, json!({"error": {"code": "content_filter"}})),
        (200, json!({"error": {"type": "PROHIBITED_CONTENT"}})),
        (400, json!({"detail": "blocked: violates our usage policies"})),
    ] {
        let found = error(status, &body);
        assert!(
            matches!(found, ChatRequestError::Refused { reason: MissingSignal::ContentFilter, .. }),
            "{body}: {found:?}"
        );
    }
}

#[test]
fn what_every_row_would_meet_is_no_reason_of_a_row() {
    let by_message = |message: &str| json!({"error": {"message": message}});
    for (status, message) in [
        (401, "the content policy needs a key"),
        (429, "Rate limit reached: tokens per min exceed the limit for this request"),
        (404, "no such model; its context length would be too large"),
        (500, "the content filter service is down"),
        (403, "You exceeded what the context window of this account allows"),
        (400, "unknown field `frobnicate`"),
    ] {
        let found = error(status, &by_message(message));
        let reason = matches!(
            found,
            ChatRequestError::Refused {
                reason: MissingSignal::ContextTooLong | MissingSignal::ContentFilter,
                ..
            }
        );
        assert!(!reason, "{message}: {found:?}");
    }
}

/// Any document, its fields called as those that are looked at.
fn any_body() -> impl Strategy<Value = Value> {
    let names =
        prop::sample::select(vec!["error", "message", "detail", "code", "status", "loc", "innererror", "x"]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Z_ 0-9{\\[\"\u{e9}\u{0}]{0,12}".prop_map(Value::from),
        Just(json!("top_logprobs")),
        Just(json!("{\"error\": {\"message\": \"[1, 2\"}}")),
    ];
    leaf.prop_recursive(6, 48, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..5).prop_map(|fields| json!(fields)),
        ]
    })
}

proptest! {
    #[test]
    fn any_body_is_an_error_with_a_message_of_one_line(status in 200u16..600, body in any_body()) {
        let _ = ErrorBody::has_error(&body);
        let message = error(status, &body).to_string();
        prop_assert!(!message.contains(['\n', '\u{0}']) && message.len() < 2000, "{}", message);
    }
}
