//! Synthetic questions and policies for unit tests.

use plimsoll_core::question::Question;
use serde_json::json;

use crate::policy::{Policy, SpanGrading};

/// A question for a short text.
pub(crate) fn span_question(text: &str, gold: &[&str]) -> Question {
    question(&json!({"answer_kind": "span", "question": text, "gold": gold}))
}

/// A question with defaults for what does not matter.
pub(crate) fn question(fields: &serde_json::Value) -> Question {
    let mut question = json!({
        "question_id": "made/test/0", "dataset": "made", "domain": "math", "split": "test", "context": null,
        "choices": [], "subject": null, "cluster_id": null, "source_file": "made.jsonl", "source_row": 0,
        "content_hash": "",
    });
    question.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(question).unwrap()
}

/// A policy that leaves everything without an answer ungraded.
pub(crate) fn policy_with(span: SpanGrading) -> Policy {
    let policy = json!({
        "refusal": "ungraded", "truncated": "ungraded", "empty": "ungraded", "ambiguous": "ungraded",
        "no_answer": "ungraded", "outside_choices": "wrong", "number_relative_tolerance": 0.0, "span": span,
    });
    serde_json::from_value(policy).unwrap()
}
